"""How likely a variational autoencoder's model file finds pictures: bounds from below on their log-likelihood.

The evidence lower bound (Kingma & Welling, arXiv:1312.6114) with its two terms, and the importance-weighted bound of
K samples (Burda et al., arXiv:1509.00519), which lies above it and reaches the truth as K grows. All of it comes from
the file, by the engine: its entry "encode" gives the approximate posterior, "decode" the likelihood.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from sfumato.errors import ModelError, Option, UsageError
from sfumato.models.card import Card
from sfumato.models.engine import Engine, load, physical_cores

from ..data.fitted import one_hot, picture
from ..data.folders import list_pictures, plain_name
from ..data.seeds import sample_seed
from ..data.store import PictureStore
from ..losses.variational import importance_weighted, kl_to_normal, log_normal, negative_log_likelihood

ProgressCallback = Callable[[int, int], None]
Progress = Callable[[str], AbstractContextManager[ProgressCallback]]

SAMPLES = 500  # a picture, as most published figures have it
BATCH_BYTES = 300_000_000  # of working memory, which sets how many codes are decoded at once
MOST_AT_ONCE = 128  # more only leave the processor's cache
SMALLEST = 2.0**-24  # chance of a pixel: 1 minus a smaller one is 1 in the file's 32 bits


@dataclass(frozen=True)
class LikelihoodScore:
    """Means over the pictures of one set, and all that they depend on; `lines` says it in words.

    elbo = reconstruction - kl, and bound, the importance-weighted one, are in nats a picture (the higher the better),
    error is the standard error of the bound's mean. With a Gaussian likelihood they are of the density of pixels in
    [0, 1], and `bits` turns them into bits a dimension.
    """

    model: str
    data: str
    label_by: str
    num_pictures: int
    size: tuple[int, int]
    channels: int
    gaussian: bool
    seed: int
    samples: int
    reconstruction: float
    kl: float
    bound: float
    error: float
    pictures_per_second: float
    device: str
    notes: tuple[str, ...] = ()

    @property
    def elbo(self) -> float:
        """The evidence lower bound in nats a picture."""
        return self.reconstruction - self.kl

    def bits(self, nats: float) -> float:
        """Bits a dimension of a log density, for pixels in steps of 1/255 (the lower the better)."""
        return -self._bits(nats) + math.log2(255)

    def _bits(self, nats: float) -> float:
        return nats / (self.channels * math.prod(self.size) * math.log(2))

    def lines(self) -> tuple[str, ...]:
        """The figures and their protocol, a line for each thing that is measured."""
        height, width = self.size
        pixels = (
            "uniform noise of one step of 8 bits on every pixel" if self.gaussian else "pixels sampled black or white"
        )
        kinds = {1: "grey", 3: "RGB", 4: "RGBA, colour times alpha"}
        by = f", classes by {self.label_by}" if self.label_by else ""
        first = (
            f"{self.model}: {self.num_pictures} pictures of {self.data}, {width}x{height}, {kinds[self.channels]}{by}, "
            f"{pixels}, seed {self.seed}"
        )
        if self.gaussian:
            elbo = (
                f"ELBO: {self.bits(self.elbo):.4f} bits a dimension = reconstruction "
                f"{self.bits(self.reconstruction):.4f} + KL {self._bits(self.kl):.4f}"
            )
            bound = f"{self.bits(self.bound):.4f} ± {self._bits(self.error):.4f} bits a dimension, at most"
        else:
            elbo = f"ELBO: {self.elbo:.2f} nats a picture = reconstruction {self.reconstruction:.2f} - KL {self.kl:.2f}"
            bound = f"{self.bound:.2f} ± {self.error:.2f} nats a picture, at least"
        return (
            first,
            elbo,
            f"log-likelihood, importance-weighted with {self.samples} samples a picture (arXiv:1509.00519): {bound}",
            f"{self.pictures_per_second:.1f} pictures/s on {self.device}",
            *self.notes,
        )


def evaluate_likelihood(
    model: str | Path | Engine,
    data: str | Path,
    *,
    num: int | None = None,
    samples: int = SAMPLES,
    label_by: str = "",
    seed: int = 0,
    threads: int | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> LikelihoodScore:
    """Bounds on the log-likelihood of the pictures of `data`, scaled and cropped to the model's size.

    With a Bernoulli likelihood each pixel is made black or white, its value being the chance of white (dynamic
    binarization); with a Gaussian one, uniform noise of one step of 8 bits is put on it, so that a density is measured
    and not the grid (arXiv:1511.01844). That, and the samples, follow from seed and the picture's name. num: evenly
    spaced pictures, all of them unless given. samples: codes sampled for each. label_by: "folder" or a key of
    metadata.jsonl, for a model that was trained with classes. progress: what makes a bar for a named part of the work.

    Raises ModelError for a family without a likelihood, UsageError for options that cannot be meant, TrainingError
    for data.
    """
    for option, value in (("num", num), ("samples", samples)):
        if value is not None and value < 1:
            raise UsageError(Option(option, value), ": it must be at least 1.")
    bar = progress or _no_bar
    engine = model if isinstance(model, Engine) else load(model, threads=threads, device=device)
    network = _Variational(engine)
    card, listing = engine.card, list_pictures(data)
    labels = _labels(card, listing.labels(label_by) if label_by else {})
    with bar("decoding") as advance:
        size = (card.size[0], card.size[1])
        store = PictureStore.build(listing, channels=network.channels, size=size, progress=advance)
    broken = len(store.unreadable)
    store = store.sample(num or len(store))
    started, terms = perf_counter(), []
    with bar("likelihood") as advance:
        for number, name in enumerate(store.names):
            generator = torch.Generator().manual_seed(sample_seed(seed, plain_name(name)))
            x = network.observed(picture(store, number), generator)
            label = one_hot([labels[name]], card.classes) if labels else None
            terms.append(network.terms(x, label, samples, generator))
            advance(number + 1, len(store))
    reconstruction, kl, bound = torch.stack(terms).T
    return LikelihoodScore(
        model=card.name,
        data=Path(data).name,
        label_by=label_by,
        num_pictures=len(store),
        size=size,
        channels=network.channels,
        gaussian=network.gaussian,
        seed=seed,
        samples=samples,
        reconstruction=float(reconstruction.mean()),
        kl=float(kl.mean()),
        bound=float(bound.mean()),
        error=float(bound.std(correction=0)) / len(store) ** 0.5,
        pictures_per_second=len(store) / max(perf_counter() - started, 1e-9),
        device=engine.device if engine.device != "cpu" else f"cpu ({threads or physical_cores() or 'all'} threads)",
        notes=(f"{data}: {broken} unreadable pictures were left out.",) if broken else (),
    )


class _Variational:
    """A model file as a posterior and a likelihood; raises ModelError for one that has none."""

    def __init__(self, engine: Engine) -> None:
        entries = engine.card.entries
        if "decode" not in entries or "encode" not in entries or "log_variance" not in entries["encode"].outputs:
            raise ModelError(
                f"{engine.card.name!r} (family {engine.card.family!r}) has no likelihood; variational "
                "autoencoders (vae, vae-classic) have one. The protocol generation measures all generators."
            )
        self.engine, self.card = engine, engine.card
        ports = {port.name: port for port in engine.card.inputs}
        self.given = {ports[name].kind: name for name in entries["decode"].inputs}
        (self.x,) = entries["encode"].inputs
        self.channels = ports[self.x].channels
        self.gaussian = "deviation" in entries["decode"].outputs
        bytes_each = engine.card.bytes_per_pixel * math.prod(engine.card.size)
        self.at_once = int(max(1, min(BATCH_BYTES // bytes_each, MOST_AT_ONCE)))

    def observed(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The picture `c h w` as the likelihood takes it: black and white, or with noise of a step of 8 bits."""
        chance = torch.rand(x.shape, generator=generator)
        return x + (chance - 0.5) / 255 if self.gaussian else (chance < x).float()

    def terms(self, x: Tensor, label: Tensor | None, samples: int, generator: torch.Generator) -> Tensor:
        """Mean log p(x|z), the KL divergence, and the importance-weighted bound of x `c h w`, in nats: `3`."""
        encoded = self.engine.run({self.x: x[None].numpy()}, "encode")
        mean, log_variance = (torch.from_numpy(encoded[name]) for name in self.card.entries["encode"].outputs)
        noise = torch.randn(samples, mean.shape[1], generator=generator)
        z = mean + (log_variance / 2).exp() * noise
        parts = [self._log_likelihood(x, part, label) for part in z.split(self.at_once)]
        likely = torch.cat(parts).double()
        prior, posterior = log_normal(z.double(), 0.0, 0.0), log_normal(z.double(), mean, log_variance.double())
        bound = importance_weighted(likely + prior - posterior)
        return torch.stack([likely.mean(), kl_to_normal(mean, log_variance)[0].double(), bound])

    def _log_likelihood(self, x: Tensor, z: Tensor, label: Tensor | None) -> Tensor:
        """log p(x|z) of one picture for codes `k latent`: `k`."""
        feed = {self.given["latent"]: z.numpy()}
        if "class" in self.given:
            assert label is not None, "a model with classes is measured by class"
            feed[self.given["class"]] = np.repeat(label.numpy(), len(z), axis=0)
        decoded = self.engine.run(feed, "decode")
        x_hat = torch.from_numpy(decoded[self.card.entries["decode"].outputs[0]])
        if self.gaussian:
            return -negative_log_likelihood(x_hat, x, torch.from_numpy(decoded["deviation"])[0, 0].log())
        chance = torch.where(x > 0.5, x_hat, 1 - x_hat)
        return chance.clamp(SMALLEST, 1 - SMALLEST).log().flatten(1).sum(1)


def _labels(card: Card, labels: dict[str, str]) -> dict[str, str]:
    """The class of each picture, which a model with classes needs and one without cannot take."""
    if labels and not card.classes:
        raise UsageError(Option("label_by"), f": {card.name!r} was trained without classes; leave it out.")
    if card.classes and not labels:
        raise UsageError(
            f"{card.name!r} was trained with classes: ",
            Option("label_by", "folder"),
            " (or a key of metadata.jsonl) says which each has.",
        )
    if strange := sorted(set(labels.values()) - set(card.classes)):
        raise UsageError(
            Option("label_by"),
            f": {card.name!r} knows no class {strange[0]!r}, only {', '.join(card.classes[:10])}.",
        )
    return labels


def _no_bar(_: str) -> AbstractContextManager[ProgressCallback]:
    return nullcontext(lambda done, total: None)
