// The pictures at hand: sent once, restored in jobs, listed with state, progress and time left.
import { getBlob, post, watch } from "./api.js";
import { t } from "./i18n.js";

const ENDED = ["done", "failed", "cancelled"];
const AT_ONCE = 3; // that are sent

export class Pictures {
  constructor(list, { chosen, ended, say }) {
    Object.assign(this, { list, chosen, ended, say, all: [], current: null, started: 0 });
  }
  get jobsAtWork() { return [...new Set(this.all.filter((one) => one.job && !ENDED.includes(one.state)).map((one) => one.job))]; }
  get commonJob() { // that has them all, where there are several
    const [first] = this.all, done = this.all.filter((one) => one.state === "done");
    const together = this.all.every((one) => one.job === first.job && ENDED.includes(one.state));
    return done.length > 1 && together ? first.job : null;
  }

  async add(files, options) {
    const added = files.map((file) => ({ file, name: file.name || "picture.png", state: "sending", progress: 0, options }));
    this.all.push(...added);
    if (!this.current) this.choose(added[0], false);
    this.draw();
    const waiting = [...added];
    await Promise.all(Array.from({ length: AT_ONCE }, async () => { while (waiting.length) await this.send(waiting.shift()); }));
    const sent = added.filter((one) => one.id);
    if (!sent.length) return;
    const large = sent.length === 1 && sent[0] === this.current ? sent[0] : null;
    if (large) await this.firstPart(large);
    await this.submit(sent, options);
  }
  async send(one) {
    try {
      const kept = await post("/v1/pictures", { picture: one.file });
      Object.assign(one, { id: kept.id, width: kept.picture.width, height: kept.picture.height, state: "waiting", file: null });
      const small = await getBlob(`/v1/pictures/${one.id}/preview?size=320`);
      one.thumbnail = await createImageBitmap(small);
      one.shown = URL.createObjectURL(small);
    } catch (error) { Object.assign(one, { state: "failed", problem: error.message }); }
    this.draw();
    if (one === this.current) this.chosen(one);
  }
  async firstPart(one) { // the whole begins when the part on the screen is there, or takes long
    const first = new Promise((resolve) => { one.firstDone = resolve; });
    const large = one.width * one.height > 3e6;
    if (large) await Promise.race([first, new Promise((resolve) => setTimeout(resolve, 4000))]);
  }

  // Restores one anew with other options, by itself.
  again(one, options) { return this.submit([one], options); }

  async submit(several, options) {
    for (const one of several) Object.assign(one, { state: "waiting", progress: 0, problem: null, item: null, options, job: null });
    this.draw();
    let job;
    try {
      job = await post("/v1/jobs", { picture_ids: several.map((one) => one.id), adjustable: true, advise: false, ...options });
    } catch (error) {
      for (const one of several) Object.assign(one, { state: "failed", problem: error.message });
      this.draw();
      several.forEach((one) => this.ended(one));
      return;
    }
    for (const one of several) one.job = job.id;
    this.started ||= performance.now();
    const mine = (number) => (several[number].job === job.id ? several[number] : null);
    try {
      const done = await watch(job, ({ items }) => {
        for (const item of items) {
          const one = mine(item.number);
          if (one && !ENDED.includes(one.state)) {
            Object.assign(one, { state: item.state, progress: item.progress });
            if (item.state === "done") this.fetchItem(one, job.id, item.number);
          }
        }
        this.draw();
      });
      for (const item of done.items) this.take(mine(item.number), job.id, item);
    } catch (error) { this.say(error.message); }
    if (!this.jobsAtWork.length) this.started = 0;
    this.draw();
  }
  async fetchItem(one, job, number) { // while others are at work still
    try {
      const { items } = await (await fetch(`/v1/jobs/${job}`)).json();
      this.take(one, job, items[number]);
    } catch { /* it comes with the end */ }
  }
  take(one, job, item) {
    if (!one || one.job !== job || one.item) return;
    Object.assign(one, { state: item.state, progress: item.state === "done" ? 1 : one.progress, problem: item.problem?.detail ?? null });
    if (item.state === "done") one.item = { ...item, path: `/v1/jobs/${job}/items/${item.number}` };
    this.draw();
    this.ended(one);
  }

  choose(one, show = true) {
    this.current = one;
    this.draw();
    if (show) this.chosen(one);
  }
  draw() {
    const rows = this.all.map((one) => {
      one.row ??= this.row(one);
      const { button, image, text, bar } = one.row;
      if (one.shown && image.src !== one.shown) image.src = one.shown;
      button.classList.toggle("failed", one.state === "failed");
      button.setAttribute("aria-current", String(one === this.current));
      const state = { done: "", failed: t("failed"), cancelled: t("cancelled"), sending: t("uploading"), waiting: t("waiting") }[one.state] ?? t("working");
      text.textContent = state ? `${one.name}: ${state}` : one.name;
      bar.hidden = ENDED.includes(one.state);
      bar.value = one.progress;
      return one.row.li;
    });
    if (this.list.children.length !== rows.length) this.list.replaceChildren(...rows);
    this.tellLeft();
  }
  row(one) {
    const [li, button, image, text, bar] = ["li", "button", "img", "span", "progress"].map((name) => document.createElement(name));
    button.className = "thumb";
    image.alt = "";
    bar.max = 1;
    bar.setAttribute("aria-label", `${one.name}: ${t("progress")}`);
    button.append(image, text, bar);
    button.addEventListener("click", () => this.choose(one));
    li.append(button);
    return { li, button, image, text, bar };
  }
  tellLeft() {
    const done = this.all.filter((one) => ENDED.includes(one.state)).length, all = this.all.length;
    const share = this.all.reduce((sum, one) => sum + (ENDED.includes(one.state) ? 1 : one.progress), 0) / (all || 1);
    const seconds = (performance.now() - this.started) / 1000;
    const left = this.started && share > 0.02 && share < 1 ? Math.ceil((seconds * (1 - share)) / share) : 0;
    const words = all > 1 ? [t("left", { done, all })] : [];
    if (left > 2) words.push(t("time-left", { s: left }));
    document.getElementById("left").textContent = words.join(", ");
    document.getElementById("cancel").hidden = !this.jobsAtWork.length;
  }
}
