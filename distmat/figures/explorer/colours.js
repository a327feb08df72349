// Colours that a colour-blind person can tell apart, too: viridis for lengths, plasma reversed for
// deviations, blue–white–red for signed errors, and three of Okabe and Ito's for contacts.

"use strict";

const VIRIDIS = ["440154", "482878", "3e4a89", "31688e", "26828e", "1f9e89", "35b779", "6ece58", "b5de2b", "fde725"];
const PLASMA = ["0d0887", "46039f", "7201a8", "9c179e", "bd3786", "d8576b", "ed7953", "fb9f3a", "fdca26", "f0f921"];
const RED_BLUE = ["053061", "2166ac", "4393c3", "92c5de", "d1e5f0", "f7f7f7", "fddbc7", "f4a582", "d6604d", "b2182b", "67001f"];
const INFERNO_PALE = ["fcfdbf", "feca8d", "fd9668", "f1605d", "cd4071", "9e2f7f", "721f81", "440f76", "180f3d"];
const CHAIN = ["3b4cc0", "3e7fd0", "2ba6c6", "3dbf95", "8fc955", "d8c23b", "f19335", "d9502d", "a01a3d"];

const CONTACT_COLOURS = { right: "#0072b2", wrong: "#e69f00", missed: "#cc79a7", other: "#8888881f" };
const SEGMENTS = ["#009e73", "#cc79a7"];
// AlphaFold DB's bands of pLDDT: from where on, in which colour, and what they are called there.
const PLDDT = [
  [90, "#0053d6", "very high (> 90)"], [70, "#65cbf3", "high"], [50, "#ffdb13", "low"], [-1, "#ff7d45", "very low (< 50)"],
];
const UNKNOWN = "#9a9a9a";

function rgbOf(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.replace(/^#?/, "#").slice(at, at + 2), 16));
}

// 256 colours from a few stops, as the words that image data have in memory (little endian).
function tableOf(stops) {
  const ends = stops.map(rgbOf), table = new Uint32Array(256);
  for (let k = 0; k < 256; k += 1) table[k] = word(between(ends, k / 255));
  return table;
}

function between(ends, share) {
  const at = Math.min(1, Math.max(0, share)) * (ends.length - 1);
  const low = Math.min(Math.floor(at), ends.length - 2);
  return ends[low].map((c, k) => Math.round(c + (at - low) * (ends[low + 1][k] - c)));
}

function word([r, g, b], alpha = 255) {
  return ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

function cssOf(stops, share) {
  return `rgb(${between(stops.map(rgbOf), share).join(", ")})`;
}

function gradient(stops) {
  return `linear-gradient(90deg, ${stops.map((hex) => `#${hex}`).join(", ")})`;
}
