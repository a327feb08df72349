// How Streamlit mounts the explorer: what a person marks and chooses goes to the page a moment later.

const MOMENT = 700;  // ms

export default function mount({ parentElement, data, setStateValue }) {
  let waiting = 0;
  show(parentElement, data, (view) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      setStateValue("view", view);
      parentElement.explorer.addressed = JSON.stringify(JSON.parse(view).state);
    }, MOMENT);
  });
  return () => {};
}
