"""Recordings by class, as spectrograms at several speeds, and changed at random as other voices and rooms would."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sfumato.conditions.audio import BANDS, FRAMES, RANGE, read_samples, spectrogram
from sfumato.errors import AudioError, TrainingError

from .folders import Listing, list_recordings, plain_name
from .seeds import sample_seed

SPEEDS = (1.0, 0.8, 0.87, 0.93, 1.07, 1.15, 1.25)  # which change pitch and formants, too: other voices
HELD_OUT = 0.05
MOVED = 16  # frames
TILT, LOUDER = 8.0, 15.0  # decibels: from the lowest band to the highest, and of the quiet against the loud
NOISE = 40.0  # decibels below the loudest cell: a room's noise is up to so much above the floor of the scale
MASKED = (8, 24)  # bands and frames that are hidden, at most (SpecAugment, arXiv:1904.08779)


@dataclass(frozen=True)
class Recordings:
    """Spectrograms `n speeds k` of the recordings, and the number of each one's class `n`."""

    spectrograms: Tensor
    classes: Tensor

    @classmethod
    def read(cls, source: str | Path, classes: tuple[str, ...]) -> "tuple[Recordings, Recordings]":
        """Those to train on and a twentieth that is held out, which the names decide; the latter at one speed.

        Raises TrainingError for classes of which there is none, recordings of no class, and files that are no sound.
        """
        listing = list_recordings(source)
        labels = checked_labels(listing, classes)
        parts: tuple[list[Tensor], list[Tensor]] = ([], [])
        numbers: tuple[list[int], list[int]] = ([], [])
        for name, stored in listing.read():
            held_out = sample_seed(0, plain_name(name)) / 2**63 < HELD_OUT
            try:
                samples = read_samples(bytes(stored))
            except AudioError as error:
                sentence = str(error).replace("The recording", name)
                raise TrainingError(f"{listing.source}: {sentence}") from None
            parts[held_out].append(_at_speeds(samples, (1.0,) if held_out else SPEEDS))
            numbers[held_out].append(classes.index(labels[name]))
        for place, label in enumerate(classes):
            if place not in numbers[0]:
                raise TrainingError(f"{source}: too few recordings of {label!r}; twenty of each class are enough.")
        if not parts[1]:  # very few: then the same ones, which flatters
            parts, numbers = (parts[0], [part[:1] for part in parts[0]]), (numbers[0], numbers[0])
        train, held = (cls(torch.stack(some), torch.tensor(of)) for some, of in zip(parts, numbers, strict=True))
        return train, held

    def to(self, device: torch.device) -> "Recordings":
        return Recordings(self.spectrograms.to(device), self.classes.to(device))

    def of(self, label: Tensor) -> Tensor:
        """One of each label's recordings `b k`, by chance and changed by chance; labels are one-hot, `b n`."""
        same = (self.classes[None] == label.argmax(1)[:, None]).float()
        chosen = torch.multinomial(same, 1)[:, 0]
        speed = torch.randint(self.spectrograms.shape[1], chosen.shape, device=chosen.device)
        return changed(self.spectrograms[chosen, speed].float())


def checked_labels(listing: Listing, classes: tuple[str, ...]) -> dict[str, str]:
    """The class of each recording, the name of its folder; raises TrainingError for one that is none of `classes`."""
    labels = listing.labels("folder")
    strange = sorted(set(labels.values()) - set(classes))
    if strange:
        raise TrainingError(f"{listing.source}: the folder {strange[0]!r} is none of the classes {', '.join(classes)}.")
    return labels


def _at_speeds(samples: np.ndarray, speeds: tuple[float, ...]) -> Tensor:
    places = np.arange(len(samples))
    played = (np.interp(np.arange(0, len(samples) - 1, speed), places, samples) for speed in speeds)
    return torch.from_numpy(np.stack([spectrogram(other.astype(np.float32))[0] for other in played])).half()


def changed(sound: Tensor) -> Tensor:
    """Spectrograms `b k` moved in time, louder where quiet, tilted, with a room's noise, and with parts hidden."""
    b, device = len(sound), sound.device
    x = sound.reshape(b, BANDS, FRAMES)
    random = torch.rand(8, b, 1, 1, device=device)
    bands = torch.arange(BANDS, device=device)[None, :, None]
    frames = torch.arange(FRAMES, device=device)[None, None]
    source = frames + ((2 * random[0] - 1) * MOVED).round().long()
    x = x.gather(2, source.clamp(0, FRAMES - 1).expand_as(x)) * ((source >= 0) & (source < FRAMES))
    tilt = (2 * random[1] - 1) * TILT * (bands / (BANDS - 1) - 0.5)
    x = x + (x > 0) * (tilt + (2 * random[2] - 1) * LOUDER * (1 - x)) / RANGE
    floor = (2 * random[3] - 1) * (RANGE - NOISE) / RANGE
    x = torch.maximum(x, floor + 0.1 * torch.randn_like(x) * (floor > 0))
    for places, most, (start, width) in ((bands, MASKED[0], random[4:6]), (frames, MASKED[1], random[6:8])):
        width = width * most
        begin = start * (places.numel() - width)
        x = x * ~((places >= begin) & (places < begin + width))
    return x.clamp(0, 1).reshape(b, -1)
