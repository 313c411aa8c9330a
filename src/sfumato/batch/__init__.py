"""Many picture files: what there is to do, where each result goes, doing it, and a report that lists what failed."""

from .jobs import Job, Plan, estimate_pixels, plan
from .records import fingerprint
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
    "fingerprint",
    "plan",
    "run",
]
