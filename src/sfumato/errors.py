"""The errors that a user can cause: each says what is wrong, names the file or option, and gives the way out.

A sentence names an option by an `Option`, which each interface spells in its own way: `overwrite=True` in Python,
`--overwrite` on the command line. The settings of a training run are given otherwise there, and are a `Setting`.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """An option that a sentence speaks of, by its name in Python, with a value where one is proposed."""

    name: str
    value: object = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}={self.value!r}"


@dataclass(frozen=True)
class Setting(Option):
    """A setting of a training run, a field of `TrainConfig`; `model.key` and `options.key` are fields of those.

    The command line sets it by `--set key=value`.
    """


class SfumatoError(Exception):
    """A mistake that a sentence explains, in parts of text and options.

    `str` spells the options as Python does, `spelled` as the given function does. The command line prints the
    sentence, without a traceback, and exits with `exit_code`.
    """

    exit_code = 1

    def __init__(self, *parts: str | Option) -> None:
        super().__init__(*parts)
        self.parts = parts

    def __str__(self) -> str:
        return self.spelled(str)

    def spelled(self, spell: Callable[[Option], str]) -> str:
        """The sentence with each option as `spell` writes it."""
        return "".join(spell(part) if isinstance(part, Option) else part for part in self.parts)

    @property
    def option(self) -> str | None:
        """The name of the (first) option that the sentence is about, None where it is about none."""
        return next((part.name for part in self.parts if isinstance(part, Option)), None)


class UsageError(SfumatoError):
    """An option or argument that cannot be meant: unknown name, value out of range, contradicting options."""

    exit_code = 2


class PictureError(SfumatoError):
    """A file that cannot be read or written as a picture."""


class AudioError(SfumatoError):
    """A file that cannot be read as sound, or holds none that could be taken."""


class ModelError(SfumatoError):
    """A file that is no usable model file, or a picture that the model cannot take."""


class TrainingError(SfumatoError):
    """Data or a run directory that training cannot work with."""


class MissingExtra(SfumatoError):
    """A feature whose optional dependencies are not installed; the sentence holds the `pip install` command."""

    exit_code = 2


def exists_already(path: object) -> str:
    """How a sentence begins that refuses to replace a file; `OVERWRITE` follows."""
    return f"{path} exists already; pass "


OVERWRITE = (Option("overwrite", True), " to replace it, or choose another name.")
