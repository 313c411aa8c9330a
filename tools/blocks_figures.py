"""Renew docs/blocks.md: run its code, write what it prints below each block, and draw its figures from the results.

Needs the extra `train` and the shipped `denoise-fast`. `python tools/blocks_figures.py` takes about a minute.
"""

import contextlib
import io
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

matplotlib.use("Agg")

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "blocks.md"
FOLDER = ROOT / "docs" / "images" / "blocks"
BLOCK = re.compile(r"```python\n(?P<code>.*?)```\n(?:\n```text\n(?P<printed>.*?)```\n)?", re.DOTALL)


def run_page(text: str) -> tuple[dict[str, Any], str]:
    """Run the page's Python blocks in order: the names that they leave, and the page with what they print."""
    names: dict[str, Any] = {"__name__": "blocks"}

    def run(block: re.Match[str]) -> str:
        line = text.count("\n", 0, block.start("code"))
        printed = io.StringIO()
        # Blank lines put the code at its place, so that an error names the page's own line.
        code = compile("\n" * line + block["code"], str(PAGE), "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        output = f"\n```text\n{printed.getvalue()}```\n" if printed.getvalue() else ""
        return f"```python\n{block['code']}```\n{output}"

    threads = torch.get_num_threads()
    try:
        with contextlib.chdir(ROOT):
            return names, BLOCK.sub(run, text)
    finally:
        torch.set_num_threads(threads)


def convolution(names: dict[str, Any]) -> Figure:
    pictures = [names["gray"][0, 0], *names["by_hand"][0]]
    titles = ("picture", "vertical edges", "horizontal edges", "mean")
    return _row([p[:192, 64:256].numpy() for p in pictures], titles)


def activations(names: dict[str, Any]) -> Figure:
    figure, axes = plt.subplots(1, 6, figsize=(9, 1.9), sharex=True, sharey=True)
    x = torch.linspace(-4, 4, 200)
    for axis, (name, curve) in zip(axes, names["curves"].items(), strict=True):
        axis.axhline(0, color="0.8", linewidth=0.8)
        axis.axvline(0, color="0.8", linewidth=0.8)
        axis.plot(x, curve(x).detach())
        axis.set_title(name, fontsize=9)
        axis.tick_params(labelsize=7)
        axis.set_ylim(-1.2, 4.1)
    return figure


def pooling(names: dict[str, Any]) -> Figure:
    pictures = [names["noisy"], names["reduced"]["max"], names["reduced"]["average"]]
    shown = [
        p[0, :, : p.shape[2] // 2, p.shape[3] // 6 : 2 * p.shape[3] // 3].permute(1, 2, 0).numpy() for p in pictures
    ]
    return _row(shown, ("noisy", "max", "average"))


def attention(names: dict[str, Any]) -> Figure:
    y, kinds, _ = names["draw_shapes"](40, moved=6, noise=0.3, seed=2)
    chosen = [int((kinds == kind).nonzero()[0]) for kind in range(4)]
    with torch.no_grad():
        product = names["attention"](y[chosen])
    rows = {"picture": y[chosen], "weights": product / y[chosen], "product": product}
    figure, axes = plt.subplots(3, 4, figsize=(4.4, 3.4))
    for line, (title, pictures) in zip(axes, rows.items(), strict=True):
        for axis, picture in zip(line, pictures[:, 0], strict=True):
            axis.imshow(picture, cmap="gray", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(title, fontsize=8)
    return figure


def filters(names: dict[str, Any]) -> Figure:
    weights = names["filters"][:, :3]
    figure, axes = plt.subplots(-(-len(weights) // 16), 16, figsize=(9, 0.62 * -(-len(weights) // 16)), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, picture in zip(axes.flat, weights, strict=False):
        axis.imshow(_around_grey(picture))
    return figure


def patterns(names: dict[str, Any]) -> Figure:
    rows = names["patterns"]
    shown = 40  # pixels: wide enough for the deepest layer, the same for all, so that widths compare
    figure, axes = plt.subplots(len(rows), 8, figsize=(9, 1.15 * len(rows)))
    for line, (layer, pictures) in zip(axes, rows.items(), strict=True):
        for axis, picture in zip(line, pictures, strict=True):
            size = picture.shape[-1]
            canvas = torch.zeros(3, max(size, shown), max(size, shown))
            start = (canvas.shape[-1] - size) // 2
            canvas[:, start : start + size, start : start + size] = picture
            crop = (canvas.shape[-1] - shown) // 2
            axis.imshow(_around_grey(canvas[:, crop : crop + shown, crop : crop + shown]))
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(layer, fontsize=8)
    return figure


def feature_maps(names: dict[str, Any]) -> Figure:
    layers = ("head", "encode.1", "middle", "decode.0")
    figure, axes = plt.subplots(len(layers), 6, figsize=(7, 4.9))
    for line, layer in zip(axes, layers, strict=True):
        maps = names["maps"][layer]
        strongest = maps.flatten(1).std(1).argsort(descending=True)[:6]
        for axis, index in zip(line, strongest, strict=True):
            low, high = np.percentile(maps[index], [1, 99])
            axis.imshow(maps[index], cmap="gray", vmin=low, vmax=high)
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(layer, fontsize=8)
    return figure


def shifted(names: dict[str, Any]) -> Figure:
    figure, axes = plt.subplots(1, 4, figsize=(8, 2.2), width_ratios=[2.4, 1, 1, 1])
    for name, marker in (("dense", "o"), ("convolution", "s")):
        axes[0].plot(names["shifts"], [100 * score for score in names["scores"][name]], marker=marker, label=name)
    axes[0].axhline(25, color="0.6", linestyle=":", label="chance")
    axes[0].set(xlabel="shift, pixels", ylabel="accuracy, %", ylim=(0, 105))
    axes[0].legend(fontsize=7, loc="center right")
    for axis, shift in zip(axes[1:], (0, 2, 5), strict=True):
        axis.imshow(names["y_test"].roll((shift, shift), dims=(2, 3))[3, 0], cmap="gray", vmin=-0.2, vmax=1.2)
        axis.set_title(f"shifted by {shift}", fontsize=8)
        axis.set(xticks=[], yticks=[])
    return figure


def downsampling(names: dict[str, Any]) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(6, 2.3))
    for axis, (task, unit) in zip(axes, (("classify", "accuracy, %"), ("denoise", "PSNR, dB")), strict=True):
        kinds = [name for owner, name in names["ablation"] if owner == task]
        for place, kind in enumerate(kinds):
            results = names["ablation"][task, kind]
            axis.plot([place] * len(results), results, "o", alpha=0.7)
            axis.plot([place - 0.2, place + 0.2], [results.mean()] * 2, color="0.3")
        axis.set_xticks(range(len(kinds)), kinds)
        axis.set_xlim(-0.5, len(kinds) - 0.5)
        axis.set(title=task, ylabel=unit)
    return figure


def _row(pictures: list[np.ndarray], titles: tuple[str, ...]) -> Figure:
    figure, axes = plt.subplots(1, len(pictures), figsize=(1.9 * len(pictures), 2.25))
    for axis, picture, title in zip(axes, pictures, titles, strict=True):
        axis.imshow(picture, cmap="gray")
        axis.set_title(title, fontsize=9)
        axis.axis("off")
    return figure


def _around_grey(picture: torch.Tensor) -> np.ndarray:
    """`3 h w` of both signs as a picture `h w 3` whose middle grey is zero."""
    return (0.5 + 0.5 * picture / picture.abs().max()).permute(1, 2, 0).numpy()


FIGURES: dict[str, Callable[[dict[str, Any]], Figure]] = {
    "convolution": convolution,
    "activations": activations,
    "pooling": pooling,
    "attention": attention,
    "filters": filters,
    "patterns": patterns,
    "feature-maps": feature_maps,
    "shifted": shifted,
    "downsampling": downsampling,
}


def main() -> None:
    start = time.process_time()
    names, page = run_page(PAGE.read_text(encoding="utf-8"))
    print(f"the page's code took {time.process_time() - start:.0f} s of one core")
    PAGE.write_text(page, encoding="utf-8")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, draw in FIGURES.items():
        figure = draw(names)
        figure.tight_layout(pad=0.6)
        path = FOLDER / f"{name}.png"
        figure.savefig(path, dpi=80)
        plt.close(figure)
        picture = Image.open(path).convert("RGB")
        colourless = len({band.tobytes() for band in picture.split()}) == 1
        picture.convert("L" if colourless else "RGB").save(path, optimize=True)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
