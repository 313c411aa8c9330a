"""Peak memory and time for a picture of 100 megapixels: `python benchmarks/bench_memory.py [DATA] [--model NAME]`.

The picture is drawn here (12,500 x 8,000, smooth, with noise of sigma 15) and stored in each format; a fresh process
restores it with everything automatic and saves it. Printed is that process's VmHWM, which Linux alone tells. DATA is
taken for the sake of `make bench` and not read.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyvips

WIDTH, HEIGHT = 12_500, 8_000
ROTATED = "JPEG, orientation 6"
FORMATS: dict[str, tuple[str, dict[str, Any], bool]] = {
    "JPEG, baseline, 8 bit": ("a.jpg", {"Q": 92}, False),
    "PNG, 8 bit": ("b.png", {"compression": 1}, False),
    "TIFF, 8 bit": ("c.tif", {}, False),
    "TIFF, 16 bit": ("d.tif", {}, True),
    "PNG, 16 bit": ("e.png", {"compression": 1}, True),
    "JPEG, progressive": ("f.jpg", {"Q": 92, "interlace": True}, False),
    ROTATED: ("g.jpg", {"Q": 92}, False),
    "PNG, interlaced": ("h.png", {"compression": 1, "interlace": True}, False),
    "WebP": ("i.webp", {"Q": 90, "effort": 2}, False),
    "AVIF": ("j.avif", {"Q": 80, "effort": 0}, False),
}
PROGRAM = (
    "import sys, time, sfumato\n"
    "started = time.perf_counter()\n"
    "restored = sfumato.restore(sys.argv[1], model=sys.argv[2])\n"
    "restored.save(sys.argv[3])\n"
    "peak = next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM'))\n"
    "print(int(peak) / 1024, time.perf_counter() - started, 255 * restored.noise.typical)\n"
)


def draw(path: Path, options: dict[str, Any], deep: bool, orientation: int) -> None:
    """A smooth colour gradient with rings and noise, in bands so that drawing needs no memory either."""
    position = pyvips.Image.xyz(WIDTH, HEIGHT)
    radius = ((position[0] - WIDTH / 2) ** 2 + (position[1] - HEIGHT / 2) ** 2) ** 0.5
    rings = (radius / 40).sin() * 40
    bands = [
        rings + base + pyvips.Image.gaussnoise(WIDTH, HEIGHT, mean=0, sigma=15, seed=seed)
        for seed, base in enumerate((110, 128, 140))
    ]
    picture = bands[0].bandjoin(bands[1:])
    picture = (picture * 257).cast("ushort") if deep else picture.cast("uchar")
    picture = picture.copy(interpretation="rgb16" if deep else "srgb")
    picture.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    picture.write_to_file(str(path), **options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--model", default="denoise-fast")
    parser.add_argument("--formats", nargs="*", choices=list(FORMATS), default=list(FORMATS), help="only these")
    options = parser.parse_args()
    print(f"\n{options.model}, {WIDTH * HEIGHT / 1e6:.0f} MP\n")
    print("| format | peak, MB | seconds | level found |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.formats:
            file, save_options, deep = FORMATS[name]
            source, result = Path(folder) / file, Path(folder) / f"restored-{file}"
            draw(source, save_options, deep, 6 if name == ROTATED else 1)
            command = [sys.executable, "-c", PROGRAM, str(source), options.model, str(result)]
            peak, seconds, level = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            print(f"| {name} | {float(peak):.0f} | {float(seconds):.0f} | {float(level):.1f} |", flush=True)
            source.unlink()
            result.unlink()


if __name__ == "__main__":
    main()
