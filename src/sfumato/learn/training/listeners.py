"""What watches a run without being part of it: the log, the progress bar, TensorBoard, sample sheets."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..data.patches import PictureStore
from .config import TrainConfig
from .objectives import Validation
from .state import Progress


class Listener:
    """Called by the loop's main process; every method may be left out."""

    def started(self, store: PictureStore, held_out: PictureStore | None) -> None: ...

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

    def logged(self, record: dict[str, float]) -> None:
        self._write(record)

    def validated(self, progress: Progress, outcome: Validation) -> None:
        self._write(progress.history[-1] | {"score": outcome.score, "best": progress.best_step == progress.step})


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
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(run / "tensorboard"))

    def _write(self, prefix: str, record: dict[str, float], step: int) -> None:
        for name, value in record.items():
            if name not in ("step", "seconds", "fraction"):
                self.writer.add_scalar(f"{prefix}/{name}", value, step)

    def logged(self, record: dict[str, float]) -> None:
        self._write("train", record, int(record["step"]))

    def validated(self, progress: Progress, outcome: Validation) -> None:
        self._write("validation", outcome.figures, progress.step)
        self.writer.flush()

    def ended(self, progress: Progress) -> None:
        self.writer.close()


class ProgressBar(Listener):
    """A bar with losses, rate and time left on a terminal; plain lines elsewhere."""

    def __init__(self, config: TrainConfig) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self.console = Console(stderr=True)
        self.bar = Bar(
            TextColumn(config.name),
            BarColumn(),
            TextColumn("{task.percentage:5.1f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task(config.name, total=1.0, note="")
        self.bar.start()

    def started(self, store: PictureStore, held_out: PictureStore | None) -> None:
        held = f"{len(held_out)} held out" if held_out else "none held out: one picture only"
        pixels = sum(h * w for h, w, _ in store.shapes) / 1e6
        self.console.print(f"{len(store)} pictures ({pixels:.1f} megapixels) to train on, {held}", highlight=False)
        for line in (*store.unreadable, *(held_out.unreadable if held_out else ())):
            self.console.print(f"left out, unreadable: {line}", highlight=False, markup=False)

    def logged(self, record: dict[str, float]) -> None:
        known = ("step", "fraction", "seconds", "lr", "images_per_second")
        losses = "  ".join(f"{name} {value:.4f}" for name, value in record.items() if name not in known)
        note = f"step {record['step']:.0f}  {losses}  {record['images_per_second']:.0f} images/s"
        self.bar.update(self.task, completed=record["fraction"], note=note)

    def validated(self, progress: Progress, outcome: Validation) -> None:
        figures = "  ".join(f"{name} {value:.3f}" for name, value in outcome.figures.items())
        best = "  (best so far)" if progress.best_step == progress.step else ""
        line = f"{progress.fraction:6.1%}  step {progress.step}  held out: {figures}{best}"
        self.console.print(line, highlight=False, soft_wrap=True)

    def ended(self, progress: Progress) -> None:
        self.bar.stop()
