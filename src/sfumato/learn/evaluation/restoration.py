"""Measure a model file on clean pictures that are degraded here, by a protocol that every printed figure names."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sfumato.errors import Option, TrainingError, UsageError
from sfumato.measures import describe, psnr, ssim
from sfumato.models.engine import Engine, load
from sfumato.restoration.restore import restore
from sfumato.restoration.roles import WITH_ENSEMBLE, check_restores, level_of

from ..data.folders import decode, list_pictures
from ..data.seeds import sample_seed
from ..degradations.degradation import Degradation, Degraded
from ..degradations.resampling import resized
from ..metrics.perceptual import NAME, perceptual_distance
from .protocols import Protocol


@dataclass(frozen=True)
class Score:
    """Means over the pictures of one set: PSNR in dB before and after, SSIM after, and the speed on this machine.

    perceptual_before, perceptual: the distance of `metrics.perceptual`, where it was asked for.
    """

    model: str
    data: str
    protocol: str
    num_pictures: int
    psnr_before: float
    psnr: float
    lowest_psnr: float
    ssim: float
    megapixels_per_second: float
    perceptual_before: float | None = None
    perceptual: float | None = None

    def line(self) -> str:
        looks = ""
        if self.perceptual is not None:
            looks = f", perceptual distance {self.perceptual:.4f} (before {self.perceptual_before:.4f}, {NAME})"
        return (
            f"{self.model} on {self.data} ({self.num_pictures} pictures; {self.protocol}): "
            f"PSNR {self.psnr:.2f} dB (before {self.psnr_before:.2f}, lowest {self.lowest_psnr:.2f}), "
            f"SSIM {self.ssim:.4f}{looks}, {self.megapixels_per_second:.2f} MP/s"
        )


def clean_pictures(data: str | Path, channels: int) -> list[tuple[str, np.ndarray]]:
    """Name and pixels `h w channels`, float32 in [0, 1], of every picture; raises TrainingError for a broken one."""
    decoded = []
    for name, stored in list_pictures(data).read():
        try:
            decoded.append((name, decode(stored, channels).astype(np.float32) / 255))
        except ValueError as broken:
            raise TrainingError(f"{data}: {name} cannot be read ({broken}); a measurement skips no picture.") from None
    return decoded


def degraded(x: np.ndarray, degradation: Degradation, number: int) -> np.ndarray:
    """`x` (h, w, c) degraded by the generator that belongs to picture `number` of a set."""
    return before_and_after(x, degradation, number)[1]


def damaged(x: np.ndarray, degradation: Degradation, number: int) -> Degraded:
    """All that a degradation gives of what it did to `x` (h, w, c), as picture `number` of a set."""
    generator = torch.Generator().manual_seed(sample_seed(0, number))
    return degradation(torch.from_numpy(x).permute(2, 0, 1).contiguous(), generator)


def before_and_after(x: np.ndarray, degradation: Degradation, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is to come back, which is x except where the degradation says otherwise; `degraded`; and where (h, w).

    An old print that has yellowed was grey. Where: how much was done to it, of holes the mask.
    """
    degraded = damaged(x, degradation, number)
    clean, y = (part.permute(1, 2, 0).contiguous().numpy() for part in (degraded.x, degraded.y))
    return clean, y, degraded.level[0].numpy()


def evaluate_restorer(
    model: str | Path | Engine,
    data: str | Path,
    protocol: str | Protocol,
    *,
    threads: int | None = None,
    perceptual: bool = False,
    ensemble: bool = False,
) -> Score:
    """Degrade every picture of `data`, restore it with the model file, compare. Nothing is clipped or rounded.

    perceptual: measure the perceptual distance, too; of the whole pictures in RGB, whatever the PSNR compares.
    ensemble: as `restore` takes it.
    Raises UsageError for a protocol that is none, TrainingError for unreadable data, ModelError for the model.
    """
    wanted = protocol if isinstance(protocol, Protocol) else Protocol.parse(protocol)
    engine = (model if isinstance(model, Engine) else load(model, threads=threads)).restoring
    check_restores(engine.card)
    if (wanted.unit == "coverage") != (engine.card.role == "inpainter"):
        raise UsageError(
            Option("protocol", str(wanted)),
            f": {engine.card.name} is for {engine.card.task}, which that does not measure.",
        )
    if ensemble and engine.card.role not in WITH_ENSEMBLE:
        raise UsageError(f"{engine.card.name} works on pictures as they stand; leave out the ensemble.")
    stated = _stated(wanted)
    scale = wanted.scale
    measured: dict[str, Any] = {"border": scale, "space": "y"} if scale > 1 else {}
    before, after, similarity, seconds, pixels = [], [], [], 0.0, 0
    looks: list[tuple[float, float]] = []
    for number, (_, x) in enumerate(clean_pictures(data, 1 if wanted.grey else 3)):
        x = x[: x.shape[0] // scale * scale, : x.shape[1] // scale * scale]
        x, y, where = before_and_after(x, wanted.degradation(), number)
        if wanted.unit == "coverage":
            stated = {"mask": where}
        started = time.perf_counter()
        x_hat = restore(y, model=engine, ensemble=ensemble, **stated).picture.array()
        seconds += time.perf_counter() - started
        pixels += x.shape[0] * x.shape[1]
        y = enlarged(y, x.shape[:2])
        compared = where > 0.5 if wanted.unit == "coverage" else None
        before.append(psnr(y, x, where=compared, **measured))
        after.append(psnr(x_hat, x, where=compared, **measured))
        similarity.append(ssim(x_hat, x, **measured))
        if perceptual:
            looks.append((apart(y, x), apart(x_hat, x)))
    blind = not level_of(engine.card) and engine.card.role != "inpainter"
    finite = [min(value, 100.0) for value in after]
    return Score(
        engine.card.name,
        Path(data).name,
        described(wanted, blind=blind) + (", self-ensemble of 8" if ensemble else ""),
        len(after),
        float(np.mean([min(value, 100.0) for value in before])),
        float(np.mean(finite)),
        min(finite),
        float(np.mean(similarity)),
        pixels / seconds / 1e6,
        *(np.mean(looks, axis=0).tolist() if looks else ()),
    )


@torch.no_grad()
def apart(x_hat: np.ndarray, x: np.ndarray) -> float:
    """The perceptual distance of two pictures (h, w, 1 or 3) in [0, 1]; see `metrics.perceptual`."""
    pair = [torch.from_numpy(part.astype(np.float32)).permute(2, 0, 1)[None] for part in (x_hat, x)]
    return float(perceptual_distance(*pair))


def enlarged(y: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """y (h, w, c) by the bicubic kernel in the height and width `size`, where it is smaller; not clipped."""
    if y.shape[:2] == size:
        return y
    return resized(torch.from_numpy(y).permute(2, 0, 1), (size[0], size[1])).permute(1, 2, 0).numpy()


def described(protocol: Protocol, *, blind: bool = False) -> str:
    """A protocol in words: the damage, what the restorer is given (a blind one nothing), how pictures are compared."""
    if protocol.scale > 1:
        return f"{protocol.damage()}, rounded to 8 bits, {describe(border=protocol.scale, space='y')}"
    if protocol.unit == "coverage":
        return f"{protocol.damage().replace('coverage', 'on percent')}, mask known, PSNR on the holes, {describe()}"
    unit = protocol.unit or "sigma"
    known = f"{'level' if unit == 'sigma' else unit} {'estimated' if protocol.auto else 'known'}"
    unknown = {"pixels": "blur not known", "setting": "quality not known"}
    known = "blind" if blind else unknown.get(unit, known)
    compared = describe().replace("RGB", "grey") if protocol.grey else describe()
    return f"{protocol.damage()}, {known}, {compared}"


def _stated(protocol: Protocol) -> dict[str, Any]:
    """What `restore` is given of the damage."""
    names = {"sigma": "noise", "quality": "jpeg_quality"}
    return {names[protocol.unit]: protocol.level} if protocol.unit in names and not protocol.auto else {}
