// The map: one canvas with the cells and rulers, drawn when a layer or the window changes, and one
// above it with the marks, drawn at every move.

"use strict";

const LABELS = 30;  // CSS pixels for the numbers beside the map
const STRIP = 7;  // and for each ruler

class MapView {
  constructor(box, content, layers, theme) {
    Object.assign(this, { box, content, layers, theme });
    this.base = box.querySelector(".base");
    this.marks = box.querySelector(".marks");
    this.image = document.createElement("canvas");
    this.window = { x: 0, y: 0, size: content.n };
    this.rulers = rulersOf(content);
  }

  get margin() { return LABELS + STRIP * this.rulers.length; }
  get side() { return this.box.clientWidth - this.margin - 1; }

  layer(name) { return this.layers.find((layer) => layer.name === name); }

  paint(above, below) {
    const n = this.content.n;
    this.image.width = this.image.height = n;
    const pen = this.image.getContext("2d"), data = pen.createImageData(n, n);
    const cells = new Uint32Array(data.data.buffer);
    const upper = this.painter(above), lower = this.painter(below);
    for (let i = 0; i < n; i += 1) {
      for (let j = i + 1; j < n; j += 1) {
        cells[i * n + j] = upper(i, j);
        cells[j * n + i] = lower(i, j);
      }
      cells[i * n + i] = upper(i, i);
    }
    pen.putImageData(data, 0, 0);
    this.draw();
  }

  painter(name) {
    const layer = this.layer(name);
    if (layer.kinds) {
      const { right, wrong, missed } = CONTACT_COLOURS;
      const words = [word(rgbOf("#888888"), 28), ...[right, wrong, missed].map((hex) => word(rgbOf(hex)))];
      return (i, j) => {
        const kind = i === j ? 0 : layer.get(i, j);
        return kind === kind ? words[kind] : 0;
      };
    }
    const table = tableOf(layer.stops), scale = 255 / (layer.high - layer.low);
    return (i, j) => {
      const value = layer.get(i, j);
      return value === value ? table[Math.min(255, Math.max(0, Math.round((value - layer.low) * scale)))] : 0;
    };
  }

  fit(canvas) {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((size) => Math.round(size * ratio));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    return pen;
  }

  draw() {
    const side = this.side;
    if (side <= 0) return;
    const pen = this.fit(this.base), { x, y, size } = this.window, at = this.margin;
    pen.fillStyle = "rgba(140, 140, 140, 0.35)";
    pen.fillRect(at, at, side, side);
    // More cells than pixels: the mean of those that share one, so that no contact is lost.
    pen.imageSmoothingEnabled = size > side * (window.devicePixelRatio || 1);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this.image, x, y, size, size, at, at, side, side);
    this.drawRulers(pen);
    this.drawNumbers(pen);
  }

  drawNumbers(pen) {
    const { x, y, size } = this.window, cell = this.side / size, n = this.content.n;
    const step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500].find((s) => size / s <= 7) || 1000;
    pen.fillStyle = this.theme().ink;
    pen.font = `11px ${this.theme().font}`;
    const places = [];
    for (let k = step === 1 ? 1 : 0; k <= n; k += step) places.push(k || 1);
    for (const place of places) {
      const across = this.margin + (place - 0.5 - x) * cell, down = this.margin + (place - 0.5 - y) * cell;
      if (across >= this.margin && across <= this.margin + this.side) {
        pen.textAlign = "center";
        pen.textBaseline = "bottom";
        pen.fillText(String(place), Math.min(across, this.box.clientWidth - 10), LABELS - 6);
        pen.fillRect(across - 0.5, LABELS - 5, 1, 4);
      }
      if (down >= this.margin && down <= this.margin + this.side) {
        pen.textAlign = "right";
        pen.textBaseline = "middle";
        pen.fillText(String(place), LABELS - 6, down);
        pen.fillRect(LABELS - 5, down - 0.5, 4, 1);
      }
    }
  }

  drawRulers(pen) {
    const { x, y, size } = this.window, cell = this.side / size;
    pen.save();
    pen.beginPath();
    pen.rect(LABELS, this.margin, this.margin, this.side);
    pen.rect(this.margin, LABELS, this.side, this.margin);
    pen.clip();
    this.rulers.forEach((ruler, place) => {
      const near = LABELS + place * STRIP;
      for (const { from, to, kind } of ruler.runs) {
        const [inset, thick] = ruler.shapes[kind];
        pen.fillStyle = ruler.colours[kind];
        pen.fillRect(this.margin + (from - x) * cell, near + inset, (to - from) * cell, thick);
        pen.fillRect(near + inset, this.margin + (from - y) * cell, thick, (to - from) * cell);
      }
    });
    pen.restore();
  }

  // The cell under a point of the page, rows down and columns across; null beside the map.
  cellAt(event) {
    const frame = this.box.getBoundingClientRect(), { x, y, size } = this.window;
    const across = event.clientX - frame.left - this.margin, down = event.clientY - frame.top - this.margin;
    if (across < 0 || down < 0 || across >= this.side || down >= this.side) return null;
    const j = Math.floor(x + across * size / this.side), i = Math.floor(y + down * size / this.side);
    return i < this.content.n && j < this.content.n ? { i, j } : null;
  }

  zoomAt(cell, factor) {
    const n = this.content.n, old = this.window;
    const size = Math.min(n, Math.max(Math.min(12, n), old.size * factor));
    const centre = cell || { j: old.x + old.size / 2, i: old.y + old.size / 2 };
    const keep = (start, at) => at - (at - start) * size / old.size;
    this.show(keep(old.x, centre.j), keep(old.y, centre.i), size);
  }

  place(x, y, size) {
    const most = this.content.n - size, within = (at) => Math.min(most, Math.max(0, at));
    this.window = { x: within(x), y: within(y), size };
  }

  show(x, y, size) {
    this.place(x, y, size);
    this.draw();
  }

  // What part of the map is shown, in cells; null of all of it.
  zoom() {
    const { x, y, size } = this.window, round = (value) => Number(value.toFixed(1));
    return size === this.content.n ? null : { x: round(x), y: round(y), size: round(size) };
  }

  // Of the address; drawn by whoever draws next.
  take(zoom) {
    const { x, y, size } = zoom || { x: 0, y: 0, size: this.content.n };
    this.place(x, y, Math.min(size, this.content.n));
  }

  showBox({ i0, i1, j0, j1 }) {
    const size = Math.min(this.content.n, Math.max(12, 1.3 * Math.max(i1 - i0, j1 - j0)));
    this.show((j0 + j1 + 1 - size) / 2, (i0 + i1 + 1 - size) / 2, size);
  }

  drawMarks({ cell, pins, box, residues }) {
    const pen = this.fit(this.marks), { x, y, size } = this.window, at = this.margin, unit = this.side / size;
    if (this.side <= 0) return;
    const across = (j) => at + (j - x) * unit, down = (i) => at + (i - y) * unit;
    const outline = (i, j, colour, wide, dash = []) => {
      const pad = Math.max(0, (7 - unit) / 2);
      pen.setLineDash(dash);
      for (const [style, width] of [["rgba(255,255,255,0.9)", wide + 2], [colour, wide]]) {
        pen.strokeStyle = style;
        pen.lineWidth = width;
        pen.strokeRect(across(j) - pad, down(i) - pad, unit + 2 * pad, unit + 2 * pad);
      }
      pen.setLineDash([]);
    };
    pen.save();
    pen.beginPath();
    pen.rect(at, at, this.side, this.side);
    pen.clip();
    const ink = "#111111";
    for (const k of residues) {
      pen.fillStyle = "rgba(127, 127, 127, 0.45)";
      pen.fillRect(across(k), at, Math.max(1, unit), this.side);
      pen.fillRect(at, down(k), this.side, Math.max(1, unit));
    }
    if (cell) {
      pen.strokeStyle = "rgba(127, 127, 127, 0.9)";
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(at, down(cell.i + 0.5)); pen.lineTo(at + this.side, down(cell.i + 0.5));
      pen.moveTo(across(cell.j + 0.5), at); pen.lineTo(across(cell.j + 0.5), at + this.side);
      pen.stroke();
      outline(cell.j, cell.i, ink, 1, [3, 3]);
      outline(cell.i, cell.j, ink, 2);
    }
    for (const pin of pins) {
      outline(pin.i, pin.j, "#d40000", 2);
      outline(pin.j, pin.i, "#d40000", 1, [3, 3]);
    }
    if (box) {
      pen.strokeStyle = this.theme().ink;
      pen.lineWidth = 1.5;
      pen.setLineDash([6, 4]);
      pen.strokeRect(across(box.j0), down(box.i0), (box.j1 - box.j0 + 1) * unit, (box.i1 - box.i0 + 1) * unit);
      pen.setLineDash([]);
    }
    pen.restore();
    if (box) {
      pen.save();
      pen.beginPath();
      pen.rect(at - 4, at - 4, this.side + 4, this.side + 4);
      pen.clip();
      pen.fillStyle = SEGMENTS[0];
      pen.fillRect(at - 4, down(box.i0), 4, (box.i1 - box.i0 + 1) * unit);
      pen.fillStyle = SEGMENTS[1];
      pen.fillRect(across(box.j0), at - 4, (box.j1 - box.j0 + 1) * unit, 4);
      pen.restore();
    }
  }
}

// Strips along both edges: what is helix and strand, where templates lie, what wasn't observed.
function rulersOf(content) {
  const bar = [1, STRIP - 2], thin = [2.5, 2], { structure, covered, observed } = content.header;
  const rulers = [];
  const add = (title, letters, shapes, colours, words) => {
    const runs = runsOf(letters, Object.keys(shapes));
    if (runs.length) rulers.push({ title, runs, shapes, colours, words });
  };
  if (structure) {
    add("secondary structure", structure, { a: bar, b: thin }, { a: "#c2417f", b: "#1f9e89" },
      { a: "helix", b: "strand" });
  }
  if (covered) add("template", covered, { 1: bar }, { 1: "#7b5cc9" }, { 1: "covered by a template" });
  if (observed) add("observed", observed, { 0: bar }, { 0: "#8c8c8c" }, { 0: "not observed" });
  return rulers;
}

function runsOf(letters, kinds) {
  const runs = [];
  for (let from = 0; from < letters.length;) {
    let to = from + 1;
    while (to < letters.length && letters[to] === letters[from]) to += 1;
    if (kinds.includes(letters[from])) runs.push({ from, to, kind: letters[from] });
    from = to;
  }
  return runs;
}
