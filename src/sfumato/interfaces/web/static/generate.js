// New pictures: by model, class and seed; varied, and walked between.
import { getBlob, getJson, post, remove, watch } from "./api.js";
import { t } from "./i18n.js";

const $ = (id) => document.getElementById(id);
const AT_ONCE = { Prefer: "respond-async" };
let models = [], made = null, walking = null, chosen = null, timer = 0, job = null;

export async function begin(say) {
  models = (await getJson("/v1/models")).models.filter((model) => model.uses.includes("generate"));
  $("g-model").append(...models.map((model) => new Option(model.name, model.name)));
  const guarded = (action) => async (event) => { event?.preventDefault(); try { await action(event); } catch (error) { say(error.message); busy(false); } };
  $("g-model").addEventListener("change", translate);
  $("g-dice").addEventListener("click", () => { $("g-seed").value = Math.floor(Math.random() * 1e6); });
  $("wish").addEventListener("submit", guarded(draw));
  $("g-cancel").addEventListener("click", guarded(() => job && remove(`/v1/jobs/${job.id}`)));
  $("g-zip").addEventListener("click", guarded(zip));
  $("g-walk").addEventListener("click", () => { walking = []; $("g-said").textContent = t("choose-two"); mark(); });
  $("large").addEventListener("close", () => clearInterval(timer));
  $("large-seed").addEventListener("click", () => { $("g-seed").value = chosen.seed; $("large").close(); });
  $("large-vary").addEventListener("click", guarded(vary));
  translate();
}
const model = () => models.find((one) => one.name === $("g-model").value);

export function translate() {
  const one = model();
  if (!one) return;
  const before = $("g-class").value, groups = new Set(one.classes.filter((name) => name.includes("/")).map((name) => name.split("/")[0]));
  $("g-class").replaceChildren(new Option(t("any"), ""), ...(one.classes.length ? [new Option(t("mix"), "mix")] : []), ...[...groups, ...one.classes].map((name) => new Option(name, name)));
  if ([...$("g-class").options].some((option) => option.value === before)) $("g-class").value = before;
  $("g-class-row").hidden = !one.classes.length;
  $("g-text-row").hidden = !one.conditions.includes("text");
  $("g-guidance-row").hidden = !(one.conditions.length && one.takes_steps);
  $("g-steps-row").hidden = !one.takes_steps;
}
function wish() {
  const one = model();
  return {
    model: one.name, num: $("g-count").value, seed: $("g-seed").value || 0, class: one.classes.length ? $("g-class").value : "",
    ...(one.conditions.includes("text") && $("g-text").value.trim() ? { text: $("g-text").value } : {}),
    guidance: $("g-guidance-row").hidden ? "" : $("g-guidance").value, steps: $("g-steps-row").hidden ? "" : $("g-steps").value,
  };
}
function busy(is) {
  $("g-go").disabled = is;
  $("g-cancel").hidden = $("g-progress").hidden = !is;
}
async function run(path, fields) {
  busy(true);
  $("g-progress").value = 0;
  $("g-said").textContent = t("generating");
  job = await post(path, fields, AT_ONCE);
  const done = await watch(job, ({ progress }) => { $("g-progress").value = progress; });
  busy(false);
  const [item] = done.items;
  if (item.state === "cancelled") { $("g-said").textContent = t("cancelled"); return null; }
  if (item.state !== "done") throw new Error(item.problem?.detail ?? t("failed"));
  return item;
}
async function draw() {
  const fields = wish(), item = await run("/v1/generate", fields);
  if (item) take(item, fields);
}
function take(item, fields) {
  made = { item, fields, seed: Number(item.report.seed ?? fields.seed) };
  walking = null;
  const { report, parts } = item;
  $("g-said").textContent = t("generated", { n: parts.length, s: report.seconds.toFixed(1), seed: made.seed });
  $("gallery").replaceChildren(...parts.map((path, number) => {
    const [li, button, image] = ["li", "button", "img"].map((name) => document.createElement(name));
    Object.assign(image, { src: path, loading: "lazy", alt: `${report.labels[number] ?? t("picture")} ${number + 1}` });
    button.append(image);
    button.addEventListener("click", () => choose(number));
    li.append(button);
    return li;
  }));
  $("g-files").hidden = false;
  $("g-sheet").href = item.result;
  $("g-sheet").download = `${fields.model}-${made.seed}.png`;
  $("g-walk").hidden = !fields.num;
}
function choose(number) {
  if (!walking) return enlarge(number);
  walking.push(number);
  mark();
  return walking.length === 2 ? walk(...walking) : undefined;
}
function mark() {
  [...$("gallery").querySelectorAll("button")].forEach((button, number) => button.setAttribute("aria-pressed", String(walking?.includes(number) ?? false)));
}
function enlarge(number) {
  chosen = { number, seed: made.seed, path: made.item.parts[number] };
  $("large-picture").src = chosen.path;
  $("large-said").textContent = t("is-made-up", { number: number + 1, seed: made.seed });
  $("large-file").href = chosen.path;
  $("large-file").hidden = false;
  $("large-vary").hidden = !model()?.uses.includes("encode") || model().name !== made.fields.model;
  $("large").showModal();
}
async function walk(from, to) {
  const { fields, seed } = made;
  const item = await run("/v1/interpolate", { model: fields.model, a: `${seed}:${from}`, b: `${seed}:${to}`, num: 24, class: fields.class === "mix" ? "" : fields.class });
  walking = null;
  mark();
  if (!item) return;
  $("g-said").textContent = t("walking", { a: from + 1, b: to + 1 });
  const frames = await Promise.all(item.parts.map(async (path) => URL.createObjectURL(await getBlob(path))));
  let at = 0;
  clearInterval(timer);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const next = () => { const place = at % (2 * frames.length - 2); $("large-picture").src = frames[place < frames.length ? place : 2 * frames.length - 2 - place]; at += 1; };
  next();
  if (!still) timer = setInterval(next, 90);
  $("large-said").textContent = `${t("walking", { a: from + 1, b: to + 1 })} ${t("made-up")}`;
  $("large-vary").hidden = true;
  $("large-file").href = item.result;
  chosen = { seed };
  $("large").showModal();
}
async function vary() {
  $("large").close();
  const picture = new File([await getBlob(chosen.path)], "picture.png", { type: "image/png" });
  const fields = { model: made.fields.model, num: 16, seed: Math.floor(Math.random() * 1e6), class: "", steps: made.fields.steps ?? "" };
  const item = await run("/v1/vary", { ...fields, picture });
  if (item) take(item, { ...fields, num: 0 });
}
async function zip() {
  const item = await run("/v1/generate", { ...made.fields, output: "zip" });
  if (!item) return;
  const link = Object.assign(document.createElement("a"), { href: item.result, download: `${made.fields.model}-${made.seed}.zip` });
  link.click();
  $("g-said").textContent = t("done");
}
