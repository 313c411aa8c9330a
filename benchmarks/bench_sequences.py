"""What a flow of sequences expects and how it goes on: `python benchmarks/bench_sequences.py FILE DATA [--count N]`.

Digits of MNIST's test part (DATA/generation/mnist), reduced to 20x20, move about in 32x32 by whole pixels and bounce
(`MovingPictures`, seed 1, one thing a sequence). PSNR in dB, of the mean squared error over all frames: some come again
when a thing bounces, and are copied without any error.

- The next frame, from the third on: the last frame again; the line through the last two, for each pixel; the last frame
  moved as it had moved before (the shift that fits best); what the flow expects, in one step; the same with an empty
  memory, and with that of the frame before alone.
- Five frames, then ten more: the last frame again, and those that the flow generates given its own.
- Reading: how many of the digits that sequences begin with, and that they end with 16 frames later, mnist-classifier
  reads as the class that was asked for.
"""

import argparse
from pathlib import Path

import numpy as np

from sfumato.generation.sequences import generate_sequences
from sfumato.learn.data.folders import list_pictures
from sfumato.learn.data.moving import MovingPictures
from sfumato.learn.data.store import PictureStore
from sfumato.models.engine import Engine, load
from sfumato.models.ports import run_by_kind
from sfumato.pictures.channels import resize_and_center_crop
from sfumato.pictures.picture import Picture
from sfumato.sampling.noise import noise
from sfumato.sampling.velocity import velocity_of

KNOWN, SHOWN, AHEAD, FASTEST = 2, 5, 10, 3
Array = np.ndarray


def sequences(data: Path, engine: Engine, count: int, frames: int) -> Array:
    """`n t c h w` in [0, 1]."""
    height, width = engine.card.size
    things = round(0.625 * height), round(0.625 * width)
    listing = list_pictures(data / "generation" / "mnist" / "t10k-images-idx3-ubyte.gz")
    store = PictureStore.build(listing, channels=engine.card.config["channels"], size=things)
    moving = MovingPictures(store, None, size=(height, width), frames=frames, things=1, fastest=FASTEST, seed=1)
    return np.stack([moving[number]["x"].numpy() for number in range(count)])


def remembered(engine: Engine, frames: Array) -> Array:
    """The memory after frames `n t c h w`."""
    ports = {port.name: port for port in engine.card.inputs}
    state = np.zeros((len(frames), ports["before"].channels, *frames.shape[3:]), np.float32)
    for number in range(frames.shape[1]):
        state = run_by_kind(engine, {"picture": 2 * frames[:, number] - 1, "state": state}, "remember")
    return state


def expected(engine: Engine, frames: Array) -> Array:
    """The mean of what may come after frames `n t c h w`."""
    start = np.stack([noise(0, i, (1, *frames.shape[3:])) for i in range(len(frames))])
    found = start + velocity_of(engine, {"state": remembered(engine, frames)})(start, 0.0)
    return (found / 2 + 0.5).clip(0, 1)


def moved_on(before: Array, last: Array) -> Array:
    """The last frame `h w`, moved as it was moved from the one before: the shift that fits best; black comes in."""
    reach = range(-FASTEST, FASTEST + 1)
    shifts = [(down, across) for down in reach for across in reach]
    best = min(shifts, key=lambda shift: float(np.square(_shifted(before, shift) - last).sum()))
    return _shifted(last, best)


def _shifted(frame: Array, shift: tuple[int, int]) -> Array:
    height, width = frame.shape
    around = np.pad(frame, FASTEST)
    top, left = (FASTEST - step for step in shift)
    return around[top : top + height, left : left + width]


def squared_error(found: Array, x: Array) -> float:
    return float(np.square(found - x).mean())


def decibel(errors: list[float]) -> float:
    return float(-10 * np.log10(np.mean(errors)))


def next_frame(engine: Engine, x: Array) -> None:
    methods = {
        "the last frame again": lambda past: past[:, -1],
        "the line through the last two, each pixel": lambda past: (2 * past[:, -1] - past[:, -2]).clip(0, 1),
        "the last frame, moved as before": lambda past: np.stack(
            [moved_on(a[0], b[0])[None] for a, b in zip(past[:, -2], past[:, -1], strict=True)]
        ),
        "the flow": lambda past: expected(engine, past),
        "the flow, remembering the last frame alone": lambda past: expected(engine, past[:, -1:]),
        "the flow, with an empty memory": lambda past: expected(engine, past[:, :0]),
    }
    print("\n| the next frame | PSNR, dB |\n|---|---:|")
    for name, method in methods.items():
        places = range(KNOWN, x.shape[1])
        print(f"| {name} | {decibel([squared_error(method(x[:, :t]), x[:, t]) for t in places]):.2f} |", flush=True)


def further(engine: Engine, x: Array) -> None:
    ahead = (1, 2, 3, 5, 10)
    copied = {step: decibel([squared_error(x[:, SHOWN - 1], x[:, SHOWN - 1 + step])]) for step in ahead}
    errors: dict[int, list[float]] = {step: [] for step in ahead}
    for number, sequence in enumerate(x):
        start = [Picture.from_array(frame.transpose(1, 2, 0)) for frame in sequence[:SHOWN]]
        (made,) = generate_sequences(engine, SHOWN + AHEAD, start=start, seed=number).sequences
        for step in ahead:
            truth = sequence[SHOWN - 1 + step].transpose(1, 2, 0)
            errors[step].append(squared_error(made[SHOWN - 1 + step].array(), truth))
    print("\n| frames ahead | " + " | ".join(map(str, ahead)) + " |\n|---|" + "---:|" * len(ahead))
    print("| the last frame again | " + " | ".join(f"{copied[step]:.2f}" for step in ahead) + " |")
    print("| generated | " + " | ".join(f"{decibel(errors[step]):.2f}" for step in ahead) + " |")


def reading(engine: Engine, judge: Engine, num: int) -> None:
    if not engine.card.classes:
        return
    height, width = judge.card.size
    right = {1: 0, 16: 0}
    made = generate_sequences(engine, 16, num, label="mix")
    for frames, label in zip(made.sequences, made.labels, strict=True):
        for number in right:
            probabilities = judge(x=_cut_out(frames[number - 1].array()[..., 0], (height, width))[None, None])[0]
            right[number] += judge.card.classes[int(probabilities.argmax())] == label
    said = ", ".join(f"{count / num:.0%} in frame {number}" for number, count in right.items())
    print(f"\n{num} sequences from noise by class, read as the class: {said}")


def _cut_out(frame: Array, size: tuple[int, int]) -> Array:
    """The digit about the middle of a picture, of the size that MNIST has it in."""
    side = round(0.625 * len(frame))
    lit = np.argwhere(frame > 0.3)
    middle = (lit.min(0) + lit.max(0) + 1) // 2 if len(lit) else np.array(frame.shape) // 2
    around = np.pad(frame, side)
    top, left = middle + side - side // 2
    cut = around[top : top + side, left : left + side, None].astype(np.float32)
    return resize_and_center_crop(cut, size)[..., 0].astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data", type=Path)
    parser.add_argument("--count", type=int, default=200)
    arguments = parser.parse_args()
    engine = load(arguments.model)
    x = sequences(arguments.data, engine, arguments.count, SHOWN + AHEAD)
    next_frame(engine, x)
    further(engine, x[: arguments.count // 4])
    judge = Path(__file__).parent / "models" / "mnist-classifier.onnx"
    reading(engine, load(judge), arguments.count // 2)


if __name__ == "__main__":
    main()
