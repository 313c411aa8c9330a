"""Many picture files: what there is to do, where each result goes, doing it, and a report that lists what failed."""

from .jobs import Job, Plan, estimate_pixels, plan
from .runner import BatchOptions, BatchReport, Failure, Listener, Outcome, run

__all__ = [
    "BatchOptions",
    "BatchReport",
    "Failure",
    "Job",
    "Listener",
    "Outcome",
    "Plan",
    "estimate_pixels",
    "plan",
    "run",
]
