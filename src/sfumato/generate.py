"""Seed and conditions in, pictures out; and, of families with an encoder, pictures in between, like one, or again."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from . import sheet
from .card import Card
from .drawing import Drawing, Told, as_picture, draws, encoded
from .engine import Engine, load
from .errors import ModelError, UsageError
from .latents import any_of, slerp
from .picture import Picture

Array = NDArray[np.float32]
MIX = "mix"
MAX_COLUMNS = 20
NUM_MEASURED = 64  # codes that the spread of a latent space is measured on

# What the press agrees on for pictures that a trained model made up (IPTC's DigitalSourceType), in XMP, which every
# format that is written holds.
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia">
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True)
class Generated:
    """What `generate` and its relatives give back.

    pictures: in order, each with a note in its XMP that it was made up, by which model and seed. labels: the class of
    each, "" for none. model: its name. steps: of the solver, 1 where a model draws in one call. sources: pictures that
    went in, as the model saw them. seconds: how long it took. notes: sentences about what was decided on the way.
    """

    pictures: tuple[Picture, ...]
    labels: tuple[str, ...]
    model: str
    seed: int
    steps: int
    seconds: float
    sources: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = ()

    def sheet(self, columns: int | None = None) -> Picture:
        """Sources and pictures in rows: a column for each class, or about as wide as high, or `columns` of them."""
        kinds = len(set(self.labels))
        in_turn = self.labels == (self.labels[:kinds] * len(self.labels))[: len(self.labels)]
        if columns is None and 1 < kinds <= MAX_COLUMNS and in_turn and not self.sources:
            columns = kinds
        return sheet.sheet((*self.sources, *self.pictures), columns, xmp=_mark(f"Sheet of pictures by {self.model}"))

    def save(self, folder: str | Path, *, overwrite: bool = False, first: int = 0) -> tuple[Path, ...]:
        """Write the pictures as 0000.png, or 0000-LABEL.png, and so on from `first`; the folder is made.

        Raises PictureError where a file is there and `overwrite` is not given.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        numbered = enumerate(zip(self.pictures, self.labels, strict=True), first)
        return tuple(
            picture.save(folder / file_name(number, label), overwrite=overwrite)
            for number, (picture, label) in numbered
        )


def file_name(number: int, label: str) -> str:
    """ "0007.png", or "0007-maple-leaf.png"; what no file system minds."""
    kind = "".join(letter if letter.isalnum() else "-" for letter in label)
    return f"{number:04d}-{kind}.png" if kind else f"{number:04d}.png"


def generate(
    model: str | Path | Engine,
    num: int = 64,
    *,
    first: int = 0,
    seed: int = 0,
    label: str | None = None,
    steps: int | None = None,
    solver: str | None = None,
    guidance: float | None = None,
    size: tuple[int, int] | None = None,
    device: str = "auto",
    threads: int | None = None,
    progress: Told | None = None,
) -> Generated:
    """Draw `num` new pictures, those of the numbers first, first + 1, ... of a seed.

    A picture's noise follows from seed and number, whatever else is drawn with it. model: a model file, a shipped name
    or an Engine. label: the name of a class, "mix" for all in turn, None for whatever comes (any class, where a model
    needs one). steps, solver ("euler", "heun") and guidance (1: the class alone; more: more like it) are for flows.
    size: height and width, where the model can draw others than its own. progress is told pictures done and all.

    Raises UsageError for what the model cannot do, ModelError for a model that draws nothing.
    """
    started = time.perf_counter()
    engine = _generator(model, threads, device)
    _check_counts(num=num, seed=seed, first=first)
    drawing = Drawing(engine, size=size, steps=steps, solver=solver, guidance=guidance)
    labels = _labels(drawing, label, num, first, guidance)
    if label is None and _needs_class(drawing):
        labels = tuple(any_of(seed, first + i, engine.card.classes) for i in range(num))
    drawn = drawing.planes((drawing.noise(seed, first + i) for i in range(num)), labels, progress)
    notes: tuple[str, ...] = ()
    if engine.card.size and drawing.size != engine.card.size:
        notes = (f"{engine.card.name} was trained at {'x'.join(map(str, engine.card.size))}; other sizes are weaker.",)
    said = [f"Generated by {engine.card.name}, seed {seed}, number {first + i}" for i in range(num)]
    return _made(drawing, drawn, said, labels, seed, started, notes=notes)


def interpolate(
    model: str | Path | Engine,
    a: int | tuple[int, int] | Picture,
    b: int | tuple[int, int] | Picture,
    *,
    frames: int = 16,
    label: str | None = None,
    steps: int | None = None,
    solver: str | None = None,
    guidance: float | None = None,
    size: tuple[int, int] | None = None,
    device: str = "auto",
    threads: int | None = None,
    progress: Told | None = None,
) -> Generated:
    """`frames` pictures from a to b along an arc of the latent space.

    a, b: a seed (its picture 0), (seed, number) for another of its pictures, or, where the family has an encoder, a
    picture. The other arguments are those of `generate`.
    """
    started = time.perf_counter()
    engine = _generator(model, threads, device)
    if frames < 2:
        raise UsageError(f"frames is {frames}; a way has at least its two ends.")
    if label == MIX:
        raise UsageError(f"{MIX} has no meaning on the way between two pictures; name one class.")
    drawing = Drawing(engine, size=size, steps=steps, solver=solver, guidance=guidance)
    labels = _labels(drawing, label, frames, 0, guidance)
    if label is None and _needs_class(drawing):
        seed, number = a if isinstance(a, tuple) else (0 if isinstance(a, Picture) else a, 0)
        labels = (any_of(seed, number, engine.card.classes),) * frames
    # What is drawn by way of a density has no arcs in its noise: there the way is between the codes.
    through_code = isinstance(a, Picture) or isinstance(b, Picture) or drawing.entry == "sample"
    through_code = through_code and "encode" in engine.card.entries
    sources: list[Picture] = []
    notes: list[str] = []
    ends = []
    for end in (a, b):
        if isinstance(end, Picture):
            code, seen = encoded(engine, end)
            sources.append(seen)
            notes += _fitting(engine, end)
        else:
            seed, number = (end, 0) if isinstance(end, int) else end
            _check_counts(seed=seed, first=number)
            code = drawing.noise(seed, number)
            if through_code and drawing.entry != "decode":
                code, _ = encoded(engine, as_picture(next(drawing.planes([code], labels[:1]))))
        ends.append(code)
    if through_code:
        drawing = Drawing(engine, entry="decode")
    drawn = drawing.planes((slerp(ends[0], ends[1], i / (frames - 1)) for i in range(frames)), labels, progress)
    said = [f"Generated by {engine.card.name}, between two pictures"] * frames
    return _made(drawing, drawn, said, labels, 0, started, notes=tuple(dict.fromkeys(notes)))


def vary(
    model: str | Path | Engine,
    picture: Picture,
    num: int = 8,
    *,
    amount: float = 0.3,
    seed: int = 0,
    label: str | None = None,
    device: str = "auto",
    threads: int | None = None,
    progress: Told | None = None,
) -> Generated:
    """`num` pictures like this one: its code, turned by `amount` (0: none of it, 1: all the way) towards random ones.

    label: for decoders that take a class, the class; "mix" gives the same style in all of them.
    Raises UsageError for a family without an encoder.
    """
    started = time.perf_counter()
    engine = _generator(model, threads, device)
    _check_counts(num=num, seed=seed)
    if not 0 <= amount <= 1:
        raise UsageError(f"amount is {amount!r}; give a number from 0 to 1.")
    code, seen = encoded(engine, picture)
    drawing = Drawing(engine, entry="decode")
    labels = _labels(drawing, label, num)
    middle, spread = _spread(engine, code)
    here = (code - middle) / spread
    turned = (middle + spread * slerp(here, drawing.noise(seed, i), amount) for i in range(num))
    drawn = drawing.planes(turned, labels, progress)
    said = [f"Generated by {engine.card.name}, a variation of a picture, seed {seed}, number {i}" for i in range(num)]
    return _made(drawing, drawn, said, labels, seed, started, sources=(seen,), notes=_fitting(engine, picture))


def reconstruct(
    model: str | Path | Engine,
    picture: Picture,
    *,
    label: str | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Generated:
    """The picture through encoder and decoder: what the model keeps of it. UsageError for a family without them."""
    started = time.perf_counter()
    engine = _generator(model, threads, device)
    code, seen = encoded(engine, picture)
    drawing = Drawing(engine, entry="decode")
    labels = _labels(drawing, label, 1)
    drawn = drawing.planes([code], labels)
    said = [f"Reconstructed by {engine.card.name}"]
    return _made(drawing, drawn, said, labels, 0, started, sources=(seen,), notes=_fitting(engine, picture))


def _generator(model: str | Path | Engine, threads: int | None, device: str) -> Engine:
    engine = model if isinstance(model, Engine) else load(model, threads=threads, device=device)
    if not draws(engine.card):
        card = engine.card
        restores = any(port.kind == "picture" for port in card.outputs)
        raise ModelError(
            f"{card.name!r} (task {card.task!r}) draws no pictures"
            + (f"; it restores them: `sfumato restore --model {card.name}`." if restores else "; take a generator.")
        )
    return engine


def _check_counts(*, num: int = 1, seed: int = 0, first: int = 0) -> None:
    if num < 1:
        raise UsageError(f"num is {num}; draw at least one picture.")
    if seed < 0 or first < 0:
        raise UsageError(f"seed and number are {seed} and {first}; give 0 or more.")


def _labels(
    drawing: Drawing, label: str | None, num: int, first: int = 0, guidance: float | None = None
) -> tuple[str, ...]:
    card = drawing.engine.card
    if label is None:
        if guidance is not None:
            raise UsageError(f"guidance is towards a class: name one with --class, or {MIX} for all in turn.")
        return ("",) * num
    if not drawing.takes_class:
        why = "was trained without classes" if not card.classes else "takes no class where pictures are decoded"
        raise UsageError(f"class {label!r}: {card.name!r} {why}; leave the option out.")
    if label in card.classes:
        return (label,) * num
    if label == MIX:
        return tuple(card.classes[(first + i) % len(card.classes)] for i in range(num))
    near = get_close_matches(label, card.classes, n=1)
    some = ", ".join(card.classes[:20]) + (", ..." if len(card.classes) > 20 else "")
    hint = f"did you mean {near[0]!r}?" if near else f"it knows {some}, or {MIX} for all in turn."
    raise UsageError(f"class {label!r}: {card.name!r} has no such class; {hint}")


def _needs_class(drawing: Drawing) -> bool:
    """Whether the model was never trained without a class, so that one is drawn, too, where none is asked for."""
    return drawing.takes_class and drawing.engine.card.sampling.get("class") == "random"


def _spread(engine: Engine, code: Array) -> tuple[Array, Array]:
    """Mean and deviation of each latent number: standard normal where the decoder draws, otherwise measured."""
    card: Card = engine.card
    if "sample" not in card.entries:
        return np.zeros_like(code), np.ones_like(code)
    drawing = Drawing(engine)
    drawn = drawing.planes((drawing.noise(0, i) for i in range(NUM_MEASURED)), ("",) * NUM_MEASURED)
    codes = np.stack([encoded(engine, as_picture(planes))[0] for planes in drawn])
    return codes.mean(axis=0), np.maximum(codes.std(axis=0), 1e-6)


def _fitting(engine: Engine, picture: Picture) -> tuple[str, ...]:
    port = next(port for port in engine.card.inputs if port.name in engine.card.entries["encode"].inputs)
    size, notes = tuple(engine.card.size), []
    if (picture.height, picture.width) != size:
        notes.append(f"scaled and cropped to {size[0]}x{size[1]}")
    if port.channels < 3 and picture.num_channels == 3:
        notes.append("turned to grey")
    if port.channels in (1, 3) and picture.has_alpha:
        notes.append("laid on white")
    return (f"The picture was {', '.join(notes)}, which is what {engine.card.name} knows.",) if notes else ()


def _mark(text: str) -> bytes:
    return _XMP.format(escape(text)).encode()


def _made(
    drawing: Drawing,
    drawn: Iterable[Array],
    said: Sequence[str],
    labels: tuple[str, ...],
    seed: int,
    started: float,
    *,
    sources: tuple[Picture, ...] = (),
    notes: tuple[str, ...] = (),
) -> Generated:
    pictures = tuple(as_picture(planes, _mark(text)) for planes, text in zip(drawn, said, strict=True))
    steps = drawing.steps if drawing.entry == "velocity" else 1
    seconds = time.perf_counter() - started
    return Generated(pictures, labels, drawing.engine.card.name, seed, steps, seconds, sources, notes)
