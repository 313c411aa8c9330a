// A mask painted on a picture: strokes with a size, an eraser, undo, and found scratches to begin with.

const MOST = 40e6; // pixels of a picture whose mask is painted here
const DRAWN = 2048; // pixels a side of what is drawn over the picture

export class MaskPainter {
  constructor(width, height, redraw) {
    Object.assign(this, { width, height, redraw, strokes: [], start: null, mode: "", size: 40, now: null, cursor: null });
    this.scale = Math.min(1, DRAWN / Math.max(width, height));
    this.canvas = new OffscreenCanvas(Math.max(1, Math.round(width * this.scale)), Math.max(1, Math.round(height * this.scale)));
  }
  static fits(width, height) { return width * height <= MOST; }
  get isEmpty() { return !this.start && !this.strokes.some((stroke) => !stroke.erases); }

  begin(picture) { this.start = picture; this.strokes = []; this.renew(); }
  undo() { if (this.strokes.length) this.strokes.pop(); else this.start = null; this.renew(); }
  clear() { this.start = null; this.strokes = []; this.renew(); }

  renew() { this.paintAll(this.canvas, this.scale); this.redraw(); }
  paintAll(canvas, scale) {
    const context = canvas.getContext("2d");
    context.globalCompositeOperation = "source-over";
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (this.start) context.drawImage(this.start, 0, 0, canvas.width, canvas.height);
    for (const stroke of this.strokes) this.paintStroke(context, stroke, scale);
  }
  paintStroke(context, stroke, scale) {
    context.globalCompositeOperation = stroke.erases ? "destination-out" : "source-over";
    context.strokeStyle = context.fillStyle = "#fff";
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = stroke.size * scale;
    context.beginPath();
    const [first, ...others] = stroke.points;
    context.moveTo(first[0] * scale, first[1] * scale);
    for (const [x, y] of others.length ? others : [[first[0] + 0.01, first[1]]]) context.lineTo(x * scale, y * scale);
    context.stroke();
  }

  // How a viewer asks: each says whether the event was the brush's.
  brushFor(viewer) {
    const inside = (event) => viewer.inPicture(event);
    return {
      down: (event) => {
        if (!this.mode || event.button > 0) return false;
        viewer.canvas.setPointerCapture(event.pointerId);
        this.now = { points: [inside(event)], size: this.size, erases: this.mode === "erase" };
        this.strokes.push(this.now);
        this.renew();
        return true;
      },
      move: (event) => {
        if (!this.mode) return false;
        this.cursor = inside(event);
        if (this.now) { this.now.points.push(this.cursor); this.paintStroke(this.canvas.getContext("2d"), this.now, this.scale); }
        this.redraw();
        return true;
      },
      up: () => { this.now = null; },
      key: (event) => {
        if (!this.mode) return false;
        const step = Math.max(this.size / 2, 2);
        const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
        this.cursor ??= [this.width / 2, this.height / 2];
        if (event.shiftKey && event.key in moves) {
          this.cursor = [this.cursor[0] + moves[event.key][0], this.cursor[1] + moves[event.key][1]];
        } else if (event.key === " ") {
          this.strokes.push({ points: [[...this.cursor]], size: this.size, erases: this.mode === "erase" });
          this.renew();
        } else if ((event.ctrlKey || event.metaKey) && event.key === "z") {
          this.undo();
        } else return false;
        this.redraw();
        return true;
      },
    };
  }

  draw(context, left, top, scale) {
    context.save();
    context.globalAlpha = 0.55;
    context.imageSmoothingEnabled = true;
    context.drawImage(tinted(this.canvas), left, top, this.width * scale, this.height * scale);
    context.restore();
    if (this.mode && this.cursor) {
      context.beginPath();
      context.arc(left + this.cursor[0] * scale, top + this.cursor[1] * scale, (this.size / 2) * scale, 0, 7);
      context.lineWidth = 3;
      context.strokeStyle = "#000";
      context.stroke();
      context.lineWidth = 1;
      context.strokeStyle = "#fff";
      context.stroke();
    }
  }

  async file() { // white on black, in the picture's own size
    const whole = new OffscreenCanvas(this.width, this.height);
    this.paintAll(whole, 1);
    const context = whole.getContext("2d");
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.width, this.height);
    return new File([await whole.convertToBlob({ type: "image/png" })], "mask.png", { type: "image/png" });
  }
}

const colour = new OffscreenCanvas(1, 1);
function tinted(canvas) {
  Object.assign(colour, { width: canvas.width, height: canvas.height });
  const context = colour.getContext("2d");
  context.drawImage(canvas, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = "#ff2bd6";
  context.fillRect(0, 0, canvas.width, canvas.height);
  return colour;
}
// Of white on black what is white, the rest transparent; grey, which is doubtful, is faint, and white once painted over.
export async function whiteOf(blob) {
  const picture = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < pixels.data.length; i += 4) pixels.data.set([255, 255, 255, pixels.data[i]], i);
  context.putImageData(pixels, 0, 0);
  return canvas;
}
