"""Many picture files: what there is to do, where each result goes, doing it, and a report that lists what failed."""

from .jobs import Job, Plan, estimate_pixels, listed, plan
from .ray import AUTO, run_on_ray
from .records import fingerprint
from .remote import is_remote, plan_remote
from .report import BatchOptions, BatchReport, Failure, Listener, Outcome
from .runner import run

__all__ = [
    "AUTO",
    "BatchOptions",
    "BatchReport",
    "Failure",
    "Job",
    "Listener",
    "Outcome",
    "Plan",
    "estimate_pixels",
    "fingerprint",
    "is_remote",
    "listed",
    "plan",
    "plan_remote",
    "run",
    "run_on_ray",
]
