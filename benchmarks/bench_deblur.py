"""Blurred photographs beside classical deconvolution: `python benchmarks/bench_deblur.py DATA`.

Every fourth picture of CBSD68, blurred by an arc of so many pixels (motion) or a disc of such a radius (defocus), noise
of sigma 1, clipped; RGB, neither rounded nor clipped after that, 16 pixels of border left out. `deblur` is told
nothing. Richardson-Lucy and Wiener deconvolution (scikit-image) are told the very kernel and get 32 pixels more on
every side, blurred as the picture was (there the picture is mirrored before the blur). Of each the best on this very
set of several iterations or balances is printed, which favours it; the best is named.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from skimage.restoration import richardson_lucy, wiener

from sfumato.learn.degradations.blur import disc_kernel, motion_kernel
from sfumato.learn.evaluation.protocols import Protocol
from sfumato.learn.evaluation.restoration import clean_pictures, damaged
from sfumato.measures import psnr
from sfumato.models.engine import load
from sfumato.restoration.restore import restore

COLUMNS = ("motion:3", "motion:6", "motion:12", "defocus:1.5", "defocus:2.5", "defocus:4", "clean")
OURS = ("deblur", "clean")
AROUND, BORDER = 32, 16  # pixels
INSIDE = (slice(AROUND, -AROUND), slice(AROUND, -AROUND))
Method = Callable[[np.ndarray, np.ndarray], np.ndarray]
PEERS: dict[str, dict[str, Method]] = {
    "Richardson-Lucy, kernel known": {f"{n}": partial(richardson_lucy, num_iter=n) for n in (5, 10, 20, 40)},
    "Wiener, kernel known": {
        f"{b:g}": partial(wiener, balance=b, clip=False) for b in (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
    },
}


def pairs(data: Path, text: str) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """The picture, the blurred picture with what lies around it, and the kernel, None for no blur."""
    for number, (_, x) in enumerate(clean_pictures(data, 3)[::4]):
        wide = np.pad(x, [(AROUND, AROUND)] * 2 + [(0, 0)], mode="reflect")
        found = damaged(wide, Protocol.parse(text).degradation(), number)
        told, kernel = found.parameters, None
        if "angle" in told:
            kernel = motion_kernel(told["length"], told["angle"], told["bent"]).numpy()
        elif "radius" in told:
            kernel = disc_kernel(told["radius"]).numpy()
        yield x, found.y.permute(1, 2, 0).numpy(), kernel


def deconvolved(method: Method, wide: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    wide = wide.clip(1e-3, 1).astype(np.float64)  # Richardson-Lucy divides
    channels = [method(wide[..., c], kernel.astype(np.float64)) for c in range(3)]
    return np.stack(channels, -1)[INSIDE].astype(np.float32)


def compared(result: np.ndarray, x: np.ndarray) -> float:
    return min(psnr(result, x, border=BORDER), 100.0)


def row(name: str, cells: list[str]) -> None:
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data / "benchmarks" / "cbsd68"
    row("17 pictures of CBSD68, RGB, PSNR in dB", list(COLUMNS))
    print("|---|" + "---:|" * len(COLUMNS))
    row("as damaged", [f"{np.mean([compared(y[INSIDE], x) for x, y, _ in pairs(data, c)]):.2f}" for c in COLUMNS])
    for name in OURS:
        engine, cells = load(name), []
        for column in COLUMNS:
            found = [compared(restore(y[INSIDE], model=engine).picture.array(), x) for x, y, _ in pairs(data, column)]
            cells.append(f"{np.mean(found):.2f}")
        row(f"`{name}`", cells)
    for name, methods in PEERS.items():
        cells = []
        for column in COLUMNS:
            given = [(x, y, kernel) for x, y, kernel in pairs(data, column) if kernel is not None]
            scores = {
                setting: float(np.mean([compared(deconvolved(method, y, k), x) for x, y, k in given]))
                for setting, method in methods.items()
                if given
            }
            best = max(scores, key=lambda setting: scores[setting], default="")
            cells.append(f"{scores[best]:.2f} ({best})" if best else "")
        row(name, cells)


if __name__ == "__main__":
    main()
