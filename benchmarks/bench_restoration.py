"""Compression, mixed damage and enlarging beside published networks: `python benchmarks/bench_restoration.py DATA`.

DATA holds benchmarks/classic5, cbsd68 and set5 (the standard copies) and peers/ (see peers.py). Name parts to print
some only: `... DATA jpeg clean upscale`. Everything is degraded here with seed 0, the same for every model; PSNR in dB
over the whole picture, mean of pictures, results neither clipped nor rounded, unless a table says otherwise.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import peers

from sfumato import Picture
from sfumato.learn.evaluation.protocols import Protocol
from sfumato.learn.evaluation.restoration import clean_pictures, degraded, enlarged
from sfumato.measures import luma, psnr
from sfumato.models.engine import Engine
from sfumato.restoration.restore import restore

Restorer = Callable[[np.ndarray, Protocol], np.ndarray]
QUALITIES = (10, 20, 30, 40)


def ours(**options: object) -> Restorer:
    """`sfumato.restore` with these options, told nothing of the damage."""
    return lambda y, _: restore(y, **options).picture.array()


def told_quality(y: np.ndarray, protocol: Protocol) -> np.ndarray:
    return restore(y, model="dejpeg", jpeg_quality=protocol.level).picture.array()


def nothing(y: np.ndarray, _: Protocol) -> np.ndarray:
    return y


def peer(engine: Engine) -> Restorer:
    return lambda y, _: engine(y=y.transpose(2, 0, 1)[None])[0].transpose(1, 2, 0)


def measure(run: Restorer, data: Path, text: str) -> list[float]:
    """PSNR of every picture; at most 100 dB, which stands for a picture that came back exactly."""
    protocol, found = Protocol.parse(text), []
    for number, (_, x) in enumerate(clean_pictures(data, 1 if protocol.grey else 3)):
        y = degraded(x, protocol.degradation(), number)
        found.append(min(psnr(run(y, protocol), x), 100.0))
    return found


def table(title: str, rows: dict[str, Restorer], columns: dict[str, str], data: Path) -> None:
    """One row a model, one column a protocol: `columns` are protocols by their headings."""
    print(f"\n| {title} | " + " | ".join(columns) + " |\n|---|" + "---:|" * len(columns))
    for name, run in rows.items():
        cells = [f"{np.mean(measure(run, data, text)):.2f}" for text in columns.values()]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def jpeg(sets: Path, engines: dict[str, Engine]) -> None:
    rows: dict[str, Restorer] = {"JPEG": nothing, "`dejpeg`, quality estimated": ours(model="dejpeg")}
    rows["`dejpeg`, quality stated"] = told_quality
    grey = rows | {"DnCNN-3": peer(engines["DnCNN-3"])}
    table("classic5, grey", grey, {f"quality {q}": f"jpeg-grey:{q}" for q in QUALITIES}, sets / "classic5")
    rows |= {"`clean`": ours(model="clean"), "nothing said (auto)": ours()}
    columns = {f"4:2:0, quality {q}": f"jpeg:{q}" for q in (10, 40)}
    columns |= {"4:4:4, quality 20": "jpeg-444:20", "quality 20, cropped, again at 90": "jpeg-twice:20"}
    table("CBSD68, RGB", rows, columns, sets / "cbsd68")


def clean(sets: Path, engines: dict[str, Engine]) -> None:
    def both(first: dict[str, str], second: dict[str, str]) -> Restorer:
        return lambda y, _: restore(restore(y, **first).picture, **second).picture.array()

    dejpeg, denoise = {"model": "dejpeg"}, {"model": "denoise-best"}
    rows = {
        "(damaged)": nothing,
        "`denoise-best`": ours(model="denoise-best"),
        "`dejpeg`": ours(model="dejpeg"),
        "`denoise-best`, then `dejpeg`": both(denoise, dejpeg),
        "`dejpeg`, then `denoise-best`": both(dejpeg, denoise),
        "`clean`": ours(model="clean"),
        "nothing said (auto)": ours(),
    }
    columns = {
        "noise 15, then JPEG 50": "gaussian-jpeg50:15",
        "correlated noise 15, then JPEG 85": "correlated-jpeg85:15",
        "JPEG 50": "jpeg:50",
    }
    table("CBSD68, RGB", rows, columns, sets / "cbsd68")
    print("\n| the undamaged CBSD68, RGB | mean | lowest |\n|---|---:|---:|")
    for name in ("`clean`", "`dejpeg`", "`denoise-best`", "nothing said (auto)"):
        found = measure(rows[name], sets / "cbsd68", "clean")
        print(f"| {name} | {np.mean(found):.2f} | {min(found):.2f} |", flush=True)


def upscale(sets: Path, engines: dict[str, Engine]) -> None:
    print("\n| Set5, luma, border of the scale left out | x2 | x4 |\n|---|---:|---:|")
    rows: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
        "bicubic": lambda y, s: luma(enlarged(y, (y.shape[0] * s, y.shape[1] * s))),
        "`upscale-2x`, `upscale-4x`": lambda y, s: luma(restore(y, task="upscale", scale=s).picture.array()),
        "FSRCNN": lambda y, s: peer(engines[f"FSRCNN x{s}"])(luma(y).astype(np.float32), Protocol("clean")),
    }
    for name, run in rows.items():
        cells = [np.mean(list(_enlargements(run, sets / "set5", scale))) for scale in (2, 4)]
        print(f"| {name} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |", flush=True)


def _enlargements(run: Callable[[np.ndarray, int], np.ndarray], data: Path, scale: int):
    protocol = Protocol("bicubic", scale)
    for number, (_, x) in enumerate(clean_pictures(data, 3)):
        x = x[: x.shape[0] // scale * scale, : x.shape[1] // scale * scale]
        yield psnr(run(degraded(x, protocol.degradation(), number), scale), luma(x), border=scale)


def codecs(sets: Path, engines: dict[str, Engine]) -> None:
    """Files of WebP and AVIF with nothing said, by their pixels alone (as arrays), and those left as they are.

    Of every fourth picture of CBSD68 the middle 256x256.
    """
    pictures = [_middle(x, 256) for _, x in clean_pictures(sets / "cbsd68", 3)[::4]]
    for codec in ("webp", "avif"):
        print(f"\n| 17 pictures of CBSD68, {codec}, RGB | as stored | pixels alone | auto | least gain | left alone |")
        print("|---|---:|---:|---:|---:|---:|", flush=True)
        for quality in (20, 40, 60, 75, 90):
            rows = np.array([_stored(x, codec, quality) for x in pictures])
            before, alone, after, kept = rows.T
            means = " | ".join(f"{column.mean():.2f}" for column in (before, alone, after))
            least = f"{(after - before).min():.2f} | {kept.sum():.0f} of {len(rows)}"
            print(f"| quality {quality} | {means} | {least} |", flush=True)


def _middle(x: np.ndarray, side: int) -> np.ndarray:
    top, left = ((length - side) // 2 for length in x.shape[:2])
    return x[top : top + side, left : left + side]


def _stored(x: np.ndarray, codec: str, quality: int) -> tuple[float, float, float, bool]:
    """PSNR as stored, after auto on the pixels, after auto on the file, and whether that left it as it was."""
    file = Picture.from_array(x).to_bytes(codec, quality=quality, subsampling="420")
    done = restore(file, advise=False)
    y = done.source.array()
    alone = restore(y, advise=False).picture.array()
    return psnr(y, x), psnr(alone, x), psnr(done.picture.array(), x), done.untouched


PARTS = {"jpeg": jpeg, "codecs": codecs, "clean": clean, "upscale": upscale}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        weights = options.data / "peers"
        names = ("DnCNN-3", "FSRCNN x2", "FSRCNN x4") if {"jpeg", "upscale"} & set(options.parts) else ()
        engines = {name: peers.engine(name, weights, Path(work)) for name in names}
        for part in options.parts:
            PARTS[part](options.data / "benchmarks", engines)


if __name__ == "__main__":
    main()
