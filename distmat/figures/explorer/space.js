// The traces in 3D: on a plain canvas at once, and by 3Dmol.js as soon as that is there. If its
// script or WebGL fails the canvas stays, so the view is never blank. Marks lie on a canvas of their
// own above either, for which a painter only has to say where a point is on the screen.

"use strict";

const TUBE = 0.4;  // Å
const LONGEST_DRAWN_BOND = 4.0;  // Å; 3Dmol.js leaves a hole in a tube between Cα atoms further apart
const PATIENCE = 4000;  // ms without the viewer until the page says that this is the plain drawing
const REACH = 14;  // CSS pixels from which a residue is pointed at

// A camera is how far the scene was shifted (Å), how near it was drawn, and its turn as a quaternion;
// the same for either painter and any size of window. As one that nobody has moved it is null.
const HEAD_ON = [0, 0, 0, 1, 0, 0, 0, 1];
const CAMERA_Z = 150;  // where 3Dmol.js has its camera,
const HALF_VIEW = 10 * Math.PI / 180;  // and half the angle that it sees

function cameraOf(shift, zoom, turn) {
  const digits = [2, 2, 2, 3, 4, 4, 4, 4];
  const camera = [...shift, zoom, ...turn].map((value, k) => Number(value.toFixed(digits[k])) || 0);
  return camera.every((value, k) => value === HEAD_ON[k]) ? null : camera;
}

function timesOf([ax, ay, az, aw], [bx, by, bz, bw]) {
  return [
    aw * bx + ax * bw + ay * bz - az * by, aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw, aw * bw - ax * bx - ay * by - az * bz,
  ];
}

// The matrix of a quaternion, row by row.
function rowsOf([x, y, z, w]) {
  return [
    1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
    2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
    2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
  ];
}

class PlainPainter {
  constructor(canvas, scene, moved) {
    Object.assign(this, { canvas, scene, moved, name: "plain" });
    this.reset(false);
    this.listen();
  }

  listen() {
    let last = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      last = [event.clientX, event.clientY];
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!last) return;
      this.rotate((event.clientX - last[0]) / 120, (event.clientY - last[1]) / 120);
      last = [event.clientX, event.clientY];
      this.draw();
    });
    this.canvas.addEventListener("pointerup", () => { last = null; });
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom = Math.min(8, Math.max(0.3, this.zoom * Math.exp(-event.deltaY / 500)));
      this.draw();
    }, { passive: false });
  }

  // About the screen's upright axis, then about its level one.
  rotate(a, b) {
    const level = [Math.sin(b / 2), 0, 0, Math.cos(b / 2)], upright = [0, Math.sin(a / 2), 0, Math.cos(a / 2)];
    this.turn = timesOf(timesOf(level, upright), this.turn);
  }

  measure() {
    const { middle, reach } = this.scene.extent, width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    this.frame = {
      middle: middle.map((at, k) => at - this.shift[k]), reach, width, height, rows: rowsOf(this.turn),
      scale: this.zoom * 0.46 * Math.min(width, height) / reach,
    };
  }

  project(point) {
    const { middle, width, height, scale, rows: t } = this.frame;
    const p = [point.x - middle[0], point.y - middle[1], point.z - middle[2]];
    return {
      x: width / 2 + scale * (t[0] * p[0] + t[1] * p[1] + t[2] * p[2]),
      y: height / 2 - scale * (t[3] * p[0] + t[4] * p[1] + t[5] * p[2]),
      depth: t[6] * p[0] + t[7] * p[1] + t[8] * p[2],
    };
  }

  projectAll(points) { return points.map((point) => point && this.project(point)); }

  draw() {
    if (this.canvas.hidden) return;
    this.measure();
    const ratio = window.devicePixelRatio || 1, { width, height, reach } = this.frame;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const pieces = [];
    for (const { points, colour, faded } of this.scene.traces()) {
      for (let k = 0; k + 1 < points.length; k += 1) {
        // Residues that were not observed leave a gap.
        if (!points[k] || !points[k + 1]) continue;
        const from = this.project(points[k]), to = this.project(points[k + 1]);
        pieces.push({ from, to, depth: (from.depth + to.depth) / 2, colour: colour(k), faded });
      }
    }
    pieces.sort((a, b) => a.depth - b.depth);
    pen.lineCap = "round";
    for (const { from, to, depth, colour, faded } of pieces) {
      const near = 0.5 + 0.5 * depth / reach;
      pen.globalAlpha = (0.45 + 0.55 * near) * (faded ? 0.35 : 1);
      pen.lineWidth = 2 + 3 * near;
      pen.strokeStyle = colour;
      pen.beginPath();
      pen.moveTo(from.x, from.y);
      pen.lineTo(to.x, to.y);
      pen.stroke();
    }
    this.moved();
  }

  reset(draw = true) {
    this.take(null, false);
    if (draw) this.draw();
  }

  camera() { return cameraOf(this.shift, this.zoom, this.turn); }

  take(camera, draw = true) {
    const [x, y, z, zoom, ...turn] = camera || HEAD_ON;
    Object.assign(this, { shift: [x, y, z], zoom, turn });
    if (draw) this.draw();
  }

  picture() { return this.canvas; }
}

class SolidPainter {
  constructor(box, viewer, scene, moved, first) {
    Object.assign(this, { box, viewer, scene, moved, first, name: "3dmol", models: new Map() });
    viewer.setViewChangeCallback(moved);
  }

  draw() {
    const shown = new Set();
    for (const trace of this.scene.traces()) {
      shown.add(trace.name);
      const old = this.models.get(trace.name);
      if (!old || old.from !== trace.from) this.place(trace, old);
      this.style(trace, this.models.get(trace.name).model);
    }
    for (const [name, { model }] of this.models) {
      if (!shown.has(name)) { this.viewer.removeModel(model); this.models.delete(name); }
    }
    if (!this.distance) this.take(this.first, false);
    this.viewer.render();
    this.moved();
  }

  place(trace, old) {
    if (old) this.viewer.removeModel(old.model);
    const model = this.viewer.addModel(pdbOf(trace.points, this.scene.sequence), "pdb");
    this.models.set(trace.name, { model, from: trace.from });
  }

  style(trace, model) {
    const colour = (atom) => trace.colour(atom.resi - 1), opacity = trace.faded ? 0.35 : 1;
    // A stage with broken bonds is drawn by its bonds; the tube would leave holes there.
    model.setStyle({}, trace.whole
      ? { cartoon: { style: "trace", thickness: TUBE, opacity, colorfunc: colour } }
      : { stick: { radius: TUBE, opacity, colorfunc: colour } });
  }

  // All at once: 3Dmol.js asks the page where its canvas is at every call.
  projectAll(points) {
    const box = this.box.getBoundingClientRect(), rows = rowsOf(this.viewer.getView().slice(4));
    const left = box.left + window.scrollX, top = box.top + window.scrollY, origin = { x: 0, y: 0, z: 0 };
    const depth = ({ x, y, z }) => rows[6] * x + rows[7] * y + rows[8] * z;
    return this.viewer.modelToScreen(points.map((point) => point || origin)).map((at, k) => (
      points[k] && { x: at.x - left, y: at.y - top, depth: depth(points[k]) }));
  }

  reset() { this.take(null); }

  camera() {
    const [x, y, z, depth, ...turn] = this.viewer.getView(), { middle } = this.scene.extent;
    return cameraOf([x, y, z].map((at, k) => at + middle[k]), this.distance / (CAMERA_Z - depth), turn);
  }

  take(camera, draw = true) {
    const { middle, reach } = this.scene.extent, [x, y, z, zoom, ...turn] = camera || HEAD_ON;
    // 3Dmol.js fits what it shows to the height, which on a telephone is more than the width.
    const narrow = Math.min(1, this.box.clientWidth / Math.max(1, this.box.clientHeight));
    this.distance = reach / Math.tan(HALF_VIEW) / narrow;
    this.viewer.zoomTo();  // for what it cuts off in front and behind
    const place = [x, y, z].map((at, k) => at - middle[k]);
    this.viewer.setView([...place, CAMERA_Z - this.distance / zoom, ...turn], true);
    if (draw) { this.viewer.render(); this.moved(); }
  }

  picture() { return this.box.querySelector("canvas"); }
}

// Fixed columns, as 3Dmol.js reads them best; numbers and three-letter names of our own alone.
function pdbOf(points, sequence) {
  const number = (value) => value.toFixed(3).padStart(8);
  const lines = points.map((p, k) => p && "ATOM  " + String((k + 1) % 100000).padStart(5) + "  CA  "
    + (NAMES[sequence[k]] || "Unk").toUpperCase() + " A" + String((k + 1) % 10000).padStart(4) + "    "
    + number(p.x) + number(p.y) + number(p.z) + "  1.00  0.00           C");
  // Neighbours further apart than Cα atoms are, such as Cβ, are bonded because this says so.
  const serial = (k) => String((k + 1) % 100000).padStart(5);
  const bonds = points.map((p, k) => p && points[k + 1] && `CONECT${serial(k)}${serial(k + 1)}`);
  return `${[...lines, ...bonds].filter(Boolean).join("\n")}\nEND\n`;
}

let viewerScript = null;

// 3Dmol.js from the first of these addresses that has it; once for all explorers of a page.
function loadViewer(addresses) {
  viewerScript ??= (async () => {
    // The browser shows the plain drawing first, and only then is busy with the viewer.
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    for (const address of addresses) {
      if (window.$3Dmol) return;
      await new Promise((resolve) => {
        const script = document.createElement("script");
        script.src = address;
        script.onload = script.onerror = resolve;
        document.head.append(script);
      });
    }
    if (!window.$3Dmol) throw new Error("the 3D viewer can't be loaded");
  })();
  viewerScript.catch(() => { viewerScript = null; });
  return viewerScript;
}

// Whether anything is on this canvas: some drivers accept every call and draw nothing.
function isDrawn(canvas) {
  const small = document.createElement("canvas");
  small.width = small.height = 64;
  const pen = small.getContext("2d");
  pen.drawImage(canvas, 0, 0, 64, 64);
  return pen.getImageData(0, 0, 64, 64).data.some((value, k) => k % 4 === 3 && value > 0);
}

class SpaceView {
  constructor(root, scene, moved, painted, camera) {
    Object.assign(this, { scene, painted });
    this.box = root.querySelector(".scene");
    this.links = root.querySelector(".links");
    this.note = root.querySelector(".note");
    this.moved = () => { this.places = new Map(); moved(); };
    this.places = new Map();
    this.plain = new PlainPainter(root.querySelector(".plain"), scene, this.moved);
    this.plain.take(camera, false);
    this.painter = this.plain;
  }

  // Where a trace's residues are on the screen; kept until the view or the trace changes.
  placesOf({ name, points }) {
    const known = this.places.get(name);
    if (known && known.points === points) return known.at;
    const at = this.painter.projectAll(points);
    this.places.set(name, { points, at });
    return at;
  }

  draw() { this.painter.draw(); }

  async adopt(addresses) {
    const box = this.box.querySelector(".solid"), plain = this.plain.canvas;
    box.classList.add("waiting");
    const stay = (reason) => {
      box.classList.add("waiting");
      plain.hidden = false;
      this.note.textContent = `Plain drawing: ${reason}. Drag to turn, scroll to zoom.`;
      this.use(this.plain);
    };
    const late = setTimeout(() => stay("the 3D viewer isn't loaded yet"), PATIENCE);
    try {
      await loadViewer(addresses);
      const viewer = window.$3Dmol.createViewer(box, { backgroundAlpha: 0 });
      if (!viewer) throw new Error("no viewer");
      const solid = new SolidPainter(box, viewer, this.scene, this.moved, this.plain.camera());
      solid.draw();
      if (!isDrawn(solid.picture())) throw new Error("nothing was drawn");
      box.classList.remove("waiting");
      plain.hidden = true;
      this.note.textContent = "";
      this.use(solid);
    } catch (error) {
      console.warn("3D viewer:", error);
      stay(window.$3Dmol ? "WebGL doesn't work in this browser" : error.message);
    } finally {
      clearTimeout(late);
    }
  }

  use(painter) {
    this.painter = painter;
    this.places = new Map();
    painter.draw();
    this.painted(painter.name);
  }

  // The residue nearest to a point of the page; of two at one place the one in front.
  residueAt(event) {
    const frame = this.box.getBoundingClientRect();
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    let best = null;
    for (const trace of this.scene.traces()) {
      this.placesOf(trace).forEach((at, k) => {
        const away = at ? Math.hypot(at.x - x, at.y - y) : Infinity;
        if (away > REACH) return;
        const rank = away - 0.5 * at.depth;
        if (!best || rank < best.rank) best = { residue: k, trace: trace.name, rank };
      });
    }
    return best;
  }

  // Rings around residues, and dashed lines with distances between those of a pair.
  drawLinks({ pairs, residues, theme }) {
    const ratio = window.devicePixelRatio || 1, canvas = this.links;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    if (!pairs.length && !residues.length) return;
    if (this.painter === this.plain && !this.plain.frame) return;
    const ring = (at, colour) => {
      for (const [style, wide] of [["#ffffff", 5], [colour, 2.5]]) {
        pen.strokeStyle = style;
        pen.lineWidth = wide;
        pen.beginPath();
        pen.arc(at.x, at.y, 7, 0, 2 * Math.PI);
        pen.stroke();
      }
    };
    const label = (text, x, y, colour) => {
      pen.font = `600 12px ${theme.font}`;
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      const wide = pen.measureText(text).width;
      pen.fillStyle = theme.ground;
      pen.globalAlpha = 0.85;
      pen.fillRect(x - wide / 2 - 4, y - 9, wide + 8, 18);
      pen.globalAlpha = 1;
      pen.fillStyle = colour;
      pen.fillText(text, x, y);
    };
    for (const trace of this.scene.traces()) {
      const colour = trace.mark, raise = trace.name === "truth" ? 11 : -11, places = this.placesOf(trace);
      for (const { i, j } of pairs) {
        const a = trace.points[i], b = trace.points[j];
        if (!a || !b) continue;
        const from = places[i], to = places[j];
        pen.setLineDash([5, 4]);
        for (const [style, wide] of [[theme.ground, 4], [colour, 2]]) {
          pen.strokeStyle = style;
          pen.lineWidth = wide;
          pen.beginPath();
          pen.moveTo(from.x, from.y);
          pen.lineTo(to.x, to.y);
          pen.stroke();
        }
        pen.setLineDash([]);
        ring(from, colour);
        ring(to, colour);
        const away = Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z);
        label(`${away.toFixed(1)} Å`, (from.x + to.x) / 2, (from.y + to.y) / 2 + raise, colour);
      }
      for (const k of residues) {
        if (places[k]) ring(places[k], colour);
      }
    }
    for (const k of new Set([...residues, ...pairs.flatMap(({ i, j }) => [i, j])])) {
      const trace = this.scene.traces().find(({ points }) => points[k]);
      if (!trace) continue;
      const at = this.placesOf(trace)[k];
      label(`${this.scene.sequence[k]}${k + 1}`, at.x, at.y - 18, theme.ink);
    }
  }
}
