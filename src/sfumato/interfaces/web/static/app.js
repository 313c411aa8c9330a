// The page: two tabs, a language, a token where the service wants one.
import { enter } from "./api.js";
import * as generate from "./generate.js";
import { browsersLanguage, chooseLanguage } from "./i18n.js";
import * as restore from "./restore.js";

const $ = (id) => document.getElementById(id);

function say(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
  clearTimeout(say.timer);
  if (text) say.timer = setTimeout(() => say(""), 12000);
}

const TABS = ["restore", "generate"];
function choose(name, focus = false) {
  for (const tab of TABS) {
    const button = $(`tab-${tab}`), is = tab === name;
    button.setAttribute("aria-selected", String(is));
    button.tabIndex = is ? 0 : -1;
    $(tab).hidden = !is;
    if (is && focus) button.focus();
  }
  history.replaceState(null, "", name === "restore" ? location.pathname : `#${name}`);
}
for (const tab of TABS) {
  $(`tab-${tab}`).addEventListener("click", () => choose(tab));
  $(`tab-${tab}`).addEventListener("keydown", (event) => {
    if (["ArrowLeft", "ArrowRight"].includes(event.key)) choose(TABS[1 - TABS.indexOf(tab)], true);
  });
}

function speak(language) {
  chooseLanguage(language);
  $("language").value = language;
  restore.translate();
  generate.translate();
}
$("language").addEventListener("change", () => { localStorage.setItem("language", $("language").value); speak($("language").value); });

document.addEventListener("token", ({ detail: resolve }) => {
  const dialog = $("token-dialog");
  if (!dialog.open) dialog.showModal();
  $("token-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await enter($("token").value.trim())) { dialog.close(); resolve(); } else $("token").select();
  }, { once: false });
});

speak(browsersLanguage());
choose(location.hash === "#generate" ? "generate" : "restore");
Promise.all([restore.begin(say), generate.begin(say)]).then(() => { speak($("language").value); document.body.dataset.ready = "true"; }, (error) => say(error.message));
