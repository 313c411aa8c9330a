"""Renew the pictures of the web page in docs/images/web: `python tools/page_screenshots.py`.

Needs the extras `serve` and `dev`, Chromium, and takes a minute. The pictures shown are those of examples/, and a few
that scikit-image has.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright
from skimage import data

from sfumato import Picture

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "images" / "web"
NOISY = ROOT / "examples" / "astronaut-noisy.png"


def restore(page: Any, *paths: Path) -> None:
    page.set_input_files("#files", [str(path) for path in paths])
    page.wait_for_selector("#download[href]", timeout=120_000)
    page.wait_for_selector("#found:has-text('oise'), #found:has-text('噪点'), #found:has-text('JPEG')", timeout=120_000)
    page.wait_for_timeout(1500)


def several(page: Any, folder: Path) -> None:
    paths = []
    for name in ("coffee", "chelsea", "rocket", "astronaut"):
        path = folder / f"{name}.jpg"
        Picture.from_array(getattr(data, name)() / 255, depth=8).save(path, quality=22)
        paths.append(path)
    restore(page, *paths)
    page.wait_for_selector("#zip:not([hidden])", timeout=120_000)
    page.wait_for_timeout(1000)


def mask(page: Any, folder: Path) -> None:
    grey = data.camera()[:420, :512, None] / 255
    Picture.from_array(grey, depth=8).save(folder / "scan.png")
    restore_plain(page, folder / "scan.png")
    page.click("#painting summary")
    page.click("#paint")
    box = page.locator(".view canvas").bounding_box()
    x, y = box["x"] + 0.62 * box["width"], box["y"] + 0.6 * box["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(12):
        page.mouse.move(x + 14 * step, y + 30 * np.sin(step / 3))
    page.mouse.up()


def restore_plain(page: Any, path: Path) -> None:
    page.set_input_files("#files", [str(path)])
    page.wait_for_selector("#download[href]", timeout=120_000)
    page.wait_for_timeout(1500)


def compare(page: Any, folder: Path) -> None:
    restore(page, NOISY)
    page.click("#several summary")
    for name in ("denoise-fast", "denoise-best", "denoise-autoencoder", "clean"):
        page.check(f"#models input[value={name}]")
    page.click("#compare")
    page.wait_for_selector(".view:nth-child(4) .tag.right:not([hidden])", timeout=120_000)
    page.wait_for_timeout(6000)


def generate(page: Any, folder: Path) -> None:
    page.click("#tab-generate")
    page.select_option("#g-model", "emoji")
    page.fill("#g-count", "44")
    page.click("#g-go")
    page.wait_for_selector("#gallery img", timeout=240_000)
    page.wait_for_timeout(2000)


PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
SHOTS: dict[str, tuple[dict[str, Any], Callable[[Any, Path], None]]] = {
    "restore": ({}, lambda page, _: restore(page, NOISY)),
    "restore-dark": ({"color_scheme": "dark"}, lambda page, _: restore(page, NOISY)),
    "several": ({}, several),
    "mask": ({}, mask),
    "side-by-side": ({}, compare),
    "generate": ({}, generate),
    "generate-dark": ({"color_scheme": "dark"}, generate),
    "phone": (PHONE, lambda page, _: restore(page, NOISY)),
    "phone-zh": (PHONE | {"locale": "zh-CN", "color_scheme": "dark"}, lambda page, _: restore(page, NOISY)),
}


def main() -> None:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "sfumato", "web", "--no-browser"]
    with (
        tempfile.TemporaryDirectory() as place,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
        sync_playwright() as playwright,
    ):
        assert process.stdout is not None
        found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        assert found is not None
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, (settings, act) in SHOTS.items():
            given = {"viewport": {"width": 1280, "height": 800}, "locale": "en-US"} | settings
            page = browser.new_context(**given).new_page()
            page.goto(found[0])
            page.wait_for_selector("body[data-ready]")
            act(page, Path(place))
            shot = page.screenshot()
            Picture.open(shot).save(FOLDER / f"{name}.webp", quality=88, overwrite=True)
            print(f"docs/images/web/{name}.webp: {len(shot) // 1000} kB before", flush=True)
        browser.close()
        process.terminate()


if __name__ == "__main__":
    main()
