// How Streamlit mounts the explorer: what a person marks and chooses goes to the page a moment later.

const MOMENT = 700;  // ms
const LOOKS = ["zoom", "camera"];

export default function mount({ parentElement, data, setStateValue }) {
  let waiting = 0;
  show(parentElement, data, (view) => {
    clearTimeout(waiting);
    const page = location.pathname;
    waiting = setTimeout(() => {
      const { explorer } = parentElement, { state } = JSON.parse(view), before = explorer.addressed;
      explorer.addressed = JSON.stringify(state);
      // An explorer that the address follows was told its view at least once.
      if (explorer.content.header.turn && page === location.pathname) look(JSON.parse(before || "{}"), state);
      setStateValue("view", view);
    }, MOMENT);
  });
  return () => {};
}

// Where one looks is no step for the browser's Back: the address tells it in place, and what the
// page then writes there is the same.
function look(before, now) {
  const rest = (state) => JSON.stringify(Object.entries(state).filter(([name]) => !LOOKS.includes(name)).sort());
  if (rest(before) !== rest(now)) return;
  const own = Object.keys(now).length ? `view=${encodeURIComponent(JSON.stringify(now))}` : null;
  const parts = location.search.slice(1).split("&").filter(Boolean);
  const at = parts.findIndex((part) => part.startsWith("view="));
  if (own && at < 0) parts.push(own);
  else if (at >= 0) parts.splice(at, 1, ...(own ? [own] : []));
  history.replaceState(history.state, "", location.pathname + (parts.length ? `?${parts.join("&")}` : ""));
}
