"""One picture from stdin, or to stdout, or both: what is said goes to stderr."""

import sys
from pathlib import Path

from ...errors import PictureError
from ...pictures.picture import Picture
from ...pictures.write import QUALITY
from ...restoration.options import RestoreOptions
from ...restoration.restore import dry_run, restore_picture

STREAM = "-"


def through_pipe(
    source: str,
    output: str | None,
    options: RestoreOptions,
    *,
    page: int | None,
    quality: int | None,
    overwrite: bool,
    quiet: bool,
    only_preview: bool,
) -> None:
    """Restore the picture `source`, "-" for stdin, into the file `output`, "-" or None for stdout.

    On stdout the result has the format of its source, or PNG or JPEG where that is only read.
    """
    contents = sys.stdin.buffer.read() if source == STREAM else Path(source)
    if contents == b"":
        raise PictureError("There is no picture on stdin.")
    picture = Picture.open(contents, max_pixels=options.max_pixels, page=page)
    if only_preview:
        preview = dry_run(picture, options)
        print(f"Found {preview.found}; would do {', '.join(preview.tasks) or 'nothing'}.")
        return
    restored = restore_picture(picture, options)
    quality = QUALITY if quality is None else quality
    if output in (None, STREAM):
        format = picture.output_format
        data = restored.to_bytes(quality=quality)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        assert output is not None
        format = Picture.open(restored.save(output, quality=quality, overwrite=overwrite)).format
    if not quiet:
        for note in (*picture.notes, *restored.notes, *restored.not_kept_by(format)):
            print(note, file=sys.stderr)
