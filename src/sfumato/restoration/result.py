"""What restoring gives back: the picture, what was done to it, and ways to look at the difference."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import OVERWRITE, PictureError, exists_already
from ..estimation.noise import NoiseCurve
from ..files import written_whole
from ..pictures.picture import Picture
from ..pictures.source import Source
from ..pictures.span import Span
from ..pictures.write import format_of
from ..tiling.resize import resized, upsample
from . import comparison, masks


@dataclass(frozen=True)
class Step:
    """One model at work: its name and task, and the level of damage that it was given, where it takes one.

    noise: estimated or stated. jpeg_quality: the same, 1-100. filled: the share of the picture that it filled in.
    invented: what of it is all made up, "colours" or "details", "" for neither. is_sharp: whether the model was trained
    to make up details. hinted: the share of the picture where the user said which they are.
    ensemble: whether it is the mean over the picture turned and mirrored in all eight ways. residual: of a known damage
    that was undone, how far the result, damaged again, is from what came in: root mean square, in [0, 1] units.
    """

    model: str
    task: str
    noise: NoiseCurve | None = None
    jpeg_quality: float | None = None
    filled: float | None = None
    ensemble: bool = False
    residual: float | None = None
    invented: str = ""
    hinted: float | None = None
    is_sharp: bool = False

    def describe(self) -> str:
        """Such as "denoise-fast at noise 22.8"."""
        name = f"{self.model} (self-ensemble)" if self.ensemble else self.model
        if self.residual is not None and self.noise is not None:
            level, residual = 255 * self.noise.typical, 255 * self.residual
            return f"{name} as prior, noise {level:.1f}, residual {residual:.1f}"
        if self.noise is not None:
            return f"{name} at noise {255 * self.noise.typical:.1f}"
        if self.invented:
            return f"{name}, {self.invented} invented" + (
                f", {100 * self.hinted:.1f} % of it hinted at" if self.hinted else ""
            )
        if self.filled is not None:
            return f"{name} on {100 * self.filled:.1f} % of it"
        return name if self.jpeg_quality is None else f"{name} at JPEG quality {self.jpeg_quality:.0f}"


def is_made_up(filled: NDArray[np.bool_] | None, steps: Sequence[Step]) -> bool:
    """Whether models made something up: what was `filled`, or what steps invented."""
    return filled is not None or any(step.invented for step in steps)


@dataclass(frozen=True)
class Restored:
    """What `restore` gives back.

    picture: the result. source: what came in. steps: the models that worked on it, in order. notes: sentences about
    what was found and decided on the way. filled: where pixels were missing or damaged and were made up, (h, w) of
    `full`, None where none were. doubtful: the same of what may be damage and was left as it is. advice: a sentence on
    what might help besides and is done only when it is asked for, "" for none. span: what was taken for black and
    white, None where that is black and white. size: height and width that were asked for, to which the result is
    reduced at last, None for the models' own. full: what models left at full strength, before it was blended, in the
    values that they worked with; `at_strength` takes another share of it; None where no model changed anything. region:
    where it was to be restored, (h, w) in [0, 1], None for everywhere. untouched: the result is the source itself.
    """

    picture: Picture
    source: Picture
    steps: tuple[Step, ...]
    strength: float
    seconds: float
    notes: tuple[str, ...] = ()
    filled: NDArray[np.bool_] | None = None
    advice: str = ""
    span: Span | None = None
    size: tuple[int, int] | None = None
    full: Picture | None = field(default=None, repr=False)
    region: NDArray[np.float32] | None = field(default=None, repr=False)
    doubtful: NDArray[np.bool_] | None = field(default=None, repr=False)

    @cached_property
    def before(self) -> Picture:
        """The source in the result's size, which is another where it was enlarged."""
        height, width = self.picture.height, self.picture.width
        same = (self.source.height, self.source.width, self.source.num_channels)
        if (height, width, self.picture.num_channels) == same:
            return self.source
        if self.source.num_channels == self.picture.num_channels and self._is_enlarged:
            return self.source.with_strips(upsample(self.source, height, width), height, width)
        seen = resized(self.source.array(), height, width)
        return Picture.from_array(
            seen.repeat(self.picture.num_channels // seen.shape[2], axis=2), depth=32, format="tiff"
        )

    @property
    def _is_enlarged(self) -> bool:
        """Whether the result is larger than the source by a whole factor."""
        factor = self.picture.height // self.source.height
        return (self.picture.height, self.picture.width) == (self.source.height * factor, self.source.width * factor)

    @cached_property
    def made_up(self) -> NDArray[np.bool_] | None:
        """Where pixels were made up, (h, w) of the picture; None where none were."""
        return None if self.filled is None else self._in_size(self.filled)

    def _in_size(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """A mask of `full` in the picture's size."""
        sides = (self.picture.height, self.picture.width)
        rows, columns = (np.arange(n) * full // n for n, full in zip(sides, mask.shape, strict=True))
        return mask[np.ix_(rows, columns)]

    @property
    def noise(self) -> NoiseCurve | None:
        """The noise level that was estimated or stated, None where no model takes one."""
        return next((step.noise for step in self.steps if step.noise is not None), None)

    @property
    def jpeg_quality(self) -> float | None:
        """The JPEG quality that was estimated or stated, None where no model takes one."""
        return next((step.jpeg_quality for step in self.steps if step.jpeg_quality is not None), None)

    @property
    def model(self) -> str:
        """The names of the models, in order."""
        return ", ".join(step.model for step in self.steps)

    @property
    def is_made_up(self) -> bool:
        """Whether parts of it, its colours or its details were made up by a model."""
        return is_made_up(self.filled, self.steps)

    @property
    def untouched(self) -> bool:
        return self.picture is self.source

    @property
    def is_resized(self) -> bool:
        """Whether the picture has another size than the source."""
        return (self.picture.height, self.picture.width) != (self.source.height, self.source.width)

    @cached_property
    def _shown(self) -> tuple[Picture, Picture]:
        """Before and after as they can be seen: with the ends of their span at black and white."""
        if self.span is None:
            return self.before, self.picture
        return self.before.in_span(self.span), self.picture.in_span(self.span)

    @cached_property
    def change_gain(self) -> int:
        """By how much the change map and the comparison magnify the difference: a power of two, 1 to 32."""
        return comparison.change_gain(*self._shown)

    def change_map(self) -> Picture:
        """Where and how the picture was changed: mid-grey plus `change_gain` times the difference, in its size.

        What was made up is marked in magenta, in a grey picture in white.
        """
        return comparison.change_map(*self._shown, self.change_gain, self.made_up)

    def mask(self) -> Picture:
        """What was made up, white on black: a grey picture that `restore(mask=...)` takes.

        What may be damage and was left as it is has a dark grey, which `restore` leaves once more.
        """
        shown = np.zeros((self.picture.height, self.picture.width), np.float32)
        if self.doubtful is not None:
            shown[self._in_size(self.doubtful)] = masks.DOUBTFUL
        if self.made_up is not None:
            shown[self.made_up] = 1
        return Picture.from_array(shown)

    def comparison(self) -> Picture:
        """Before, after and the change side by side, labelled, with a detail at full size below large pictures."""
        return comparison.draw_comparison(*self._shown, gain=self.change_gain, marked=self.made_up)

    def save(self, path: str | Path, *, overwrite: bool = False, **options: Any) -> Path:
        """Write the picture as `Picture.save` does; an untouched one in its own format is copied byte by byte."""
        path = Path(path)
        file = self._file_in(format_of(path, options.get("format")))
        if file is None:
            return self.picture.save(path, overwrite=overwrite, **options)
        if path.exists():
            if not overwrite:
                raise PictureError(exists_already(path), *OVERWRITE)
            if file.path is not None and path.samefile(file.path):
                return path
        try:
            with file.open() as contents, written_whole(path) as partial, open(partial, "wb") as copy:
                shutil.copyfileobj(contents, copy)
        except OSError as error:
            raise PictureError(f"{path} could not be written: {error.strerror or error}.") from None
        return path

    def to_bytes(self, format: str | None = None, **options: Any) -> bytes:
        """The file that `save` would write, as bytes; `format` is the source's unless it is given."""
        file = self._file_in(format or self.picture.output_format)
        if file is None:
            return self.picture.to_bytes(format, **options)
        with file.open() as contents:
            return contents.read()

    def not_kept_by(self, format: str) -> tuple[str, ...]:
        """A sentence for each thing of the picture that a file of `format` as `save` writes it does not hold."""
        return () if self.is_copy_in(format) else self.picture.not_kept_by(format)

    def is_copy_in(self, format: str) -> bool:
        """Whether a file of `format` as `save` writes it is the source's, byte by byte."""
        return self._file_in(format) is not None

    def _file_in(self, format: str) -> Source | None:
        """The source's own file, where nothing was changed and it is whole and in `format` as it lies there."""
        return self.source.copy_of_file() if self.untouched and self.source.format == format else None
