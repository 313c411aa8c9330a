"""Whether what is spoken is what is drawn: `PYTHONPATH=tools python benchmarks/bench_conditions.py DATA`.

DATA/audio/fsdd.tar.xz holds the recordings (see spoken_digits.py). Protocol: for each recording one picture, seed 0,
its number the recording's place among the sorted names, with the card's sampling; benchmarks/models/mnist-classifier,
which never saw a generated picture, reads it. Counted are pictures read as the digit that is spoken: of the 250
recordings held out of the speakers that were trained on, and of all 500 of a speaker who was not. Beside them 500
pictures of the same model by class, the digits in turn: what is lost before any sound comes into it. --noise mixes
white noise of so many decibels below the recording's power into each.

--sheet FILE writes what is drawn of five recordings of each digit by the unseen speaker, below their spectrograms.
"""

import argparse
import time
import wave
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import model_tables
import numpy as np
from bench_generation import judged, path_of
from spoken_digits import PARTS, split

from sfumato import Picture
from sfumato.conditions.audio import BANDS, FRAMES, RATE, read_samples, read_sound
from sfumato.generation.generate import generate
from sfumato.learn.cache import cache_folder
from sfumato.learn.evaluation.generation import bytes_of
from sfumato.models.engine import Engine, load
from sfumato.pictures import grid

NAME = "spoken-digits"
NUM_BY_CLASS = 500
TITLES = {"held-out": "FSDD, recordings held out", "unseen-speaker": "FSDD, a speaker never heard"}
Row = dict[str, Any]


def recordings(data: Path, part: str) -> Iterator[tuple[int, bytes]]:
    """The digit that is spoken, and the file, of each recording of a part, sorted by name."""
    paths = split(data / "audio" / "fsdd.tar.xz", cache_folder("spoken-digits"))
    with zipfile.ZipFile(paths[part]) as archive:
        for name in sorted(archive.namelist()):
            yield int(name.partition("/")[0]), archive.read(name)


def noisy(stored: bytes, decibels: float, seed: int) -> bytes:
    """The recording with white noise of so many decibels below its power."""
    samples = read_samples(stored)
    power = np.sqrt(np.mean(samples**2)) * 10 ** (-decibels / 20)
    samples = samples + np.random.default_rng(seed).normal(0, power, len(samples))
    out = BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples / np.abs(samples).max() * 32000).astype("<i2").tobytes())
    return out.getvalue()


def drawn(engine: Engine, sounds: list[bytes]) -> np.ndarray:
    """One picture of each sound, uint8 `n h w`."""
    made = (generate(engine, 1, first=i, audio=sound) for i, sound in enumerate(sounds))
    return np.stack([bytes_of(one.pictures[0])[..., 0] for one in made])


def spoken_and_read(engine: Engine, data: Path, part: str, noise: float | None = None) -> np.ndarray:
    """How often each digit, when spoken, is read as each: a 10x10 table of counts."""
    spoken, sounds = zip(*recordings(data, part), strict=True)
    if noise is not None:
        sounds = tuple(noisy(sound, noise, i) for i, sound in enumerate(sounds))
    table = np.zeros((10, 10), int)
    np.add.at(table, (np.array(spoken), judged(drawn(engine, list(sounds)))[0]), 1)
    return table


def share(table: np.ndarray) -> float:
    return 100 * float(table.trace() / table.sum())


def rows(data: Path, engine: Engine) -> list[Row]:
    """What the card of `spoken-digits` says of itself."""
    found = []
    for part in PARTS[1:]:
        table = spoken_and_read(engine, data, part)
        protocol = f"{table.sum()} drawn, one a recording, seed 0; mnist-classifier"
        found.append(model_tables.row(TITLES[part], protocol, "read as spoken, %", share(table), 1))
    started = time.perf_counter()
    made = generate(engine, NUM_BY_CLASS, label="mix")
    seconds = time.perf_counter() - started
    read = judged(np.stack([bytes_of(picture)[..., 0] for picture in made.pictures]))[0]
    right = 100 * float((read == np.arange(NUM_BY_CLASS) % 10).mean())
    protocol = f"{NUM_BY_CLASS} drawn, seed 0, classes in turn; mnist-classifier"
    found.append(model_tables.row("MNIST", protocol, "read as asked, %", right, 1))
    found.append(model_tables.row("28x28", "default steps", "pictures a second", NUM_BY_CLASS / seconds, 0))
    return found


def sheet(engine: Engine, data: Path, target: Path, rows_of: int = 5) -> None:
    """A column for each digit: spectrograms of the unseen speaker's first recordings, below each what is drawn."""
    heard: dict[int, list[bytes]] = {}
    for digit, stored in recordings(data, "unseen-speaker"):
        heard.setdefault(digit, []).append(stored)
    cells = []
    for row in range(rows_of):
        for digit in range(10):
            sound = heard[digit][row]
            cell = np.ones((BANDS + 4 + 56, FRAMES, 1), np.float32)
            cell[:BANDS, :, 0] = 1 - read_sound(sound).values.reshape(BANDS, FRAMES)[::-1]  # low notes below
            pixels = generate(engine, 1, first=row, audio=sound).pictures[0].array()
            cell[-56:, (FRAMES - 56) // 2 :][:, :56] = pixels.repeat(2, axis=0).repeat(2, axis=1)
            cells.append(Picture.from_array(cell, depth=8))
    grid.sheet(cells, 10).save(target, overwrite=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("model", nargs="?", help="a model file; default: the shipped one")
    parser.add_argument("--noise", type=float, help="decibels below the recording's power")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    engine = load(options.model or path_of(NAME))
    if options.sheet:
        sheet(engine, options.data, options.sheet)
    elif options.noise is not None:
        for part in PARTS[1:]:
            table = spoken_and_read(engine, options.data, part, options.noise)
            print(f"{TITLES[part]}, noise at -{options.noise:g} dB: {share(table):.1f} % of {table.sum()}")
            print(table)
    else:
        for row in rows(options.data, engine):
            print(f"{row['data']} | {row['protocol']} | {row['metric']} | {row['value']}")


if __name__ == "__main__":
    main()
