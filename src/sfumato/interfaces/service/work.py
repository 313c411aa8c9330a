"""What a worker does with an item, by its kind: one pipeline call, files in the item's folder, and a report."""

import io
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...estimation.answers import ask
from ...generation import generate as generation
from ...generation.result import Generated
from ...pictures.picture import Picture
from ...pictures.preview import MEDIA_TYPES, Box, preview
from ...pictures.write import QUALITY
from ...restoration import masks, scratches
from ...restoration.options import DEFAULT_MODEL, RestoreOptions
from ...restoration.restore import restore_picture
from ...restoration.strength import at_strength
from . import kept
from .catalog import Catalog, engine_of
from .findings import findings
from .queue import Claim
from .reports import report_of
from .settings import MEGA, ServiceSettings
from .store import CONTENTS, Store

Advance = Callable[[int, int], None]
Outcome = dict[str, Any]
TYPES = MEDIA_TYPES | {"tiff": "image/tiff", "avif": "image/avif", "zip": "application/zip", "gif": "image/gif"}
SUFFIXES = {"jpeg": ".jpg", "png": ".png", "tiff": ".tif", "webp": ".webp", "avif": ".avif"}
PART = "parts"  # the folder of generated pictures


@dataclass(frozen=True)
class Workbench:
    """The pipelines with the service's models, folder and limits."""

    settings: ServiceSettings
    store: Store
    catalog: Catalog

    def perform(self, claim: Claim, advance: Advance) -> Outcome:
        """Do one item. Raises what the library raises; `advance` may raise to end the work."""
        folder = self.store.folder_of(claim.job, claim.number)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chdir(folder)  # so that no sentence of the library's names a folder of this machine
        return getattr(self, f"_{claim.spec['kind'].replace('-', '_')}")(claim.spec, folder, advance)

    def _inspect(self, spec: dict[str, Any], folder: Path, advance: Advance) -> Outcome:
        picture = Picture.open((folder / CONTENTS).read_bytes(), max_pixels=self.settings.max_pixels, page=1)
        return {"picture": facts_of(picture)}

    def _thumbnail(self, spec: dict[str, Any], folder: Path, advance: Advance) -> Outcome:
        return self._shown(self._source(spec, folder), spec)

    def _scratches(self, spec: dict[str, Any], folder: Path, advance: Advance) -> Outcome:
        mask = scratches.mask_of(self._source(spec, folder), device=self.settings.device, threads=self.settings.threads)
        if spec.get("size"):
            return self._shown(mask, spec)
        mask.save("scratches.png", overwrite=True)
        return {"file": "scratches.png", "media_type": TYPES["png"]}

    def _diagnose(self, spec: dict[str, Any], folder: Path, advance: Advance) -> Outcome:
        picture = self._source(spec, folder)
        options = RestoreOptions(task=spec["task"], device=self.settings.device, threads=self.settings.threads)
        found = findings(picture, options, with_regions=spec["regions"])
        return {"report": found, "picture": facts_of(picture), "megapixels": _megapixels(picture)}

    def _ask(self, spec: dict[str, Any], folder: Path, advance: Advance) -> Outcome:
        picture = self._source(spec, folder)
        engine = engine_of(self.catalog.path(spec["model"]), self.settings.device, self.settings.threads)
        found = [asdict(ask(engine, picture, question)) for question in spec["questions"]]
        return {"report": {"model": spec["model"], "answers": found}, "megapixels": _megapixels(picture)}

    def _restore(self, spec: dict[str, Any], folder: Path, advance: Advance) -> Outcome:
        picture = self._source(spec, folder)
        options = self._options(spec, folder, picture)
        restored = restore_picture(picture, options, progress=advance)
        format = spec["format"] or picture.output_format
        name = f"result{SUFFIXES[format]}"
        restored.save(name, format=format, quality=spec["quality"] or QUALITY, overwrite=True)
        report = report_of(restored, format)
        if spec["adjustable"]:
            if restored.strength == 0:  # done after all, to be had at others
                restored = restore_picture(picture, self._options(spec, folder, picture, strength=1.0))
            kept.keep(restored, folder)
        return {
            "file": name,
            "media_type": TYPES[format],
            "report": report,
            "picture": facts_of(picture),
            "megapixels": _megapixels(picture),
            "adjustable": spec["adjustable"],
        }

    def _view(self, spec: dict[str, Any], folder: Path, advance: Advance) -> Outcome:
        """An adjustable item at another strength, or something to look at of it. folder: of this request.

        spec: item, the folder of the item below that of all jobs; original, its own spec.
        """
        item = self.store.jobs / spec["item"]
        source = self._source(spec["original"], item)
        strength = spec["original"]["strength"] if spec["strength"] is None else spec["strength"]
        restored = at_strength(kept.kept(item, source), strength)
        if spec["what"] == "result":
            format = spec["format"] or source.output_format
            name = f"result{SUFFIXES[format]}"
            quality = spec["quality"] or spec["original"]["quality"] or QUALITY
            restored.save(name, format=format, quality=quality, overwrite=True)
            return {"file": name, "media_type": TYPES[format]}
        show: dict[str, Callable[[], Picture]] = {
            "preview": lambda: restored.picture,
            "before": lambda: restored.before,
            "change-map": restored.change_map,
            "mask": restored.mask,
            "comparison": restored.comparison,
        }
        return self._shown(show[spec["what"]](), spec)

    def _generate(self, spec: dict[str, Any], folder: Path, advance: Advance) -> Outcome:
        """New pictures: generate, interpolate, vary or reconstruct, as `spec["call"]` says."""
        engine = engine_of(self.catalog.path(spec["model"]), self.settings.device, self.settings.threads)
        arguments = dict(spec["arguments"])
        ends_of = {"interpolate": ("a", "b"), "vary": ("picture",), "reconstruct": ("picture",)}
        ends = [self._end(arguments.pop(name), folder) for name in ends_of.get(spec["call"], ())]
        calls: dict[str, Callable[..., Generated]] = {
            "generate": generation.generate,
            "interpolate": generation.interpolate,
            "vary": generation.vary,
            "reconstruct": generation.reconstruct,
        }
        for name in {"audio", "layout", "picture"} & arguments.keys():
            arguments[name] = (folder / arguments[name]).read_bytes()
        if arguments.get("size") is not None:
            arguments["size"] = tuple(arguments["size"])
        if spec["call"] != "reconstruct":
            arguments["progress"] = advance
        made = calls[spec["call"]](engine, *ends, **arguments)
        shutil.rmtree(PART, ignore_errors=True)
        paths = made.save(PART, overwrite=True)
        columns = len(made.pictures) if spec["call"] == "interpolate" else None
        sheet = made.sheet(columns=columns)
        sheet.save("sheet.png", overwrite=True)
        report = {
            "model": made.model,
            "seed": made.seed,
            "labels": list(made.labels),
            "steps": made.steps,
            "seconds": round(made.seconds, 3),
            "notes": list(made.notes),
            "made_up": True,
            "width": made.pictures[0].width,
            "height": made.pictures[0].height,
        }
        outcome = {"file": "sheet.png", "media_type": TYPES["png"], "report": report}
        outcome["parts"] = [f"{PART}/{path.name}" for path in paths]
        pixels = sum(_megapixels(picture) for picture in made.pictures)
        if spec["output"] == "zip":
            _zip("pictures.zip", [(path.name, path) for path in paths])
            outcome |= {"file": "pictures.zip", "media_type": TYPES["zip"]}
        return outcome | {"megapixels": pixels}

    def _end(self, end: Any, folder: Path) -> int | tuple[int, int] | Picture:
        """A seed, a seed and a number, or the name of a file that was sent along."""
        if isinstance(end, str):
            return Picture.open((folder / end).read_bytes(), max_pixels=self.settings.max_pixels)
        return tuple(end) if isinstance(end, list) else end

    def _source(self, spec: dict[str, Any], folder: Path) -> Picture:
        picture = self._whole(spec, folder)
        return picture if spec.get("crop") is None else picture.crop(*spec["crop"])

    def _whole(self, spec: dict[str, Any], folder: Path) -> Picture:
        contents = (folder / CONTENTS).read_bytes()  # by bytes, so that sentences say "The picture" instead of a path
        return Picture.open(contents, max_pixels=self.settings.max_pixels, page=spec.get("page"))

    def _options(self, spec: dict[str, Any], folder: Path, picture: Picture, **other: Any) -> RestoreOptions:
        settings, model = self.settings, spec["model"]
        engine: Any = DEFAULT_MODEL
        if model != DEFAULT_MODEL:
            engine = engine_of(self.catalog.path(model), settings.device, settings.threads)
        given = {
            "task": spec["task"],
            "model": engine,
            "noise": spec["noise"],
            "jpeg_quality": spec["jpeg_quality"],
            **spec["size"],
            "look": spec["look"],
            "text": spec.get("text"),
            "strength": spec["strength"],
            "mask": self._mask(spec, folder, picture),
            "hints": self._hints(spec, folder),
            "ensemble": spec["ensemble"],
            "device": settings.device,
            "threads": settings.threads,
            "memory_mb": settings.memory_mb,
            "max_pixels": settings.max_pixels,
            "advise": spec.get("advise", True),
        }
        return RestoreOptions(**(given | other))

    def _mask(self, spec: dict[str, Any], folder: Path, picture: Picture) -> Any:
        if spec["mask"] != "file":
            return spec["mask"]
        mask = Picture.open((folder.parent / "mask").read_bytes(), max_pixels=self.settings.max_pixels)
        if spec.get("crop") is None:
            return mask
        # It has the size of the whole picture, of which a part is restored.
        left, top, width, height = spec["crop"]
        whole = masks.read_mask(mask, self._whole(spec, folder), self.settings.max_pixels)
        return whole[top : top + height, left : left + width]

    def _hints(self, spec: dict[str, Any], folder: Path) -> Picture | None:
        if not spec.get("hints"):
            return None
        hints = Picture.open((folder.parent / "hints").read_bytes(), max_pixels=self.settings.max_pixels)
        return hints if spec.get("crop") is None else hints.crop(*spec["crop"])

    def _shown(self, picture: Picture, spec: dict[str, Any]) -> Outcome:
        part: Box | None = spec.get("part")
        format = spec["format"] or "webp"
        data = preview(picture, size=spec["size"], crop=part, format=format)
        name = f"shown{SUFFIXES[format]}"
        self.store.write(Path(name), io.BytesIO(data))
        return {"file": name, "media_type": TYPES[format]}


def facts_of(picture: Picture) -> dict[str, Any]:
    """Plain facts of a picture, for clients."""
    return picture.describe() | {"notes": list(picture.notes)}


def _megapixels(picture: Picture) -> float:
    return picture.width * picture.height / MEGA


def _zip(name: str, entries: list[tuple[str, Path]]) -> None:
    with zipfile.ZipFile(name, "w", zipfile.ZIP_STORED) as archive:
        for entry, path in entries:
            archive.write(path, entry)
