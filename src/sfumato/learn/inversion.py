"""Generators asked which code makes a picture, or the most of it that is known: restoring by latent optimization.

The code is found by gradient descent from several places (GAN inversion, arXiv:1609.03552; with damage in between, as
compressed sensing by generators has it, arXiv:1703.03208). What comes out is always something that the model could
have made, which fills in what was missing, and is only as near to the picture as the model can come.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sfumato.errors import Option, PictureError, UsageError
from sfumato.generation.code import Code
from sfumato.generation.encoder import as_picture, changes_to_fit, encode, fitted
from sfumato.generation.generate import generate, generates
from sfumato.generation.sampler import Sampler, size_of
from sfumato.models.card import Card
from sfumato.models.engine import Engine, path_of
from sfumato.models.ports import port_of
from sfumato.operators import Operator
from sfumato.pictures.channels import resize_and_center_crop
from sfumato.pictures.picture import Picture
from sfumato.pictures.xmp import made_up
from sfumato.restoration.masks import read_mask
from sfumato.restoration.options import MAX_PIXELS

from .export import rebuild
from .layers.measuring import measured

DEVIATION = 0.1  # by which pixels may differ from what the model can make, in [0, 1] units
RATE = 0.1
KEPT = 4  # starts that are gone on with after the first third
MAX_STARTS, MAX_STEPS = 1000, 10_000


@dataclass(frozen=True)
class Inverted:
    """code: what `vary` and `interpolate` take. picture: what the model makes of it, what is known of the given one put
    in where some was missing. seen: the given one, in the model's size. residual: root mean square over what is known
    of how far the model's picture is from it, in [0, 1] units. notes: sentences on what was decided."""

    code: Code
    picture: Picture
    seen: Picture
    residual: float
    seconds: float
    notes: tuple[str, ...] = ()


def invert(
    model: str | Path,
    picture: Picture,
    *,
    mask: str | Path | Picture | NDArray[Any] | None = None,
    operator: Operator | None = None,
    label: str | None = None,
    starts: int = 40,
    steps: int = 300,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Inverted:
    """The code by which a generator comes nearest to a picture, or to what is known of it.

    mask: what is missing, as `sfumato.restore` takes it for the task inpaint. operator: how the model's picture was
    damaged to become this one, which then must have the size that lies behind the model's. label: the class, of a model
    that takes one; without it all are tried. starts: places from which the code is looked for, the best few to the end.
    steps: of Adam, from each. The same seed gives the same code.

    Raises UsageError for a model without codes and for values out of range, ModelError for a file that is no model.
    """
    started = time.perf_counter()
    engine, network = Engine(path_of(model), threads=1), rebuild(path_of(model)).eval().requires_grad_(False)
    card, entry = engine.card, entry_for(engine.card)
    for name, value, most in (("starts", starts, MAX_STARTS), ("steps", steps, MAX_STEPS)):
        if not 1 <= value <= most:
            raise UsageError(Option(name), f" is {value}; give a whole number from 1 to {most:,}.")
    labels = _labels(card, entry, label, starts)
    y, known, notes = _measurement(engine, picture, mask, operator)
    around = [0] * 4 if operator is None else _margins(operator, picture)
    middle, spread, codes = _places(engine, entry, starts, seed)
    if operator is None and mask is None and entry == "decode":
        codes[0] = (encode(engine, picture)[0] - middle) / spread
    one_hot = torch.eye(len(card.classes) or 1)[[card.classes.index(name) if name else 0 for name in labels]]
    prior = 0.0 if "velocity" in card.entries or (entry == "decode" and "sample" in card.entries) else 1.0
    target, weight = (torch.from_numpy(np.ascontiguousarray(part))[None] for part in (y, known))
    method = getattr(network, entry)

    def made(code: Tensor, one_hot: Tensor) -> Tensor:
        z = code * torch.from_numpy(spread) + torch.from_numpy(middle)
        found = method(z, one_hot) if any(labels) else method(z)
        return found[0] if isinstance(found, tuple) else found

    def damaged(x: Tensor) -> Tensor:
        """Behind the frame the edges go on, where the operator asks what is there."""
        return x if operator is None else measured(F.pad(x, around, mode="replicate"), operator)

    def losses(code: Tensor, one_hot: Tensor) -> Tensor:
        x = made(code, one_hot)
        again = damaged(x)
        fit = (weight * (again - target).square()).sum((1, 2, 3)) / (2 * DEVIATION**2)
        return fit + prior * code.square().sum(1) / 2

    first = steps // 3
    code = _descended(torch.from_numpy(codes), one_hot, losses, first, lambda done: progress and progress(done, steps))
    with torch.no_grad():
        best = losses(code, one_hot).argsort()[: min(KEPT, starts)]
    code = _descended(
        code[best], one_hot[best], losses, steps - first, lambda done: progress and progress(first + done, steps)
    )
    with torch.no_grad():
        winner = int(losses(code, one_hot[best]).argmin())
        x = made(code[winner : winner + 1], one_hot[best][winner : winner + 1])
        again = damaged(x)
        off = (weight * (again - target).square()).sum() / (weight.expand_as(again)).sum()
    label = labels[int(best[winner])]
    if label:
        notes = (*notes, f"As {label}.")
    planes = x[0].clamp(0, 1).numpy()
    if operator is None:
        planes = np.where(known > 0, y, planes) if mask is not None else planes
    values = (code[winner].numpy() * spread + middle).astype(np.float32)
    return Inverted(
        Code(values, entry, card.name, label),
        as_picture(planes, made_up(f"Made by {card.name} of a code that was found for a picture")),
        as_picture(y * known) if len(y) in (1, 3) else as_picture(y),
        float(off.sqrt()),
        time.perf_counter() - started,
        notes,
    )


def entry_for(card: Card) -> str:
    """The use of a model whose code is looked for; raises UsageError for a model that has none."""
    if card.role == "flow":
        raise UsageError(
            f"{card.name!r} is a flow of pictures, which has no code: `sfumato restore --model {card.name} --samples` "
            "is for it."
        )
    for entry in ("sample", "decode") if card.noise_only else ("decode", "sample"):
        if generates(card) and entry in card.entries:
            return entry
    raise UsageError(f"{card.name!r} (task {card.task!r}) makes no pictures of codes.")


def _labels(card: Card, entry: str, label: str | None, starts: int) -> list[str]:
    """The class that each start goes with, "" for none."""
    if port_of(card, "class", entry=entry) is None:
        if label is not None:
            raise UsageError(Option("label"), f" is {label!r}; {card.name!r} takes no class here: leave it out.")
        return [""] * starts
    if label is not None and label not in card.classes:
        raise UsageError(Option("label"), f" is {label!r}; {card.name!r} knows {', '.join(card.classes)}.")
    names = card.classes if label is None else (label,)
    return [names[i % len(names)] for i in range(starts)]


def _measurement(
    engine: Engine, picture: Picture, mask: Any, operator: Operator | None
) -> tuple[NDArray[np.float32], NDArray[np.float32], tuple[str, ...]]:
    """What was measured, `c h w`, 1 where it is known, `1 h w`, and sentences on what was changed."""
    card = engine.card
    channels = next(port.channels for port in card.outputs if port.kind == "picture")
    size = size_of(card)
    if operator is not None:
        if mask is not None:
            raise UsageError(Option("operator"), " says itself what is missing: give no mask with it.")
        y = picture.array().transpose(2, 0, 1)
        shape = picture.height, picture.width, picture.num_channels
        behind = tuple(part.stop - part.start for part in operator.inside(shape))
        if (*behind, operator.input_shape(shape)[2]) != (*size, channels):
            raise PictureError(
                f"The picture is {shape[1]}x{shape[0]}, of one of {behind[1]}x{behind[0]} pixels, and {card.name} "
                f"makes {size[1]}x{size[0]} with {channels} channels."
            )
        return y, np.ones((1, *y.shape[1:]), np.float32), ()
    y = fitted(picture, channels, size)
    known = np.ones((1, *size), np.float32)
    if mask is not None:
        missing = (read_mask(mask, picture, MAX_PIXELS) > 0.5).astype(np.float32)
        known[0] = resize_and_center_crop(missing[..., None], size)[..., 0] < 0.02
        if not known.any():
            raise PictureError("All of the picture is said to be missing; `sfumato generate` makes new ones.")
    return y, known, changes_to_fit(engine, picture)


def _margins(operator: Operator, picture: Picture) -> list[int]:
    """Columns and rows that the operator wants around what it shows: left, right, above, below."""
    shape = picture.height, picture.width, picture.num_channels
    rows, columns = operator.inside(shape)
    height, width, _ = operator.input_shape(shape)
    return [columns.start, width - columns.stop, rows.start, height - rows.stop]


def _places(engine: Engine, entry: str, starts: int, seed: int) -> tuple[Any, Any, NDArray[np.float32]]:
    """Mean and deviation of the numbers of a code, and where to begin, `starts k`, in units of these."""
    sampler = Sampler(engine, entry=entry)
    noise = np.stack([sampler.noise(seed, i) for i in range(starts)])
    middle, spread = np.zeros_like(noise[0]), np.ones_like(noise[0])
    if entry == "sample" or ("sample" not in engine.card.entries and "velocity" not in engine.card.entries):
        return middle, spread, noise
    codes = np.stack([encode(engine, made)[0] for made in generate(engine, max(starts, 2), seed=seed).pictures])
    middle, spread = codes.mean(axis=0), np.maximum(codes.std(axis=0), 1e-3)
    return middle, spread, ((codes - middle) / spread)[:starts].astype(np.float32)


def _descended(
    code: Tensor,
    one_hot: Tensor,
    losses: Callable[[Tensor, Tensor], Tensor],
    steps: int,
    advance: Callable[[int], object],
) -> Tensor:
    """The codes after so many steps of Adam, each code by itself, the last ones small."""
    code = code.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([code], lr=RATE)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = RATE * min(1.0, 2 * (1 - step / steps) + 0.02)
        optimizer.zero_grad()
        losses(code, one_hot).sum().backward()
        optimizer.step()
        advance(step + 1)
    return code.detach()
