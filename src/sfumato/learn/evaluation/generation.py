"""Measure what a generating model file generates, by a protocol that every printed figure names.

Two sets of pictures are compared in the features of a named network: samples of the file, by the engine, as a user
gets them, and real ones, scaled and cropped to its size as in training. Both are of 8 bits; transparent ones are laid
over a named background first.
"""

import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from sfumato.conditions.classes import MIX, grouped, within
from sfumato.errors import ModelError, Option, PictureError, TrainingError, UsageError
from sfumato.files import written_whole
from sfumato.generation.generate import generate
from sfumato.generation.sampler import Sampler
from sfumato.models import zoo
from sfumato.models.engine import Engine, load, physical_cores
from sfumato.models.sampling import SamplingArguments, SamplingOptions
from sfumato.pictures.grid import sheet as sheet_of
from sfumato.pictures.picture import Picture

from ..data.fitted import hold_out
from ..data.folders import list_pictures
from ..data.seeds import sample_seed
from ..data.store import PictureStore
from ..metrics.distribution import fid, kid, precision_recall
from ..metrics.features import FeatureNetwork, laid_over, network
from ..metrics.memorization import Memorization, near_copies
from .generation_score import GenerationScore, K

ProgressCallback = Callable[[int, int], None]
Progress = Callable[[str], AbstractContextManager[ProgressCallback]]

MOST_GENERATED = 1000  # unless another number is asked for
FEWEST = 10  # pictures of which a distribution says anything
UNBIASED_FROM = 10_000  # pictures from which FID hardly depends on their number
CHUNK = 256
SHEET_PAIRS, SHEET_COLUMNS = 32, 8


def evaluate_generator(
    model: str | Path | Engine,
    data: str | Path,
    *,
    held_out: str | Path | None = None,
    num: int | None = None,
    features: str | Path | FeatureNetwork = "lite0",
    background: str = "white",
    label_by: str = "",
    seed: int = 0,
    threads: int | None = None,
    device: str = "auto",
    sheet: str | Path | None = None,
    progress: Progress | None = None,
    **sampling: Unpack[SamplingArguments],
) -> GenerationScore:
    """Generate `num` pictures and compare them with `held_out`, or with all of `data`, the pictures trained on.

    Near-copies are looked for among the training pictures: `data`, or, without `held_out`, what training on `data`
    leaves of it after holding out its share. num: default as many as are compared with, at most 1000. features:
    "lite0", an ONNX file, or a network. background: "white" or "grey", under transparent pictures. label_by: "folder"
    or a key of metadata.jsonl, or several ("category/kind"); classes, or groups of them, are then generated as often as
    the pictures compared with have them, otherwise the outermost groups in turn. sheet: a picture file to write, of
    samples beside their nearest training pictures, the nearest first. progress: what makes a bar for a named part of
    the work.

    Raises UsageError for options that cannot be meant, TrainingError for data, ModelError for the model.
    """
    if num is not None and num < FEWEST:
        raise UsageError(Option("num", num), f": a distribution shows from {FEWEST} pictures on.")
    if sheet is not None and Path(sheet).exists():
        raise PictureError(f"{sheet} exists already; choose another name for the sheet.")
    laid_over(np.zeros((1, 4, 1, 1), np.float32), background)  # a wrong name shows before the work
    bar = progress or _no_bar
    megabytes = None
    if not isinstance(model, Engine):
        path = zoo.path(str(model)) if model in zoo.SHIPPED else Path(model)
        megabytes = path.stat().st_size / 1e6 if path.exists() else None
    engine = model if isinstance(model, Engine) else load(model, threads=threads, device=device)
    judge = _Judge(network(features), background)
    size, channels = _what_it_generates(engine)

    known_store = _store(data, size, channels, bar)
    store = known_store if held_out is None else _store(held_out, size, channels, bar)
    num = num or max(FEWEST, min(len(store), MOST_GENERATED))
    # Generated before the features are asked for, which may take long: what is wrong with the options shows here.
    labels = _labels(engine, str(held_out or data), store, label_by, num)
    samples, seconds = _generate(engine, labels, seed, sampling, bar)

    known = _Real.of(data, known_store, judge, bar)
    if held_out is None:
        rest, kept = known.split()
        compared, floor = known, None
    else:
        rest, kept = known, _Real.of(held_out, store, judge, bar)
        compared, floor = kept, kid(kept.features, rest.features, seed=0)
    with bar("features of what is generated") as advance:
        fake = judge.features(samples, advance)
    equal = min(num, len(compared.features))
    memorization = near_copies(rest.features, kept.features, fake)
    if sheet is not None:
        _nearest_sheet(samples, rest.store, memorization).save(sheet)
    return GenerationScore(
        model=engine.card.name,
        size=size,
        channels=channels,
        sampling=_how(engine, sampling, label_by),
        num_generated=num,
        seed=seed,
        real=Path(held_out or data).name,
        num_real=len(compared.features),
        num_train=len(rest.features),
        num_held_out=len(kept.features),
        features=judge.network.name,
        background=background,
        fid=fid(compared.features, fake),
        kid=kid(compared.features, fake, seed=0),
        kid_of_training=floor,
        quality=precision_recall(_evenly(compared.features, equal), _evenly(fake, equal), K),
        num_quality=equal,
        memorization=memorization,
        samples_per_second=num / max(seconds, 1e-9),
        device=engine.device if engine.device != "cpu" else f"cpu ({threads or physical_cores() or 'all'} threads)",
        num_parameters=engine.card.num_parameters,
        megabytes=megabytes,
        notes=_notes(known, kept, memorization, min(num, len(compared.features))),
    )


@dataclass(frozen=True)
class _Judge:
    """A feature network, and what transparent pictures are laid over before it sees them."""

    network: FeatureNetwork
    background: str

    def features(self, pictures: PictureStore | NDArray[np.uint8], advance: ProgressCallback) -> NDArray[np.float32]:
        """Features (n, d) of pictures uint8 `h w c`."""
        parts = []
        for first in range(0, len(pictures), CHUNK):
            some = np.stack([pictures[i] for i in range(first, min(first + CHUNK, len(pictures)))])
            parts.append(self.network(laid_over(some.transpose(0, 3, 1, 2), self.background)))
            advance(min(first + CHUNK, len(pictures)), len(pictures))
        return np.concatenate(parts)

    def kept_features(self, store: PictureStore, advance: ProgressCallback) -> NDArray[np.float32]:
        """Those of a whole store, kept beside its pixels: models that are compared share them."""
        name = hashlib.blake2b(f"{self.network.name} {self.background}".encode(), digest_size=8).hexdigest()
        path = store.file.with_name(f"features-{name}.npy")
        with contextlib.suppress(OSError, ValueError, EOFError):
            kept = np.load(path, allow_pickle=False)
            if len(kept) == len(store):
                return kept
        features = self.features(store, advance)
        # A disk that is full only costs the same work next time.
        with contextlib.suppress(OSError), written_whole(path) as partial, open(partial, "wb") as file:
            np.save(file, features)
        return features


@dataclass(frozen=True)
class _Real:
    """Pictures of a folder, fitted to what the model generates, and their features (n, d), in one order."""

    source: str
    store: PictureStore
    features: NDArray[np.float32]

    @classmethod
    def of(cls, source: str | Path, store: PictureStore, judge: _Judge, bar: Progress) -> "_Real":
        with bar(f"features of {Path(source).name}") as advance:
            return cls(str(source), store, judge.kept_features(store, advance))

    def split(self) -> "tuple[_Real, _Real]":
        """What a run that trains on this folder trains on, and what it holds out."""
        train, held_out = hold_out(self.store)
        assert held_out is not None, "several pictures are there"
        return self._only(train), self._only(held_out)

    def _only(self, store: PictureStore) -> "_Real":
        places = {name: place for place, name in enumerate(self.store.names)}
        return _Real(self.source, store, self.features[[places[name] for name in store.names]])


def _store(source: str | Path, size: tuple[int, int], channels: int, bar: Progress) -> PictureStore:
    with bar("decoding") as advance:
        store = PictureStore.build(list_pictures(source), channels=channels, size=size, progress=advance)
    if len(store) < FEWEST:
        raise TrainingError(f"{source} holds {len(store)} readable pictures; to compare with, {FEWEST} are needed.")
    return store


def _what_it_generates(engine: Engine) -> tuple[tuple[int, int], int]:
    """Size (height, width) and channels of what the model generates; raises ModelError for one that does not."""
    card = engine.card
    if card.task != "generate" or len(card.size) != 2:
        raise ModelError(
            f"{card.name!r} (task {card.task!r}) generates no pictures; the protocol generation is for models that do."
        )
    channels = next(port.channels for port in card.outputs if port.kind == "picture")
    if channels not in (1, 3, 4):
        raise ModelError(f"{card.name!r} makes {channels} channels; grey, RGB and RGBA can be compared with files.")
    return (card.size[0], card.size[1]), channels


def _labels(engine: Engine, source: str, store: PictureStore, label_by: str, num: int) -> dict[str, int]:
    """How many pictures to generate of each class; "" is no class, "mix" all (or their groups) in turn."""
    classes = engine.card.classes
    if not classes:
        if label_by:
            raise UsageError(
                Option("label_by", label_by), f": {engine.card.name!r} was trained without classes; leave it out."
            )
        return {"": num}
    if not label_by:
        return {MIX: num}
    classes_of = list_pictures(source).labels(label_by)
    counts = Counter(classes_of[name] for name in store.names)
    strange = sorted(name for name in counts if not within(classes, name))
    if strange:
        raise UsageError(
            Option("label_by", label_by),
            f": {source} has the class {strange[0]!r}, and {engine.card.name!r} knows "
            f"{', '.join(list(grouped(classes))[:10])}{', ...' if len(grouped(classes)) > 10 else ''}.",
        )
    named = [name for name in classes if counts[name]] + sorted(set(counts) - set(classes))
    # The shares of the classes, cut at whole numbers: the sum is right, and none is off by a whole picture.
    edges = np.floor(np.cumsum([counts[name] for name in named]) * num / len(store) + 0.5).astype(int)
    return {name: int(n) for name, n in zip(named, np.diff(edges, prepend=0), strict=True) if n}


def _generate(
    engine: Engine, labels: dict[str, int], seed: int, sampling: SamplingArguments, bar: Progress
) -> tuple[NDArray[np.uint8], float]:
    """The pictures that a user would get, uint8 `n h w c`, and the seconds that it took."""
    pictures: list[NDArray[np.uint8]] = []
    seconds = 0.0
    with bar("generating") as advance:
        for label, count in labels.items():

            def advanced(done: int, _: int, before: int = len(pictures)) -> None:
                advance(before + done, sum(labels.values()))

            # Classes that come one after the other must not share their noise.
            own = sample_seed(seed, label) if label not in ("", MIX) else seed
            made = generate(engine, count, seed=own, label=label or None, progress=advanced, **sampling)
            pictures += [bytes_of(picture) for picture in made.pictures]
            seconds += made.seconds
    return np.stack(pictures), seconds


def bytes_of(picture: Picture) -> NDArray[np.uint8]:
    """uint8 `h w c`, with the alpha as the last channel where there is one."""
    alpha = picture.alpha()
    planes = picture.array() if alpha is None else np.concatenate([picture.array(), alpha[..., None]], axis=2)
    return (planes * 255).round().astype(np.uint8)


def _nearest_sheet(samples: NDArray[np.uint8], train: PictureStore, memorization: Memorization) -> Picture:
    """What is most like a training picture, each with that picture on its right."""
    shown = [
        _picture(p)
        for i in memorization.nearest_first[:SHEET_PAIRS]
        for p in (samples[i], train[int(memorization.nearest[i])])
    ]
    return sheet_of(shown, SHEET_COLUMNS)


def _picture(pixels: NDArray[np.uint8]) -> Picture:
    planes = pixels.astype(np.float32) / 255
    return Picture.from_array(planes[..., :3], alpha=planes[..., 3] if planes.shape[2] == 4 else None)


def _evenly(features: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    return features[np.arange(count) * len(features) // count]


def _how(engine: Engine, sampling: SamplingArguments, label_by: str) -> str:
    """What the samples depend on beside the seed, as it continues a line."""
    card, text = engine.card, ""
    if card.classes:
        kinds = "groups" if len(grouped(card.classes)) < len(card.classes) else "classes"
        text += f", classes as often as by {label_by}" if label_by else f", {kinds} in turn"
    if "velocity" in card.entries:
        options = Sampler(engine, SamplingOptions(**sampling)).sampling
        text += f", {options.solver} {options.steps} steps"
        text += f", shift {options.shift:g}" if options.shift != 1 else ""
        text += f", churn {options.churn:g}" if options.churn else ""
        text += f", guidance {options.guidance:g}" if card.classes else ""
    return text


def _notes(known: _Real, kept: _Real, memorization: Memorization, count: int) -> tuple[str, ...]:
    notes = []
    if count < UNBIASED_FROM:
        notes.append(f"FID of {count} pictures is biased upwards: compare it with that of equal counts only.")
    if not memorization.threshold:
        notes.append("Held-out pictures are among the training pictures: only exact copies count as near-copies.")
    for real in (known, kept) if kept.source != known.source else (known,):
        if real.store.unreadable:
            notes.append(f"{real.source}: {len(real.store.unreadable)} unreadable pictures were left out.")
    return tuple(notes)


def _no_bar(_: str) -> AbstractContextManager[ProgressCallback]:
    return nullcontext(lambda done, total: None)
