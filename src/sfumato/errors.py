"""The errors that a user can cause: each says what is wrong, names the file or option, and gives the way out."""


class SfumatoError(Exception):
    """A mistake that a sentence explains. The CLI prints it, without a traceback, and exits with `exit_code`."""

    exit_code = 1


class UsageError(SfumatoError):
    """An option or argument that cannot be meant: unknown name, value out of range, contradicting options."""

    exit_code = 2


class PictureError(SfumatoError):
    """A file that cannot be read or written as a picture."""


class ModelError(SfumatoError):
    """A file that is no usable model file, or a picture that the model cannot take."""


class TrainingError(SfumatoError):
    """Data or a run directory that training cannot work with."""


class MissingExtra(SfumatoError):
    """A feature whose optional dependencies are not installed; the sentence holds the `pip install` command."""

    exit_code = 2
