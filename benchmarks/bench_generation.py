"""What the trained generators draw, side by side: `python benchmarks/bench_generation.py DATA [NAME ...]`.

DATA/generation/mnist holds MNIST as IDX files. Protocol, unless a line says otherwise: 2,000 pictures drawn by the
model file, of 8 bits, seed 0, classes in turn, default steps, against as many test pictures; FID, KID, precision,
recall and coverage (k = 3) in pooled features of EfficientNet-Lite0. Near-copies are looked for among all 60,000
training pictures in the pooled features of mnist-classifier, which also reads the digits.

Emoji: 1,000 pictures, classes as often as among the 376 test emoji (concepts that no training picture shows; see
generation_data.py), laid over white and over grey, near-copies among all 3,410 training emoji, all in Lite0's features.

JPEG-CIFAR-10 (CIFAR-10 stored as JPEG: figures for the original do not compare): 5,000 pictures, as many of each class,
against all 10,000 test pictures, near-copies among every fifth of the 50,000 training pictures, all in Lite0's
features; precision, recall and coverage from 5,000 of each.
"""

import argparse
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import model_tables
import numpy as np
import torch
from generation_data import repack_cifar, split_emoji

from sfumato.generation.generate import generate
from sfumato.learn.cache import cache_folder
from sfumato.learn.data.idx import read_idx
from sfumato.learn.evaluation.generation import bytes_of, evaluate_generator
from sfumato.learn.evaluation.generation_score import GenerationScore
from sfumato.learn.evaluation.likelihood import evaluate_likelihood
from sfumato.learn.export import rebuild
from sfumato.learn.metrics.distribution import fid, kid, precision_recall
from sfumato.learn.metrics.features import network
from sfumato.learn.metrics.memorization import near_copies
from sfumato.models import zoo
from sfumato.models.engine import Engine, load

MODELS = Path(__file__).parent / "models"  # what is measured but not in the package
NUM, K = 2000, 3
LITE0 = "EfficientNet-Lite0"

Row = dict[str, Any]


def path_of(name: str) -> Path:
    """Where the file of a model is, or will be."""
    return (model_tables.folder_of(name) if name in zoo.SHIPPED else MODELS) / f"{name}.onnx"


def row(data: str, protocol: str, metric: str, value: float, digits: int = 3) -> Row:
    return model_tables.row(data, protocol, metric, value, digits)


@dataclass(frozen=True)
class Digits:
    """MNIST: its test pictures in Lite0's features, its training pictures in those of the digit classifier."""

    test: np.ndarray
    test_known: np.ndarray
    train_known: np.ndarray

    @classmethod
    @lru_cache(maxsize=1)
    def of(cls, folder: Path) -> "Digits":
        test, _ = read_idx(folder / "t10k-images-idx3-ubyte.gz")
        train, _ = read_idx(folder / "train-images-idx3-ubyte.gz")
        return cls(network("lite0")(test[:NUM, None]), judged(test)[1], judged(train)[1])


@lru_cache(maxsize=1)
def _judge() -> Any:
    return rebuild(MODELS / "mnist-classifier.onnx").eval()


@torch.no_grad()
def judged(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The digit that each picture uint8 `h w` is read as, and its pooled features."""
    judge, read, features = _judge(), [], []
    for some in np.array_split(pictures, -(-len(pictures) // 500)):
        x = torch.from_numpy(some[:, None].astype(np.float32) / 255)
        pooled = judge.pool(judge.encoder(2 * x - 1))
        read.append(judge.head(pooled).argmax(1).numpy())
        features.append(pooled.numpy())
    return np.concatenate(read), np.concatenate(features)


def _grey(engine: Engine, count: int, label: str | None, seed: int = 0) -> tuple[np.ndarray, float]:
    made = generate(engine, count, seed=seed, label=label)
    return np.stack([bytes_of(picture)[..., 0] for picture in made.pictures]), made.seconds


def digits(name: str, data: Path) -> list[Row]:
    """The rows of a generator of MNIST."""
    known, engine = Digits.of(data / "generation" / "mnist"), load(path_of(name))
    label = "mix" if engine.card.classes else None
    drawn, seconds = _grey(engine, NUM, label)
    fake = network("lite0")(drawn[:, None])
    quality = precision_recall(known.test, fake, K)
    told = "classes in turn" if label else "no classes"
    protocol = f"{NUM} drawn, seed 0, {told}; {LITE0}"
    rows = [
        row("MNIST test", protocol, "FID", fid(known.test, fake), 1),
        row("MNIST test", protocol, "KID x 1000", 1000 * kid(known.test, fake, seed=0).mean, 1),
        row("MNIST test", protocol, "precision", quality.precision),
        row("MNIST test", protocol, "recall", quality.recall),
        row("MNIST test", protocol, "coverage", quality.coverage),
    ]
    read, features = judged(drawn)
    copies = near_copies(known.train_known, known.test_known, features).share
    by_classifier = f"{NUM} drawn, seed 0, {told}; mnist-classifier"
    rows.append(row("MNIST train", by_classifier, "near-copies, %", 100 * copies, 1))
    if label:
        rows.append(row("MNIST", by_classifier, "read as asked, %", 100 * (read == np.arange(NUM) % 10).mean(), 1))
        drawn, _ = _grey(engine, NUM, None, seed=1)
        read, _ = judged(drawn)
    shares = np.bincount(read, minlength=10) / NUM
    free = f"{NUM} drawn without a class; mnist-classifier"
    rows.append(row("MNIST", free, "rarest digit, %", 100 * shares.min(), 1))
    rows.append(row("MNIST", free, "most frequent digit, %", 100 * shares.max(), 1))
    rows.append(row("28x28", "2 cores, default steps", "pictures a second", NUM / seconds, 0))
    if name.startswith("mnist-vae"):
        test = data / "generation" / "mnist" / "t10k-images-idx3-ubyte.gz"
        score = evaluate_likelihood(engine, test, num=2000)
        told = f"{score.num_pictures} pictures, binarized with seed {score.seed}"
        rows.append(row("MNIST test", told, "ELBO, nats", score.elbo, 2))
        rows.append(
            row("MNIST test", f"{told}, {score.samples} samples", "importance-weighted bound, nats", score.bound, 2)
        )
    return rows


def emoji(name: str, data: Path) -> list[Row]:
    """The rows of a generator of emoji."""
    told = "1000 drawn, seed 0, classes as often as there, over {}; " + LITE0
    asked: dict[str, Any] = {"num": 1000, "label_by": "category"}
    parts = made_of("emoji", data)
    white = evaluate_generator(path_of(name), parts.train, held_out=parts.test, **asked)
    grey = evaluate_generator(path_of(name), parts.train, held_out=parts.test, background="grey", **asked)
    rows = drawn_rows(white, "emoji", told.format("white"), "64x64 RGBA")
    return [*rows, row("emoji test", told.format("grey"), "KID x 1000, over grey", 1000 * grey.kid.mean, 1)]


def cifar(name: str, data: Path) -> list[Row]:
    """The rows of a generator of JPEG-CIFAR-10."""
    parts = made_of("jpeg-cifar10", data)
    some = every_fifth(parts.train)
    found = evaluate_generator(path_of(name), some, held_out=parts.test, num=5000, label_by="folder")
    told = f"5000 drawn, seed 0, as many of each class; {LITE0}"
    return drawn_rows(found, "JPEG-CIFAR-10", told, "32x32")


def every_fifth(archive: Path) -> Path:
    """A zip of every fifth picture of another, so that they take a fifth of the time."""
    found = archive.with_stem(f"{archive.stem}-fifth")
    if not found.exists():
        with zipfile.ZipFile(archive) as whole, zipfile.ZipFile(found, "w") as part:
            for name in whole.namelist()[::5]:
                part.writestr(name, whole.read(name))
    return found


class Parts(NamedTuple):
    """Archives of what is trained on and what is not."""

    train: Path
    test: Path


def made_of(name: str, data: Path) -> Parts:
    """The parts of a set by generation_data.py, made once."""
    folder = cache_folder("benchmarks")
    parts = Parts(folder / f"{name}-train.zip", folder / f"{name}-test.zip")
    if not parts.test.exists():
        folder.mkdir(parents=True, exist_ok=True)
        source, make = SOURCES[name]
        make(data / "generation" / source, folder)
    return parts


SOURCES = {"emoji": ("emoji64.zip", split_emoji), "jpeg-cifar10": ("cifar10_jpeg.tar.xz", repack_cifar)}


def drawn_rows(found: GenerationScore, title: str, told: str, size: str) -> list[Row]:
    quality, copies = found.quality, found.memorization.share
    return [
        row(f"{title} test", told, "FID", found.fid, 1),
        row(f"{title} test", told, "KID x 1000", 1000 * found.kid.mean, 1),
        row(f"{title} test", told, "precision", quality.precision),
        row(f"{title} test", told, "recall", quality.recall),
        row(f"{title} test", told, "coverage", quality.coverage),
        row(f"{title} train", told, "near-copies, %", 100 * copies, 1),
        row(size, "2 cores, default steps", "pictures a second", found.samples_per_second, 1),
    ]


def classifier(name: str, data: Path) -> list[Row]:
    """Accuracy of the judge of digits, by the engine."""
    folder = data / "generation" / "mnist"
    test, labels = read_idx(folder / "t10k-images-idx3-ubyte.gz")
    assert labels is not None
    engine = load(path_of(name))
    x = test[:, None].astype(np.float32) / 255
    read = np.concatenate([engine.run({"x": some})["probabilities"].argmax(1) for some in np.array_split(x, 40)])
    return [row("MNIST test", "10,000 pictures", "accuracy, %", 100 * (read == labels).mean(), 2)]


MEASURED = {
    "mnist-classifier": classifier,
    "mnist-gan": digits,
    "mnist-gan-classic": digits,
    "mnist-vae": digits,
    "mnist-vae-classic": digits,
    "mnist-autoencoder": digits,
    "mnist-autoencoder-classic": digits,
    "mnist-flow": digits,
    "emoji": emoji,
    "emoji-gan-classic": emoji,
    "jpeg-cifar10-flow": cifar,
    "jpeg-cifar10-gan": cifar,
    "jpeg-cifar10-gan-classic": cifar,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*", help="of the models to measure; default: all")
    options = parser.parse_args()
    for name in options.names or MEASURED:
        for found in MEASURED[name](name, options.data):
            print(f"{name} | {found['data']} | {found['protocol']} | {found['metric']} | {found['value']}", flush=True)


if __name__ == "__main__":
    main()
