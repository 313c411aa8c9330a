"""Measure what a picture file keeps on its way through, and write the table of docs/picture-formats.md.

For every format, depth, and kind of colour that the format holds, a file with an orientation, a colour profile, EXIF,
XMP and a resolution is made by libvips (which writes no EXIF into TIFF: that comes from this package), restored at
strength 1 through a network that changes nothing, so that decoding, tiles, engine and encoding are all walked, and
compared with what came out. Needs the development environment: `python tools/fidelity_table.py`.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from sfumato import Picture, load, restore
from sfumato.pictures import exif

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "picture-formats.md"
BEGIN, END = "<!-- fidelity: begin -->", "<!-- fidelity: end -->"
sys.path.insert(0, str(ROOT / "tests"))  # the sample files and the small model files of the tests

import model_files
import picture_files as files

ORIENTATION = 6
SAVERS = {"jpeg": "jpegsave", "png": "pngsave", "tiff": "tiffsave", "webp": "webpsave", "avif": "heifsave"}
LOSSLESS: dict[str, dict[str, Any]] = {
    "webp": {"lossless": True, "exact": True},
    "avif": {"compression": "av1", "lossless": True},
    "jpeg": {"Q": 95, "subsample_mode": "off"},
}
# What each format holds: depths, whether grey stays grey, whether there is transparency, an EXIF orientation.
HELD = {
    "jpeg": ((8,), True, False, True),
    "png": ((8, 16), True, True, True),
    "tiff": ((8, 16, 32), True, True, True),
    "webp": ((8,), False, True, True),
    "avif": ((8, 16), False, True, False),
}


@dataclass(frozen=True)
class Kind:
    format: str
    depth: int
    num_channels: int
    alpha: bool

    def make(self, path: Path) -> None:
        """The file, turned by its orientation, with all the metadata that libvips can put into it."""
        values = files.scene(self.num_channels, self.depth)
        if self.alpha:
            values = np.dstack([values, files.transparency(self.depth)])
        has_orientation = HELD[self.format][3]
        stored = np.ascontiguousarray(files.turned(values, ORIENTATION if has_orientation else 1))
        space = {8: ("b-w", "srgb"), 16: ("grey16", "rgb16"), 32: ("b-w", "scrgb")}[self.depth][self.num_channels == 3]
        image = pyvips.Image.new_from_array(stored, interpretation=space).copy(xres=300 / 25.4, yres=300 / 25.4)
        phone = files.phone_jpeg(path.with_name("phone.jpg"), orientation=ORIENTATION)
        header = pyvips.Image.new_from_file(str(phone))
        for name in header.get_fields():
            if (name.startswith("exif-ifd") and not name.startswith("exif-ifd1")) or name in ("exif-data", "xmp-data"):
                image.set_type(header.get_typeof(name), name, header.get(name))
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", files.profile(grey=self.num_channels == 1))
        image.set_type(pyvips.GValue.gint_type, "orientation", ORIENTATION if has_orientation else 1)
        image.set_type(pyvips.GValue.gstr_type, "resolution-unit", "in")
        options = LOSSLESS.get(self.format, {}) | (
            {"bitdepth": 12} if (self.format, self.depth) == ("avif", 16) else {}
        )
        getattr(image, SAVERS[self.format])(str(path), **options)
        if self.format == "tiff":  # into which libvips writes no EXIF
            exif.add_exif_to_tiff(path, header.get("exif-data"), image.width, image.height)

    @property
    def name(self) -> str:
        depth = {8: "8 bit", 16: "12 bit" if self.format == "avif" else "16 bit", 32: "float"}[self.depth]
        colour = ("grey" if self.num_channels == 1 else "RGB") + (" + alpha" if self.alpha else "")
        return f"{self.format.upper() if self.format != 'webp' else 'WebP'} | {depth} | {colour}"


def kinds() -> list[Kind]:
    return [
        Kind(format, depth, num_channels, alpha)
        for format, (depths, has_grey, has_alpha, _) in HELD.items()
        for depth in depths
        for num_channels in ((1, 3) if has_grey else (3,))
        for alpha in ((False, True) if has_alpha else (False,))
    ]


def row(kind: Kind, folder: Path, engine: Any) -> str:
    source, target = folder / f"source.{kind.format}", folder / f"target.{kind.format}"
    kind.make(source)
    restored = restore(source, model=engine)
    assert not restored.untouched, "the network must have been run"
    restored.save(target, overwrite=True)
    before, after = Picture.open(source), Picture.open(target)
    header_before, header_after = (pyvips.Image.new_from_file(str(path)) for path in (source, target))
    difference = np.abs(before.array() - after.array()) * 255
    pixels = "the same" if difference.max() == 0 else f"mean {difference.mean():.2g}, largest {difference.max():.2g}"
    alpha_before, alpha_after = before.alpha(), after.alpha()
    alpha = "" if alpha_before is None else _yes(alpha_after is not None and np.array_equal(alpha_before, alpha_after))
    upright = (after.width, after.height) == (files.WIDTH, files.HEIGHT) and after.describe().get("orientation", 1) == 1
    facts = [
        pixels,
        alpha,
        _yes(_same(header_before, header_after, "icc-profile-data")),
        _yes(before.describe()["camera"] == after.describe().get("camera") == " ".join(files.CAMERA)),
        _yes(b"Kitchen" in header_after.get("xmp-data") if header_after.get_typeof("xmp-data") else False),
        _yes(before.describe().get("resolution_dpi") == after.describe().get("resolution_dpi") == (300.0, 300.0)),
        _yes(upright) if HELD[kind.format][3] else "",
    ]
    return f"| {kind.name} | {' | '.join(facts)} |"


def _same(before: pyvips.Image, after: pyvips.Image, field: str) -> bool:
    return bool(after.get_typeof(field)) and before.get(field) == after.get(field)


def _yes(held: bool) -> str:
    return "yes" if held else "**no**"


def table() -> str:
    lines = [
        "| format | depth | colour | pixels | alpha | ICC | EXIF | XMP | resolution | upright |",
        "|---" * 10 + "|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "identity.onnx"
        model.write_bytes(model_files.identity())
        engine = load(model)
        lines += [row(kind, Path(folder), engine) for kind in kinds()]
    return "\n".join(lines)


def main() -> None:
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is measured anew")


if __name__ == "__main__":
    main()
