// The bench: pictures that were dropped, what is found in them, and what becomes of them.
import { getBlob, getJson, post, remove, watch } from "./api.js";
import { currentLanguage, t } from "./i18n.js";
import { MaskPainter, whiteOf } from "./mask.js";
import { Pictures } from "./pictures.js";
import { View, Viewer } from "./viewer.js";

const TASKS = ["auto", "old-photo", "denoise", "dejpeg", "clean", "deblur", "descreen", "upscale2", "upscale4", "inpaint", "scratches", "fade", "colorize"];
const WITH_LOOK = ["old-photo", "upscale2", "upscale4", "inpaint"]; // tasks whose details may be made up
const WITH_WORDS = "model:"; // before the name of a model that takes words, among the tasks
const LARGE = 3e6; // pixels from which on what is on the screen is restored first
const FIRST = [1280, 800];
const $ = (id) => document.getElementById(id);

const view = new View();
let viewers = [], painter = null, models = [], pictures = null;
const current = () => pictures.current;

export async function begin(say) {
  pictures = new Pictures($("list"), { chosen: show, ended: shownAgain, say });
  models = (await getJson("/v1/models")).models.filter((model) => model.uses.includes("restore"));
  const { formats } = await getJson("/v1/session");
  $("format").append(...["", ...formats].map((name) => new Option(name.toUpperCase(), name)));
  $("task").append(...TASKS.map((name) => new Option("", name)), ...models.filter(takesWords).map(({ name }) => new Option("", WITH_WORDS + name)));
  $("models").append(...models.filter((model) => model.scale === 1 && !model.size.length && model.task !== "inpaint").map(choice));
  listen(say);
  offerLook();
  translate();
}
export function translate() {
  for (const option of $("task").options) option.textContent = wordsModel(option.value) ? t("with-words", { model: wordsModel(option.value) }) : t(option.value);
  if ($("format").options.length) $("format").options[0].textContent = t("as-it-came");
  if (pictures) { tell(); pictures.draw(); for (const viewer of viewers) viewer.canvas.setAttribute("aria-label", t("view")); }
}
export async function add(files) {
  const given = [...files].filter((file) => file.size);
  if (!given.length) return pictures.say(t("nothing"));
  $("empty").hidden = true;
  $("bench").hidden = false;
  if (!viewers.length) layOut(1);
  await pictures.add(given, options());
}

function choice(model) {
  const label = document.createElement("label"), box = document.createElement("input");
  Object.assign(box, { type: "checkbox", value: model.name });
  label.append(box, model.name);
  label.title = model.summary;
  return label;
}
const takesWords = (model) => model.conditions.includes("text");
const wordsModel = (task) => (task.startsWith(WITH_WORDS) ? task.slice(WITH_WORDS.length) : "");
function options() {
  const task = $("task").value || "auto", look = lookFor(task), model = wordsModel(task), text = $("words").value.trim();
  if (model) return text ? { model, text } : { model };
  return task.startsWith("upscale") ? { task: "upscale", scale: task.slice(-1), ...look } : { task, ...look };
}
const lookFor = (task) => ($("sharp").checked && WITH_LOOK.includes(task) ? { look: "sharp" } : {});
function offerLook() {
  const painting = $("painting").open && $("use").value === "inpaint";
  $("look").hidden = !models.some(({ name }) => name === "inpaint-sharp") || !(painting || WITH_LOOK.includes($("task").value));
  $("words-row").hidden = !wordsModel($("task").value);
}

// --- what is on the screen

function layOut(count, names = []) {
  for (const viewer of viewers) viewer.close();
  $("views").replaceChildren();
  $("views").classList.toggle("several", count > 1);
  viewers = Array.from({ length: count }, (_, i) => {
    const box = document.createElement("div"), canvas = document.createElement("canvas");
    box.className = "view";
    Object.assign(canvas, { tabIndex: 0 });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", t("view"));
    const tags = [["left", t("before")], ["right", names[i] ?? t("after")]].map(([side, text]) => {
      const tag = document.createElement("span");
      Object.assign(tag, { className: `tag ${side}`, textContent: text });
      return tag;
    });
    const busy = document.createElement("span");
    busy.className = "busy";
    box.append(canvas, ...tags, busy);
    $("views").append(box);
    return Object.assign(new Viewer(canvas, view), { busy, tags });
  });
  $("one").hidden = count < 2;
  attachPainter();
}
view.changed = () => {
  if (!viewers[0]?.width) return;
  $("zoom").textContent = `${Math.round(100 * viewers[0].zoomed)} %`;
  $("split").value = 100 * view.split;
};

// Paths of the views of an item that is done.
export function pathsOf(item) {
  const path = (what, extra = "") => (size, crop) => `${item.path}/${what}?size=${size}${crop ? `&crop=${crop.join()}` : ""}${extra}`;
  return { before: path("before"), after: path("preview", "&strength=1"), changes: path("change-map", "&strength=1") };
}
async function showItem(viewer, picture, item) {
  const { report } = item;
  const touched = report && report.steps.length;
  const [width, height] = touched ? [report.width, report.height] : [picture.width, picture.height];
  const plain = (size, crop) => `/v1/pictures/${picture.id}/preview?size=${size}${crop ? `&crop=${crop.join()}` : ""}`;
  for (const tag of viewer.tags) tag.hidden = !touched;
  await viewer.show(width, height, touched ? pathsOf(item) : { before: plain });
}
async function show(picture) { // one was chosen in the list
  view.change({ zoom: 0, x: 0.5, y: 0.5 });
  if (viewers.length !== 1) layOut(1);
  painter = null;
  attachPainter();
  tell();
  if (!picture?.id) return;
  const [viewer] = viewers;
  viewer.tags.forEach((tag) => { tag.hidden = true; });
  if (picture.item) return showItem(viewer, picture, picture.item);
  const small = await createImageBitmap(await getBlob(`/v1/pictures/${picture.id}/preview?size=1600`));
  if (picture !== current()) return;
  if (!picture.item) viewer.place(small, picture.width, picture.height);
  if (picture.width * picture.height > LARGE && !picture.first) showFirst(viewer, picture);
  find(picture);
}
async function showFirst(viewer, picture) { // what is on the screen, at most so much of it, before the whole is done
  const [x, y, w, h] = viewer.visible();
  const wide = Math.min(w, FIRST[0]), high = Math.min(h, FIRST[1]);
  const part = [x + ((w - wide) >> 1), y + ((h - high) >> 1), wide, high];
  picture.first = true;
  try {
    const job = await post("/v1/jobs", { picture_ids: [picture.id], crop: part.join(), ...picture.options });
    const done = await watch(job, () => {});
    const [item] = done.items;
    if (item.state !== "done" || picture.item || picture !== current() || item.report.width !== wide) return;
    const result = await createImageBitmap(await getBlob(`/v1/jobs/${job.id}/items/0/preview?size=${Math.max(wide, high)}`));
    if (!picture.item && picture === current()) viewer.setDetail("after", result, part);
  } catch { /* the whole comes soon */ } finally { picture.firstDone?.(); }
}
function shownAgain(picture) { // it has ended
  if (picture !== current()) return links();
  tell();
  if (picture.item && viewers.length === 1) showItem(viewers[0], picture, picture.item).catch((error) => pictures.say(error.message));
  if (picture.id) find(picture);
}

// --- what was found

async function find(picture) {
  if (picture.findings || picture.finding) return;
  picture.finding = true;
  try {
    picture.findings = await post("/v1/diagnose", { picture_id: picture.id });
  } catch (error) { picture.findings = { found: error.message, tasks: [], figures: {} }; }
  if (picture === current()) tell();
}
function words({ found, tasks, figures }) {
  if (currentLanguage() === "en" || figures.noise === undefined) return found[0].toUpperCase() + found.slice(1) + ".";
  const parts = tasks.includes("denoise") || tasks.includes("clean") ? [`${t("noise")} ${figures.noise}`] : [];
  if (figures.jpeg_quality < 88) parts.push(`JPEG ${Math.round(figures.jpeg_quality)}`);
  return `${parts.join("，") || "没有明显的噪点和压缩"}。`;
}
function tell() {
  const picture = current();
  if (!picture) return;
  const { findings, item } = picture;
  $("found").textContent = findings ? words(findings) : picture.problem ?? t(picture.id ? "looking" : "uploading");
  $("advice").textContent = (currentLanguage() === "en" && findings?.advice) || "";
  drawWhere(picture);
  const steps = item?.report?.steps ?? [];
  const said = { failed: `${t("failed")}: ${picture.problem}`, cancelled: t("cancelled"), done: steps.length ? steps.map((step) => step.text).join(", ") : t("left-alone") };
  $("done").textContent = said[picture.state] ?? t(picture.state === "waiting" ? "waiting" : "working");
  if (item?.report?.made_up) $("done").textContent += ` ${t("made-up-part")}`;
  if (viewers[0]) viewers[0].busy.style.width = ["done", "failed", "cancelled"].includes(picture.state) ? "0" : `${100 * (picture.progress || 0.02)}%`;
  links();
}
function drawWhere({ findings, thumbnail }) {
  const canvas = $("where"), context = canvas.getContext("2d"), { regions } = findings ?? {};
  canvas.setAttribute("aria-label", t("where-said"));
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (thumbnail) { canvas.height = Math.round((canvas.width * thumbnail.height) / thumbnail.width); context.globalAlpha = 0.45; context.drawImage(thumbnail, 0, 0, canvas.width, canvas.height); }
  if (!regions) return;
  const grid = new OffscreenCanvas(regions.columns, regions.rows), cells = grid.getContext("2d");
  const pixels = cells.createImageData(regions.columns, regions.rows);
  for (let cell = 0; cell < regions.columns * regions.rows; cell += 1) {
    const row = Math.floor(cell / regions.columns), column = cell % regions.columns;
    const noise = regions.noise[row][column] / 30, jpeg = Math.max(0, 88 - regions.jpeg_quality[row][column]) / 70;
    const scratched = 3 * (regions.scratches?.[row][column] ?? 0);
    pixels.data.set([255, 255, 255, 230 * Math.min(1, Math.max(noise, jpeg, scratched))], 4 * cell);
  }
  cells.putImageData(pixels, 0, 0);
  context.globalAlpha = 1;
  context.drawImage(grid, 0, 0, canvas.width, canvas.height);
  context.globalAlpha = 1;
}
function links() {
  if (!current()) return;
  const { item } = current(), download = $("download");
  const wanted = new URLSearchParams();
  if (view.strength < 1) wanted.set("strength", view.strength);
  if ($("format").value) wanted.set("format", $("format").value);
  const query = wanted.size ? `?${wanted}` : "";
  download.setAttribute("aria-disabled", String(!item));
  if (item) download.href = `${item.path}/result${query}`; else download.removeAttribute("href");
  const job = pictures.commonJob;
  $("zip").hidden = !job;
  if (job) $("zip").href = `/v1/jobs/${job}/zip${view.strength < 1 ? `?strength=${view.strength}` : ""}`;
}

// --- masks

function attachPainter() {
  for (const viewer of viewers) {
    const factor = () => (painter ? viewer.width / painter.width : 1);
    viewer.brush = painter?.brushFor({ canvas: viewer.canvas, inPicture: (event) => viewer.inPicture(event).map((place) => place / factor()) });
    viewer.overlay = painter && ((context, left, top, scale) => painter.draw(context, left, top, scale * factor()));
    viewer.canvas.classList.toggle("painting", Boolean(painter?.mode));
    viewer.draw();
  }
  for (const [id, mode] of [["paint", "paint"], ["erase", "erase"]]) $(id).setAttribute("aria-pressed", String(painter?.mode === mode));
}
function needPainter() {
  const picture = current();
  if (painter || !picture?.id) return Boolean(painter);
  if (!MaskPainter.fits(picture.width, picture.height)) { pictures.say(t("too-large")); return false; }
  painter = new MaskPainter(picture.width, picture.height, () => viewers.forEach((viewer) => viewer.draw()));
  painter.size = Number($("brush").value);
  return true;
}
function setMode(mode) {
  if (!needPainter()) return;
  painter.mode = painter.mode === mode ? "" : mode;
  attachPainter();
}
async function applyMask() {
  const picture = current();
  if (!painter || painter.isEmpty) return pictures.say(t("paint-first"));
  const mask = await painter.file(), fills = $("use").value === "inpaint";
  painter.mode = "";
  const chosen = options();
  await pictures.again(picture, { ...(fills ? { task: "inpaint", ...lookFor("inpaint") } : chosen), mask });
  painter = null;
  attachPainter();
}

// --- several models

async function compare() {
  const names = [...$("models").querySelectorAll("input:checked")].map((box) => box.value), picture = current();
  if (names.length < 2 || names.length > 4) return pictures.say(t("choose-models"));
  layOut(names.length, names);
  await Promise.all(names.map(async (model, i) => {
    const viewer = viewers[i];
    try {
      const job = await post("/v1/jobs", { picture_ids: [picture.id], model, adjustable: true });
      const done = await watch(job, ({ items: [item] }) => { viewer.busy.style.width = `${100 * item.progress}%`; });
      viewer.busy.style.width = "0";
      const [item] = done.items;
      if (item.state !== "done") throw new Error(item.problem?.detail ?? t("failed"));
      if (viewers[i] === viewer) await showItem(viewer, picture, { ...item, path: `/v1/jobs/${job.id}/items/0` });
      viewer.tags[1].hidden = false;
    } catch (error) { viewer.tags[1].textContent = `${model}: ${error.message}`; viewer.tags[1].hidden = false; }
  }));
}

// --- controls

function listen(say) {
  const guarded = (action) => async (event) => { try { await action(event); } catch (error) { say(error.message); } };
  $("split").addEventListener("input", () => view.change({ split: $("split").value / 100 }));
  $("strength").addEventListener("input", () => {
    view.change({ strength: $("strength").value / 100 });
    $("strength-said").textContent = `${$("strength").value} %`;
    if (current()) links();
  });
  $("changes").addEventListener("change", guarded(async () => { view.change({ changes: $("changes").checked }); if (current()?.item) await showItem(viewers[0], current(), current().item); }));
  $("in").addEventListener("click", () => viewers[0].zoomTo(viewers[0].zoomed * 1.5));
  $("out").addEventListener("click", () => viewers[0].zoomTo(viewers[0].zoomed / 1.5));
  $("fit").addEventListener("click", () => view.change({ zoom: 0 }));
  $("full").addEventListener("click", () => viewers[0].zoomTo(1));
  for (const box of ["task", "sharp", "words"]) $(box).addEventListener("change", guarded(() => { offerLook(); return current()?.id && pictures.again(current(), options()); }));
  $("painting").addEventListener("toggle", offerLook);
  $("use").addEventListener("change", offerLook);
  $("format").addEventListener("change", links);
  $("paint").addEventListener("click", () => setMode("paint"));
  $("erase").addEventListener("click", () => setMode("erase"));
  $("brush").addEventListener("input", () => { if (painter) painter.size = Number($("brush").value); });
  $("undo").addEventListener("click", () => painter?.undo());
  $("clear").addEventListener("click", () => painter?.clear());
  $("scratches").addEventListener("click", guarded(async () => {
    if (!needPainter()) return;
    painter.begin(await whiteOf(await getBlob(`/v1/pictures/${current().id}/scratches`)));
    attachPainter();
  }));
  $("apply").addEventListener("click", guarded(applyMask));
  $("compare").addEventListener("click", guarded(compare));
  $("one").addEventListener("click", guarded(() => { layOut(1); return show(current()); }));
  $("cancel").addEventListener("click", guarded(() => Promise.all(pictures.jobsAtWork.map((job) => remove(`/v1/jobs/${job}`)))));
  const drag = (event) => { event.preventDefault(); document.body.classList.toggle("dropping", event.type === "dragover"); };
  addEventListener("dragover", drag);
  addEventListener("dragleave", drag);
  addEventListener("drop", guarded((event) => { drag(event); return add(event.dataTransfer.files); }));
  addEventListener("paste", guarded((event) => (event.clipboardData.files.length ? add(event.clipboardData.files) : undefined)));
  for (const id of ["files", "more"]) $(id).addEventListener("change", guarded(async (event) => { await add(event.target.files); event.target.value = ""; }));
}
