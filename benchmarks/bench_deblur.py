"""Blurred photographs beside classical deconvolution: `python benchmarks/bench_deblur.py DATA`.

CBSD68, blurred by an arc of so many pixels (motion) or a disc of such a radius (defocus), noise of sigma 1, clipped;
RGB, neither rounded nor clipped after that, 16 pixels of border left out. `deblur` is told nothing. Richardson-Lucy and
Wiener deconvolution (scikit-image) are told the very kernel and get the mirrored surroundings that the blur had; of
each the best on this very set of a few iterations or balances is printed, which favours them.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from skimage.restoration import richardson_lucy, wiener

from sfumato.learn.degradations.blur import disc_kernel, motion_kernel
from sfumato.learn.evaluate import before_and_after, clean_pictures
from sfumato.learn.protocols import Protocol
from sfumato.measures import psnr
from sfumato.restore import restore

COLUMNS = ("motion:5", "motion:10", "motion:20", "defocus:1.5", "defocus:3", "defocus:5", "clean")
OURS = ("deblur", "clean")
AROUND = 32  # pixels of mirrored surroundings
BORDER = 16
Method = Callable[[np.ndarray, np.ndarray], np.ndarray]
PEERS: dict[str, list[Method]] = {
    "Richardson-Lucy, kernel known": [partial(richardson_lucy, num_iter=n) for n in (5, 15)],
    "Wiener, kernel known": [partial(wiener, balance=b, clip=False) for b in (0.003, 0.01, 0.03)],
}


def pairs(data: Path, text: str) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """The picture, the blurred picture and the kernel, None for no blur."""
    import torch

    from sfumato.learn.data.patches import sample_seed

    protocol = Protocol.parse(text)
    for number, (_, x) in enumerate(clean_pictures(data, 3)):
        clean, y, _ = before_and_after(x, protocol.degradation(), number)
        generator = torch.Generator().manual_seed(sample_seed(0, number))
        told = protocol.degradation()(torch.from_numpy(x).permute(2, 0, 1), generator).parameters
        kernel = None
        if "angle" in told:
            kernel = motion_kernel(told["length"], told["angle"], told["bent"]).numpy()
        elif "radius" in told:
            kernel = disc_kernel(told["radius"]).numpy()
        yield clean, y, kernel


def deconvolved(method: Method, y: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    wide = np.pad(y, [(AROUND, AROUND)] * 2 + [(0, 0)], mode="symmetric").clip(1e-3, 1)
    channels = [method(wide[..., c].astype(np.float64), kernel.astype(np.float64)) for c in range(3)]
    return np.stack(channels, -1)[AROUND:-AROUND, AROUND:-AROUND].astype(np.float32)


def compared(result: np.ndarray, x: np.ndarray) -> float:
    inside = slice(BORDER, -BORDER)
    return min(psnr(result[inside, inside], x[inside, inside]), 100.0)


def row(name: str, cells: list[str]) -> None:
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data / "benchmarks" / "cbsd68"
    row("CBSD68, RGB, PSNR in dB", list(COLUMNS))
    print("|---|" + "---:|" * len(COLUMNS))
    row("as damaged", [f"{np.mean([compared(y, x) for x, y, _ in pairs(data, c)]):.2f}" for c in COLUMNS])
    for model in OURS:
        found = [[compared(restore(y, model=model).picture.array(), x) for x, y, _ in pairs(data, c)] for c in COLUMNS]
        row(f"`{model}`", [f"{np.mean(values):.2f}" for values in found])
    for name, methods in PEERS.items():
        cells = []
        for column in COLUMNS:
            given = [(x, y, k) for x, y, k in pairs(data, column) if k is not None]
            best = [np.mean([compared(deconvolved(m, y, k), x) for x, y, k in given]) for m in methods] if given else []
            cells.append(f"{max(best):.2f}" if best else "")
        row(name, cells)


if __name__ == "__main__":
    main()
