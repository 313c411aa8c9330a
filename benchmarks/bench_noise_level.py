"""What the automatic noise level costs and spares: `python benchmarks/bench_noise_level.py DATA`.

DATA holds benchmarks/cbsd68 (CBSD68: pictures of BSDS500's validation part). Each line names its protocol; `clean`
is the undamaged picture given to `sfumato restore` with nothing else said.
"""

import sys
from pathlib import Path

import numpy as np

from sfumato.estimation.noise import estimate_noise
from sfumato.learn.evaluation.protocols import Protocol
from sfumato.learn.evaluation.restoration import clean_pictures, degraded, evaluate_restorer
from sfumato.models import zoo
from sfumato.models.engine import load
from sfumato.pictures.picture import Picture

PROTOCOLS = [f"gaussian:{sigma}{auto}" for sigma in (15, 25, 50) for auto in ("", ":auto")]
PROTOCOLS += ["gaussian-clipped:25:auto", "correlated:15:auto", "correlated-jpeg85:15:auto", "clean"]


def estimates(data: Path, protocol: Protocol) -> np.ndarray:
    """The level that is found in every picture of a set, in 0-255 units."""
    pictures = [degraded(x, protocol.degradation(), i) for i, (_, x) in enumerate(clean_pictures(data, 3))]
    curves = [estimate_noise(Picture.from_array(y, depth=32, format="tiff")) for y in pictures]
    return 255 * np.array([curve.typical for curve in curves])


def main() -> None:
    data = Path(sys.argv[1]) / "benchmarks" / "cbsd68"
    engine = load(zoo.FOR_TASK["denoise"])
    print(f"\n{engine.card.name} on CBSD68\n\n| protocol | before | after | lowest |\n|---|---|---|---|")
    for protocol in PROTOCOLS:
        score = evaluate_restorer(engine, data, protocol)
        cells = (f"{value:.2f}" for value in (score.psnr_before, score.psnr, score.lowest_psnr))
        print(f"| {score.protocol} | " + " | ".join(cells) + " |", flush=True)
    print(
        "\nLevel found, of 255\n\n| protocol | median | mean absolute error | lowest | highest |\n|---|---|---|---|---|"
    )
    for text in ("clean", "gaussian:5", "gaussian:15", "gaussian:25", "gaussian:50", "correlated-jpeg85:15"):
        protocol = Protocol.parse(text)
        found = estimates(data, protocol)
        figures = (np.median(found), np.abs(found - protocol.level).mean(), found.min(), found.max())
        print(f"| {text} | " + " | ".join(f"{value:.1f}" for value in figures) + " |", flush=True)


if __name__ == "__main__":
    main()
