"""A batch over any number of machines by Ray: the same call as on one, one engine in each of its actors.

Names go out and what became of each picture comes back; the pictures themselves are read and written by the actors, so
that the memory of none grows with the batch. When a machine is lost, Ray does again what it was at: results appear
whole or not at all, so that is harmless.
"""

import contextlib
import logging
import os
import pickle
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import interrupts
from ..errors import MissingExtra, Option, PictureError, UsageError
from ..models.engine import Engine
from ..restoration.options import RestoreOptions
from ..restoration.tasks import parse_tasks
from .jobs import Job, Plan
from .remote import RemoteJob, beside
from .report import BatchOptions, BatchReport, Failure, Listener, Outcome, tell
from .runner import attempt, check_mask_out, with_engine

AUTO = "auto"
MOST_AT_ONCE = 4  # pictures that one actor is handed together
BLOCKS_AN_ACTOR = 8  # at least, so that none waits long for the last one


def run_on_ray(
    plan: Plan,
    options: BatchOptions | None = None,
    listener: Listener | None = None,
    report: BatchReport | None = None,
    *,
    address: str = AUTO,
) -> BatchReport:
    """Restore every picture of a plan on a Ray cluster; as `runner.run` in all else.

    address: of the cluster, such as "10.0.0.1:6379"; "auto" takes the one that this machine belongs to, or, where it
    belongs to none, this machine alone. Every machine needs this version of Sfumato, and the folders of sources and
    results under the same names, unless these are URLs. options.restore.threads: of each engine, 1 unless given.
    """
    ray = _ray()
    options, listener = options or BatchOptions(), listener or Listener()
    if isinstance(options.restore.model, Engine):
        raise UsageError(Option("model"), " must be a name or a file: engines stay on their machine.")
    check_mask_out(plan, options)
    parse_tasks(options.restore.task)
    report = report or BatchReport()
    report.begin(plan)
    start = time.perf_counter()
    threads = options.restore.threads or 1
    options = replace(options, restore=_everywhere(options, threads), mask_out=_absolute(options.mask_out))
    jobs = [job if isinstance(job, RemoteJob) else _absolute_job(job) for job in plan.jobs]
    if jobs:
        with interrupts.kept() as check, _cluster(ray, address):
            for number, outcome in _all_found(ray, jobs, options):
                check()
                job = plan.jobs[number]
                outcome = _renamed(replace(outcome, job=job), jobs[number].source, job.source)
                report.add(outcome)
                report.seconds = time.perf_counter() - start
                if isinstance(outcome, Outcome):
                    listener.started(outcome.job, outcome.num_pixels)
                tell(listener, outcome)
    report.seconds = time.perf_counter() - start
    report.end(options)
    return report


def _restorer(options: BatchOptions) -> type:
    """The class of actors that restore the pictures that they are handed, each by an engine of its own.

    The options are part of it: what an actor is constructed with would be lost with the machine that holds it.
    """

    class Restorer:
        def __init__(self) -> None:
            self._options = with_engine(options)

        def __call__(self, rows: dict[str, Any]) -> dict[str, list[Any]]:
            """Rows of jobs to rows of outcomes, with their numbers."""
            found = [restore_one(pickle.loads(job), self._options) for job in rows["job"]]
            return {"number": list(rows["number"]), "outcome": [pickle.dumps(outcome) for outcome in found]}

    return Restorer


def restore_one(job: Job, options: BatchOptions) -> Outcome | Failure:
    """What becomes of one picture, here or elsewhere."""
    try:
        if not isinstance(job, RemoteJob):
            return _attempt(job, options)
        with beside(job) as copy:
            return _renamed(_attempt(copy, replace(options, made_by=None)), copy.source, job.source_url)
    except (OSError, UsageError) as error:
        return Failure(job, PictureError(f"{job.source}: {error}"))


def _attempt(job: Job, options: BatchOptions) -> Outcome | Failure:
    try:
        found = attempt(job, options, Listener())
    except UsageError as error:  # here one picture's alone: what is wrong with the options was said before
        return Failure(job, error)
    assert isinstance(found, Outcome | Failure), "nothing is only looked at"
    return found


def _renamed(found: Outcome | Failure, path: Path | None, name: object) -> Outcome | Failure:
    if isinstance(found, Outcome):
        return found
    parts = [part.replace(str(path), str(name)) if isinstance(part, str) else part for part in found.error.parts]
    return Failure(found.job, type(found.error)(*parts))


def _all_found(ray: Any, jobs: list[Job], options: BatchOptions) -> Iterator[tuple[int, Outcome | Failure]]:
    """The same, with a sentence for each job that no worker came back from."""
    missing = dict(enumerate(jobs))
    for number, found in _found(ray, jobs, options):
        missing.pop(number, None)
        yield number, found
    for number, job in missing.items():
        yield number, Failure(job, PictureError(f"{job.source} was given up: the worker that was at it ended."))


def _found(ray: Any, jobs: list[Job], options: BatchOptions) -> Iterator[tuple[int, Outcome | Failure]]:
    """What became of each job, by its number, as it comes."""
    from ray.data import ActorPoolStrategy

    threads = options.restore.threads or 1
    most = max(int(ray.cluster_resources().get("CPU", 1)) // threads, 1)
    at_once = min(max(len(jobs) // (most * BLOCKS_AN_ACTOR), 1), MOST_AT_ONCE)
    rows = [{"number": number, "job": pickle.dumps(job)} for number, job in enumerate(jobs)]
    data = ray.data.from_items(rows, override_num_blocks=-(-len(rows) // at_once))
    done = data.map_batches(
        _restorer(options),
        batch_size=at_once,
        compute=ActorPoolStrategy(min_size=1, max_size=min(most, len(rows))),
        num_cpus=threads,
    )
    for row in done.iter_rows():
        yield int(row["number"]), pickle.loads(row["outcome"])


@contextlib.contextmanager
def _cluster(ray: Any, address: str) -> Iterator[None]:
    """Connected to it, and quiet about it."""
    was_there = ray.is_initialized()
    if not was_there:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        quiet = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": None}
        try:
            with _without_stderr():  # Ray writes there what it then raises
                try:
                    ray.init(address=address, **quiet)
                except ConnectionError:
                    if address != AUTO:
                        raise
                    ray.init(**quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            said = str(error).strip().splitlines()[0].rstrip(".")
            raise UsageError(Option("ray", address), f" is not reached: {said}.") from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # what they held is named
    try:
        yield
    finally:
        if not was_there:
            ray.shutdown()


@contextlib.contextmanager
def _without_stderr() -> Iterator[None]:
    """What C code writes to it as well goes nowhere."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtra('For many machines: pip install "sfumato[cluster]".') from None
    return ray


def _everywhere(options: BatchOptions, threads: int) -> RestoreOptions:
    """The options with files named so that other machines, and other folders, find them."""
    given = options.restore
    model, mask, hints = (_absolute_name(value) for value in (given.model, given.mask, given.hints))
    return replace(given, threads=threads, model=model, mask=mask, hints=hints)


def _absolute_name(value: Any) -> Any:
    return os.path.abspath(value) if isinstance(value, str | Path) and os.path.exists(value) else value


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else Path(os.path.abspath(path))


def _absolute_job(job: Job) -> Job:
    source, target, comparison = map(_absolute, (job.source, job.target, job.comparison))
    assert source is not None
    assert target is not None
    return replace(job, source=source, target=target, comparison=comparison)
