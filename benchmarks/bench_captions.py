"""Whether what is asked for in words is what is drawn: `PYTHONPATH=tools python benchmarks/bench_captions.py DATA`.

DATA/generation holds emoji64.zip; of its concepts (generation_data.py) a tenth is in no training picture. Test captions
are name and category ("red apple, Food & Drink") of every test concept but flags, one picture each, that without a skin
tone where there is one. One picture is drawn for each, seed 0, its number the caption's place among the sorted names,
with the card's sampling, and laid over white; features are those of EfficientNet-Lite0, compared by their cosine. Since
the category is a class of the model, a caption names it, as in `sfumato generate`.

- retrieval: how often the caption's own picture is among the 10 of all test pictures nearest to what is drawn: by the
  caption and by the category alone (`--class`), over the seeds 0 to 4, with the standard error of what words bring over
  the captions; and by the caption and the picture's outline at 16x16. Beside them the training picture whose caption is
  nearest (TF-IDF over words and parts of them): retrieval without drawing.
- reading: how often a linear classifier (trained on the features of training pictures) reads category and kind
  (Unicode's subcategory) of what is drawn by caption, over the same seeds, and of the real test pictures.
- copies: near-copies of training pictures among what is drawn by test captions, among what is drawn by as many training
  captions, and by chance (metrics/memorization.py); and how often a training caption gives its own picture back, that
  is: of all training pictures one with this caption is nearest.
- outline: intersection over union of the alpha (above 1/2) with the real one, by caption and outline.
- kinds, with --old FILE: KID x 1000 of 100 pictures by class alone with all pictures of each category, beside that of
  the other model.
- restoring, with --restore NUM: so many of the pictures are reduced to 8x8 by their means and enlarged again
  (restoration/codes.py, seed 0) with their own caption, with none, and with that of the next picture of another
  category: PSNR in dB over white, beside bicubic enlargement.

--sheet FILE writes 50 of the captions, evenly spaced, with what is drawn and the real picture; --blind FILE the same
drawn pictures in random order with numbers, and prints the captions in the order of their names.
"""

import argparse
import json
import random
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import model_tables
import numpy as np
import torch
from bench_generation import made_of, path_of
from PIL import Image, ImageDraw, ImageFont

from sfumato import Picture
from sfumato.conditions.classes import named_in
from sfumato.conditions.given import Given
from sfumato.conditions.silhouette import both_sides
from sfumato.conditions.text import read_text
from sfumato.generation.encoder import as_picture
from sfumato.generation.generate import generate
from sfumato.generation.sampler import Sampler
from sfumato.learn.data.captions import joined
from sfumato.learn.evaluation.generation import bytes_of
from sfumato.learn.metrics.distribution import kid
from sfumato.learn.metrics.features import laid_over, network
from sfumato.learn.metrics.memorization import near_copies
from sfumato.models.engine import Engine, load
from sfumato.pictures.channels import premultiply, unpremultiply
from sfumato.restoration.codes import enlarge

NAME = "emoji-text"
NEAREST, COARSE = 10, 16
SEEDS = 5  # of one seed a picture more or less found is half a percent, and seeds differ by three
PER_KIND = 100
Array = np.ndarray


@dataclass(frozen=True)
class Emoji:
    """One concept's picture, uint8 `h w 4`, with its caption."""

    name: str
    category: str
    kind: str
    pixels: Array

    @property
    def caption(self) -> str:
        return joined((self.name, self.category))


@dataclass(frozen=True)
class Set:
    emoji: tuple[Emoji, ...]

    @classmethod
    def read(cls, archive: Path, *, each_once: bool) -> "Set":
        found: dict[str, Emoji] = {}
        with zipfile.ZipFile(archive) as stored:
            rows = [json.loads(line) for line in stored.read("metadata.jsonl").decode().splitlines()]
            for row in sorted(rows, key=lambda row: (row["name"], row.get("skin_tone", ""))):
                key = row["name"] if each_once else row["file_name"]
                if key in found or (each_once and row["category"] == "Flags"):
                    continue
                pixels = np.asarray(Image.open(BytesIO(stored.read(row["file_name"]))).convert("RGBA"))
                found[key] = Emoji(row["name"], row["category"], row["kind"], pixels)
        return cls(tuple(found.values()))

    @property
    def captions(self) -> list[str]:
        return [emoji.caption for emoji in self.emoji]

    @cached_property
    def features(self) -> Array:
        return features_of(np.stack([emoji.pixels for emoji in self.emoji]))


class Several(Given):
    """Conditions of several pictures, a row for each, of which so many are given each time."""

    def rows(self, count: int) -> dict[str, Array]:
        taken = {kind: value[:count] for kind, value in self.values.items()}
        self.values.update({kind: value[count:] for kind, value in self.values.items()})
        return taken


def show(line: str) -> None:
    print(line, flush=True)


def features_of(pixels: Array) -> Array:
    return network("lite0")(laid_over(pixels.transpose(0, 3, 1, 2)))


def drawn(engine: Engine, captions: Sequence[str], outlines: Sequence[Array] = (), seed: int = 0) -> Array:
    """One picture for each caption (and outline), uint8 `n h w 4`."""
    sampler = Sampler(engine)
    given = {"text": np.stack([read_text(caption).values for caption in captions])}
    if len(outlines):
        given["silhouette"] = np.stack(outlines)
    sampler.given = Several(given)
    noise = (sampler.noise(seed, number) for number in range(len(captions)))
    labels = tuple(named_in(engine.card.classes, caption) or "" for caption in captions)
    return np.stack([bytes_of(as_picture(planes)) for planes in sampler.planes(noise, labels)])


def by_class(engine: Engine, categories: Sequence[str], seed: int = 0) -> Array:
    """One picture for each category, of the same numbers."""
    sampler = Sampler(engine)
    noise = (sampler.noise(seed, number) for number in range(len(categories)))
    return np.stack([bytes_of(as_picture(planes)) for planes in sampler.planes(noise, tuple(categories))])


def coarse(alpha: Array) -> Array:
    """The outline at 16x16, as a picture of that size is read."""
    h, w = alpha.shape
    small = alpha.reshape(COARSE, h // COARSE, COARSE, w // COARSE).mean(axis=(1, 3))
    large = Image.fromarray(small.astype(np.float32)).resize((w, h), Image.Resampling.BILINEAR)
    return both_sides(np.asarray(large).clip(0, 1))


def ranks(found: Array, real: Array) -> Array:
    """Of each row of features, how many real ones are nearer than its own."""
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (found, real))
    likeness = a @ b.T
    return (likeness > np.diag(likeness)[:, None]).sum(axis=1)


def among_nearest(found: Sequence[Array], real: Array) -> Array:
    """Of each caption, in which share of the seeds its own picture is among the nearest."""
    return np.mean([ranks(features, real) < NEAREST for features in found], axis=0)


def percent(shares: Array) -> str:
    return f"{100 * shares.mean():.1f} % of {len(shares)} (chance {100 * NEAREST / len(shares):.1f} %)"


def tf_idf(texts: Sequence[str], known: dict[str, int], idf: Array | None = None) -> tuple[Array, Array]:
    """Vectors of words and their parts of three letters, and the weights of these."""
    counts = np.zeros((len(texts), len(known)), np.float32)
    for row, text in enumerate(texts):
        for part in parts_of(text):
            if part in known:
                counts[row, known[part]] += 1
    if idf is None:
        idf = np.log((1 + len(texts)) / (1 + (counts > 0).sum(axis=0))) + 1
    vectors = counts * idf
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), idf


def parts_of(text: str) -> list[str]:
    words = [word.strip(",.:&") for word in text.lower().split()]
    padded = [f"<{word}>" for word in words if word]
    return padded + [word[i : i + 3] for word in padded for i in range(len(word) - 2)]


def nearest_captions(train: Set, captions: Sequence[str]) -> Array:
    """The number of the training picture whose caption is nearest to each."""
    known = {part: i for i, part in enumerate(dict.fromkeys(p for text in train.captions for p in parts_of(text)))}
    vectors, idf = tf_idf(train.captions, known)
    return (tf_idf(captions, known, idf)[0] @ vectors.T).argmax(axis=1)


class Reader:
    """A linear classifier of features."""

    def __init__(self, features: Array, labels: Sequence[str]) -> None:
        self.names = sorted(set(labels))
        self.mean, self.deviation = features.mean(axis=0), features.std(axis=0) + 1e-3
        x, y = self._of(features), torch.tensor([self.names.index(label) for label in labels])
        weight = 1 / torch.bincount(y, minlength=len(self.names)).clamp(min=1).float()
        torch.manual_seed(0)
        self.head = torch.nn.Linear(x.shape[1], len(self.names))
        optimizer = torch.optim.AdamW(self.head.parameters(), lr=1e-3, weight_decay=0.3)
        for _ in range(300):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(self.head(x), y, weight=weight.sqrt()).backward()
            optimizer.step()

    def _of(self, features: Array) -> torch.Tensor:
        return torch.from_numpy(((features - self.mean) / self.deviation).astype(np.float32))

    @torch.no_grad()
    def right(self, features: Array, labels: Sequence[str]) -> float:
        read = self.head(self._of(features)).argmax(1).tolist()
        return 100 * float(np.mean([self.names[place] == label for place, label in zip(read, labels, strict=True)]))


def rows(data: Path, engine: Engine) -> list[dict[str, Any]]:
    """What the card says of itself: retrieval, and the outline."""
    test = Set.read(made_of("emoji", data).test, each_once=True)
    outlines = [coarse(emoji.pixels[..., 3] / 255) for emoji in test.emoji]
    started = time.perf_counter()
    outlined = drawn(engine, test.captions, outlines)
    seconds = time.perf_counter() - started
    by_caption, by_category = over_seeds(engine, test)
    drawn_by = {
        f"caption, seeds 0 to {SEEDS - 1}": by_caption,
        f"category alone, seeds 0 to {SEEDS - 1}": by_category,
        "caption and outline, seed 0": [features_of(outlined)],
    }
    found = []
    for how, features in drawn_by.items():
        share = 100 * float(among_nearest(features, test.features).mean())
        protocol = f"{len(test.emoji)} concepts never seen, by {how}; EfficientNet-Lite0"
        found.append(model_tables.row("emoji test", protocol, f"own picture among the {NEAREST} nearest, %", share, 1))
    protocol = f"{len(test.emoji)} concepts never seen, by caption and outline at 16x16, seed 0"
    overlap = float(overlaps(outlined, test).mean())
    found.append(model_tables.row("emoji test", protocol, "intersection over union of the alpha", overlap, 3))
    found.append(model_tables.row("64x64 RGBA", "default steps", "pictures a second", len(outlined) / seconds, 1))
    return found


def over_seeds(engine: Engine, test: Set) -> tuple[list[Array], list[Array]]:
    """Features of what is drawn by caption and by category alone, for each seed."""
    categories = [emoji.category for emoji in test.emoji]
    by_caption = [features_of(drawn(engine, test.captions, seed=seed)) for seed in range(SEEDS)]
    return by_caption, [features_of(by_class(engine, categories, seed)) for seed in range(SEEDS)]


def overlaps(drawn_ones: Array, test: Set) -> Array:
    """Intersection over union of each alpha, above 1/2, with the real one."""
    real = np.stack([emoji.pixels[..., 3] for emoji in test.emoji]) > 127
    shown = drawn_ones[..., 3] > 127
    return (real & shown).sum(axis=(1, 2)) / (real | shown).sum(axis=(1, 2))


def report(engine: Engine, train: Set, test: Set, old: Engine | None) -> None:
    asked = list(test.emoji)
    by_caption, by_category = over_seeds(engine, test)
    words, alone = (among_nearest(found, test.features) for found in (by_caption, by_category))
    outlines = [coarse(emoji.pixels[..., 3] / 255) for emoji in asked]
    outlined = drawn(engine, test.captions, outlines)
    show(f"retrieval, by caption: {percent(words)}")
    error = 100 * (words - alone).std() / len(words) ** 0.5
    show(
        f"retrieval, by category alone: {percent(alone)}, by caption {words.mean() / alone.mean():.2f} times as often, "
        f"{100 * (words - alone).mean():.1f} +- {error:.1f} % more"
    )
    for how, pixels in (("caption and outline", outlined), ("outline alone", by_outline(engine, outlines))):
        show(f"retrieval, by {how}: {percent(among_nearest([features_of(pixels)], test.features))}")
    reference = train.features[nearest_captions(train, test.captions)]
    show(f"retrieval, training picture of the nearest caption: {percent(among_nearest([reference], test.features))}")
    for what in ("category", "kind"):
        reader = Reader(train.features, [getattr(emoji, what) for emoji in train.emoji])
        labels = [getattr(emoji, what) for emoji in asked]
        read = float(np.mean([reader.right(features, labels) for features in by_caption]))
        real = reader.right(test.features, labels)
        show(f"{what} read: {read:.1f} % of drawn ones, {real:.1f} % of real ones ({100 * read / real:.0f} %)")
    some = [train.emoji[i * len(train.emoji) // len(asked)] for i in range(len(asked))]
    known = features_of(drawn(engine, [emoji.caption for emoji in some]))
    found = near_copies(train.features, test.features, by_caption[0])
    trained = near_copies(train.features, test.features, known)
    given_back = np.mean([train.emoji[n].name == e.name for n, e in zip(trained.nearest, some, strict=True)])
    show(
        f"near-copies: {100 * found.share:.1f} % by test captions (by chance {100 * found.by_chance:.1f} %), "
        f"{100 * trained.share:.1f} % by training captions, of which {100 * given_back:.1f} % give their picture back"
    )
    overlap = overlaps(outlined, test)
    show(f"outline: intersection over union {overlap.mean():.3f} (median {np.median(overlap):.3f})")
    if old is not None:
        by_kind(engine, old, train, test)


def by_kind(engine: Engine, old: Engine, train: Set, test: Set) -> None:
    everything = (*train.emoji, *test.emoji)
    features = np.concatenate([train.features, test.features])
    for name in sorted({emoji.category for emoji in test.emoji} - {"Component", "People & Body"}):
        of_kind = features[[emoji.category == name for emoji in everything]]
        figures = []
        for model in (engine, old):
            made = np.stack([bytes_of(picture) for picture in generate(model, PER_KIND, label=name).pictures])
            figures.append(f"{1000 * kid(of_kind, features_of(made), seed=0).mean:.1f}")
        show(f"KID x 1000 of {name}, by class: {', old: '.join(figures)}")


def reduced(pixels: Array, side: int = 8) -> Picture:
    planes = premultiply(pixels.astype(np.float32) / 255)
    step = len(planes) // side
    small = unpremultiply(planes.reshape(side, step, side, step, 4).mean(axis=(1, 3)))
    return Picture.from_array(small[..., :3], alpha=small[..., 3], depth=8)


def restoring(engine: Engine, test: Set, count: int) -> None:
    def on_white(planes: Array) -> Array:
        return planes[..., :3] * planes[..., 3:] + 1 - planes[..., 3:]

    found: dict[str, list[float]] = {"right": [], "none": [], "wrong": [], "bicubic": []}
    for i in range(count):
        number = i * len(test.emoji) // count
        emoji = test.emoji[number]
        others = [other for other in (*test.emoji[number:], *test.emoji) if other.category != emoji.category]
        tiny, wanted = reduced(emoji.pixels), on_white(emoji.pixels.astype(np.float32) / 255)
        shown = on_white(np.concatenate([tiny.array(), tiny.alpha()[..., None]], axis=2))  # type: ignore[index]
        large = Image.fromarray(np.uint8(255 * shown + 0.5)).resize(wanted.shape[1::-1], Image.Resampling.BICUBIC)
        made = {"bicubic": np.asarray(large, np.float32) / 255}
        for what, text in (("right", emoji.caption), ("none", None), ("wrong", others[0].caption)):
            made[what] = on_white(enlarge(tiny, engine, text=text)[0][0])
        for what, planes in made.items():
            found[what].append(-10 * np.log10(np.mean((planes - wanted) ** 2)))
    figures = ", ".join(f"{what} {np.mean(values):.2f} dB" for what, values in found.items())
    show(f"enlarging {count} from 8x8, by caption: {figures}")


def by_outline(engine: Engine, outlines: Sequence[Array]) -> Array:
    sampler = Sampler(engine)
    sampler.given = Several({"silhouette": np.stack(outlines)})
    noise = (sampler.noise(0, number) for number in range(len(outlines)))
    return np.stack([bytes_of(as_picture(planes)) for planes in sampler.planes(noise, ("",) * len(outlines))])


def fifty(test: Set) -> list[Emoji]:
    return [test.emoji[i * len(test.emoji) // 50] for i in range(50)]


def sheet(cells: Sequence[tuple[Sequence[Array], str]], target: Path, columns: int = 5) -> None:
    """Pictures over white beside each other, a line of text below."""
    width, height = 64 * len(cells[0][0]) + 60, 64 + 18
    font = ImageFont.load_default(10)
    large = Image.new("RGB", (columns * width, -(-len(cells) // columns) * height), "white")
    draw = ImageDraw.Draw(large)
    for number, (pictures, text) in enumerate(cells):
        top, left = number // columns * height, number % columns * width
        for place, pixels in enumerate(pictures):
            one = Image.fromarray(pixels, "RGBA")
            large.paste(one, (left + 4 + 66 * place, top), one)
        draw.text((left + 4, top + 65), text[:38], fill="black", font=font)
    large.save(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("model", nargs="?", help="a model file; default: the shipped one")
    parser.add_argument("--old", help="another model, by class")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--blind", type=Path)
    parser.add_argument("--restore", type=int, default=0, metavar="NUM", help="so many pictures")
    options = parser.parse_args()
    engine = load(options.model or path_of(NAME))
    parts = made_of("emoji", options.data)
    test = Set.read(parts.test, each_once=True)
    if options.sheet or options.blind:
        asked = fifty(test)
        made = drawn(engine, [emoji.caption for emoji in asked])
        if options.sheet:
            cells = [((pixels, e.pixels), e.name) for pixels, e in zip(made, asked, strict=True)]
            sheet(cells, options.sheet)
        if options.blind:
            order = random.Random(1).sample(range(50), 50)
            sheet([((made[i],), str(place)) for place, i in enumerate(order)], options.blind, columns=10)
            print("\n".join(emoji.name for emoji in asked))
            options.blind.with_suffix(".json").write_text(json.dumps([asked[i].name for i in order]))
        return
    if options.restore:
        restoring(engine, test, options.restore)
        return
    report(engine, Set.read(parts.train, each_once=False), test, load(options.old) if options.old else None)


if __name__ == "__main__":
    main()
