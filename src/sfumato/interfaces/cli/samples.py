"""Samples of a restoration as files: what `sfumato restore --samples` writes."""

from pathlib import Path

from ...errors import OVERWRITE, Option, UsageError, exists_already
from ...pictures.picture import Picture
from ...restoration.options import RestoreOptions
from ...restoration.samples import sample_picture
from .lines import say
from .presentation import progress_bar


def write_samples(
    inputs: list[str],
    output: str | None,
    options: RestoreOptions,
    num: int,
    *,
    seed: int,
    overwrite: bool,
    page: int | None,
) -> None:
    """For each picture file NAME.sample-01.png and so on, NAME.mean.png and NAME.spread.png in the folder `output`."""
    if output is None or Path(output).suffix:
        raise UsageError(Option("samples"), " are several pictures: name a folder with ", Option("output"), ".")
    for text in inputs:
        path = Path(text)
        if not path.is_file():
            raise UsageError(Option("samples"), f" are of picture files, and {text} is none.")
        folder, digits = Path(output), max(2, len(str(num)))
        names = [f"sample-{number:0{digits}d}" for number in range(1, num + 1)] + ["mean", "spread"]
        targets = [folder / f"{path.stem}.{name}.png" for name in names]
        for target in targets:
            if target.exists() and not overwrite:
                raise UsageError(exists_already(target), *OVERWRITE)
        picture = Picture.open(path, max_pixels=options.max_pixels, page=page)
        with progress_bar(path.name) as bar:
            found = sample_picture(picture, options, num, seed=seed, progress=bar)
        folder.mkdir(parents=True, exist_ok=True)
        for target, made in zip(targets, (*found.pictures, found.mean, found.spread), strict=True):
            made.save(target, overwrite=overwrite)
        say(f"{path} -> {folder}  ({num} samples, their mean and spread; residual {255 * found.residual:.1f} of 255)")
