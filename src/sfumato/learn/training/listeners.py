"""What watches a run without being part of it: the log, the progress bar, TensorBoard, sample sheets."""

import contextlib
import json
import math
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from torch.utils.tensorboard import SummaryWriter

from sfumato.files import write_whole

from ..data.store import PictureStore
from .config import TrainConfig
from .objectives import Validation
from .state import Progress


class Listener:
    """Called by the loop's main process; every method may be left out. `ended` comes last, also after an error."""

    def decoded(self, done: int, total: int) -> None: ...

    def started(self, progress: Progress, store: PictureStore, held_out: PictureStore | None) -> None: ...

    def noted(self, sentence: str) -> None: ...

    def logged(self, record: dict[str, float]) -> None: ...

    def validated(self, progress: Progress, outcome: Validation) -> None: ...

    def ended(self, progress: Progress) -> None: ...


class JsonLog(Listener):
    """One JSON object a line in log.jsonl: training records and validations."""

    def __init__(self, run: Path) -> None:
        self.path = run / "log.jsonl"

    def _write(self, record: dict[str, Any]) -> None:
        with open(self.path, "a") as out:
            out.write(json.dumps(record) + "\n")

    def started(self, progress: Progress, store: PictureStore, held_out: PictureStore | None) -> None:
        """Drop what was logged after the state was saved that the run goes on from: those steps come again."""
        kept = [line for line in read_log(self.path) if line["step"] <= progress.step]
        write_whole(self.path, "".join(json.dumps(line) + "\n" for line in kept))

    def logged(self, record: dict[str, float]) -> None:
        self._write(record)

    def validated(self, progress: Progress, outcome: Validation) -> None:
        self._write(progress.history[-1] | {"best": progress.best_step == progress.step})


def read_log(path: Path) -> list[dict[str, Any]]:
    """The records of a log.jsonl, without a last line that a kill cut short; none where there is no file."""
    records = []
    for line in path.read_text().splitlines() if path.exists() else ():
        with contextlib.suppress(json.JSONDecodeError):
            records.append(json.loads(line))
    return records


class Sheets(Listener):
    """samples/STEP.png after every validation: rows of before, after, truth."""

    def __init__(self, run: Path) -> None:
        self.folder = run / "samples"

    def validated(self, progress: Progress, outcome: Validation) -> None:
        import pyvips

        self.folder.mkdir(exist_ok=True)
        tiles = (outcome.sheet * 255).round().byte().permute(0, 1, 3, 4, 2).contiguous().numpy()
        rows = [np.concatenate(list(row), axis=1) for row in tiles]
        picture = pyvips.Image.new_from_array(np.concatenate(rows, axis=0))
        picture.write_to_file(str(self.folder / f"{progress.step:08d}.png"))


class TensorBoard(Listener):
    """Scalars for `tensorboard --logdir RUN`."""

    def __init__(self, run: Path) -> None:
        self.folder = run / "tensorboard"
        self.writer: SummaryWriter | None = None

    def started(self, progress: Progress, store: PictureStore, held_out: PictureStore | None) -> None:
        self.writer = SummaryWriter(str(self.folder), purge_step=progress.step + 1)

    def _write(self, prefix: str, record: dict[str, float], step: int) -> None:
        assert self.writer is not None, "started comes first"
        for name, value in record.items():
            if name not in ("step", "seconds", "fraction"):
                self.writer.add_scalar(f"{prefix}/{name}", value, step)

    def logged(self, record: dict[str, float]) -> None:
        self._write("train", record, int(record["step"]))

    def validated(self, progress: Progress, outcome: Validation) -> None:
        assert self.writer is not None, "started comes first"
        self._write("validation", outcome.figures, progress.step)
        self.writer.flush()

    def ended(self, progress: Progress) -> None:
        if self.writer is not None:
            self.writer.close()


class ProgressBar(Listener):
    """A bar with losses, rate and time left on a terminal; a line now and then elsewhere, `every` seconds apart."""

    def __init__(self, config: TrainConfig, *, every: float = 30.0) -> None:
        self.config, self.every, self.last = config, every, -math.inf
        self.console = Console(stderr=True)
        self.bar = Bar(
            TextColumn(config.name),
            BarColumn(),
            TextColumn("{task.percentage:5.1f} %  left {task.fields[left]}  {task.fields[note]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task(config.name, total=1.0, note="", left="")

    def _say(self, line: str) -> None:
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _is_time(self) -> bool:
        """Whether the next line is due; the first one is."""
        due = time.monotonic() - self.last >= self.every
        self.last = time.monotonic() if due else self.last
        return due

    def decoded(self, done: int, total: int) -> None:
        if self._is_time():
            self._say(f"reading pictures: {done} of {total}")

    def started(self, progress: Progress, store: PictureStore, held_out: PictureStore | None) -> None:
        held = f"{len(held_out)} held out" if held_out else "none held out: one picture only"
        pixels = sum(h * w for h, w, _ in store.shapes) / 1e6
        self._say(f"{len(store)} pictures ({pixels:.1f} megapixels) to train on, {held}")
        for line in (*store.unreadable, *(held_out.unreadable if held_out else ())):
            self._say(f"left out, unreadable: {line}")
        if progress.step:
            self._say(f"going on after step {progress.step} ({progress.fraction:.1%})")
        self.last = -math.inf
        self.bar.start()

    def noted(self, sentence: str) -> None:
        self._say(sentence)

    def logged(self, record: dict[str, float]) -> None:
        known = ("step", "fraction", "seconds", "lr", "images_per_second")
        losses = "  ".join(f"{name} {value:.4f}" for name, value in record.items() if name not in known)
        note = f"step {record['step']:.0f}  {losses}  {record['images_per_second']:.0f} images/s"
        fraction, left = record["fraction"], self._time_left(record)
        self.bar.update(self.task, completed=fraction, note=note, left=left)
        if not self.console.is_terminal and (self._is_time() or fraction >= 1):
            self._say(f"{fraction:6.1%}  {note}  {left} left")

    def _time_left(self, record: dict[str, float]) -> str:
        whole = self.config.seconds or record["seconds"] / max(record["fraction"], 1e-9)
        return str(timedelta(seconds=round(max(whole - record["seconds"], 0.0))))

    def validated(self, progress: Progress, outcome: Validation) -> None:
        figures = "  ".join(f"{name} {value:.3f}" for name, value in outcome.figures.items())
        best = "  (best so far)" if progress.best_step == progress.step else ""
        self._say(f"{progress.fraction:6.1%}  step {progress.step}  held out: {figures}{best}")

    def ended(self, progress: Progress) -> None:
        self.bar.stop()
