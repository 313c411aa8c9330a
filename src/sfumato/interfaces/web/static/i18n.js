// What the page says, in English and Chinese.

const EN = {
  what: "What to do", restore: "Restore", generate: "Generate", stays: "Nothing leaves this machine.", language: "Language",
  drop: "Drop pictures here, or choose them", paste: "Pasting works, too. On a phone: the camera, or the photo library.",
  split: "Where before ends and after begins", "zoom-in": "Closer", "zoom-out": "Farther", fit: "Fit", changes: "What changed",
  sharp: "Sharp: details are made up", controls: "How it is restored", found: "What was found", task: "Task", strength: "Strength",
  paint: "Paint a mask", "paint-why": "Paint on the picture what is damaged, or where alone it shall be restored. Shift and the arrow keys move the brush without a mouse, Space paints.",
  use: "What is painted", "use-inpaint": "is filled in", "use-only": "alone is restored", brush: "Brush", "brush-on": "Brush", eraser: "Eraser", undo: "Undo", clear: "Clear", scratches: "Scratches that are found", apply: "Restore with it",
  "side-by-side": "Several models side by side", "side-why": "Two to four; zoom and slider go along in all of them.", compare: "Compare", one: "One again",
  format: "File", "as-it-came": "as it came", download: "Download", zip: "All as a zip", pictures: "Pictures", more: "More pictures", cancel: "Cancel",
  model: "Model", class: "Class", words: "In words", count: "How many", seed: "Seed", dice: "Another seed", guidance: "Guidance", steps: "Steps",
  "made-up": "These pictures are made up, and each file says so.", progress: "Progress", sheet: "Download the sheet", "all-files": "Download the files", walk: "Walk from one to another",
  vary: "Vary", reuse: "Use this seed", close: "Close", token: "This service wants a token:", enter: "Enter",
  before: "before", after: "after", any: "any", mix: "each in turn",
  auto: "Automatic", "old-photo": "Old photograph", denoise: "Noise", dejpeg: "JPEG compression", clean: "Noise and compression", deblur: "Blur", descreen: "Printed dots, dither", upscale2: "Enlarge 2×", upscale4: "Enlarge 4×", inpaint: "Fill in (transparent or painted)", fade: "Faded tones", colorize: "Colours (invented)", "with-words": "By words: {model}",
  looking: "Looking at the picture…", uploading: "Sending…", waiting: "Waiting…", working: "At work…", "left-alone": "Left as it was.", failed: "Not possible", cancelled: "Cancelled", done: "Done",
  noise: "noise", quality: "JPEG", "where-said": "Where the damage was found, brighter is more",
  "made-up-part": "What was filled in is shown in magenta.", left: "{done} of {all} done", "time-left": "about {s} s left",
  generating: "Generating…", generated: "{n} pictures in {s} s, seed {seed}.", "choose-two": "Choose two pictures to walk between: the first is marked.", "paint-first": "Nothing is painted yet.", "choose-models": "Choose two to four models.",
  nothing: "No picture was in what was dropped.", lost: "The service does not answer. Is `sfumato web` still running?", "is-made-up": "Picture {number} of seed {seed}. It is made up.", walking: "The way from {a} to {b}.",
  "too-large": "Too large for painting here; the command line takes a mask of it: --mask.", view: "The picture, before and after: drag to move, wheel or + and − to zoom, arrow keys to move",
  picture: "Picture", open: "Open", painted: "painted",
};
const ZH = {
  what: "功能", restore: "修复", generate: "生成", stays: "所有数据都留在本机。", language: "语言",
  drop: "把图片拖到这里，或点击选择", paste: "也可以粘贴。手机上可用相机或相册。",
  split: "修复前与修复后的分界", "zoom-in": "放大", "zoom-out": "缩小", fit: "适合窗口", changes: "显示改动",
  sharp: "清晰：细节为虚构", controls: "修复方式", found: "检测结果", task: "任务", strength: "强度",
  paint: "涂抹蒙版", "paint-why": "在图片上涂出损坏之处，或涂出只需修复的区域。不用鼠标时：Shift 加方向键移动画笔，空格键涂抹。",
  use: "涂抹处", "use-inpaint": "补全", "use-only": "只修复此处", brush: "画笔大小", "brush-on": "画笔", eraser: "橡皮", undo: "撤销", clear: "清除", scratches: "自动查找划痕", apply: "按蒙版修复",
  "side-by-side": "多个模型并排比较", "side-why": "选二到四个；缩放与分界线同步。", compare: "比较", one: "返回单图",
  format: "文件", "as-it-came": "与原文件相同", download: "下载", zip: "全部打包下载", pictures: "图片", more: "添加图片", cancel: "取消",
  model: "模型", class: "类别", words: "文字描述", count: "数量", seed: "种子", dice: "换一个种子", guidance: "引导强度", steps: "步数",
  "made-up": "这些图片是生成的，每个文件中都有说明。", progress: "进度", sheet: "下载拼图", "all-files": "下载全部文件", walk: "从一张渐变到另一张",
  vary: "生成变体", reuse: "使用此种子", close: "关闭", token: "此服务需要令牌：", enter: "确定",
  before: "修复前", after: "修复后", any: "任意", mix: "轮流",
  auto: "自动", "old-photo": "老照片", denoise: "噪点", dejpeg: "JPEG 压缩", clean: "噪点与压缩", deblur: "模糊", descreen: "印刷网点与抖动", upscale2: "放大 2 倍", upscale4: "放大 4 倍", inpaint: "补全（透明或涂抹处）", fade: "褪色", colorize: "上色（颜色为虚构）", "with-words": "按文字：{model}",
  looking: "正在检测……", uploading: "正在上传……", waiting: "等待中……", working: "正在处理……", "left-alone": "保持原样。", failed: "无法完成", cancelled: "已取消", done: "完成",
  noise: "噪点", quality: "JPEG", "where-said": "损坏所在之处，越亮越严重",
  "made-up-part": "补全的部分以洋红色显示。", left: "已完成 {done} / {all}", "time-left": "约剩 {s} 秒",
  generating: "正在生成……", generated: "{n} 张图片，用时 {s} 秒，种子 {seed}。", "choose-two": "选择两张图片：第一张已标记。", "paint-first": "还没有涂抹。", "choose-models": "请选择二到四个模型。",
  nothing: "拖入的内容中没有图片。", lost: "服务没有响应。`sfumato web` 还在运行吗？", "is-made-up": "种子 {seed} 的第 {number} 张。这是生成的图片。", walking: "从 {a} 到 {b} 的渐变。",
  "too-large": "图片过大，无法在此涂抹；命令行可用 --mask。", view: "图片的修复前后：拖动平移，滚轮或 + − 缩放，方向键移动",
  picture: "图片", open: "打开", painted: "已涂抹",
};
const TEXTS = { en: EN, zh: ZH };
let language = "en";

export function t(key, values = {}) {
  const text = TEXTS[language][key] ?? EN[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// The library's sentences are English; what is found is put together from its figures in other languages.
export function currentLanguage() { return language; }

export function chooseLanguage(wanted) {
  language = wanted in TEXTS ? wanted : "en";
  document.documentElement.lang = language === "zh" ? "zh-CN" : language;
  for (const element of document.querySelectorAll("[data-i18n]")) element.textContent = t(element.dataset.i18n);
  for (const element of document.querySelectorAll("[data-i18n-label]")) element.setAttribute("aria-label", t(element.dataset.i18nLabel));
  for (const element of document.querySelectorAll("[data-i18n-title]")) element.title = t(element.dataset.i18nTitle);
}

export function browsersLanguage() {
  const stored = localStorage.getItem("language");
  const wanted = stored ? [stored] : navigator.languages ?? [navigator.language];
  return wanted.map((name) => name.slice(0, 2)).find((name) => name in TEXTS) ?? "en";
}

export function texts() { return TEXTS; }
