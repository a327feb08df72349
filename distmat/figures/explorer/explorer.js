// The explorer: one state for map and structure, and everything a person can do to it.

"use strict";

const MOST_PINS = 20;
const ERROR_STOPS = ["2166ac", "92c5de", "fddbc7", "d6604d", "800026"];
const LINKED = [  // in the page's address
  "above", "below", "pins", "box", "stage", "mirror", "truth", "colour", "zoom", "camera",
];
const LARGEST_ERROR = 10;  // Å from which an error has the last colour

class Explorer {
  constructor(root, content, tell) {
    Object.assign(this, { root, content, tell, at: root.querySelector(".explorer") });
    this.layers = layersOf(content);
    this.stages = content.header.stages;
    this.state = this.restored();
    this.map = new MapView(this.find(".square"), content, this.layers, () => this.theme);
    this.map.take(this.state.zoom);
    const painted = (name) => { this.at.dataset.painter = name; };
    this.space = new SpaceView(this.at, this, () => this.mark(), painted, this.state.camera);
    this.hover = { cell: null, residues: [] };
    this.build();
    this.listen();
    this.readTheme();
    this.update();
    this.space.adopt(content.header.viewer);
  }

  find(selector) { return this.at.querySelector(selector); }
  get sequence() { return this.content.sequence; }
  get stage() { return this.stages[this.state.stage]; }
  has(name) { return this.layers.some((layer) => layer.name === name); }

  // ------------------------------------------------------------ what is kept

  get kept() { return `distmat-explorer-${this.content.header.key}`; }

  restored() {
    const last = this.stages.length - 1, names = this.layers.map((layer) => layer.name);
    const first = { above: names[0], below: names.includes("true") ? "true" : names[0] };
    const fresh = {
      ...first, pins: [], box: null, picked: null, cursor: null, stage: last, mirror: false, truth: "solid",
      colour: "trace", zoom: null, camera: null,
    };
    this.fresh = fresh;
    try {
      const own = JSON.parse(sessionStorage.getItem(this.kept) || "{}");
      this.addressed = JSON.stringify(this.content.header.state || {});
      // The page's address counts more than what this window remembers, unless it lags behind that.
      const old = own.before === this.addressed
        ? { ...fresh, ...this.linked(), ...own } : { ...fresh, ...own, ...this.linked() };
      const n = this.content.n, inside = ({ i, j }) => [i, j].every((k) => Number.isInteger(k) && k >= 0 && k < n);
      for (const side of ["above", "below"]) if (!names.includes(old[side])) old[side] = first[side];
      old.pins = old.pins.filter(inside);
      old.stage = Math.min(Math.max(0, Number(old.stage) || 0), Math.max(0, last));
      return old;
    } catch {
      return fresh;
    }
  }

  // Everything that the address names; what it doesn't is as at first.
  linked() {
    const { state } = this.content.header;
    return state ? { ...Object.fromEntries(LINKED.map((name) => [name, this.fresh[name]])), ...state } : {};
  }

  keep() {
    Object.assign(this.state, { zoom: this.map.zoom(), camera: this.space.painter.camera() });
    try {
      sessionStorage.setItem(this.kept, JSON.stringify({ ...this.state, cursor: null, before: this.addressed }));
    } catch { /* A full or forbidden storage costs nothing but the memory of this view. */ }
    const differs = (name) => JSON.stringify(this.state[name]) !== JSON.stringify(this.fresh[name]);
    const told = Object.fromEntries(LINKED.filter(differs).map((name) => [name, this.state[name]]));
    const text = JSON.stringify({ key: this.content.header.key, state: told });
    if (text !== this.told) this.tell(text);
    this.told = text;
  }

  // Another address of the same scene, as after the browser's Back.
  follow(content) {
    this.content.header.state = content.header.state;
    this.content.header.turn = content.header.turn;
    this.addressed = JSON.stringify(content.header.state || {});
    this.state = { ...this.state, ...this.linked(), picked: null };
    this.map.take(this.state.zoom);
    this.space.painter.take(this.state.camera, false);
    this.update();
    this.keep();
  }

  // ------------------------------------------------------------ the scene that painters draw

  // What a camera that nobody has moved has in its middle, and how far that reaches, Å; the same
  // whatever is shown of it.
  get extent() {
    if (this.measured) return this.measured;
    const { content, stages } = this, names = stages.length ? [stages.at(-1).own.trace, "truth"] : ["truth"];
    const all = names.flatMap((name) => Array.from({ length: content.n }, (_, i) => content.point(name, i))).filter(Boolean);
    const middle = ["x", "y", "z"].map((k) => all.reduce((sum, p) => sum + p[k], 0) / Math.max(1, all.length));
    const reach = all.reduce((most, p) =>
      Math.max(most, Math.hypot(p.x - middle[0], p.y - middle[1], p.z - middle[2])), 4);
    this.measured = { middle, reach };
    return this.measured;
  }

  traces() {
    if (this.cached) return this.cached;
    const { content, state } = this, { colours } = content.header, shown = [];
    const own = this.stage && this.stage[state.mirror ? "mirror" : "own"];
    const pointsOf = (name) => Array.from({ length: content.n }, (_, i) => content.point(name, i));
    const known = "truth" in content.traces;
    if (own) {
      const points = pointsOf(own.trace);
      shown.push({
        name: "predicted", from: own.trace, points, whole: whole(points), faded: false,
        colour: this.colourOf(own.trace, colours.predicted), mark: colours.predicted,
      });
    }
    if (known && state.truth !== "hidden") {
      const points = pointsOf("truth");
      const plain = own && state.colour !== "trace" ? UNKNOWN : colours.truth;
      const alone = !own || state.colour === "plddt";
      shown.push({
        name: "truth", from: "truth", points, whole: whole(points), faded: state.truth === "faded",
        colour: alone ? this.colourOf("truth", colours.truth) : this.segmentOr(() => plain), mark: colours.truth,
      });
    }
    this.cached = shown;
    return shown;
  }

  colourOf(trace, plain) {
    const n = this.content.n, { plddt } = this.content.header;
    const scaled = (value, most, stops) => (Number.isFinite(value) ? cssOf(stops, value / most) : UNKNOWN);
    const by = {
      trace: () => plain,
      chain: (k) => cssOf(CHAIN, n > 1 ? k / (n - 1) : 0),
      plddt: (k) => (trace !== "truth" || plddt[k] === null ? UNKNOWN : PLDDT.find(([from]) => plddt[k] > from)[1]),
      error: (k) => scaled(this.content.off(trace, "truth", k), LARGEST_ERROR, ERROR_STOPS),
      std: (k) => scaled(this.deviations[k], Math.max(...this.deviations.filter(Number.isFinite)), [...PLASMA].reverse()),
    }[this.state.colour];
    return this.segmentOr(by);
  }

  // Mean deviation of each residue, once it is asked for.
  get deviations() {
    this.means ??= Array.from({ length: this.content.n }, (_, k) => this.content.meanOf("std", k));
    return this.means;
  }

  segmentOr(colour) {
    const { box } = this.state;
    if (!box) return colour;
    return (k) => (k >= box.i0 && k <= box.i1 ? SEGMENTS[0] : k >= box.j0 && k <= box.j1 ? SEGMENTS[1] : colour(k));
  }

  // ------------------------------------------------------------ controls

  build() {
    const { content } = this, known = "truth" in content.traces;
    this.layers.forEach((layer, k) => {
      const button = document.createElement("button"), digit = document.createElement("kbd");
      digit.textContent = k + 1;
      button.type = "button";
      button.setAttribute("role", "radio");
      button.dataset.layer = layer.name;
      button.append(digit, layer.label);
      this.find(".layers").append(button);
      this.find(".below select").add(new Option(layer.label, layer.name));
    });
    this.find(".square").setAttribute("aria-label", `Distance map of ${content.n} residues. Arrow keys move the cell, `
      + "Enter marks it, Escape clears, digits choose the layer.");
    this.find(".stages input").max = Math.max(0, this.stages.length - 1);
    this.stages.forEach((stage, k) => {
      const name = document.createElement("span");
      name.textContent = stage.label;
      name.addEventListener("click", () => this.change({ stage: k }));
      this.find(".names").append(name);
    });
    this.find(".stages").hidden = this.stages.length < 2;
    this.find(".mirrored").hidden = !this.stages.some((stage) => stage.mirror);
    this.find(".truth").hidden = !known || !this.stages.length;
    this.find(".swap").hidden = this.find(".below").hidden = this.layers.length < 2;
    const ways = [["trace", known && this.stages.length ? "predicted and true" : "plain"], ["chain", "N → C"]];
    if (known && this.stages.length) ways.push(["error", "error"]);
    if ("std" in content.maps) ways.push(["std", "σ"]);
    if (known && content.header.plddt) ways.push(["plddt", "pLDDT of the model"]);
    for (const [name, label] of ways) this.find(".colour").add(new Option(label, name));
    if (!ways.some(([name]) => name === this.state.colour)) this.state.colour = "trace";
    this.find(".space").hidden = !known && !this.stages.length;
    for (const ruler of this.map.rulers) {
      for (const [kind, text] of Object.entries(ruler.words)) {
        this.find(".rulers").append(entry(ruler.colours[kind], text));
      }
    }
  }

  listen() {
    const on = (selector, kind, act) => this.find(selector).addEventListener(kind, act);
    on(".layers", "click", (event) => {
      const button = event.target.closest("button");
      if (button) this.choose(button.dataset.layer, event.shiftKey);
    });
    on(".below select", "change", (event) => this.change({ below: event.target.value }));
    on(".swap", "click", () => this.swap());
    on(".clear", "click", () => this.clear());
    on(".full", "click", () => this.fill());
    on(".stages input", "input", (event) => this.change({ stage: Number(event.target.value) }));
    on(".colour", "change", (event) => this.change({ colour: event.target.value }));
    on(".truth select", "change", (event) => this.change({ truth: event.target.value }));
    on(".mirrored input", "change", (event) => this.change({ mirror: event.target.checked }));
    on(".reset", "click", () => { this.space.painter.reset(); this.keep(); });
    on(".save", "click", () => this.save());
    on(".in", "click", () => this.zoomIn());
    on(".out", "click", () => this.zoom(null, 1.6));
    on(".all", "click", () => this.zoom(null, Infinity));
    this.listenToMap();
    this.listenToScene();
    this.watcher = new ResizeObserver(() => { this.map.draw(); this.space.draw(); this.mark(); });
    this.watcher.observe(this.find(".square"));
    this.watcher.observe(this.find(".scene"));
    this.themes = new MutationObserver(() => { this.readTheme(); this.map.draw(); this.mark(); });
    const host = this.root.host || this.at;
    for (let node = host, up = 0; node && up < 4; node = node.parentElement, up += 1) {
      this.themes.observe(node, { attributes: true, attributeFilter: ["style", "class", "data-theme"] });
    }
  }

  listenToMap() {
    const square = this.find(".square");
    let start = null;
    square.addEventListener("pointerdown", (event) => {
      const cell = event.button === 0 && !event.target.closest("button") && this.map.cellAt(event);
      if (!cell) return;
      start = { cell, x: event.clientX, y: event.clientY, window: { ...this.map.window }, pan: event.altKey };
      square.setPointerCapture(event.pointerId);
    });
    square.addEventListener("pointermove", (event) => {
      const cell = this.map.cellAt(event);
      if (start && Math.hypot(event.clientX - start.x, event.clientY - start.y) > 4) {
        if (start.pan) this.pan(start, event);
        else if (cell) start.box = boxOf(start.cell, cell);
      }
      this.pointAt(cell, start && start.box);
    });
    square.addEventListener("pointerup", (event) => {
      if (start && start.box) this.change({ box: start.box });
      else if (start && start.pan) this.keep();
      else if (start) this.pin(start.cell, event.shiftKey);
      start = null;
    });
    square.addEventListener("pointercancel", () => { start = null; });
    square.addEventListener("pointerleave", () => { if (!start) this.pointAt(null); });
    square.addEventListener("wheel", (event) => {
      // Without a key a wheel scrolls the page, as it does everywhere else.
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(this.map.cellAt(event), Math.exp(event.deltaY / 300));
    }, { passive: false });
    square.addEventListener("keydown", (event) => this.press(event));
  }

  listenToScene() {
    const scene = this.find(".scene");
    let start = null;
    const overButton = (event) => event.target.closest("button");
    scene.addEventListener("pointerdown", (event) => {
      start = overButton(event) ? null : [event.clientX, event.clientY];
    }, true);
    scene.addEventListener("pointermove", (event) => {
      if (event.buttons || overButton(event)) return;
      this.hover = { cell: null, residues: [this.space.residueAt(event)?.residue].filter(Number.isInteger) };
      this.later();
    }, true);
    scene.addEventListener("pointerleave", () => { this.hover.residues = []; this.later(); });
    scene.addEventListener("pointerup", (event) => {
      const moved = !start || Math.hypot(event.clientX - start[0], event.clientY - start[1]) > 4;
      start = null;
      if (moved) this.keep();
      else this.pick(this.space.residueAt(event));
    }, true);
    scene.addEventListener("wheel", () => setTimeout(() => this.keep()));
  }

  press(event) {
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const act = {
      Enter: () => this.pin(this.state.cursor || this.hover.cell, event.shiftKey),
      Escape: () => this.clear(),
      x: () => this.swap(),
      f: () => this.fill(),
      z: () => this.zoomIn(),
      a: () => this.zoom(null, Infinity),
      "+": () => this.zoomIn(),
      "-": () => this.zoom(this.state.cursor, 1.6),
    }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("button")) return;
    if (digit && this.layers[digit[1] - 1]) this.choose(this.layers[digit[1] - 1].name, event.shiftKey);
    else if (move) this.step(move, event.shiftKey ? 10 : 1);
    else if (act) act();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // ------------------------------------------------------------ actions

  choose(layer, below) {
    // The triangle that follows the other one goes on doing so.
    const both = !below && this.state.above === this.state.below;
    this.change(below ? { below: layer } : { above: layer, ...(both ? { below: layer } : {}) });
  }

  swap() { this.change({ above: this.state.below, below: this.state.above }); }

  clear() { this.change({ pins: [], box: null, picked: null, cursor: null }); }

  fill() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.at.requestFullscreen?.();
  }

  pin(cell, add) {
    if (!cell) return;
    const same = (pin) => pin.i === cell.i && pin.j === cell.j;
    const { pins } = this.state;
    const others = add ? pins.filter((pin) => !same(pin)) : [];
    this.change({ pins: pins.some(same) ? others : [...others, { i: cell.i, j: cell.j }].slice(-MOST_PINS) });
    this.speak(cell);
  }

  pick(found) {
    const residue = found ? found.residue : null, { picked } = this.state;
    if (residue === null || residue === picked) this.change({ picked: null });
    else if (picked === null) this.change({ picked: residue });
    else { this.state.picked = null; this.pin({ i: Math.min(picked, residue), j: Math.max(picked, residue) }); }
  }

  step([down, across], by) {
    const from = this.state.cursor || this.hover.cell || this.state.pins.at(-1) || { i: 0, j: 0 };
    const within = (k) => Math.min(this.content.n - 1, Math.max(0, k));
    this.state.cursor = { i: within(from.i + by * down), j: within(from.j + by * across) };
    this.hover = { cell: null, residues: [] };
    const { i, j } = this.state.cursor, { x, y, size } = this.map.window;
    const keep = (start, k) => Math.min(k, Math.max(start, k + 1 - size));
    if (keep(x, j) !== x || keep(y, i) !== y) this.map.show(keep(x, j), keep(y, i), size);
    this.mark();
    if (this.map.zoom()) this.keep();
    this.speak(this.state.cursor);
  }

  pointAt(cell, box = null) {
    this.dragged = box;
    if (cell) this.state.cursor = null;
    this.hover = { cell, residues: [] };
    this.later();
  }

  pan(start, event) {
    const per = start.window.size / this.map.side;
    this.map.show(start.window.x - (event.clientX - start.x) * per, start.window.y - (event.clientY - start.y) * per,
      start.window.size);
  }

  zoom(cell, factor) {
    this.map.zoomAt(cell, Math.min(factor, this.content.n));
    this.mark();
    this.keep();
  }

  zoomIn() {
    const { box, cursor } = this.state;
    if (box && this.map.window.size === this.content.n) this.map.showBox(box);
    else this.map.zoomAt(cursor || this.state.pins.at(-1), 1 / 1.6);
    this.mark();
    this.keep();
  }

  save() {
    const { base } = this.map, structure = this.space.painter.picture();
    const both = document.createElement("canvas"), high = base.height;
    const wide = Math.round(structure.width * high / Math.max(1, structure.height));
    both.width = base.width + (this.find(".space").hidden ? 0 : wide);
    both.height = high;
    const pen = both.getContext("2d");
    pen.fillStyle = this.theme.ground;
    pen.fillRect(0, 0, both.width, both.height);
    pen.drawImage(base, 0, 0);
    pen.drawImage(this.map.marks, 0, 0);
    if (!this.find(".space").hidden) {
      pen.drawImage(structure, base.width, 0, wide, high);
      pen.drawImage(this.space.links, base.width, 0, wide, high);
    }
    const link = document.createElement("a");
    link.href = both.toDataURL("image/png");
    link.download = `${this.content.header.file}-explorer.png`;
    link.click();
  }

  // ------------------------------------------------------------ showing it

  change(what) {
    const before = this.state;
    this.state = { ...before, ...what };
    const differs = (...names) => names.some((name) => before[name] !== this.state[name]);
    this.update(differs("above", "below"), differs("stage", "mirror", "truth", "colour", "box"));
    this.keep();
  }

  update(map = true, space = true) {
    const { state } = this;
    if (map) {
      this.map.paint(state.above, state.below);
      for (const button of this.find(".layers").children) {
        button.setAttribute("aria-checked", button.dataset.layer === state.above);
      }
      this.find(".below select").value = state.below;
      this.showScales();
    }
    if (space) {
      this.cached = null;
      this.find(".stages input").value = state.stage;
      this.find(".colour").value = state.colour;
      this.find(".truth select").value = state.truth;
      this.find(".mirrored input").checked = state.mirror;
      [...this.find(".names").children].forEach((name, k) => name.classList.toggle("now", k === state.stage));
      const own = this.stage && this.stage[state.mirror ? "mirror" : "own"];
      this.find(".caption").textContent = own ? own.caption : this.content.header.words.structure;
      this.showLegend();
      this.space.draw();
    }
    this.mark();
  }

  later() {
    this.frame ??= requestAnimationFrame(() => { this.frame = null; this.mark(); });
  }

  mark() {
    const { pins, picked, cursor, box } = this.state, cell = this.hover.cell || cursor;
    const residues = [...this.hover.residues, ...(picked === null ? [] : [picked])];
    this.map.drawMarks({ cell, pins, box: this.dragged || box, residues });
    this.space.drawLinks({ pairs: cell ? [...pins, cell] : pins, residues, theme: this.theme });
    this.read(cell || pins.at(-1), residues);
    this.drawn = (this.drawn || 0) + 1;
  }

  readTheme() {
    const style = getComputedStyle(this.at);
    this.theme = { ink: style.color, ground: style.backgroundColor, font: style.fontFamily };
  }

  showScales() {
    const box = this.find(".scales"), { above, below } = this.state;
    const shown = [...new Set([above, below])].map((name) => this.map.layer(name));
    // Two layers of lengths share their colours.
    const same = shown.length === 2 && shown[0].stops && shown[0].stops === shown[1].stops;
    box.replaceChildren();
    for (const layer of same ? shown.slice(0, 1) : shown) {
      if (layer.kinds) {
        const kinds = layer.judged ? ["right", "wrong", "missed"] : ["right"];
        for (const kind of kinds) {
          const words = layer.judged ? { right: "right contact", wrong: "false", missed: "missed" } : { right: "contact" };
          box.append(entry(CONTACT_COLOURS[kind], words[kind], "box"));
        }
        continue;
      }
      const scale = document.createElement("span"), bar = document.createElement("i");
      bar.style.background = gradient(layer.stops);
      const end = (value) => `${layer.sign && value > 0 ? "+" : ""}${Number(value.toFixed(1))}`.replace("-", "−");
      const names = same ? shown.map((each) => each.label).join(", ") : layer.label;
      scale.append(`${names} ${end(layer.low)}`, bar, `${end(layer.high)} ${layer.unit}`);
      box.append(scale);
    }
    const grey = entry("rgba(140, 140, 140, 0.5)", "no value", "box");
    if (this.content.header.gaps) box.append(grey);
  }

  showLegend() {
    const box = this.find(".legend"), { colours, words } = this.content.header, { colour, truth } = this.state;
    const known = "truth" in this.content.traces;
    const scale = (text, stops, end) => {
      const item = document.createElement("span"), bar = document.createElement("i");
      bar.className = "scale";
      bar.style.background = gradient(stops);
      item.append(text, bar, end);
      return item;
    };
    const own = this.stages.length ? [colours.predicted, words.predicted] : [colours.truth, words.observed];
    const parts = {
      trace: () => entry(...own),
      chain: () => scale("N", CHAIN, "C"),
      error: () => scale("0", ERROR_STOPS, `${LARGEST_ERROR} Å off`),
      std: () => scale("sure", [...PLASMA].reverse(), "unsure"),
    };
    if (colour === "plddt") {
      box.replaceChildren("pLDDT", ...PLDDT.map(([, hex, words]) => entry(hex, words)));
      if (this.stages.length) box.append(entry(UNKNOWN, words.predicted));
      return;
    }
    box.replaceChildren(parts[colour]());
    if (known && this.stages.length && truth !== "hidden") {
      box.append(entry(colour === "trace" ? colours.truth : UNKNOWN, words.observed));
    }
  }

  read(cell, residues) {
    const box = this.find(".readout"), { state } = this, shownBox = this.dragged || state.box;
    const rows = cell ? this.pairRows(cell) : residues.length ? this.residueRows(residues)
      : shownBox ? this.boxRows(shownBox) : null;
    if (!rows) {
      const row = document.createElement("div"), head = document.createElement("dt"), hint = document.createElement("dd");
      head.textContent = "help";
      row.className = "hint";
      hint.textContent = "Point at a cell for its pair, click to keep it, drag a box for two segments; in 3D click "
        + "two residues. Keys: arrows, Enter, Esc, 1–" + this.layers.length + " (Shift: below), x, z, a, f.";
      row.append(head, hint);
      box.replaceChildren(row);
      return;
    }
    box.replaceChildren(...rows.map(([term, text]) => {
      const row = document.createElement("div"), head = document.createElement("dt"), value = document.createElement("dd");
      head.textContent = term;
      value.textContent = text;
      row.append(head, value);
      return row;
    }));
  }

  pairRows({ i, j }) {
    const { content } = this, { words } = content.header, number = (value, sign = false) => (
      Number.isFinite(value) ? `${sign && value > 0 ? "+" : ""}${value.toFixed(1)} Å`.replace("-", "−") : "–");
    const rows = [["i", content.residue(i)], ["j", content.residue(j)], ["|i − j|", String(Math.abs(i - j))]];
    if (this.has("predicted")) {
      const std = content.value("std", i, j), sure = Number.isFinite(std) ? ` ± ${std.toFixed(1)}` : "";
      rows.push([words.predicted, number(content.value("predicted", i, j)).replace(" Å", `${sure} Å`)]);
    }
    if (this.has("true")) rows.push([words.true, Number.isFinite(content.value("true", i, j))
      ? number(content.value("true", i, j)) : "not observed"]);
    if (this.has("signed")) rows.push([words.error, number(content.error(i, j), true)]);
    if (this.has("probability")) rows.push(["p(contact)", content.value("probability", i, j).toFixed(3).replace("NaN", "–")]);
    if (this.has("rank")) {
      const rank = content.value("rank", i, j);
      rows.push(["rank", Number.isFinite(rank) ? String(Math.round(rank)) : "–"]);
    }
    if (this.has("template")) rows.push(["template", number(content.value("template", i, j))]);
    return rows;
  }

  residueRows(residues) {
    const { content } = this, own = this.stage && this.stage[this.state.mirror ? "mirror" : "own"];
    return residues.flatMap((k) => {
      const rows = [["residue", content.residue(k)]];
      const off = own ? content.off(own.trace, "truth", k) : NaN;
      if (Number.isFinite(off)) rows.push(["off its place", `${off.toFixed(1)} Å`]);
      if (Number.isFinite(content.header.plddt?.[k])) rows.push(["pLDDT of the model", String(content.header.plddt[k])]);
      if (this.has("std")) rows.push(["mean σ", `${this.deviations[k].toFixed(1)} Å`]);
      if (k === this.state.picked) rows.push(["", "click another one to mark the pair"]);
      return rows;
    });
  }

  boxRows({ i0, i1, j0, j1 }) {
    const { content } = this, { words } = content.header;
    const mean = (get) => {
      let sum = 0, count = 0;
      for (let i = i0; i <= i1; i += 1) {
        for (let j = j0; j <= j1; j += 1) {
          const value = i === j ? NaN : get(i, j);
          if (Number.isFinite(value)) { sum += value; count += 1; }
        }
      }
      return count ? `${(sum / count).toFixed(1)} Å` : "–";
    };
    const rows = [["segment", `${i0 + 1}–${i1 + 1}`], ["with", `${j0 + 1}–${j1 + 1}`]];
    for (const name of ["predicted", "true"]) {
      if (this.has(name)) rows.push([`mean ${words[name]}`, mean((i, j) => content.value(name, i, j))]);
    }
    if (this.has("signed")) {
      rows.push([`mean |${words.error}|`, mean((i, j) => Math.abs(content.error(i, j)))]);
      rows.push([`mean ${words.error}`, mean((i, j) => content.error(i, j)).replace("-", "−")]);
    }
    if (this.has("std")) rows.push(["mean σ", mean((i, j) => content.value("std", i, j))]);
    return rows;
  }

  speak(cell) {
    this.find(".spoken").textContent = this.pairRows(cell).map((row) => row.join(" ")).join(", ");
  }

  end() {
    this.watcher.disconnect();
    this.themes.disconnect();
    cancelAnimationFrame(this.frame);
  }
}

function whole(points) {
  return points.every((p, k) => !k || !p || !points[k - 1]
    || Math.hypot(p.x - points[k - 1].x, p.y - points[k - 1].y, p.z - points[k - 1].z) < LONGEST_DRAWN_BOND);
}

function boxOf(a, b) {
  return { i0: Math.min(a.i, b.i), i1: Math.max(a.i, b.i), j0: Math.min(a.j, b.j), j1: Math.max(a.j, b.j) };
}

function entry(colour, text, kind = "") {
  const item = document.createElement("span"), mark = document.createElement("i");
  mark.className = kind;
  mark.style.background = colour;
  item.append(mark, text);
  return item;
}

// Show this content in a root that holds explorer.html; the explorer of the same content stays as it is.
function show(root, bytes, tell = () => {}) {
  const content = new Content(bytes), old = root.explorer;
  if (old && old.content.header.key === content.header.key) {
    old.tell = tell;
    if (old.content.header.turn !== content.header.turn) old.follow(content);
    return old;
  }
  if (old) {
    old.end();
    root.querySelector(".explorer").replaceWith(old.blank);
  }
  const blank = root.querySelector(".explorer").cloneNode(true);
  root.explorer = new Explorer(root, content, tell);
  root.explorer.blank = blank;
  return root.explorer;
}
