"""report.md of a run: what was trained, how it went, how far training pictures are ahead of held-out ones."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from sfumato.files import write_whole

from .config import TrainConfig
from .listeners import read_log
from .state import Progress

SKIPPED = {"step", "fraction", "seconds", "lr", "images_per_second", "score"}


def write_report(run: Path, config: TrainConfig, progress: Progress) -> Path:
    """Write report.md with loss.png, validation.png and gap.png beside it; gives its path."""
    records = read_log(run / "log.jsonl")
    plots = _plots(run, [r for r in records if "lr" in r], progress.history)
    best = next((h for h in progress.history if h["step"] == progress.best_step), {})
    height, width = config.sample_size
    samples = f"{'pictures' if 'size' in config.model else 'patches'} of {height}x{width}"
    lines = [
        f"# {config.name}",
        "",
        f"{config.family}, {progress.step} steps of {config.batch} {samples}, "
        f"{timedelta(seconds=round(progress.seconds))} (h:mm:ss); data: {config.data}; "
        f"held out: {config.val or 'a share of the data'}.",
        "",
        *_table(best),
        *[f"![{name}]({name})\n" for name in plots],
        *_verdict(progress.history),
        *[f"- {event}" for event in progress.events],
        "",
    ]
    sheets = sorted((run / "samples").glob("*.png"))
    if sheets:
        compared = config.objective in ("restoration", "level", "segmentation")
        shown = "before, after, truth" if compared else "the same each time"
        lines += [f"## Last samples: {shown}", "", f"![samples](samples/{sheets[-1].name})", ""]
    lines += ["## Settings", "", "```json", config.to_json(), "```", ""]
    report = run / "report.md"
    write_whole(report, "\n".join(lines))
    return report


def _table(best: dict[str, Any]) -> list[str]:
    names = [name for name in best if name not in SKIPPED and not name.startswith("train_")]
    if not names:
        return ["Nothing was validated: no pictures were held out, or the run ended before.", ""]
    rows = [f"Best state: step {best['step']}.", "", "| figure | held out | training pictures |", "|---|---|---|"]
    for name in names:
        seen = f"{best[f'train_{name}']:.3f}" if f"train_{name}" in best else ""
        rows.append(f"| {name} | {best[name]:.3f} | {seen} |")
    return [*rows, ""]


def _verdict(history: list[dict[str, Any]]) -> list[str]:
    """Whether the run was too short, and whether it overfits, in words."""
    # an earlier part of a run may have been judged by other figures
    scores = [(h["fraction"], h["score"]) for h in history if "score" in h and h.keys() == history[-1].keys()]
    if len(scores) < 4:
        return []
    late = scores[-1][1] - next(s for f, s in scores if f >= scores[-1][0] * 0.8)
    total = max(s for _, s in scores) - scores[0][1]
    best = max(range(len(scores)), key=lambda i: scores[i][1])
    if scores[best][1] - scores[-1][1] > 0.05 * total and best < len(scores) - 2:
        return ["The held-out figures fell after their best: the run overfits; the best state is what is exported.", ""]
    if late > 0.02 * total:
        return ["The held-out figures still rose over the last fifth: a longer run would give more.", ""]
    return []


def _plots(run: Path, training: list[dict[str, Any]], history: list[dict[str, Any]]) -> list[str]:
    def plot(name: str, title: str, series: dict[str, tuple[list, list]], label: str) -> str:
        figure = Figure(figsize=(8, 4), layout="constrained")
        axes = figure.subplots()
        for legend, (steps, values) in series.items():
            axes.plot(steps, values, label=legend, marker="." if len(steps) < 50 else None)
        axes.set(xlabel="step", ylabel=label, title=title)
        axes.grid(alpha=0.3)
        axes.legend()
        figure.savefig(run / name, dpi=100)
        return name

    made = []
    losses = sorted({key for record in training for key in record} - SKIPPED)
    if training:
        series = {k: ([r["step"] for r in training if k in r], [r[k] for r in training if k in r]) for k in losses}
        made.append(plot("loss.png", "Training loss", series, "loss"))
    later = history[1:] or history
    names = [k for k in dict.fromkeys(k for h in later for k in h) if k not in SKIPPED and not k.startswith("train_")]
    if names:
        series = {k: ([h["step"] for h in later if k in h], [h[k] for h in later if k in h]) for k in names}
        made.append(plot("validation.png", "Held-out pictures", series, "figure"))
        both = {k: [h for h in later if k in h and f"train_{k}" in h] for k in names}
        gaps = {k: ([h["step"] for h in hs], [h[f"train_{k}"] - h[k] for h in hs]) for k, hs in both.items() if hs}
        if gaps:
            made.append(plot("gap.png", "Training pictures minus held-out pictures", gaps, "difference"))
    return made
