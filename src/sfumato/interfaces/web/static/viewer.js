import { getBlob } from "./api.js";

// One picture before and after on a canvas: a split between both, zoom and pan, the change in any strength.
//
// All viewers that share a View show the same part. A small copy of the whole is drawn first; of what is on the screen
// the service gives as many pixels as the screen has, which are drawn over it.

const SMALL = 1600; // pixels a side of the copy of the whole
const CLOSEST = 4;

export class View {
  constructor() {
    this.viewers = new Set();
    Object.assign(this, { zoom: 0, x: 0.5, y: 0.5, split: 0.5, strength: 1, changes: false });
  }
  change(values) {
    Object.assign(this, values);
    this.x = Math.min(Math.max(this.x, 0), 1);
    this.y = Math.min(Math.max(this.y, 0), 1);
    for (const viewer of this.viewers) viewer.draw();
  }
}

export class Viewer {
  constructor(canvas, view) {
    Object.assign(this, { canvas, view, width: 0, height: 0, layers: {}, paths: {}, details: {}, overlay: null });
    view.viewers.add(this);
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(canvas);
    this.listen();
  }
  close() { this.view.viewers.delete(this); this.resizing.disconnect(); this.aborted?.abort(); }

  // size: of the picture that both layers have. paths: name -> (size, crop) -> path of a picture.
  async show(width, height, paths) {
    const before = this.layers;
    this.aborted?.abort();
    this.aborted = new AbortController();
    const { signal } = this.aborted;
    Object.assign(this, { width, height, paths, details: {} });
    const names = Object.keys(paths).filter((name) => name !== "changes" || this.view.changes);
    const loaded = await Promise.all(names.map((name) => this.load(name, Math.min(SMALL, Math.max(width, height)), null, signal)));
    if (signal.aborted) return;
    this.layers = Object.fromEntries(names.map((name, i) => [name, loaded[i]]));
    for (const layer of Object.values(before)) layer.close?.();
    this.draw();
  }
  place(picture, width, height) { // what is there at once, until better comes
    Object.assign(this, { width, height, paths: {}, details: {}, layers: { before: picture } });
    this.draw();
  }
  fetchBlob(path, signal) { return getBlob(path, signal); }
  async load(name, size, crop, signal) {
    return createImageBitmap(await this.fetchBlob(this.paths[name](size, crop), signal));
  }

  get pixels() { // canvas pixels for a pixel of the picture
    const ratio = devicePixelRatio || 1;
    const whole = Math.min(this.canvas.width / this.width, this.canvas.height / this.height);
    return this.view.zoom ? Math.min(this.view.zoom, CLOSEST) * ratio : Math.min(whole, 4 * ratio);
  }
  origin() { // of the picture on the canvas
    const scale = this.pixels;
    const along = (length, size, middle) => {
      const shown = size * scale;
      if (shown <= length) return (length - shown) / 2;
      return Math.min(0, Math.max(length - shown, length / 2 - middle * shown));
    };
    return [along(this.canvas.width, this.width, this.view.x), along(this.canvas.height, this.height, this.view.y)];
  }
  inPicture(event) { // the place of a pointer in pixels of the picture
    const box = this.canvas.getBoundingClientRect();
    const [left, top] = this.origin();
    const ratio = this.canvas.width / box.width;
    return [((event.clientX - box.left) * ratio - left) / this.pixels, ((event.clientY - box.top) * ratio - top) / this.pixels];
  }
  visible() { // the part x, y, w, h that is on the screen, in whole pixels
    const [left, top] = this.origin(), scale = this.pixels;
    const x = Math.max(0, Math.floor(-left / scale)), y = Math.max(0, Math.floor(-top / scale));
    const right = Math.min(this.width, Math.ceil((this.canvas.width - left) / scale));
    const bottom = Math.min(this.height, Math.ceil((this.canvas.height - top) / scale));
    return [x, y, Math.max(1, right - x), Math.max(1, bottom - y)];
  }

  draw() {
    const ratio = devicePixelRatio || 1, { canvas, view } = this;
    const wide = Math.round(canvas.clientWidth * ratio), high = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    if (!this.width || !wide) return;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, wide, high);
    context.imageSmoothingEnabled = this.pixels < 2;
    context.imageSmoothingQuality = "high";
    const border = Math.round(view.split * wide);
    if (view.changes && this.layers.changes) {
      this.paintLayer(context, "changes", 1);
    } else {
      this.clipped(context, 0, this.layers.after ? border : wide, () => {
        this.paintLayer(context, "before", 1);
        if (!this.layers.after) this.paintLayer(context, "after", view.strength); // the part that came first
      });
      if (this.layers.after) {
        this.clipped(context, border, wide, () => {
          this.paintLayer(context, "before", 1);
          this.paintLayer(context, "after", view.strength);
        });
        context.fillStyle = "#fff";
        context.fillRect(border - ratio, 0, 2 * ratio, high);
        context.beginPath();
        context.arc(border, high / 2, 9 * ratio, 0, 7);
        context.fill();
        context.strokeStyle = "#0006";
        context.stroke();
      }
    }
    this.overlay?.(context, ...this.origin(), this.pixels);
    this.view.changed?.();
    this.wantDetails();
  }
  clipped(context, from, to, paint) {
    context.save();
    context.beginPath();
    context.rect(from, 0, to - from, this.canvas.height);
    context.clip();
    paint();
    context.restore();
  }
  paintLayer(context, name, alpha) {
    const [left, top] = this.origin(), scale = this.pixels;
    context.globalAlpha = alpha;
    if (this.layers[name]) context.drawImage(this.layers[name], left, top, this.width * scale, this.height * scale);
    const detail = this.details[name];
    if (detail) {
      const [x, y, w, h] = detail.part;
      context.drawImage(detail.picture, left + x * scale, top + y * scale, w * scale, h * scale);
    }
    context.globalAlpha = 1;
  }

  wantDetails() { // where the small copy is too small for what is on the screen
    clearTimeout(this.waiting);
    const known = this.layers.before ? Math.max(this.layers.before.width, this.layers.before.height) / Math.max(this.width, this.height) : 1;
    if (known >= 0.99 || this.pixels <= known || !Object.keys(this.paths).length) return;
    const part = this.visible(), key = part.join();
    if (this.details.before?.key === key) return;
    const aborted = this.aborted;
    this.waiting = setTimeout(async () => {
      const names = Object.keys(this.layers), size = Math.min(4096, Math.ceil(Math.max(part[2], part[3]) * Math.min(this.pixels, 1)));
      try {
        const pictures = await Promise.all(names.map((name) => this.load(name, size, part, aborted?.signal)));
        if (aborted !== this.aborted) return;
        this.details = Object.fromEntries(names.map((name, i) => [name, { picture: pictures[i], part, key }]));
        this.draw();
      } catch { /* the small copy stays */ }
    }, 160);
  }
  setDetail(name, picture, part) { this.details[name] = { picture, part, key: "first" }; this.draw(); }

  zoomTo(zoom, at) { // keeps what is under the pointer where it is
    const ratio = devicePixelRatio || 1;
    const fit = Math.min(this.canvas.width / this.width, this.canvas.height / this.height) / ratio;
    const least = Math.min(fit, 1);
    const next = zoom <= least * 1.001 ? (fit <= 1 ? 0 : 1) : Math.min(zoom, CLOSEST);
    const box = this.canvas.getBoundingClientRect();
    const [px, py] = at ? this.inPicture(at) : [this.view.x * this.width, this.view.y * this.height];
    const ax = at ? (at.clientX - box.left) / box.width - 0.5 : 0, ay = at ? (at.clientY - box.top) / box.height - 0.5 : 0;
    const scale = (next || fit) * ratio;
    this.view.change({
      zoom: next,
      x: (px - (ax * this.canvas.width) / scale) / this.width,
      y: (py - (ay * this.canvas.height) / scale) / this.height,
    });
  }
  get zoomed() { return this.pixels / (devicePixelRatio || 1); }
  pan(dx, dy) { // in pixels of the canvas
    this.view.change({ x: this.view.x - dx / this.pixels / this.width, y: this.view.y - dy / this.pixels / this.height });
  }

  listen() {
    const { canvas } = this, pointers = new Map();
    let splitting = false, spread = 0;
    canvas.addEventListener("pointerdown", (event) => {
      if (this.brush?.down(event)) return;
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, event);
      const box = canvas.getBoundingClientRect();
      splitting = pointers.size === 1 && this.layers.after && Math.abs(event.clientX - box.left - this.view.split * box.width) < 16;
      spread = 0;
    });
    canvas.addEventListener("pointermove", (event) => {
      if (this.brush?.move(event)) return;
      const last = pointers.get(event.pointerId);
      if (!last) return;
      pointers.set(event.pointerId, event);
      const box = canvas.getBoundingClientRect(), ratio = canvas.width / box.width;
      if (pointers.size === 2) {
        const [a, b] = [...pointers.values()];
        const now = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
        const middle = { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 };
        if (spread) this.zoomTo((this.zoomed * now) / spread, middle);
        spread = now;
      } else if (splitting) {
        this.view.change({ split: Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) });
      } else {
        this.pan((event.clientX - last.clientX) * ratio, (event.clientY - last.clientY) * ratio);
      }
    });
    const up = (event) => { this.brush?.up(event); pointers.delete(event.pointerId); splitting = false; };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomTo(this.zoomed * Math.exp(-event.deltaY / 400), event);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const step = 60 * (devicePixelRatio || 1);
      const moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
      if (this.brush?.key(event)) event.preventDefault();
      else if (event.key in moves) { event.preventDefault(); this.pan(...moves[event.key]); }
      else if (event.key === "+" || event.key === "=") this.zoomTo(this.zoomed * 1.5);
      else if (event.key === "-") this.zoomTo(this.zoomed / 1.5);
      else if (event.key === "0") this.view.change({ zoom: 0 });
    });
  }
}
