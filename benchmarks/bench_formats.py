"""What is made of pictures as other programs store them: `python benchmarks/bench_formats.py DATA [--only TABLE]`.

The middle 192x192 of every fourth photograph of DATA/photos/val (8 pictures), with nothing stated; PSNR in dB, RGB.

print: JPEG of luma and chroma (which the estimator has learned), RGB as it is, CMYK, and YCCK, with all pixels of
chroma (444) or a quarter of them (420). Inks are separated by the general profile of libvips; what is to come back is
what the same inks without compression (TIFF) are read as. "Pixels alone": the estimator's work without the header.

palettes: GIF, PNG of 8 bit and WebP without loss, of palettes by median cut, with error diffusion and without, in the
picture's own palette, in that of the next photograph, in the web's and in greys. Of how many of the three files of each
picture nothing is done; of how many pictures (as PNG) which task is said to make continuous tones of the dither; and
PSNR as they are and after either task.

clips: 12 frames of pans of two pixels a frame over the photographs, and of the middles of DATA/video/calendar, city and
davis/val, a palette for each frame. "Recorded": a pixel stays as it was where it changes by 8 of 255 at most, so that a
frame shows many palettes. Of how many nothing is done, as GIF and as another format without loss.
"""

import argparse
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pyvips
from PIL import Image

from sfumato import Picture, restore
from sfumato.estimation.stored import stored_quality
from sfumato.learn.data.folders import decode, list_pictures
from sfumato.measures import psnr
from sfumato.restoration.diagnosis import Diagnosis
from sfumato.video.restorers import _to_look_at

SIDE, EVERY = 192, 4
QUALITIES = (30, 50, 75, 90)
COLOURS, GREYS = (4, 32, 256), (4, 16)
FILES = {"GIF": {}, "PNG": {}, "WEBP": {"lossless": True}}
FRAMES, STEP, STAYS = 12, 2, 8
SEQUENCES = ("calendar", "city", "davis/val/drift-straight", "davis/val/goat")
Stored = tuple[bytes, np.ndarray]  # a file, and what is to come back


def photographs(data: Path, wide: int = SIDE) -> list[np.ndarray]:
    """Middles uint8 (SIDE, wide, 3)."""
    return [middle(x, wide) for x in pixels_of(data / "photos" / "val")[::EVERY]]


def pixels_of(folder: Path) -> list[np.ndarray]:
    named = sorted(list_pictures(folder).read(), key=lambda item: item[0])
    return [decode(stored, 3) for _, stored in named if isinstance(stored, bytes)]


def middle(x: np.ndarray, wide: int = SIDE) -> np.ndarray:
    top, left = (x.shape[0] - SIDE) // 2, (x.shape[1] - wide) // 2
    return x[top : top + SIDE, left : left + wide]


def as_floats(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32) / 255


def of_colours(x: np.ndarray, quality: int, **options: object) -> Stored:
    file = io.BytesIO()
    Image.fromarray(x).save(file, "JPEG", quality=quality, **options)
    return file.getvalue(), as_floats(x)


def of_inks(x: np.ndarray, quality: int, stored: str) -> Stored:
    image = pyvips.Image.new_from_array(x).copy(interpretation="srgb")
    inks = image.icc_transform("cmyk", input_profile="srgb", intent="relative")
    whole = Picture.open(inks.tiffsave_buffer(profile="none")).array()
    counted = np.ascontiguousarray(255 - inks.numpy())  # as Adobe counts them
    file = imagecodecs.jpeg8_encode(counted, quality, colorspace="CMYK", outcolorspace=stored, subsampling="420")
    return bytes(file), whole


PRINTS: dict[str, Callable[[np.ndarray, int], Stored]] = {
    "luma and chroma 444": lambda x, quality: of_colours(x, quality, subsampling="4:4:4"),
    "luma and chroma 420": lambda x, quality: of_colours(x, quality, subsampling="4:2:0"),
    "RGB": lambda x, quality: of_colours(x, quality, keep_rgb=True),
    "CMYK": lambda x, quality: of_inks(x, quality, "CMYK"),
    "YCCK 420": lambda x, quality: of_inks(x, quality, "YCCK"),
}


def print_prints(data: Path) -> None:
    pictures = photographs(data)
    print(f"\n| {len(pictures)} photographs as JPEG | as stored | pixels alone | auto | gain | least | left alone |")
    print("|---|---:|---:|---:|---:|---:|---:|", flush=True)
    for kind, store in PRINTS.items():
        for quality in QUALITIES:
            rows = np.array([restored(*store(x, quality)) for x in pictures])
            before, alone, after, kept = rows.T
            means = " | ".join(f"{column.mean():.2f}" for column in (before, alone, after, after - before))
            print(f"| {kind}, {quality} | {means} | {(after - before).min():.2f} | {kept.sum():.0f} |", flush=True)


def restored(file: bytes, x: np.ndarray) -> tuple[float, float, float, bool]:
    """PSNR as stored, after auto on the pixels, after auto on the file, and whether that left it as it was."""
    done = restore(file, advise=False)
    y = done.source.array()
    alone = done.picture if stored_quality(done.source) is None else restore(y, advise=False).picture
    return psnr(y, x), psnr(alone.array(), x), psnr(done.picture.array(), x), done.untouched


def in_palette(x: np.ndarray, palette: Image.Image, dithered: bool) -> Image.Image:
    way = Image.Dither.FLOYDSTEINBERG if dithered else Image.Dither.NONE
    return Image.fromarray(x).quantize(palette=palette, dither=way)


def own(x: np.ndarray, colours: int) -> Image.Image:
    return Image.fromarray(x).quantize(colours, Image.Quantize.MEDIANCUT)


def palettes(pictures: list[np.ndarray]) -> Iterator[tuple[str, Iterator[tuple[Image.Image, np.ndarray]]]]:
    """By kind the pictures of a palette, and what they show."""
    for colours in COLOURS:
        yield f"own {colours}, nearest", ((in_palette(x, own(x, colours), False), x) for x in pictures)
    for colours in COLOURS:
        yield f"own {colours}, diffused", ((in_palette(x, own(x, colours), True), x) for x in pictures)
    for colours in COLOURS[1:]:
        others = zip(pictures, [*pictures[1:], pictures[0]], strict=True)
        yield f"another's {colours}, diffused", ((in_palette(x, own(other, colours), True), x) for x, other in others)
    yield "the web's, diffused", ((Image.fromarray(x).convert("P"), x) for x in pictures)
    greys = [np.asarray(Image.fromarray(x).convert("L").convert("RGB")) for x in pictures]
    for colours in GREYS:
        yield f"{colours} greys, diffused", ((in_palette(x, own(x, colours), True), x) for x in greys)


def print_palettes(data: Path) -> None:
    pictures = photographs(data)
    told = "told of `denoise` | of `descreen` | as stored | after `denoise` | after `descreen`"
    print(f"\n| colours of {len(pictures)} photographs | files left alone | {told} |\n|---|{6 * '---:|'}", flush=True)
    for kind, members in palettes(pictures):
        alone, proposed, quality = 0, list[str](), []
        for image, x in members:
            files = {format: Picture.open(saved(image, format)) for format in FILES}
            alone += sum(restore(file, advise=False).untouched for file in files.values())
            y = files["PNG"]
            proposed += Diagnosis(y).proposed
            after = [y, *(restore(y, task=task, advise=False).picture for task in ("denoise", "descreen"))]
            quality.append([psnr(picture.array(), as_floats(x)) for picture in after])
        counts = [f"{alone} of {len(FILES) * len(pictures)}"]
        counts += [str(proposed.count(task)) for task in ("denoise", "descreen")]
        means = [f"{mean:.2f}" for mean in np.mean(quality, axis=0)]
        print(f"| {kind} | {' | '.join(counts + means)} |", flush=True)


def saved(image: Image.Image, format: str) -> bytes:
    file = io.BytesIO()
    (image.convert("RGB") if format == "WEBP" else image).save(file, format, **FILES[format])
    return file.getvalue()


def sequences(data: Path) -> Iterator[list[np.ndarray]]:
    for x in photographs(data, SIDE + STEP * FRAMES):
        yield [x[:, STEP * t : STEP * t + SIDE] for t in range(FRAMES)]
    for name in SEQUENCES:
        yield [middle(x) for x in pixels_of(data / "video" / name)[:FRAMES]]


def each_anew(frames: list[np.ndarray], colours: int, dithered: bool) -> list[np.ndarray]:
    return [np.asarray(in_palette(frame, own(frame, colours), dithered).convert("RGB")) for frame in frames]


def recorded(frames: list[np.ndarray], colours: int, dithered: bool) -> list[np.ndarray]:
    """The same, but pixels stay that have hardly changed since they were last stored."""
    made = each_anew(frames, colours, dithered)
    shown, since = [made[0]], frames[0]
    for frame, colour in zip(frames[1:], made[1:], strict=True):
        stays = np.abs(frame.astype(int) - since).max(axis=2, keepdims=True) <= STAYS
        shown.append(np.where(stays, shown[-1], colour))
        since = np.where(stays, since, frame)
    return shown


def print_clips(data: Path) -> None:
    clips = list(sequences(data))
    print(f"\n| {len(clips)} clips | left alone as GIF | in another format without loss |\n|---|---:|---:|", flush=True)
    for title, make in (("a palette for each frame", each_anew), ("recorded", recorded)):
        for colours in COLOURS[1:]:
            for dithered in (False, True):
                counts = [0, 0]
                for frames in clips:
                    shown = [as_floats(frame) for frame in make(frames, colours, dithered)]
                    for place, format in enumerate(("gif", "webp")):
                        counts[place] += not Diagnosis(_to_look_at(shown, format), clip=True).tasks
                how = "error diffusion" if dithered else "nearest colours"
                print(f"| {title}, {colours}, {how} | {counts[0]} | {counts[1]} |", flush=True)


TABLES = {"print": print_prints, "palettes": print_palettes, "clips": print_clips}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", choices=tuple(TABLES))
    given = parser.parse_args()
    for name, table in TABLES.items():
        if given.only in (None, name):
            table(given.data)


if __name__ == "__main__":
    main()
