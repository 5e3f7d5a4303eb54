// The map to look at: pan, zoom, layers, legend, and what is under the pointer.
// `showMap` fills an element; the published page and the page in Airflow differ in how files are opened.
"use strict";

const SIDE = 256; // px of the plane at zoom 0
const CLOSEST = 6; // px that a pixel of the map may be wide, as a power of two
const STEPS = { ArrowLeft: [-80, 0], ArrowRight: [80, 0], ArrowUp: [0, -80], ArrowDown: [0, 80] };

function element(parent, tag, options = {}, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) made.setAttribute(name, value);
  made.textContent = text;
  parent.append(made);
  return made;
}

function shades(colour) {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}

// about: the document that the page comes with; open(file) → source of its bytes; pictureOf(file) → address.
function showMap(root, about, open, pictureOf) {
  root.replaceChildren();
  const told = element(root, "p", { id: "told", role: "status", hidden: "" });
  const tell = (text) => {
    told.textContent = text;
    told.hidden = !text;
  };
  const holder = element(root, "div", { id: "map", tabindex: "0", role: "application",
    "aria-label": "Land-cover map. Drag or use the arrow keys to pan, plus and minus to zoom, 0 for the whole map. The class in the middle is told when you use the keys." });
  const canvas = element(holder, "canvas");
  let painter;
  try {
    if (typeof DecompressionStream === "undefined" || typeof createImageBitmap === "undefined") throw new Error("This browser is too old to read the map's file.");
    painter = new Painter(canvas);
  } catch (error) {
    return showPictures(root, holder, about, pictureOf, tell, error);
  }
  new Viewer(root, holder, canvas, about, new Layers(about.views, painter, open, () => root.dispatchEvent(new Event("loaded")), tell), painter);
}

// Without WebGL: the pictures of the maps, whole.
function showPictures(root, holder, about, pictureOf, tell, error) {
  holder.remove();
  const pictures = element(root, "div", { id: "pictures", tabindex: "0", role: "group", "aria-label": "Pictures of the map" });
  for (const view of about.views) if (view.picture) element(pictures, "img", { src: pictureOf(view.picture), alt: `Land-cover map, ${view.title}` });
  tell(`${error.message} So pictures of the map are shown, without zoom; the GeoTIFFs have the full detail.`);
}

class Viewer {
  constructor(root, holder, canvas, about, layers, painter) {
    Object.assign(this, { root, holder, canvas, about, layers, painter });
    this.layer = "map";
    this.palette = "map";
    this.isBeside = false;
    this.pointed = null;
    this.held = new Map();
    this.classes = new Map(about.legend.map((entry) => [entry.code, entry.title]));
    // Where maps have classes: the file of a common grid may be empty but for a corner.
    const boxes = layers.views.map(({ placement, part: [left, top, right, bottom] }) => {
      const corners = [[left, top], [right, top], [left, bottom], [right, bottom]].map((at) => placement.placeOf(...at));
      const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
      return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    });
    this.box = [0, 1, 2, 3].map((k) => (k < 2 ? Math.min : Math.max)(...boxes.map((box) => box[k])));
    const clear = [0, 0, 0, 0];
    for (const name of ["colour", "colourBlind"]) {
      const colours = Array.from({ length: 256 }, () => clear);
      for (const entry of about.legend) if (entry[name]) colours[entry.code] = [...shades(entry[name]), 255];
      painter.palette(name === "colour" ? "map" : "colour_blind", colours);
    }
    // Confidence in 254ths, 255 nodata: bright is sure.
    painter.palette("confidence", Array.from({ length: 256 }, (_, k) => (k === 255 ? clear : [k, k, k, 255])));
    this.build();
    this.listen();
    this.home();
  }

  get world() {
    return SIDE * 2 ** this.zoom;
  }

  get panes() {
    const width = this.holder.clientWidth;
    if (!this.isBeside) return [{ layer: this.layer, left: 0, width }];
    return [{ layer: this.layer, left: 0, width: width / 2 }, { layer: "true_colour", left: width / 2, width: width / 2 }];
  }

  build() {
    const { root, about } = this;
    const buttons = element(root, "div", { id: "buttons", class: "box" });
    for (const [id, label, sign] of [["in", "Zoom in", "+"], ["out", "Zoom out", "−"], ["home", "Whole map", "⌂"]])
      element(buttons, "button", { id, "aria-label": label, title: label }, sign);
    const legend = element(root, "details", { id: "legend", class: "box", open: "" });
    element(legend, "summary", {}, "Legend and layers");
    for (const [palette, name] of [["map", "colour"], ["colour_blind", "colourBlind"]]) {
      if (!about.legend.every((entry) => entry[name])) continue;
      const list = element(legend, "ul", { "data-palette": palette });
      list.hidden = palette !== "map";
      for (const entry of about.legend) {
        const item = element(list, "li");
        element(item, "i").style.background = entry[name];
        item.append(entry.title);
      }
    }
    const sure = element(legend, "p", { "data-of": "confidence" });
    element(sure, "span", { class: "ramp" });
    sure.append("unsure … sure");
    sure.hidden = true;
    const there = about.layers.filter(({ name }) => about.views.some((view) => view.layers[name]));
    if (there.length > 1) {
      const choices = element(legend, "fieldset", { id: "layers" });
      element(choices, "legend", {}, "Layer");
      for (const { name, title } of there) {
        const label = element(choices, "label");
        const choice = element(label, "input", { type: "radio", name: "layer", value: name });
        choice.checked = name === this.layer;
        choice.onchange = () => this.show(name);
        label.append(` ${title}`);
      }
    }
    const box = (id, text, change) => {
      const label = element(legend, "label");
      const made = element(label, "input", { type: "checkbox", id });
      made.onchange = () => change(made.checked);
      label.append(` ${text}`);
    };
    if (there.some(({ name }) => name === "true_colour")) box("beside", "true colour beside it", (is) => {
      this.isBeside = is;
      this.root.querySelector("#divider").hidden = !is;
      this.look();
    });
    if (about.legend.every((entry) => entry.colourBlind)) box("palette", "colours for colour-blind readers", (is) => {
      this.palette = is ? "colour_blind" : "map";
      for (const list of root.querySelectorAll("[data-palette]")) list.hidden = list.dataset.palette !== this.palette;
      this.look();
    });
    if (innerWidth <= 600) legend.open = false; // It would hide the map.
    const where = element(root, "div", { id: "where", class: "box" });
    element(where, "b", { id: "class", "aria-live": "polite" }, "\u00a0");
    element(where, "br");
    element(where, "span", { id: "lonlat" }, "\u00a0");
    element(where, "div", { id: "bar" });
    element(where, "span", { id: "length" });
    element(root, "div", { id: "divider" }).hidden = true;
    for (const id of ["cross", "twin"]) element(this.holder, "div", { id, class: "cross" }).hidden = true;
  }

  show(layer) {
    this.layer = layer;
    for (const note of this.root.querySelectorAll("[data-of]")) note.hidden = note.dataset.of !== layer;
    this.look();
  }

  // Draws with the next picture of the screen, once, however often it is asked.
  look() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  boxOf(pane) {
    const [dx, dy] = [pane.width / 2 / this.world, this.holder.clientHeight / 2 / this.world];
    return [this.x - dx, this.y - dy, this.x + dx, this.y + dy];
  }

  draw() {
    this.painter.fit();
    this.painter.begin();
    let [isWhole, isAny] = [true, false];
    for (const pane of this.panes) {
      const found = this.layers.inView(pane.layer, this.boxOf(pane), this.world);
      isWhole &&= found.isWhole;
      isAny ||= found.tiles.length > 0;
      const palette = pane.layer === "map" ? this.palette : pane.layer;
      this.painter.draw(found.tiles, palette, [this.x, this.y], this.world, pane.left, pane.width);
    }
    this.tell();
    this.layers.load();
    this.layers.forget();
    this.showScale();
    const data = this.holder.dataset;
    data.zoom = this.zoom;
    data.painted = isWhole ? "whole" : isAny ? "part" : "nothing";
    // When something, and when all of it, was first there: milliseconds since the page was asked for.
    if ((isAny && !data.firstPaint) || (isAny && isWhole && !data.wholePaint)) {
      this.painter.gl.finish();
      const now = Math.round(performance.now());
      data.firstPaint ??= now;
      if (isWhole) data.wholePaint = now;
    }
  }

  showScale() {
    const metres = (40075016.686 * Math.cos((latitude(this.y) * Math.PI) / 180)) / this.world;
    const power = 10 ** Math.floor(Math.log10(150 * metres));
    const length = [5, 2, 1].map((n) => n * power).find((n) => n <= 150 * metres);
    this.root.querySelector("#bar").style.width = `${length / metres}px`;
    this.root.querySelector("#length").textContent = length < 1000 ? `${length} m` : `${length / 1000} km`;
  }

  // Tells class and confidence of the pixel that is drawn under the pointer.
  tell() {
    const told = this.root.querySelector("#class");
    let text = "\u00a0";
    delete told.dataset.place;
    let isWaiting = false;
    for (const view of this.pointed ? this.layers.views : []) {
      const [x, y] = this.pointed;
      const found = this.layers.valueAt(view, "map", x, y, this.world);
      isWaiting = found !== null && found.value === undefined;
      if (isWaiting) break;
      if (!found?.value) continue;
      const sure = this.layers.valueAt(view, "confidence", x, y, this.world);
      const isSure = sure && sure.value != null && sure.value !== 255;
      text = (this.classes.get(found.value) ?? `class ${found.value}`) + (isSure ? `, ${Math.round(sure.value / 2.54)} % sure` : "");
      if (found.number || found.pixel > view.pixel) text += ` (commonest of ${Math.round(found.pixel).toLocaleString("en")} m)`;
      isWaiting = sure !== null && sure.value === undefined;
      told.dataset.place = [view.name, found.number, found.column, found.row, Math.round(found.pixel)].join("/");
      break;
    }
    told.dataset.state = isWaiting ? "waiting" : "told";
    if (told.textContent !== text) told.textContent = text;
    const [lon, lat] = this.pointed ? [longitude(this.pointed[0]), latitude(this.pointed[1])] : [];
    this.root.querySelector("#lonlat").textContent = this.pointed ? `${lat.toFixed(5)}°, ${lon.toFixed(5)}°` : "\u00a0";
  }

  // px of the element → pane that is there and place on the plane.
  placeAt(px, py) {
    const pane = this.panes.findLast((one) => px >= one.left) ?? this.panes[0];
    const [dx, dy] = [px - pane.left - pane.width / 2, py - this.holder.clientHeight / 2];
    return { pane, place: [this.x + dx / this.world, this.y + dy / this.world] };
  }

  point(px, py, isByKey = false) {
    const { pane, place } = this.placeAt(px, py);
    this.pointed = place;
    const other = this.panes.find((one) => one.left !== pane.left);
    const mark = (id, isShown, left) => {
      const cross = this.root.querySelector(`#${id}`);
      cross.hidden = !isShown;
      cross.style.left = `${left}px`;
      cross.style.top = `${py}px`;
    };
    mark("cross", isByKey, px);
    mark("twin", Boolean(other), other ? px - pane.left + other.left : 0);
    this.look();
  }

  home() {
    this.isMoved = false;
    const [west, north, east, south] = this.box;
    const fit = Math.log2(Math.min(this.panes[0].width / (east - west), this.holder.clientHeight / (south - north)) / SIDE);
    const finest = Math.max(...this.layers.views.map((view) => Math.log2(view.placement.columns.at(-1) / (view.placement.box[2] - view.placement.box[0]) / SIDE)));
    [this.least, this.most] = [fit - 1, finest + CLOSEST];
    [this.zoom, this.x, this.y] = [Math.min(this.most, Math.floor(fit * 4) / 4), (west + east) / 2, (north + south) / 2];
    this.look();
  }

  zoomBy(step, px = this.panes[0].width / 2, py = this.holder.clientHeight / 2) {
    const { pane, place } = this.placeAt(px, py);
    const [dx, dy] = [px - pane.left - pane.width / 2, py - this.holder.clientHeight / 2];
    this.isMoved = true;
    this.zoom = Math.max(this.least, Math.min(this.most, this.zoom + step));
    [this.x, this.y] = [place[0] - dx / this.world, place[1] - dy / this.world];
    this.look();
  }

  panBy(dx, dy) {
    this.isMoved = true;
    this.x = Math.min(1, Math.max(0, this.x + dx / this.world));
    this.y = Math.min(1, Math.max(0, this.y + dy / this.world));
    this.look();
  }

  listen() {
    const { holder, held } = this;
    const at = (event) => {
      const box = holder.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    holder.addEventListener("pointerdown", (event) => {
      held.set(event.pointerId, at(event));
      holder.setPointerCapture(event.pointerId);
      holder.classList.add("held");
    });
    holder.addEventListener("pointermove", (event) => {
      const [px, py] = at(event);
      const before = held.get(event.pointerId);
      if (before) {
        const others = [...held].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
        held.set(event.pointerId, [px, py]);
        if (!others.length) this.panBy(before[0] - px, before[1] - py);
        else {
          const apart = ([x, y]) => Math.hypot(x - others[0][0], y - others[0][1]);
          this.zoomBy(Math.log2(apart([px, py]) / Math.max(1, apart(before))), (px + others[0][0]) / 2, (py + others[0][1]) / 2);
        }
      }
      this.point(px, py);
    });
    for (const end of ["pointerup", "pointercancel"]) holder.addEventListener(end, (event) => {
      held.delete(event.pointerId);
      if (!held.size) holder.classList.remove("held");
    });
    holder.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomBy(event.deltaY < 0 ? 0.5 : -0.5, ...at(event));
    }, { passive: false });
    holder.addEventListener("dblclick", (event) => this.zoomBy(1, ...at(event)));
    holder.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (STEPS[event.key]) this.panBy(...STEPS[event.key]);
      else if (event.key === "+" || event.key === "=") this.zoomBy(1);
      else if (event.key === "-") this.zoomBy(-1);
      else if (event.key === "0") this.home();
      else return;
      event.preventDefault();
      this.point(this.panes[0].width / 2, holder.clientHeight / 2, true);
    });
    this.root.querySelector("#in").onclick = () => this.zoomBy(1);
    this.root.querySelector("#out").onclick = () => this.zoomBy(-1);
    this.root.querySelector("#home").onclick = () => this.home();
    this.root.addEventListener("loaded", () => this.look());
    // The whole map stays in view until a person moves it.
    new ResizeObserver(() => (this.isMoved ? this.look() : this.home())).observe(holder);
  }
}
