"""One picture from stdin, or to stdout, or both: what is said goes to stderr."""

import sys
from collections.abc import Mapping
from pathlib import Path

from ...batch import BatchOptions, BatchReport
from ...batch.report import OF_CLIPS, effective_on_picture
from ...batch.runner import notes_of
from ...errors import Option, PictureError, UsageError
from ...pictures.picture import Picture
from ...pictures.write import QUALITY, format_of
from ...restoration import effects
from ...restoration.restore import dry_run, restore_picture
from ...video.codecs import HEAD, is_media
from ...video.formats import holds_media, is_clip
from .batch_display import without_effect
from .lines import say

STREAM = "-"
FOR_CLIPS = (*OF_CLIPS, *effects.OF_CLIPS)
# Why a stream does not go with some options.
WHY = {"json": "stdout holds the picture", "keep_time": "a stream has no time"}


def check_alone(given: Mapping[str, object], what: str | Option) -> None:
    """Raises UsageError for the first option that is given (by name) and has no meaning with a stream, or samples."""
    # --crf 0 is given, and equals False
    name = next((name for name, value in given.items() if value is not None and value is not False), None)
    if name is None:
        return
    if name in FOR_CLIPS:
        raise UsageError(Option(name), " is for clips, and here is one picture: leave it out.")
    if isinstance(what, Option):
        raise UsageError(what, " go without ", Option(name), ".")
    why = f": {WHY[name]}" if name in WHY else ""
    raise UsageError(f"{what} is one picture, from stdin or to stdout, and goes without ", Option(name), f"{why}.")


def through_pipe(source: str, output: str | None, options: BatchOptions, *, quiet: bool, only_preview: bool) -> None:
    """Restore the picture `source`, "-" for stdin, into the file `output`, "-" or None for stdout.

    On stdout the result has the format of its source, or PNG or JPEG where that is only read.
    """
    contents = sys.stdin.buffer.read() if source == STREAM else Path(source)
    if is_media(contents[:HEAD]) if isinstance(contents, bytes) else is_clip(contents) or holds_media(contents):
        what = "A clip" if source == STREAM else source
        says = f"{what} is read from a file and written to one: name both, the result with "
        raise UsageError(says, Option("output"), ".")
    if contents == b"":
        raise PictureError("There is no picture on stdin.")
    picture = Picture.open(contents, max_pixels=options.restore.max_pixels, page=options.page)
    if only_preview:
        preview = dry_run(picture, options.restore)
        say(f"Found {preview.found}; would do {', '.join(preview.tasks) or 'nothing'}.")
        return
    restored = restore_picture(picture, options.restore)
    quality = QUALITY if options.quality is None else options.quality
    if output in (None, STREAM):
        format = picture.output_format
        data = restored.to_bytes(quality=quality)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        assert output is not None
        format = format_of(Path(output))
        restored.save(output, quality=quality, overwrite=options.overwrite)
    if quiet:
        return
    report = BatchReport(num_restored=1)
    report.effective |= effective_on_picture(options, restored, format, has_pages=picture.copy_of_file() is None)
    report.end(options)
    for note in (*picture.notes, *notes_of(restored, options), *restored.not_kept_by(format), *without_effect(report)):
        say(note, file=sys.stderr)
