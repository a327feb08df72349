// What the page sends: four bytes that tell the length of a JSON header, the header, and arrays
// behind it, each at the place that the header names.

"use strict";

const MISSING = 65535;
const NAMES = {
  A: "Ala", C: "Cys", D: "Asp", E: "Glu", F: "Phe", G: "Gly", H: "His", I: "Ile", K: "Lys", L: "Leu", M: "Met",
  N: "Asn", P: "Pro", Q: "Gln", R: "Arg", S: "Ser", T: "Thr", V: "Val", W: "Trp", Y: "Tyr",
};

class Content {
  constructor(bytes) {
    // A copy of its own: what arrives may begin at any byte, and typed arrays may not.
    const buffer = bytes.slice().buffer;
    const length = new DataView(buffer).getUint32(0, true);
    this.header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    this.n = this.header.sequence.length;
    this.maps = {};
    for (const [name, at] of Object.entries(this.header.maps)) {
      this.maps[name] = { unit: at.unit, values: new Uint16Array(buffer, at.offset, at.length) };
    }
    this.traces = {};
    for (const [name, at] of Object.entries(this.header.traces)) {
      this.traces[name] = new Float32Array(buffer, at.offset, at.length);
    }
  }

  get sequence() { return this.header.sequence; }

  // Å, or NaN where there is none; the order of the two residues doesn't matter.
  value(name, i, j) {
    const map = this.maps[name];
    if (!map) return NaN;
    if (i === j) return name === "probability" ? 1 : 0;
    const [a, b] = i < j ? [i, j] : [j, i];
    const word = map.values[a * (2 * this.n - a - 1) / 2 + b - a - 1];
    return word === MISSING ? NaN : word * map.unit;
  }

  error(i, j) { return this.value("predicted", i, j) - this.value("true", i, j); }

  residue(i) {
    const number = this.header.numbers[i];
    const own = number && number !== String(i + 1) ? ` (${number} in the file)` : "";
    return `${NAMES[this.sequence[i]] || "Unk"} ${i + 1}${own}`;
  }

  point(name, i) {
    const trace = this.traces[name];
    if (!trace) return null;
    const [x, y, z] = trace.subarray(3 * i, 3 * i + 3);
    return Number.isFinite(x) ? { x, y, z } : null;
  }

  // Distance of a residue's place in one trace from that in another, Å.
  off(name, other, i) {
    const a = this.point(name, i), b = this.point(other, i);
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z) : NaN;
  }

  // Mean of a map over the pairs of a residue.
  meanOf(name, i) {
    let sum = 0, count = 0;
    for (let j = 0; j < this.n; j += 1) {
      const value = j === i ? NaN : this.value(name, i, j);
      if (Number.isFinite(value)) { sum += value; count += 1; }
    }
    return count ? sum / count : NaN;
  }
}

// The layers that these maps allow, in the order of their digits.
function layersOf(content) {
  const has = (name) => name in content.maps;
  const lengths = ["predicted", "true", "template"].filter(has);
  const far = Math.max(8, Math.ceil(quantile(lengths.map((name) => content.maps[name]), 1)));
  const both = has("predicted") && has("true");
  const { words } = content.header;
  // Two predictions can differ by less than any error that is worth a colour.
  const off = both ? Math.max(words.significance ? 0.1 : 1, errorQuantile(content, 0.995)) : 1;
  const length = (name, label) => ({
    name, label, unit: "Å", stops: VIRIDIS, low: 0, high: far, get: (i, j) => content.value(name, i, j),
  });
  return [
    has("predicted") && length("predicted", content.header.words.predicted),
    has("true") && length("true", content.header.words.true),
    both && {
      name: "signed", label: words.error, unit: "Å", stops: RED_BLUE, low: -off, high: off, sign: true,
      get: (i, j) => content.error(i, j),
    },
    both && {
      name: "absolute", label: `|${words.error}|`, unit: "Å", stops: INFERNO_PALE, low: 0, high: off,
      get: (i, j) => Math.abs(content.error(i, j)),
    },
    both && has("std") && words.significance && {
      name: "significance", label: words.significance, unit: "σ", stops: INFERNO_PALE, low: 0, high: 3,
      get: (i, j) => (i === j ? 0 : Math.abs(content.error(i, j)) / content.value("std", i, j)),
    },
    has("std") && {
      name: "std", label: "σ", unit: "Å", stops: [...PLASMA].reverse(), low: 0,
      high: Math.max(1, Math.ceil(quantile([content.maps.std], 0.998))), get: (i, j) => content.value("std", i, j),
    },
    (has("predicted") || has("probability") || has("rank") || has("true")) && contactLayer(content),
    has("template") && length("template", "template"),
    has("probability") && {
      name: "probability", label: "p(contact)", unit: "", stops: [...VIRIDIS].reverse(), low: 0, high: 1,
      get: (i, j) => content.value("probability", i, j),
    },
    has("rank") && {
      name: "rank", label: "rank", unit: "", stops: VIRIDIS, low: 1, high: 5 * content.n,
      get: (i, j) => (i === j ? NaN : content.value("rank", i, j)),
    },
  ].filter(Boolean);
}

function contactLayer(content) {
  const cutoff = content.header.cutoff;
  const likely = "probability" in content.maps
    ? (i, j) => content.value("probability", i, j) >= 0.5
    : "rank" in content.maps ? (i, j) => content.value("rank", i, j) <= content.n
      : (i, j) => content.value("predicted", i, j) < cutoff;
  const claims = ["probability", "rank", "predicted"].some((name) => name in content.maps);
  return {
    name: "contacts", label: "contacts", kinds: true, claims, judged: claims && "true" in content.maps,
    // 1 right, 2 wrong, 3 missed, 0 neither, NaN not observed.
    get(i, j) {
      const distance = content.value("true", i, j), seen = Number.isFinite(distance);
      if (!claims) return seen ? Number(distance < cutoff) : NaN;
      if (!this.judged) return Number(likely(i, j));
      if (!seen) return NaN;
      const near = distance < cutoff;
      return likely(i, j) ? (near ? 1 : 2) : (near ? 3 : 0);
    },
  };
}

const CONTACT_WORDS = ["no contact", "right", "false", "missed"];

function quantile(maps, share) {
  const found = [];
  for (const map of maps) {
    const step = Math.max(1, Math.floor(map.values.length / 50000));
    for (let k = 0; k < map.values.length; k += share === 1 ? 1 : step) {
      if (map.values[k] !== MISSING) found.push(map.values[k] * map.unit);
    }
  }
  if (!found.length) return 1;
  if (share === 1) return found.reduce((most, value) => Math.max(most, value), 0);
  found.sort((a, b) => a - b);
  return found[Math.floor(share * (found.length - 1))];
}

function errorQuantile(content, share) {
  const found = [], step = Math.max(1, Math.floor(content.n ** 2 / 1e5));
  let count = 0;
  for (let i = 0; i < content.n; i += 1) {
    for (let j = i + 1; j < content.n; j += 1) {
      count += 1;
      if (count % step) continue;
      const error = Math.abs(content.error(i, j));
      if (Number.isFinite(error)) found.push(error);
    }
  }
  found.sort((a, b) => a - b);
  return found.length ? found[Math.floor(share * (found.length - 1))] : 1;
}
