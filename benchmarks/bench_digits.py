"""Test digits with one half hidden, sampled by `mnist-flow`: `python benchmarks/bench_digits.py DATA`.

The first so many test digits, of each in turn the upper, the lower, the left or the right half hidden. Sixteen samples
(seed 0) of each; `mnist-classifier` reads them, and the class that most of them show is compared with the label. A
classifier that is trained here on halves of the training digits (three convolutions, cross-entropy, every half alike,
so many epochs) reads the visible halves: what can be known of the class.

Intervals: 40 samples of every so-manieth digit; the interval from the second to the 39th value of a hidden pixel, made
wider by 2 of 255 on both sides, should hold the true pixel nine times out of ten. Pixels of which all samples say that
they are black are counted, and shown apart.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from sfumato import Picture, sample
from sfumato.learn.data.idx import read_idx
from sfumato.models.engine import Engine, load

SAMPLES, FOR_INTERVALS, TOLERANCE = 16, 40, 2 / 255
HALVES = [
    (slice(0, 14), slice(None)),
    (slice(14, 28), slice(None)),
    (slice(None), slice(0, 14)),
    (slice(None), slice(14, 28)),
]
JUDGE = Path(__file__).parent / "models" / "mnist-classifier.onnx"


def digits(data: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (n, 28, 28) of 8 bits, and their labels."""
    pictures, labels = read_idx(data / "generation" / "mnist" / f"{part}-images-idx3-ubyte.gz")
    assert labels is not None, "the labels lie beside the pictures"
    return pictures, labels


def hidden(number: int) -> np.ndarray:
    """(28, 28): what is missing of digit `number`."""
    missing = np.zeros((28, 28), bool)
    missing[HALVES[number % len(HALVES)]] = True
    return missing


class Reader(nn.Sequential):
    """A digit and its mask, `b 2 28 28`, to logits `b 10`."""

    def __init__(self) -> None:
        widths = [(2, 32, 1), (32, 64, 2), (64, 96, 2)]
        convolutions = [part for a, b, s in widths for part in (nn.Conv2d(a, b, 3, s, 1), nn.ReLU())]
        super().__init__(*convolutions, nn.Flatten(), nn.Dropout(0.3), nn.Linear(96 * 49, 10))


def reader_of_halves(data: Path, epochs: int) -> Reader:
    """The classifier that is trained on visible halves."""
    torch.manual_seed(0)
    pictures, labels = digits(data, "train")
    masks = torch.from_numpy(np.stack([hidden(i) for i in range(len(HALVES))])).float()
    network = Reader()
    steps = epochs * (len(pictures) // 128)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, steps)
    for _ in range(steps):
        chosen = torch.randint(len(pictures), (128,))
        x = torch.from_numpy(pictures[chosen.numpy()]).float()[:, None] / 255
        mask = masks[torch.randint(len(HALVES), (128,))][:, None]
        loss = F.cross_entropy(network(seen(x, mask)), torch.from_numpy(labels[chosen.numpy()]).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def seen(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return torch.cat([x * (1 - mask), mask], dim=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--num", type=int, default=500, help="test digits")
    parser.add_argument("--every", type=int, default=10, help="of these whose intervals are measured")
    parser.add_argument("--epochs", type=int, default=4, help="of the classifier of halves")
    parser.add_argument("--steps", type=int, help="of the flow; default: its own")
    options = parser.parse_args()
    measure(options.data, options.num, options.every, options.epochs, options.steps)


def measure(data: Path, num: int, every: int = 10, epochs: int = 4, steps: int | None = None) -> None:
    pictures, labels = (part[:num] for part in digits(data, "t10k"))
    flow, judge = load("mnist-flow"), Engine(JUDGE)
    right, held, spread, started = [], [], [], time.perf_counter()
    for number, (x, label) in enumerate(zip(pictures, labels, strict=True)):
        missing = hidden(number)
        count = FOR_INTERVALS if number % every == 0 else SAMPLES
        given = Picture.from_array((x / np.float32(255)).astype(np.float32))
        found = sample(given, count, model=flow, task="inpaint", mask=missing, steps=steps, seed=number)
        read = judge(x=found.values[:SAMPLES].transpose(0, 3, 1, 2)).argmax(axis=1)
        right.append(np.bincount(read, minlength=10).argmax() == label)
        if count == FOR_INTERVALS:
            values = np.sort(found.values[:, missing, 0], axis=0)
            low, high = values[1] - TOLERANCE, values[-2] + TOLERANCE
            truth = x[missing] / 255
            held.append(((truth >= low) & (truth <= high), values[-1] > TOLERANCE))
        spread.append(float(found.values.std(axis=0)[missing].mean()))
    seconds = time.perf_counter() - started
    network = reader_of_halves(data, epochs)
    with torch.no_grad():
        masks = torch.from_numpy(np.stack([hidden(i) for i in range(num)])).float()[:, None]
        logits = network(seen(torch.from_numpy(pictures).float()[:, None] / 255, masks))
        by_halves = (logits.argmax(1).numpy() == labels).mean()
    ours = float(np.mean(right))
    inside, not_black = (np.concatenate(parts) for parts in zip(*held, strict=True))
    print(f"{num} test digits, one half hidden, {SAMPLES} samples each by mnist-flow ({seconds:.0f} s)")
    print(f"the class of most samples is right: {100 * ours:.1f} %")
    print(f"a classifier of visible halves: {100 * by_halves:.1f} %; ratio {ours / by_halves:.3f}")
    print(f"intervals of {FOR_INTERVALS} samples hold {100 * inside.mean():.1f} % of the hidden pixels")
    print(f"of those that are not black in all samples: {100 * inside[not_black].mean():.1f} %")
    print(f"standard deviation of the samples, mean over hidden pixels: {255 * np.mean(spread):.1f} of 255")


if __name__ == "__main__":
    main()
