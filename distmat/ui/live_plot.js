// A plot that is given new points where it stands. Streamlit's own puts a new node in the place of
// one whose data have changed: a zoom is lost, and a drag that has begun ends in the middle.

let library;

function load(address) {
  library ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = new URL(address, document.baseURI);
    script.onload = () => done(globalThis.Plotly);
    script.onerror = () => failed(new Error("plotly can't be loaded"));
    document.head.append(script);
  });
  return library;
}

export default async function ({ data, parentElement }) {
  const place = parentElement.querySelector(".plot");
  place.setAttribute("aria-label", data.alt);
  const Plotly = await load(data.script);
  const style = getComputedStyle(parentElement);
  const colour = style.getPropertyValue("--st-text-color").trim() || style.color;
  const line = style.getPropertyValue("--st-border-color").trim() || "#8884";
  const { data: traces, layout } = JSON.parse(data.figure);
  const font = { ...layout.font, color: colour, family: style.fontFamily };
  for (const axis of ["xaxis", "yaxis"]) {
    const usual = { automargin: true, gridcolor: line, linecolor: line, zeroline: false };
    layout[axis] = { ...usual, ...layout[axis] };
  }
  layout.modebar = { bgcolor: "transparent", color: line, activecolor: colour };
  layout.hoverlabel = { bgcolor: style.getPropertyValue("--st-background-color").trim() || "#888" };
  const config = { displaylogo: false, responsive: true };
  await Plotly.react(place, traces, { ...layout, font, uirevision: data.key }, config);
}
