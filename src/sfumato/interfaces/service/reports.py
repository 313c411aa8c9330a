"""What was done to a picture, as JSON; and the states of jobs and items."""

from typing import Any

from ...restoration.result import Restored, Step
from .queue import Item, JobStatus

RESULT = "/v1/jobs/{job}/items/{number}"


def report_of(restored: Restored, format: str) -> dict[str, Any]:
    """Steps, with the levels that were estimated or stated, and the library's sentences."""
    return {
        "steps": [_step(step) for step in restored.steps],
        "strength": restored.strength,
        "notes": [*restored.source.notes, *restored.notes, *restored.not_kept_by(format)],
        "advice": restored.advice,
        "untouched": restored.untouched,
        "made_up": restored.filled is not None and bool(restored.filled.any()),
        "width": restored.picture.width,
        "height": restored.picture.height,
        "seconds": round(restored.seconds, 3),
    }


def _step(step: Step) -> dict[str, Any]:
    facts = {
        "model": step.model,
        "task": step.task,
        "noise": None if step.noise is None else round(255 * step.noise.typical, 1),
        "jpeg_quality": None if step.jpeg_quality is None else round(step.jpeg_quality),
        "filled": step.filled,
        "text": step.describe(),
    }
    return {name: value for name, value in facts.items() if value is not None}


def item_of(job: str, item: Item) -> dict[str, Any]:
    """An item for a client: where it is, and then its report and where its files are, or the problem."""
    where = RESULT.format(job=job, number=item.number)
    facts: dict[str, Any] = {
        "number": item.number,
        "name": item.name,
        "state": item.state,
        "progress": round(item.progress, 4),
    }
    outcome = item.outcome
    if item.state == "failed":
        return facts | {"problem": outcome}
    if item.state != "done":
        return facts
    for name in ("report", "picture", "adjustable"):
        if name in outcome:
            facts[name] = outcome[name]
    if "file" in outcome:
        facts |= {"result": f"{where}/result", "media_type": outcome["media_type"]}
    if "parts" in outcome:
        facts["parts"] = [f"{where}/parts/{number}" for number in range(len(outcome["parts"]))]
    return facts


def job_of(status: JobStatus) -> dict[str, Any]:
    """A job for a client."""
    return {
        "id": status.id,
        "kind": status.spec.get("call", status.spec["kind"]),
        "state": status.state,
        "progress": round(status.progress, 4),
        "ahead": status.ahead,
        "created": status.created,
        "expires": status.expires,
        "items": [item_of(status.id, item) for item in status.items],
        "links": {
            "self": f"/v1/jobs/{status.id}",
            "events": f"/v1/jobs/{status.id}/events",
            "zip": f"/v1/jobs/{status.id}/zip",
        },
    }
