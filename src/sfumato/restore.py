"""A picture in, the restored picture out, with what was estimated and what was changed."""

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import comparison, flow, reduced, tiles, zoo
from .card import Card
from .engine import Engine, load
from .errors import ModelError, PictureError, UsageError
from .noise import BLOCK, NoiseCurve, estimate_noise
from .picture import Picture
from .picture_write import format_of

MAX_NOISE = 75.0  # what the shipped models were trained for, in 0-255 units
MAX_NOISE_OF_FLOWS = 255.0  # they know pictures under all amounts of noise
MAX_STRENGTH = 1.5
CLEAN = 0.8 / 255  # below this the noise is that of rounding to 8 bits, and restoring could only take away
MEMORY_MB = tiles.DEFAULT_MEMORY // 1_000_000


@dataclass(frozen=True)
class Restored:
    """What `restore` gives back.

    picture: the result. source: what came in. noise: the level that was estimated or given, None where the model
    takes none. notes: sentences about what was decided on the way. untouched: the result is the source itself.
    """

    picture: Picture
    source: Picture
    noise: NoiseCurve | None
    model: str
    strength: float
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def untouched(self) -> bool:
        return self.picture is self.source

    @cached_property
    def change_gain(self) -> int:
        """By how much the change map and the comparison magnify the difference: a power of two, 1 to 32."""
        return comparison.change_gain(self.source, self.picture)

    def change_map(self) -> Picture:
        """Where and how the picture was changed: mid-grey plus `change_gain` times the difference, in its size."""
        return comparison.change_map(self.source, self.picture, self.change_gain)

    def comparison(self) -> Picture:
        """Before, after and the change side by side, labelled, with a detail at full size below large pictures."""
        return comparison.draw_comparison(self.source, self.picture, gain=self.change_gain)

    def save(self, path: str | Path, *, overwrite: bool = False, **options: Any) -> Path:
        """Write the picture as `Picture.save` does; an untouched one in its own format is copied byte by byte."""
        path = Path(path)
        if self.untouched and _is_whole_file(self.source, format_of(path, options.get("format"))):
            assert self.source.path is not None
            return _copy_file(self.source.path, path, overwrite)
        return self.picture.save(path, overwrite=overwrite, **options)


def restore(
    source: str | Path | Picture | NDArray,
    *,
    model: str | Path | Engine = "default",
    noise: Literal["auto"] | float = "auto",
    strength: float = 1.0,
    device: str = "auto",
    threads: int | None = None,
    memory_mb: int | None = None,
    max_pixels: int = 500_000_000,
    progress: Callable[[int, int], None] | None = None,
) -> Restored:
    """Restore one picture; size, depth, alpha and metadata stay.

    source: a file, a Picture, or an array (h, w, c) or (h, w) in [0, 1] (or 8 or 16 bit integers). model: a shipped
    name, a model file, or an Engine. noise: "auto" estimates it from the picture, a number 0-75 (0-255 for a flow)
    states the standard deviation in 0-255 units. strength: 0 gives the input back exactly, 1 the model's result, up to
    1.5 goes beyond.
    device, threads: as in Engine, for a model that is no Engine yet. memory_mb: working memory of the tiles, 400 unless
    given. max_pixels: larger picture files are refused. progress is told pixels done and all pixels.

    Raises UsageError for values out of range, PictureError for an unreadable file, ModelError for an unusable model.
    """
    started = time.perf_counter()
    _check_options(noise, strength, memory_mb)
    picture = _open(source, max_pixels)
    engine = model if isinstance(model, Engine) else None
    if engine is None:
        assert not isinstance(model, Engine)
        engine = load(zoo.DEFAULT if model == "default" else model, threads=threads, device=device)
    if noise != "auto" and noise > MAX_NOISE and not _is_flow(engine.card):
        raise UsageError(_wrong_noise(noise))
    takes_level = _takes_level(engine.card)

    curve: NoiseCurve | None = None
    notes: list[str] = []
    untouched = strength == 0
    if untouched:
        notes.append("Strength 0: the picture was left as it is.")
    elif takes_level and noise == "auto":
        curve = estimate_noise(picture)
        if curve.typical < CLEAN:
            untouched = True
            notes.append(
                f"No noise to speak of was found (level {curve.typical * 255:.1f} of 255): the picture was left as "
                "it is; state a noise level to have it restored all the same."
            )
    elif takes_level:
        curve = NoiseCurve.constant(float(noise) / 255)

    num_pixels = picture.width * picture.height
    if untouched:
        result = picture
        if progress:
            progress(num_pixels, num_pixels)
    else:
        memory = (memory_mb or MEMORY_MB) * 1_000_000
        factor = _reduction(engine.card, picture)
        if _is_flow(engine.card):
            window = flow.window_of(engine.card, picture.height, picture.width, memory)
            if window[0] < picture.height or window[1] < picture.width:
                notes.append(
                    f"{engine.card.name} sees a picture whole: this one was worked on in overlapping windows of "
                    f"{window[0]}x{window[1]}."
                )
            strips = _through_flow(picture, engine, curve, strength, window, memory, progress)
        elif factor > 1:
            notes.append(
                f"{engine.card.name} sees a picture whole, up to {engine.card.max_pixels or 0:,} pixels: this one was "
                f"worked on as a copy reduced {factor} times, and the change enlarged."
            )
            strips = _through_reduced(picture, engine, curve, strength, factor, progress)
        else:
            strips = _through_tiles(picture, engine, curve, strength, memory, progress)
        result = picture.with_strips(strips)
    seconds = time.perf_counter() - started
    return Restored(result, picture, curve, engine.card.name, strength, seconds, tuple(notes))


def _check_options(noise: Any, strength: float, memory_mb: int | None) -> None:
    if noise != "auto" and not (isinstance(noise, (int, float)) and 0 <= noise <= MAX_NOISE_OF_FLOWS):
        raise UsageError(_wrong_noise(noise))
    if not 0 <= strength <= MAX_STRENGTH:
        raise UsageError(f"strength is {strength!r}; give a number from 0 to {MAX_STRENGTH:g}.")
    if memory_mb is not None and memory_mb < 1:
        raise UsageError(f"memory_mb is {memory_mb!r}; give 1 or more megabytes.")


def _wrong_noise(noise: Any) -> str:
    return f"noise is {noise!r}; give 'auto' or a level from 0 to {MAX_NOISE:g} (of 255), for a flow to 255."


def _open(source: str | Path | Picture | NDArray, max_pixels: int) -> Picture:
    if isinstance(source, Picture):
        return source
    if not isinstance(source, np.ndarray):
        return Picture.open(source, max_pixels=max_pixels)
    if source.ndim not in (2, 3) or 0 in source.shape or (source.ndim == 3 and source.shape[2] not in (1, 3)):
        raise PictureError(f"An array of shape {source.shape} is no picture; give (h, w), (h, w, 1) or (h, w, 3).")
    if source.dtype in (np.uint8, np.uint16):
        return Picture.from_array(source.astype(np.float32) / np.iinfo(source.dtype).max, depth=8 * source.itemsize)
    if not np.issubdtype(source.dtype, np.floating):
        raise PictureError(f"An array of {source.dtype} is no picture; give floats in [0, 1], uint8 or uint16.")
    return Picture.from_array(source.astype(np.float32), depth=32, format="tiff")


def _takes_level(card: Card) -> bool:
    """Whether the model wants a noise level beside the picture; ModelError for one that is no restorer."""
    if _is_flow(card):
        return True
    kinds = [port.kind for port in card.inputs]
    channels = [port.channels for port in card.inputs if port.kind == "picture"]
    result = card.outputs[0]
    if (
        sorted(kinds) not in (["picture"], ["picture", "sigma"])
        or (result.kind, result.channels, channels) != ("picture", 3, [3])
        or card.scale != 1
    ):
        if card.task == "generate":
            raise ModelError(
                f"{card.name!r} (family {card.family!r}) draws new pictures and restores none: `sfumato generate` is "
                "for it; of the generators, flows restore too."
            )
        raise ModelError(
            f"{card.name!r} (task {card.task!r}) is no restorer: that takes a colour picture and perhaps a noise "
            "level, and gives a picture of the same size; `sfumato models` lists those that do."
        )
    return "sigma" in kinds


def _is_flow(card: Card) -> bool:
    return "velocity" in card.entries


def _through_tiles(
    picture: Picture,
    engine: Engine,
    curve: NoiseCurve | None,
    strength: float,
    memory: int,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tiles.Rows]:
    card = engine.card
    plan = tiles.make_plan(
        picture.height,
        picture.width,
        stride=card.stride,
        halo=card.halo,
        bytes_per_pixel=card.bytes_per_pixel,
        memory=memory,
    )
    strips = _with_levels(picture.strips(tiles.STRIP_ROWS), engine, curve)
    return tiles.stream(strips, plan, _network(engine, picture.num_channels, strength), progress=progress)


def _through_reduced(
    picture: Picture,
    engine: Engine,
    curve: NoiseCurve | None,
    strength: float,
    factor: int,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tiles.Rows]:
    small = reduced.reduce(picture.strips(tiles.STRIP_ROWS), factor)
    if curve is not None:
        # Averaging factor x factor pixels divides independent noise by factor.
        curve = NoiseCurve(curve.brightness, tuple(level / factor for level in curve.sigma))
    plan = tiles.make_plan(*small.shape[:2], stride=engine.card.stride, halo=None, bytes_per_pixel=1)
    network = _network(engine, picture.num_channels, strength)
    change = np.concatenate(list(tiles.stream(_with_levels([small], engine, curve), plan, network))) - small
    total = picture.width * picture.height
    told = (lambda done: progress(done, total)) if progress else None
    return reduced.add_enlarged(picture.strips(tiles.STRIP_ROWS), change, factor, progress=told)


def _through_flow(
    picture: Picture,
    engine: Engine,
    curve: NoiseCurve | None,
    strength: float,
    window: tuple[int, int],
    memory: int,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tiles.Rows]:
    port = next(port for port in engine.card.inputs if port.kind == "picture")
    if port.channels not in (1, 3, 4):
        raise ModelError(f"{engine.card.name!r} is a flow of {port.channels} channels; those of 1, 3 and 4 restore.")
    alpha = picture.alpha() if port.channels == 4 else None
    total = picture.width * picture.height
    found = flow.restored(
        _with_alpha(_with_levels(map(_finite, picture.strips(tiles.STRIP_ROWS)), engine, curve), alpha),
        engine,
        height=picture.height,
        width=picture.width,
        num_channels=picture.num_channels,
        window=window,
        memory=memory,
        progress=(lambda done: progress(done, total)) if progress else None,
    )
    before = tiles.recut(picture.strips(tiles.STRIP_ROWS), 1)
    for x_hat in found:
        y = np.concatenate([next(before) for _ in x_hat])
        if strength != 1:
            x_hat = y + np.float32(strength) * (x_hat - y)
        yield np.where(np.isfinite(y), x_hat, y)


def _with_alpha(strips: Iterable[tiles.Rows], alpha: NDArray[np.float32] | None) -> Iterator[tiles.Rows]:
    top = 0
    for strip in strips:
        yield strip if alpha is None else np.concatenate([strip, alpha[top : top + len(strip), :, None]], axis=2)
        top += len(strip)


def _reduction(card: Card, picture: Picture) -> int:
    if card.max_pixels is None:
        return 1
    return reduced.factor(picture.height, picture.width, stride=card.stride, max_pixels=card.max_pixels)


def _with_levels(strips: Iterable[tiles.Rows], engine: Engine, curve: NoiseCurve | None) -> Iterator[tiles.Rows]:
    """Strips (r, w, c), each with its level map as one more channel where there is a curve."""
    if curve is None:
        yield from strips
        return
    assert tiles.STRIP_ROWS % BLOCK == 0
    low, high = next((port.range for port in engine.card.inputs if port.kind == "sigma"), (0.0, 1.0))
    for strip in tiles.recut(strips, tiles.STRIP_ROWS):
        levels = curve.level_map(_finite(strip))
        yield np.concatenate([strip, np.clip(levels, low, high)[..., None]], axis=2)


def _network(engine: Engine, num_channels: int, strength: float) -> Callable[[tiles.Planes], tiles.Planes]:
    """The restorer on one tile (c, h, w): picture planes first, then the level map if the model takes one.

    Grey goes in as three equal channels and comes out as their mean. Pixels that are no numbers stay as they are.
    """
    names = {port.kind: port.name for port in engine.card.inputs}

    def compute(tile: tiles.Planes) -> tiles.Planes:
        y = tile[:num_channels]
        colour = np.broadcast_to(_finite(y), (3, *y.shape[1:]))
        feed = {names["picture"]: colour[None]}
        if "sigma" in names:
            feed[names["sigma"]] = tile[None, num_channels:]
        x_hat = engine.run(feed)[engine.card.outputs[0].name][0]
        if num_channels == 1:
            # In double, so that the mean of three equal values is that value.
            x_hat = x_hat.mean(axis=0, keepdims=True, dtype=np.float64).astype(np.float32)
        if strength != 1:
            x_hat = y + np.float32(strength) * (x_hat - y)
        return np.where(np.isfinite(y), x_hat, y)

    return compute


def _finite(y: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.nan_to_num(y, nan=0.0, posinf=1.0, neginf=0.0)


def _is_whole_file(source: Picture, format: str) -> bool:
    """Whether the bytes of the source's file are the picture, in `format`; one page chosen out of several is not."""
    return source.path is not None and source.format == format and source.describe()["pages"] == 1


def _copy_file(source: Path, target: Path, overwrite: bool) -> Path:
    if target.exists():
        if not overwrite:
            raise PictureError(f"{target} exists already; pass --overwrite to replace it, or choose another name.")
        if target.samefile(source):
            return target
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        shutil.copyfile(source, temporary)
        os.replace(temporary, target)
    except OSError as error:
        raise PictureError(f"{target} could not be written: {error.strerror or error}.") from None
    finally:
        temporary.unlink(missing_ok=True)
    return target
