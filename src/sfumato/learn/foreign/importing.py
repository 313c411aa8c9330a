"""A file of others becomes a model file: read, brought into form, measured, compared with what it was, and sealed."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from sfumato.errors import OVERWRITE, ModelError, Option, UsageError, exists_already
from sfumato.files import write_whole
from sfumato.models import model_file, zoo
from sfumato.models.card import FOREIGN, Card, Input, Output
from sfumato.models.engine import open_session, read_file
from sfumato.models.fields import known
from sfumato.tiling.strips import Planes

from ..memory import Feed, measured_bytes_per_pixel
from . import dtmodel, graphs, probing
from .graphs import PICTURE, RESULT, Layout

MAX_DIFFERENCE = 1e-3  # of the model file from the original, of 1
MAX_BLENDED_PIXELS = 1024 * 1024  # of a window of a network that sees a picture whole
MEASURED = (128, 320)  # sides of the squares between which the memory is measured
TASKS = tuple(task for task in zoo.FOR_TASK if task not in ("upscale", "inpaint", "scratches", "fade", "colorize"))
UNSTATED = "not stated"
CHECKPOINTS = (".pth", ".pt", ".ckpt", ".safetensors")  # weights of PyTorch

KINDS = {"tensor(float16)": np.float16, "tensor(double)": np.float64}  # of inputs, by the runtime's names

Original = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]  # the file as it came, on a picture and a map


@dataclass(frozen=True)
class Imported:
    """path: the model file; card: what it says; notes: sentences about what was found."""

    path: Path
    card: Card
    notes: tuple[str, ...]


def import_model(
    source: str | Path,
    target: str | Path | None = None,
    *,
    task: str = "",
    licence: str = "",
    scale: int | None = None,
    value_range: tuple[float, float] | None = None,
    overwrite: bool = False,
    threads: int | None = None,
    on_stage: Callable[[str], None] = probing.no_stage,
) -> Imported:
    """Make a model file of an ONNX file, or of darktable's .dtmodel, that others trained.

    target: the model file; beside the source, with the suffix .sfumato.onnx, unless given. task: what a model that
    keeps the size is for, one of TASKS; those that enlarge are for "upscale". licence: as its authors state it.
    scale: which upscaler of a package with several. value_range: of the pictures that it takes and gives, such as
    (-1, 1); found out unless given, which tells 0..1 and 0..255 apart and nothing else. on_stage: called with what is
    being done, in words, since large networks take minutes.

    Raises ModelError for a file that cannot be a model file, UsageError for a task that cannot be meant.
    """
    source = Path(source)
    target = Path(target) if target else source.with_name(f"{source.stem}.sfumato.onnx")
    if target.suffix.lower() != ".onnx":
        raise UsageError(f"{target}: the name of a model file ends in .onnx.")
    if task and task != "upscale":
        known(task, TASKS, "task")
    if target.exists() and not overwrite:
        raise ModelError(exists_already(target), *OVERWRITE)
    data = read_file(source)
    stated: dict[str, str] = {}
    multiple = 1
    if dtmodel.is_package(data):
        data, stated = dtmodel.read(data, str(source), scale=scale)
    elif scale is not None:
        raise UsageError(Option("scale"), " chooses among the models of a .dtmodel package.")
    facts = {"source": source.name, "source_sha256": hashlib.sha256(read_file(source)).hexdigest()}
    if source.suffix.lower() in CHECKPOINTS:
        from .checkpoints import trace_checkpoint

        traced = trace_checkpoint(source, on_stage)
        data, facts, multiple = traced.data, traced.facts | facts, traced.multiple
        stated["task"] = traced.task
    name = target.name.removesuffix(target.suffix).removesuffix(".sfumato")
    card, sealed, notes = from_onnx(
        *(data, str(source)),
        name=name,
        task=task or stated.get("task", ""),
        licence=licence,
        value_range=value_range,
        facts=facts,
        multiple=multiple,
        threads=threads,
        on_stage=on_stage,
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, sealed)
    return Imported(target, card, notes)


def from_onnx(
    data: bytes,
    where: str,
    *,
    name: str,
    task: str = "",
    licence: str = "",
    value_range: tuple[float, float] | None = None,
    facts: dict[str, Any] | None = None,
    multiple: int = 1,
    threads: int | None = None,
    on_stage: Callable[[str], None] = probing.no_stage,
) -> tuple[Card, bytes, tuple[str, ...]]:
    """The card and the bytes of a model file, and sentences about them, for a plain ONNX model; errors as above.

    multiple: of which the sides of pictures are known to have to be multiples. on_stage: as above.
    """
    on_stage("looking at what it takes")
    model = graphs.parse(data, where)
    layout, stored, scale = _layout(model, where, value_range, threads)
    stated = layout.size
    on_stage("measuring how far it sees")
    run = _runner(stored, where, threads)
    notes: list[str] = []
    if layout.size is not None and (free := _freed(model, layout, run, where, threads)) is not None:
        layout, stored, geometry = free
        run = _runner(stored, where, threads)
        notes.append(f"{where} states a fixed size, but runs in any.")
    elif layout.size is not None:
        geometry = probing.Geometry(scale, 1, None)
        stored = graphs.adapted(model, layout, scale=scale)
        height, width = layout.size
        notes.append(
            f"{where} takes pictures of {width}x{height} only: others go through it in windows of that size, "
            "which are blended; exported with dynamic height and width it would be exact."
        )
    else:
        fills = layout.level == "mask"  # holes are filled in windows, whatever the network sees
        geometry = _named(where, lambda: probing.geometry_of(run, layout.channels, scale, multiple, whole=fills))
    task = "inpaint" if layout.level == "mask" else task or ("denoise" if layout.level else "")
    on_stage("measuring its memory")
    card = _card(name, layout, geometry, _task(task, scale, where), licence, facts or {}, stored, model)
    on_stage("comparing it with the file")
    _compare(data, run, card, layout, stated, where, threads)
    on_stage("comparing pieces with the whole")
    card, error = _in_pieces(run, card)
    card = replace(card, config={**card.config, "tiles": _tiles(card, error)})
    if card.halo is None and layout.size is None:
        notes.append(f"{name} sees a picture whole; large ones go through it in windows that overlap.")
    return card, model_file.seal(stored, card), tuple(notes)


def _layout(
    model: onnx.ModelProto, where: str, value_range: tuple[float, float] | None, threads: int | None
) -> tuple[Layout, bytes, int]:
    """How the graph takes pictures, the graph brought into form by it, and its scale."""
    reasons: list[str] = []
    for layout in graphs.layouts(model, where):
        try:
            stored = graphs.adapted(model, layout)
            run = _runner(stored, where, threads)
            y, x_hat = probing.first_result(run, layout.channels, layout.size)
            scale = probing.scale_of(y, x_hat)
        except ModelError as error:
            reasons.append(str(error).rstrip("."))
            continue
        found = replace(layout, range=value_range or probing.range_of(run, y, scale))
        return found, graphs.adapted(model, found, scale=scale), scale
    reason = reasons[0] if reasons[0].startswith(where) else f"{where} {reasons[0]}"
    raise ModelError(f"{reason}; it cannot be imported as a model that takes a picture and gives one.")


def _freed(
    model: onnx.ModelProto, layout: Layout, run: probing.Network, where: str, threads: int | None
) -> tuple[Layout, bytes, probing.Geometry] | None:
    """The same with a free size, where the graph runs so and agrees with itself at the size that it states."""
    assert layout.size is not None
    free = replace(layout, size=None)
    try:
        stored = graphs.adapted(model, free)
        freed = _runner(stored, where, threads)
        y = probing.sample_picture(layout.channels, *layout.size)
        x_hat = run(y)
        geometry = probing.geometry_of(freed, layout.channels, probing.scale_of(y, x_hat))
        agrees = float(np.abs(freed(y) - x_hat).max()) <= probing.TOLERANCE
    except ModelError:
        return None
    # Without a halo it may be the stated size, built into it, that a larger picture is bent to.
    return (free, stored, geometry) if agrees and geometry.halo is not None else None


def _runner(stored: bytes, where: str, threads: int | None) -> probing.Network:
    """The adapted graph on one picture; raises ModelError where the runtime does."""
    session, _ = open_session(stored, where, threads or 0, "cpu")
    level = next((port.name for port in session.get_inputs() if port.name != PICTURE), "")

    def run(planes: Planes) -> Planes:
        feed = {PICTURE: np.ascontiguousarray(planes[None], np.float32)}
        if level:
            feed[level] = probing.sample_map(level, planes)[None]
        try:
            result = session.run([RESULT], feed)[0]
        except Exception as error:  # ONNX Runtime's exceptions have no common class of their own
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
            size = f"{planes.shape[2]}x{planes.shape[1]}"
            raise ModelError(f"{where} fails on a picture of {size} pixels ({reason}).") from None
        if result.ndim != 4 or result.shape[0] != 1:
            raise ModelError(f"{where} gives {'x'.join(map(str, result.shape))} for one picture.")
        return np.asarray(result[0], np.float32)

    return run


def _named(where: str, measure: Callable[[], probing.Geometry]) -> probing.Geometry:
    try:
        return measure()
    except ModelError as error:
        text = str(error)
        raise ModelError(text if text.startswith(where) else f"{where} {text}.") from None


def _task(task: str, scale: int, where: str) -> str:
    """What the model is for: "upscale" where it enlarges; otherwise what was stated, or "clean" where nothing was."""
    if scale > 1:
        if task not in ("", "upscale"):
            raise UsageError(f"{where} enlarges {scale} times: its task is upscale, not {task}.")
        return "upscale"
    if task == "upscale":
        raise UsageError(f"{where} keeps the size of a picture: its task is one of {', '.join(TASKS)}.")
    return task if task in (*TASKS, "inpaint") else "clean"


def _card(
    name: str,
    layout: Layout,
    geometry: probing.Geometry,
    task: str,
    licence: str,
    facts: dict[str, Any],
    stored: bytes,
    model: onnx.ModelProto,
) -> Card:
    size = layout.size or ()
    if size:
        bytes_per_pixel = 4000  # one size cannot be measured against another
    else:
        sides = [geometry.stride * -(-side // geometry.stride) for side in MEASURED]
        maps = [layout.level] if layout.level else []
        feeds: list[Feed] = [{PICTURE: (1, layout.channels, n, n), **dict.fromkeys(maps, (1, 1, n, n))} for n in sides]
        bytes_per_pixel = measured_bytes_per_pixel(stored, feeds, sides[1] ** 2 - sides[0] ** 2)
    what = f"Enlarges {geometry.scale} times" if geometry.scale > 1 else "Restores pictures"
    levels = (Input(layout.level, layout.level, 1),) if layout.level else ()
    return Card(
        name=name,
        family=FOREIGN,
        task=task,
        summary=f"{what}{'' if layout.channels == 3 else ', grey'}; {facts.get('architecture', 'imported')}.",
        inputs=(Input(PICTURE, channels=layout.channels), *levels),
        outputs=(Output(RESULT, channels=layout.channels),),
        scale=geometry.scale,
        stride=geometry.stride,
        halo=geometry.halo,
        max_pixels=(math.prod(size) if size else MAX_BLENDED_PIXELS) if geometry.halo is None else None,
        size=size,
        fixed_size=bool(size),
        bytes_per_pixel=bytes_per_pixel,
        num_parameters=sum(math.prod(t.dims) for t in model.graph.initializer if t.data_type in graphs.FLOATS),
        config={**facts, "layout": layout.describe()},
        licence=licence or UNSTATED,
    )


def _in_pieces(run: probing.Network, card: Card) -> tuple[Card, float | None]:
    """The card with a halo by which tiles of a test picture are exact, or none, and how far they are from the whole."""
    error = probing.tiling_error(run, card)
    while card.halo is not None and error is not None and not error <= probing.TOLERANCE:
        halo = card.stride * math.ceil(max(1.5 * card.halo, 8) / card.stride)
        if halo > probing.MAX_HALO:
            card = replace(card, halo=None, max_pixels=MAX_BLENDED_PIXELS)
        else:
            card = replace(card, halo=halo)
        error = probing.tiling_error(run, card)
    return card, error


def _tiles(card: Card, error: float | None) -> str:
    """How large pictures go through it, in words, and by how much that differs from the whole."""
    if error is None:
        return f"blended windows of {card.size[1]}x{card.size[0]}, the only size that it takes"
    if card.halo is None:
        return f"blended windows, not exact: up to {255 * error:.2g} of 255 from the whole on a test picture"
    return f"exact: {255 * error:.1g} of 255 from the whole on a test picture"


def _compare(
    data: bytes,
    run: probing.Network,
    card: Card,
    layout: Layout,
    stated: tuple[int, int] | None,
    where: str,
    threads: int | None,
) -> None:
    """Raise ModelError where the graph, at three sizes or the stated one, gives something else than its file."""
    original = _as_it_came(data, where, threads)
    least = card.stride * -(-probing.LEAST_SIDE // card.stride)
    sizes = [stated] if stated else [(least, least + card.stride * n) for n in (0, 2, 5)]
    for number, size in enumerate(sizes):
        y = probing.sample_picture(layout.channels, *size, seed=number)
        low, high = layout.range
        given = (low + (high - low) * y)[None]
        level = probing.sample_map(layout.level, y)[None]
        if layout.channels_last:
            given, level = given.transpose(0, 2, 3, 1), level.transpose(0, 2, 3, 1)
        expected = original(given, level).astype(np.float32)
        expected = (expected.transpose(0, 3, 1, 2) if layout.channels_last else expected)[0]
        difference = float(np.abs((expected - low) / (high - low) - run(y)).max())
        if not difference <= MAX_DIFFERENCE:
            raise ModelError(
                f"{where} gives something else as a model file, by {difference:.2g} of 1 at {size[1]}x{size[0]}: "
                "it is not imported."
            )


def _as_it_came(data: bytes, where: str, threads: int | None) -> Original:
    """The file itself on the runtime, on arrays as it takes them but for their type."""
    session, _ = open_session(data, where, threads or 0, "cpu")

    def run(x: NDArray[Any], level: NDArray[Any]) -> NDArray[Any]:
        ports = session.get_inputs()
        values = [level if graphs.map_of(port.name) and len(ports) > 1 else x for port in ports]
        feed = {
            port.name: value.astype(KINDS.get(port.type, np.float32)) for port, value in zip(ports, values, strict=True)
        }
        return np.asarray(session.run(None, feed)[0])

    return run
