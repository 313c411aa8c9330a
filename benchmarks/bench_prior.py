"""Known damage undone by a prior, beside classical methods and a peer: `python benchmarks/bench_prior.py DATA`.

blur: as in bench_deblur.py (every fourth picture of CBSD68, noise of sigma 1, clipped, RGB, 16 pixels of border left
out), every method being told the kernel. Ours sees the blurred picture alone and estimates the noise; Wiener and
Richardson-Lucy get 32 pixels more on every side, and of each the best of several settings on this very set is printed.
DPIR is deepinv's (`pip install --no-deps deepinv==0.5.0`) with our denoiser in it, told the noise, 8 steps, on the
same picture and 32 pixels around, periodic as its closed form has it.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from bench_deblur import INSIDE, PEERS, compared, deconvolved, pairs, row

from sfumato.models.engine import Engine, load
from sfumato.operators import Blur
from sfumato.restoration.restore import restore

BLURS = ("motion:3", "motion:6", "motion:12", "defocus:1.5", "defocus:2.5", "defocus:4")


def dpir(engine: Engine, wide: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """deepinv's half-quadratic splitting with this denoiser."""
    import deepinv as dinv
    import torch

    class Denoiser(torch.nn.Module):
        def forward(self, x: torch.Tensor, sigma: object, *_: object, **__: object) -> torch.Tensor:
            height, width = x.shape[-2:]
            y = np.pad(x.numpy(), ((0, 0), (0, 0), (0, -height % 8), (0, -width % 8)), mode="reflect")
            level = np.full((1, 1, *y.shape[2:]), float(torch.as_tensor(sigma).ravel()[0]), np.float32)
            return torch.from_numpy(engine(y=y, sigma=level)[..., :height, :width])

    y = torch.from_numpy(np.ascontiguousarray(wide)).permute(2, 0, 1)[None]
    physics = dinv.physics.BlurFFT(tuple(y.shape[1:]), filter=torch.from_numpy(kernel)[None, None])
    with torch.no_grad():
        model = dinv.optim.DPIR(sigma=1 / 255, denoiser=Denoiser(), device="cpu")
        return model(y, physics)[0].permute(1, 2, 0).numpy()[INSIDE]


def blur(data: Path, pictures: int, peers: bool) -> None:
    given = {c: list(pairs(data / "benchmarks" / "cbsd68", c))[:pictures] for c in BLURS}
    row(f"{pictures} pictures of CBSD68, PSNR in dB", list(BLURS))
    print("|---|" + "---:|" * len(BLURS))
    row("as damaged", [f"{np.mean([compared(y[INSIDE], x) for x, y, _ in given[c]]):.2f}" for c in BLURS])
    for name in ("denoise-best", "denoise-fast"):
        engine, cells, residuals, started, pixels = load(name), [], [], time.perf_counter(), 0
        for column in BLURS:
            found = []
            for x, y, kernel in given[column]:
                result = restore(y[INSIDE], model=engine, operator=Blur(kernel))
                found.append(compared(result.picture.array(), x))
                residuals.append(255 * (result.steps[0].residual or 0))
                pixels += x.shape[0] * x.shape[1]
            cells.append(f"{np.mean(found):.2f}")
        row(f"plug and play, `{name}`", cells)
        each = (time.perf_counter() - started) / pixels * 1e6
        print(f"<!-- residual {np.mean(residuals):.2f} of 255 on the mean, {each:.1f} s a megapixel -->", flush=True)
    if not peers:
        return
    engine = load("denoise-best")
    row(
        "DPIR (deepinv), `denoise-best`",
        [f"{np.mean([compared(dpir(engine, y, kernel), x) for x, y, kernel in given[c]]):.2f}" for c in BLURS],
    )
    for name, methods in PEERS.items():
        cells = []
        for column in BLURS:
            scores = {
                setting: float(np.mean([compared(deconvolved(method, y, k), x) for x, y, k in given[column]]))
                for setting, method in methods.items()
            }
            best = max(scores, key=lambda setting: scores[setting])
            cells.append(f"{scores[best]:.2f} ({best})")
        row(name, cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pictures", type=int, default=17)
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    blur(options.data, options.pictures, not options.no_peers)


if __name__ == "__main__":
    main()
