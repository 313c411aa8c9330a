"""Measure a model file on clean pictures that are degraded here, by a protocol that every printed figure names."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from sfumato.engine import Engine, load
from sfumato.errors import TrainingError, UsageError
from sfumato.measures import describe, psnr, ssim
from sfumato.restore import MAX_NOISE_OF_FLOWS, restore

from .catalog import known
from .data.folders import decode, list_pictures
from .data.patches import sample_seed
from .degradations.degradation import Degradation
from .degradations.jpeg import Jpeg
from .degradations.noise import CorrelatedNoise, GaussianNoise

Levels = tuple[float, float]
PROTOCOLS: dict[str, Callable[[Levels], Degradation]] = {
    "gaussian": lambda sigma: GaussianNoise(sigma),
    "gaussian-clipped": lambda sigma: GaussianNoise(sigma, clip=True),
    "grey": lambda sigma: GaussianNoise(sigma),
    "correlated": lambda sigma: CorrelatedNoise(sigma),
    "correlated-jpeg85": lambda sigma: Jpeg((85, 85), CorrelatedNoise(sigma, clip=True)),
    "clean": lambda sigma: GaussianNoise((0, 0)),
}


@dataclass(frozen=True)
class Protocol:
    """A degradation's kind, its level in 0-255 units, and whether the restorer is told the level or estimates it."""

    kind: str
    sigma: float
    auto: bool = False

    @classmethod
    def parse(cls, text: str) -> "Protocol":
        """KIND:SIGMA[:auto], or clean; raises UsageError."""
        kind, *rest = text.split(":")
        known(kind, PROTOCOLS, "protocol")
        auto = kind == "clean" or rest[-1:] == ["auto"]
        numbers = [part for part in rest if part != "auto"]
        try:
            (sigma,) = (float(number) for number in numbers) if kind != "clean" else (0.0,)
        except ValueError:
            raise UsageError(f"--protocol {text!r} is not KIND:SIGMA[:auto], such as {kind}:25.") from None
        if not 0 <= sigma <= MAX_NOISE_OF_FLOWS:
            raise UsageError(f"--protocol {text!r}: the level is from 0 to 75, for flows to {MAX_NOISE_OF_FLOWS:g}.")
        return cls(kind, sigma, auto)

    def describe(self) -> str:
        level = "level estimated" if self.auto else "level known"
        compared = describe().replace("RGB", "grey") if self.kind == "grey" else describe()
        return f"{self.noise()}, {level}, {compared}"

    def noise(self) -> str:
        """What is done to the clean picture."""
        return "clean" if self.kind == "clean" else f"{self.kind} sigma {self.sigma:g}, seed 0"


@dataclass(frozen=True)
class Score:
    """Means over the pictures of one set: PSNR in dB before and after, SSIM after, and the speed on this machine."""

    model: str
    data: str
    protocol: str
    num_pictures: int
    psnr_before: float
    psnr: float
    lowest_psnr: float
    ssim: float
    megapixels_per_second: float

    def line(self) -> str:
        return (
            f"{self.model} on {self.data} ({self.num_pictures} pictures; {self.protocol}): "
            f"PSNR {self.psnr:.2f} dB (before {self.psnr_before:.2f}, lowest {self.lowest_psnr:.2f}), "
            f"SSIM {self.ssim:.4f}, {self.megapixels_per_second:.2f} MP/s"
        )


def clean_pictures(data: str | Path, channels: int) -> list[tuple[str, np.ndarray]]:
    """Name and pixels `h w channels`, float32 in [0, 1], of every picture; raises TrainingError for a broken one."""
    found = []
    for name, stored in list_pictures(data).read():
        try:
            found.append((name, decode(stored, channels).astype(np.float32) / 255))
        except ValueError as broken:
            raise TrainingError(f"{data}: {name} cannot be read ({broken}); a measurement skips no picture.") from None
    return found


def degraded(x: np.ndarray, degradation: Degradation, number: int) -> np.ndarray:
    """`x` (h, w, c) degraded by the generator that belongs to picture `number` of a set."""
    generator = torch.Generator().manual_seed(sample_seed(0, number))
    tensor = torch.from_numpy(x).permute(2, 0, 1).contiguous()
    return degradation(tensor, generator).y.permute(1, 2, 0).contiguous().numpy()


def evaluate_restorer(
    model: str | Path | Engine, data: str | Path, protocol: str | Protocol, *, threads: int | None = None
) -> Score:
    """Degrade every picture of `data`, restore it with the model file, compare. Nothing is clipped or rounded.

    Raises UsageError for a protocol that is none, TrainingError for unreadable data, ModelError for the model.
    """
    wanted = protocol if isinstance(protocol, Protocol) else Protocol.parse(protocol)
    engine = model if isinstance(model, Engine) else load(model, threads=threads)
    degradation = PROTOCOLS[wanted.kind]((wanted.sigma, wanted.sigma))
    noise: float | Literal["auto"] = "auto" if wanted.auto else wanted.sigma
    before, after, similarity, seconds, pixels = [], [], [], 0.0, 0
    for number, (_, x) in enumerate(clean_pictures(data, 1 if wanted.kind == "grey" else 3)):
        y = degraded(x, degradation, number)
        started = time.perf_counter()
        x_hat = restore(y, model=engine, noise=noise).picture.array()
        seconds += time.perf_counter() - started
        pixels += x.shape[0] * x.shape[1]
        before.append(psnr(y, x))
        after.append(psnr(x_hat, x))
        similarity.append(ssim(x_hat, x))
    finite = [min(value, 100.0) for value in after]
    return Score(
        engine.card.name,
        Path(data).name,
        wanted.describe(),
        len(after),
        float(np.mean([min(value, 100.0) for value in before])),
        float(np.mean(finite)),
        min(finite),
        float(np.mean(similarity)),
        pixels / seconds / 1e6,
    )
