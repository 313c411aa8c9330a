"""The web page in a real browser, Debian's headless Chromium: what people do on it, and what it sends where."""

import io
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from picture_files import scene

from sfumato import Picture, restore

pytestmark = pytest.mark.doors
LONG = 120_000  # milliseconds, on a busy machine


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Of `sfumato web`, as a user starts it."""
    command = [sys.executable, "-m", "sfumato", "web", "--no-browser", "--work", str(tmp_path_factory.mktemp("work"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        assert found is not None
        yield found[0]
        process.terminate()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "no Chromium here: apt-get install chromium fonts-noto-cjk"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Opens the page in a new window; at the end nothing may have gone wrong in it, and nothing elsewhere."""
    opened, wrong = [], []

    def visit(width=1280, height=800, **settings):
        context = browser.new_context(
            viewport={"width": width, "height": height}, accept_downloads=True, **({"locale": "en-US"} | settings)
        )
        page = context.new_page()
        page.set_default_timeout(LONG)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        # a browser says of every refusal that it came
        page.on("console", lambda said: said.type == "error" and "422" not in said.text and wrong.append(said.text))
        page.on("request", lambda sent: sent.url.startswith((address, "blob:", "data:")) or wrong.append(sent.url))
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        opened.append(context)
        return page

    yield visit
    for context in opened:
        context.close()
    assert wrong == []


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A noisy photograph with EXIF data and a profile, and two more."""
    folder = tmp_path_factory.mktemp("pictures")
    noise = np.random.default_rng(0).normal(0, 0.1, (160, 240, 3))
    ramp = np.linspace(0.2, 0.8, 240)[None, :, None] * np.ones((160, 1, 3))
    for number in range(3):
        pixels = (ramp if number else ramp[:, ::-1]) + noise
        Picture.from_array(pixels.clip(0, 1), depth=8).save(folder / f"{number}.png")
    profile = Path(folder / "full.tif")
    import tifffile

    tifffile.imwrite(profile, scene(3, 16), photometric="rgb", description="a caption", resolution=(300, 300))
    return folder


def restored(page, *paths, into="#files"):
    page.set_input_files(into, [str(path) for path in paths])
    page.wait_for_selector("#download[href]")


def dragged(page, selector, value):
    page.eval_on_selector(selector, f"e => {{ e.value = {value}; e.dispatchEvent(new Event('input')); }}")


def downloaded(page, selector):
    with page.expect_download() as download:
        page.click(selector)
    return download.value


def canvas_pixels(page):
    """The canvas as the screen has it."""
    return Picture.open(io.BytesIO(page.locator(".view canvas").first.screenshot())).array()


def test_a_picture_is_looked_at_restored_compared_and_downloaded(visit, files):
    page = visit()
    restored(page, files / "0.png")
    page.wait_for_selector("text=Noise 2")
    page.wait_for_timeout(500)
    first = canvas_pixels(page)
    left, right = first[:, : first.shape[1] // 3], first[:, -first.shape[1] // 3 :]
    grain = [float(np.abs(np.diff(part, axis=1)).mean()) for part in (left, right)]
    assert grain[0] > 2 * grain[1], "before is on the left, after on the right"

    dragged(page, "#strength", 0)
    weakest = canvas_pixels(page)
    assert np.abs(weakest - first).mean() > 0.005, "the strength follows without another run"
    dragged(page, "#strength", 60)
    dragged(page, "#split", 100)
    assert np.abs(canvas_pixels(page) - weakest).mean() > 1e-4
    got = downloaded(page, "#download")
    assert got.suggested_filename == "0.restored.png"
    wanted = restore(files / "0.png", strength=0.6).picture.to_bytes("png")
    assert Path(got.path()).read_bytes() == wanted, "the bytes of the command line at that strength"

    page.click("#in")
    page.click("#full")
    assert page.text_content("#zoom") == "100 %"
    page.focus(".view canvas")
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    page.check("#changes")
    page.wait_for_timeout(500)
    assert page.text_content("#zoom") == "150 %"


def test_depth_and_metadata_come_back(visit, files):
    page = visit()
    restored(page, files / "full.tif")
    got = Path(downloaded(page, "#download").path()).read_bytes()
    picture = Picture.open(got)
    assert picture.depth == 16
    assert got == restore(files / "full.tif").picture.to_bytes("tiff")


def test_a_painted_mask_is_filled_in_and_only_that(visit, files):
    page = visit()
    restored(page, files / "1.png")
    page.click("#painting summary")
    page.click("#paint")
    box = page.locator(".view canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 40, y)
    page.mouse.down()
    page.mouse.move(x + 40, y, steps=5)
    page.mouse.up()
    page.click("#erase")
    page.mouse.click(x + 40, y)
    page.click("#undo")
    page.click("#apply")
    page.wait_for_selector("#done:has-text('inpaint')")
    after = Picture.open(Path(downloaded(page, "#download").path()).read_bytes()).array()
    before = Picture.open(files / "1.png").array()
    changed = np.abs(after - before).max(axis=2) > 0
    assert 0.005 < changed.mean() < 0.2
    assert changed[80, 120]
    assert not changed[:20].any()


def test_doubtful_finds_stay_grey_in_a_mask_until_they_are_painted_over(visit):
    values = visit().evaluate("""async () => {
      const { MaskPainter, whiteOf } = await import("/mask.js");
      const canvas = new OffscreenCanvas(40, 10), context = canvas.getContext("2d");
      for (const [left, grey] of [[0, 0], [10, 64], [20, 64], [30, 255]]) {
        context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
        context.fillRect(left, 0, 10, 10);
      }
      const painter = new MaskPainter(40, 10, () => {});
      painter.begin(await whiteOf(await canvas.convertToBlob({ type: "image/png" })));
      painter.strokes.push({ points: [[25, 5]], size: 4, erases: false });
      const drawn = await createImageBitmap(await painter.file());
      context.drawImage(drawn, 0, 0);
      return [5, 15, 25, 35].map((x) => [...context.getImageData(x, 5, 1, 1).data]);
    }""")
    assert values == [[value, value, value, 255] for value in (0, 64, 255, 255)]


def test_several_pictures_one_that_is_none_and_a_zip(visit, files, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    page = visit()
    page.set_input_files("#files", [str(files / f"{number}.png") for number in range(3)])
    page.wait_for_selector("#zip:not([hidden])")
    with zipfile.ZipFile(downloaded(page, "#zip").path()) as archive:
        assert sorted(archive.namelist()) == ["0.restored.png", "1.restored.png", "2.restored.png"]
        assert archive.read("1.restored.png") == restore(files / "1.png").picture.to_bytes("png")
    page.set_input_files("#more", [str(tmp_path / "broken.png")])
    page.wait_for_selector(".thumb.failed")
    page.click(".thumb.failed")
    page.wait_for_selector("#done:has-text('no picture')")
    page.click(".thumb >> nth=1")
    page.wait_for_selector("#download[href]")


def test_models_side_by_side(visit, files):
    page = visit()
    restored(page, files / "0.png")
    page.click("#several summary")
    for name in ("denoise-fast", "denoise-best"):
        page.check(f"#models input[value={name}]")
    page.click("#compare")
    page.wait_for_selector(".view:nth-child(2) .tag.right:not([hidden])")
    page.wait_for_timeout(1000)
    assert page.locator(".view").count() == 2
    page.click("#one")
    assert page.locator(".view").count() == 1


def test_generating_the_same_seed_gives_the_same_pictures(visit):
    page = visit()
    page.click("#tab-generate")
    seen = []
    for seed in ("7", "7", "8"):
        page.fill("#g-count", "6")
        page.fill("#g-seed", seed)
        page.click("#g-go")
        page.wait_for_selector(f"#g-said:has-text('seed {seed}.')")
        page.wait_for_selector("#gallery li:nth-child(6) img")
        path = page.get_attribute("#gallery li:nth-child(1) img", "src")
        seen.append(page.request.get(page.url.split("#")[0].rstrip("/") + path).body())
        page.evaluate("() => { document.getElementById('g-said').textContent = ''; }")
    assert seen[0] == seen[1] != seen[2]
    page.click("#gallery li:nth-child(2) button")
    page.wait_for_selector("#large[open]")
    assert "made up" in page.text_content("#large-said")
    page.keyboard.press("Escape")
    page.click("#g-walk")
    page.click("#gallery li:nth-child(1) button")
    page.click("#gallery li:nth-child(3) button")
    page.wait_for_selector("#large[open]")
    moving = {page.get_attribute("#large-picture", "src") for _ in range(6) if page.wait_for_timeout(120) is None}
    assert len(moving) > 1


def test_a_tiny_picture_is_enlarged_with_words(visit, tmp_path):
    """The field shows with models that take words alone; what comes is what the library makes."""
    pytest.importorskip("sfumato_models")
    Picture.from_array(np.tile(np.float32([0.8, 0.1, 0.1]), (32, 32, 1)), depth=8).save(tmp_path / "tiny.png")
    page = visit()
    restored(page, tmp_path / "tiny.png")
    assert page.is_hidden("#words")
    page.select_option("#task", "model:emoji-text")
    page.wait_for_selector("#done:has-text('emoji-text')")
    before = page.get_attribute("#download", "href")
    page.fill("#words", "red apple")
    page.press("#words", "Enter")
    page.wait_for_function("path => document.getElementById('download').getAttribute('href') !== path", arg=before)
    wanted = restore(tmp_path / "tiny.png", model="emoji-text", text="red apple").picture.to_bytes("png")
    assert Path(downloaded(page, "#download").path()).read_bytes() == wanted
    page.select_option("#task", "denoise")
    assert page.is_hidden("#words")


def test_the_language_is_the_browsers_and_can_be_chosen(visit, files):
    page = visit(width=390, height=844, locale="zh-CN", is_mobile=True, has_touch=True)
    assert page.text_content("#tab-restore") == "修复"
    assert page.get_attribute("html", "lang") == "zh-CN"
    restored(page, files / "0.png")
    page.wait_for_selector("#found:has-text('噪点')")
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 390, "nothing is wider than the phone"
    page.select_option("#language", "en")
    assert page.text_content("#tab-restore") == "Restore"


def test_by_the_keyboard_alone(visit, files):
    page = visit()
    choosers = []
    page.on("filechooser", lambda chooser: choosers.append(chooser))
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.id") == "tab-restore"
    page.keyboard.press("ArrowRight")
    assert page.is_visible("#generate")
    page.keyboard.press("ArrowLeft")
    assert page.is_visible("#restore")
    for _ in range(2):
        page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.id") == "files"
    for _ in range(20):  # a browser on a busy machine drops a chooser whose key came late: people press again
        page.keyboard.press("Space")
        page.wait_for_timeout(1000)
        if choosers:
            break
    choosers[0].set_files(str(files / "0.png"))
    page.wait_for_selector("#download[href]")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement.id || document.activeElement.tagName"))
    assert {"split", "strength", "task", "download", "CANVAS", "fit", "format"} <= reached


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tab", ["restore", "generate"])
def test_axe_finds_no_serious_fault(visit, files, scheme, tab):
    from axe_playwright_python.base import AXE_FILE_PATH

    page = visit(color_scheme=scheme)
    if tab == "generate":
        page.click("#tab-generate")
        page.click("#g-go")
        page.wait_for_selector("#gallery img")
    else:
        restored(page, files / "0.png")
        page.click("#painting summary")
        page.click("#several summary")
    page.evaluate(Path(AXE_FILE_PATH).read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run()")["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in serious] == []


def test_the_first_paint_comes_within_a_second(visit):
    page = visit()
    paint = page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0].startTime")
    sizes = page.evaluate("() => performance.getEntriesByType('resource').map(e => e.encodedBodySize)")
    assert paint < 1000
    assert sum(sizes) < 300_000
