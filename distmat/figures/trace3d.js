// Draws the traces of `scene`: on a plain canvas at once, and by 3Dmol.js as soon as that is
// there. If its script or WebGL fails, the canvas simply stays: the view is never blank.

"use strict";

const TUBE = 0.4;  // Å
const find = (id) => document.getElementById(id);
const state = { stage: scene.stages.length - 1, mirrored: false, byError: false };

// Columns of a PDB line: residue name and number, coordinates, and the error as B-factor.
function atomsOf(pdb) {
  return pdb.split("\n").filter((line) => line.startsWith("ATOM")).map((line) => ({
    name: line.slice(17, 20),
    place: parseInt(line.slice(22, 26), 10),
    x: parseFloat(line.slice(30, 38)),
    y: parseFloat(line.slice(38, 46)),
    z: parseFloat(line.slice(46, 54)),
    error: parseFloat(line.slice(60, 66)),
  }));
}

function shown() {
  const stage = scene.stages[state.stage];
  return state.mirrored ? stage.mirror : stage.own;
}

function errorColour(error) {
  if (error < 0) return scene.colours.unknown;
  const scale = scene.colours.error;
  const at = Math.min(1, error / scene.largestError) * (scale.length - 1);
  const low = Math.min(Math.floor(at), scale.length - 2);
  const part = (k) => Math.round(scale[low][k] + (at - low) * (scale[low + 1][k] - scale[low][k]));
  return `rgb(${part(0)}, ${part(1)}, ${part(2)})`;
}

function colourOf(atom) {
  return state.byError ? errorColour(atom.error) : scene.colours.predicted;
}

// The truth makes way where colours tell the error, whose scale has blue in it, too.
function truthColour() {
  return state.byError ? scene.colours.unknown : scene.colours.truth;
}

function describe(atom) {
  const off = atom.error >= 0 && scene.truth ? `, ${atom.error.toFixed(1)} Å off` : "";
  return `${atom.name} ${atom.place}${off}`;
}

// ---------------------------------------------------------------- the plain canvas

const plain = {
  canvas: find("plain"),
  turn: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  zoom: 1,

  start() {
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
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  },

  rotate(a, b) {
    const [ca, sa, cb, sb] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)];
    const by = [ca, 0, sa, sb * sa, cb, -sb * ca, -cb * sa, sb, cb * ca];
    const t = this.turn;
    this.turn = by.map((_, k) => {
      const [row, column] = [Math.floor(k / 3), k % 3];
      return by[3 * row] * t[column] + by[3 * row + 1] * t[3 + column]
        + by[3 * row + 2] * t[6 + column];
    });
  },

  draw() {
    if (this.canvas.hidden) return;
    const ratio = window.devicePixelRatio || 1;
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const traces = [{ atoms: atomsOf(shown().pdb), colour: colourOf }];
    if (scene.truth) {
      traces.push({ atoms: atomsOf(scene.truth), colour: truthColour });
    }
    const all = traces.flatMap((trace) => trace.atoms);
    if (!all.length) return;
    const middle = ["x", "y", "z"].map((k) => all.reduce((sum, atom) => sum + atom[k], 0) / all.length);
    const reach = Math.max(4, ...all.map((atom) =>
      Math.hypot(atom.x - middle[0], atom.y - middle[1], atom.z - middle[2])));
    const scale = this.zoom * 0.46 * Math.min(width, height) / reach;
    const place = (atom) => {
      const p = [atom.x - middle[0], atom.y - middle[1], atom.z - middle[2]], t = this.turn;
      return {
        x: width / 2 + scale * (t[0] * p[0] + t[1] * p[1] + t[2] * p[2]),
        y: height / 2 - scale * (t[3] * p[0] + t[4] * p[1] + t[5] * p[2]),
        depth: t[6] * p[0] + t[7] * p[1] + t[8] * p[2],
      };
    };
    const pieces = [];
    for (const { atoms, colour } of traces) {
      for (let k = 0; k + 1 < atoms.length; k += 1) {
        // Residues that were not observed leave a gap.
        if (atoms[k + 1].place !== atoms[k].place + 1) continue;
        const from = place(atoms[k]), to = place(atoms[k + 1]);
        pieces.push({ from, to, depth: (from.depth + to.depth) / 2, colour: colour(atoms[k]) });
      }
    }
    pieces.sort((a, b) => a.depth - b.depth);
    pen.lineCap = "round";
    for (const piece of pieces) {
      const near = 0.5 + 0.5 * piece.depth / reach;
      pen.globalAlpha = 0.45 + 0.55 * near;
      pen.lineWidth = 2 + 3 * near;
      pen.strokeStyle = piece.colour;
      pen.beginPath();
      pen.moveTo(piece.from.x, piece.from.y);
      pen.lineTo(piece.to.x, piece.to.y);
      pen.stroke();
    }
  },

  reset() {
    this.turn = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    this.zoom = 1;
    this.draw();
  },

  picture() { return this.canvas.toDataURL("image/png"); },
};

// ---------------------------------------------------------------- 3Dmol.js

function solid(viewer) {
  let drawn = false;
  // 3Dmol.js fits what it shows to the height, which on a telephone is more than the width.
  const fit = () => {
    const box = find("webgl");
    viewer.zoomTo();
    viewer.zoom(Math.min(1, box.clientWidth / box.clientHeight));
  };
  return {
    draw() {
      viewer.removeAllModels();
      const model = viewer.addModel(shown().pdb, "pdb");
      // A stage with broken bonds is drawn by its bonds; the tube would leave holes there.
      const tube = { style: "trace", thickness: TUBE };
      const colour = (atom) => colourOf({ error: atom.b });
      model.setStyle({}, shown().whole
        ? { cartoon: { ...tube, colorfunc: colour } }
        : { stick: { radius: TUBE, colorfunc: colour } });
      if (scene.truth) {
        viewer.addModel(scene.truth, "pdb").setStyle({}, {
          cartoon: { ...tube, color: truthColour() },
        });
      }
      model.setHoverable({}, true,
        (atom) => { find("pointed").textContent = describe({ name: atom.resn, place: atom.resi, error: atom.b }); },
        () => { find("pointed").textContent = ""; });
      if (!drawn) fit();
      drawn = true;
      viewer.render();
    },
    reset() { viewer.setView([0, 0, 0, 0, 0, 0, 0, 1]); fit(); viewer.render(); },
    picture() { return viewer.pngURI(); },
  };
}

let painter = plain;

// What fails inside py3Dmol's own code is dealt with in `adoptViewer`, too.
window.addEventListener("unhandledrejection", (event) => event.preventDefault());

function placeViewer(box) { find("webgl").append(box); }

// The browser shows the plain drawing first, and only then is busy with 3Dmol.js.
function afterPainting() {
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}

async function runViewer() {
  await afterPainting();
  const script = document.createElement("script");
  script.textContent = find("viewer-code").textContent;
  document.body.append(script);
  if (!window.$3Dmol) throw new Error("the script of the 3D viewer doesn't run");
}

async function fetchViewer(address) {
  await afterPainting();
  await new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = resolve;
    script.onerror = () => reject(new Error("the 3D viewer can't be loaded"));
    document.body.append(script);
  });
}

// Takes the viewer once it is there; until then, or if it never is, the plain drawing stays.
function adoptViewer(promise, viewer) {
  const stay = (reason) => {
    find("webgl").classList.add("waiting");
    find("plain").hidden = false;
    find("note").textContent = `Plain drawing: ${reason}. Drag to turn, scroll to zoom.`;
    document.body.dataset.painter = "plain";
    painter = plain;
    plain.draw();
  };
  const late = setTimeout(() => stay("the 3D viewer isn't loaded yet"), scene.patience);
  promise.then(() => {
    if (!viewer()) throw new Error("no viewer");
    painter = solid(viewer());
    painter.draw();
    const canvas = find("webgl").querySelector("canvas");
    if (!isDrawn(canvas)) throw new Error("nothing was drawn");
    find("webgl").classList.remove("waiting");
    find("plain").hidden = true;
    find("note").textContent = "";
    document.body.dataset.painter = "3dmol";
  }).catch((error) => {
    console.warn("3D viewer:", error);
    stay(window.$3Dmol ? "WebGL doesn't work in this browser" : error.message);
  }).finally(() => clearTimeout(late));
}

// Whether anything is on this canvas: some drivers accept every call and draw nothing.
function isDrawn(canvas) {
  const small = document.createElement("canvas");
  small.width = small.height = 64;
  const pen = small.getContext("2d");
  pen.drawImage(canvas, 0, 0, 64, 64);
  return pen.getImageData(0, 0, 64, 64).data.some((value, k) => k % 4 === 3 && value > 0);
}

// ---------------------------------------------------------------- what a person can do

function legend() {
  const entry = (colour, text) => `<span><i style="background:${colour}"></i>${text}</span>`;
  const scale = scene.colours.error.map((rgb) => `rgb(${rgb.join(",")})`).join(",");
  const parts = [state.byError
    ? `<span>0 Å<i class="scale" style="background:linear-gradient(90deg,${scale})"></i>`
      + `${scene.largestError} Å off</span>`
    : entry(scene.colours.predicted, scene.observed ? "observed" : "predicted")];
  if (scene.truth) parts.push(entry(truthColour(), "true"));
  find("legend").innerHTML = parts.join("");
}

function update() {
  find("stage").value = state.stage;
  [...find("names").children].forEach((name, k) => name.classList.toggle("now", k === state.stage));
  find("caption").textContent = shown().caption;
  legend();
  painter.draw();
}

function listen() {
  find("stage").max = scene.stages.length - 1;
  find("stage").parentElement.hidden = scene.stages.length < 2;
  find("mirrored").parentElement.hidden = Boolean(scene.observed);
  find("stage").addEventListener("input", (event) => {
    state.stage = Number(event.target.value);
    update();
  });
  scene.stages.forEach((stage, k) => {
    const name = document.createElement("b");
    name.textContent = stage.label;
    name.addEventListener("click", () => { state.stage = k; update(); });
    find("names").append(name);
  });
  find("error-switch").hidden = !scene.truth;
  find("by-error").addEventListener("change", (event) => {
    state.byError = event.target.checked;
    update();
  });
  find("mirrored").addEventListener("change", (event) => {
    state.mirrored = event.target.checked;
    update();
  });
  find("reset").addEventListener("click", () => painter.reset());
  find("save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = painter.picture();
    link.download = "trace.png";
    link.click();
  });
}

plain.start();
listen();
update();
