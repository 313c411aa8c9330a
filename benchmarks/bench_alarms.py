"""Whether an alarm is raised where a run goes wrong: `python benchmarks/bench_alarms.py DATA [--steps N] [--only RUN]`.

150 pictures of the emoji category "Animals & Nature" (DATA holds generation/emoji64.zip) are trained on as `sfumato
train auto --time 4m` chooses, but with a narrower network (QUICK) and for a fixed number of steps, so that the table
does not depend on the machine; then so that it must go wrong: with a discriminator that learns nothing, with twenty
times the learning rate, with twenty pictures only, with and without the augmentation that auto takes. About two
minutes a run on one core. Comments beside the table hold what was measured under way.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sfumato.errors import TrainingError
from sfumato.learn.data.folders import list_pictures
from sfumato.learn.training.auto import choose
from sfumato.learn.training.examination import examine
from sfumato.learn.training.listeners import JsonLog, Sheets
from sfumato.learn.training.recipes import RECIPES
from sfumato.learn.training.trainer import train

CATEGORY, COUNT, FEW = "Animals & Nature", 150, 20
QUICK = ("model.patch=2", "model.widths=[32,64,96]", "options.penalty_every=4", "batch=16", "threads=1")


@dataclass(frozen=True)
class Run:
    """A run by its name: how many of the pictures, and what is set differently from what auto chooses."""

    name: str
    count: int = COUNT
    settings: tuple[str, ...] = ()


RUNS = (
    Run("as auto chooses"),
    Run("frozen discriminator", settings=("options.discriminator_rate=0",)),
    Run("learning rate x20", settings=(f"lr={20 * RECIPES['gan']().lr:g}",)),
    Run(f"{FEW} pictures", count=FEW),
    Run(f"{FEW} pictures, no augmentation", FEW, ("options.augment=[]", "options.p=0", "options.adapt=false")),
)


def subset(data: Path, folder: Path, count: int) -> Path:
    """The first `count` pictures of the category, evenly spaced over it, as files."""
    listing = list_pictures(data / "generation" / "emoji64.zip")
    labels = listing.labels("category")
    chosen = [name for name in listing.names if labels[name] == CATEGORY]
    kept = {chosen[i * len(chosen) // count] for i in range(count)}
    folder.mkdir()
    for name, stored in listing.read():
        if name in kept:
            assert isinstance(stored, bytes), "pictures of a zip are files"
            (folder / Path(name).name).write_bytes(stored)
    return folder


def report(run: Run, data: Path, place: Path, steps: int) -> None:
    """Trains, and prints the line of the table, and what was measured under way."""
    settings = (f"steps={steps}", f"validate_every={steps / 8:g}", f"save_every={steps}", *QUICK, *run.settings)
    config = choose(examine(str(data)), "4m", device="cpu", shipped=()).configure(str(data), settings=settings)
    try:
        progress = train(config, place, listeners=[JsonLog(place), Sheets(place)])
    except TrainingError as stopped:
        print(f"| {run.name} | stopped | | {stopped} |", flush=True)
        return
    if progress.fraction < 1 and not progress.events:
        print(f"| {run.name} | not known | | stopped from outside at {progress.fraction:.0%} |", flush=True)
        return
    alarms = [event for event in progress.events if "ALARM" in event]
    fraction, sentence = "", ""
    if alarms:
        step = int(alarms[0].removeprefix("step ").partition(":")[0])
        fraction, sentence = f"{step / steps:.0%}", alarms[0].partition("ALARM, ")[2]
    print(f"| {run.name} | {len(alarms) or 'no'} | {fraction} | {sentence} |", flush=True)
    for event in alarms:
        print(f"<!-- {run.name}, {event} -->", flush=True)
    for entry in progress.history:
        figures = ", ".join(f"{name} {entry[name]:.3g}" for name in ("kid", "precision", "recall", "near_copies"))
        print(f"<!-- {run.name}, {entry['fraction']:.0%}: {figures} -->", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--only", choices=[run.name for run in RUNS])
    parser.add_argument("--keep", type=Path, help="folder for the runs, with log and sample sheets")
    options = parser.parse_args()
    print(f"\n{COUNT} emoji of {CATEGORY!r}, {options.steps} steps\n")
    print("| run | alarms | first at | it says |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as work:
        for run in RUNS:
            if options.only in (None, run.name):
                data = subset(options.data, Path(work) / run.name, run.count)
                report(run, data, (options.keep or Path(work) / "runs") / run.name, options.steps)


if __name__ == "__main__":
    main()
