"""Scanned old photographs with what time has left on them: the picture before and after, and where it was damaged."""

from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from .blur import gaussian_blur
from .brushes import Random
from .degradation import Degraded, in_8_bits
from .jpeg import compressed
from .marks import KINDS, Mark
from .noise import grey
from .thin import with_thin_things

VISIBLE = 5 / 255  # a change that is counted as damage


@dataclass(frozen=True)
class Scratches:
    """x toned as old prints are, y the same with marks on it and as a scanner and a file leave it; the level is a mask.

    The mask is 1 where marks change the picture visibly, 0 elsewhere: a wire or a hair of the picture itself is no
    damage. whole: the share that carries no marks. thin: the share with thin things besides that are none, such as
    wires. zoom: how wide a thin scratch is, in pixels, since scans are coarse or fine. scanned: the share with the
    softness, noise or compression of a scan, which x has not.
    """

    whole: float = 0.15
    thin: float = 0.0
    zoom: tuple[float, float] = (0.7, 3.0)
    scanned: float = 0.8

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        random = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        zoom = float(np.exp(random.uniform(*np.log(self.zoom))))
        tone = _tone(random, len(x))
        things: tuple[str, ...] = ()
        if self.thin and random.random() < self.thin:
            x, things = with_thin_things(x, random)
        toned = tone(_aged(x, random)).clamp(0, 1)
        marks = _marks(random, (x.shape[1], x.shape[2]), zoom) if random.random() >= self.whole else {}
        marked, cover = _covered(toned, tone, [mark for several in marks.values() for mark in several], random)
        scan = _scan(random) if random.random() < self.scanned else _Scan()
        y = scan.sharpened(marked)
        change = (y - scan.sharpened(toned)).abs().amax(0, keepdim=True)
        seen = change > VISIBLE + 0.5 * scan.noise
        around = F.max_pool2d(seen[None].float(), 3, stride=1, padding=1)[0]
        mask = torch.where(cover > 0.25, around, seen.float())  # a mark has no holes where it meets its own shade
        counts = {name: len(several) for name, several in marks.items()}
        parameters = {"kind": "scratches", "tone": tone.name, "zoom": zoom, "marks": counts, "things": things} | asdict(
            scan
        )
        return Degraded(toned, scan(y, random, coloured=tone.name == "colour"), mask, parameters)


@dataclass(frozen=True)
class _Tone:
    """What black and white have become, `c 1 1` each, and whether colours are left."""

    name: str
    ink: Tensor
    paper: Tensor
    gamma: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        x = x if self.name in ("colour", "faded") else grey(x)
        return self.ink + (self.paper - self.ink) * x.clamp(0, 1) ** self.gamma


@dataclass(frozen=True)
class _Scan:
    """A scanner and a file: `sharpness` is negative where it is soft, `noise` in [0, 1] units, `quality` 0 for none."""

    sharpness: float = 0.0
    radius: float = 0.6
    noise: float = 0.0
    grain: float = 0.0
    quality: int = 0
    subsampled: bool = False

    def sharpened(self, picture: Tensor) -> Tensor:
        if not self.sharpness:
            return picture
        return picture + self.sharpness * (picture - gaussian_blur(picture, self.radius))

    def __call__(self, picture: Tensor, random: Random, *, coloured: bool) -> Tensor:
        """What is sharpened already as a file holds it: `c h w` in whole steps of 1/255."""
        y = picture
        if self.noise:
            shape = y.shape if coloured else (1, *y.shape[1:])
            noise = torch.from_numpy(random.standard_normal(shape, np.float32))
            if self.grain:
                noise = gaussian_blur(noise, self.grain, mode="circular")
                noise = noise / noise.square().mean().sqrt()
            y = y + self.noise * noise
        if self.quality:
            return compressed(y, self.quality, subsample=self.subsampled)
        return in_8_bits(y)


def _scan(random: Random) -> _Scan:
    kind = random.random()
    return _Scan(
        sharpness=random.uniform(-1, -0.4) if kind < 0.4 else random.uniform(0.3, 1.2) if kind < 0.6 else 0.0,
        radius=random.uniform(0.45, 1.1),
        noise=random.exponential(5) / 255 if random.random() < 0.75 else 0.0,
        grain=random.uniform(0.4, 1.0) if random.random() < 0.6 else 0.0,
        quality=int(random.integers(35, 98)) if random.random() < 0.7 else 0,
        subsampled=bool(random.random() < 0.5),
    )


def _aged(x: Tensor, random: Random) -> Tensor:
    """As an old camera took it: often soft; now and then with a clean white border, which is no damage."""
    if random.random() < 0.35:
        x = gaussian_blur(x, random.uniform(0.5, 1.8))
    if random.random() < 0.04:
        x, edge = x.clone(), int(random.integers(1, max(x.shape[1] // 3, 2)))
        x[:, :edge] = random.uniform(0.9, 1)
    return x


def _tone(random: Random, channels: int) -> _Tone:
    """Colour as it is or faded, grey, or browned."""
    name = str(random.choice(("colour", "faded", "grey", "sepia"), p=(0.3, 0.15, 0.25, 0.3)))
    ink, paper, gamma = np.zeros(channels), np.ones(channels), np.ones(channels)
    if name != "colour":
        gamma = gamma * np.exp(random.normal(0, 0.25))
        ink, paper = ink + random.uniform(0, 0.25) * random.integers(0, 2), paper - random.uniform(0, 0.25)
    if name == "faded":
        ink, paper = ink + random.uniform(0, 0.12, channels), paper - random.uniform(0, 0.12, channels)
    if name == "sepia" and channels == 3:
        brown = np.array([0.0, random.uniform(0.4, 0.8), 1.0])
        ink, paper = ink + 0.1 * random.uniform(0, 1) * (1 - brown), paper - random.uniform(0.05, 0.4) * brown
        gamma = gamma + random.uniform(0, 1) * brown**2
    return _Tone(name, *(torch.from_numpy(part.astype(np.float32))[:, None, None] for part in (ink, paper, gamma)))


def _marks(random: Random, size: tuple[int, int], zoom: float) -> dict[str, list[Mark]]:
    """At least one kind of mark, by name."""
    names, chances = list(KINDS), np.array([chance for chance, _ in KINDS.values()])
    chosen = {name for name, chance in zip(names, chances, strict=True) if random.random() < chance}
    chosen.add(str(random.choice(names, p=chances / chances.sum())))
    spread = max(size) / 128  # marks on a large picture are more in number
    marks: dict[str, list[Mark]] = {}
    for name in (name for name in names if name in chosen):
        count = 1 + random.poisson(0.6 * spread) if name not in ("dust", "torn", "craquelure") else 1
        marks[name] = [mark for _ in range(count) for mark in KINDS[name][1](random, size, zoom)]
    return marks


def _covered(toned: Tensor, tone: _Tone, marks: list[Mark], random: Random) -> tuple[Tensor, Tensor]:
    """The picture with the marks one over the other, coloured in some colour photographs, and how much they cover."""
    if not marks:
        return toned, torch.zeros(1, *toned.shape[1:])
    size = toned.shape[1:]
    rough = random.standard_normal(size, np.float32)
    rough = 0.6 * rough + 0.8 * np.roll(rough, (1, 1), (0, 1))
    kept, shade = np.ones(size, np.float32), np.zeros(size, np.float32)
    for mark in marks:
        kept *= 1 - mark.opacity
        shade += mark.opacity * (mark.shade + mark.grain * rough - shade)
    cover, shades = torch.from_numpy(1 - kept), torch.from_numpy(shade)
    tint = random.normal(0, 0.06, len(toned)) if tone.name in ("colour", "faded") and random.random() < 0.25 else 0.0
    ink = tone.ink + torch.as_tensor(tint, dtype=torch.float32).reshape(-1, 1, 1)
    neutral = random.random() if random.random() < 0.5 else 0.0  # bare paper is whiter than a print that has yellowed
    paper = tone.paper + neutral * (1 - tone.paper)
    return (toned * (1 - cover) + ink * cover + (paper - tone.ink) * shades).clamp(0, 1), cover[None]
