// How Streamlit mounts the explorer.

export default function mount({ parentElement, data }) {
  show(parentElement, data);
  return () => {};
}
