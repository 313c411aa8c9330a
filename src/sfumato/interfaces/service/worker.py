"""A worker process: claims items, does them, settles them. `python -m sfumato.interfaces.service.worker`

Settings come as one line of JSON on stdin, which stays open as long as the service lives: its end is the worker's.
"""

import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
import traceback

from ...pictures.vips import block_other_loaders
from .catalog import Catalog
from .problems import Problem, problem, problem_of
from .queue import DONE, FAILED, NETWORK, QUICK, Claim, Queue, open_queue
from .settings import MEGA, ServiceSettings
from .store import Store
from .work import Workbench

IDLE = (0.005, 0.05)  # seconds between two looks for work: at first, and at most
BEAT = 0.5  # seconds between two renewals of a lease, by which cancelling is heard of
OVERDUE = 10.0  # seconds after which an item that does not listen takes the process with it


class Stopped(BaseException):
    """The item is not to be finished here: cancelled, over its time, or the service stops."""


class Lease:
    """The right to work on an item, which `renew` prolongs while the work goes on; `advance` ends the work with it."""

    def __init__(self, queue: Queue, claim: Claim, seconds: float) -> None:
        self._queue, self._claim, self._seconds = queue, claim, seconds
        self._progress = 0.0
        self._ends = time.monotonic() + claim.seconds
        self.is_lost = False
        self.is_released = False

    @property
    def is_late(self) -> bool:
        return time.monotonic() > self._ends

    def advance(self, done: int, total: int) -> None:
        """Progress of the work. Raises Stopped where it is to end."""
        self._progress = min(done / max(total, 1), 1.0)
        if self.is_lost or self.is_released or self.is_late:
            raise Stopped

    def release(self) -> None:
        """The service stops: the work ends at its next step, and is put back."""
        self.is_released = True

    def renew(self) -> None:
        """Called from another thread than that of the work, again and again."""
        with contextlib.suppress(Exception):  # a queue that is away for a moment; the lease may survive it
            if not self._queue.renew(self._claim, self._seconds, self._progress):
                self.is_lost = True
        if time.monotonic() > self._ends + OVERDUE:
            self._queue.settle(self._claim, FAILED, too_long(self._claim))
            os._exit(1)


def too_long(claim: Claim) -> Problem:
    detail = f"The picture took longer than the {claim.seconds:g} s that one may take here."
    return problem(503, "too-long", "The work took too long", detail)


class Worker:
    """One process's loop. lanes: which work it takes."""

    def __init__(self, settings: ServiceSettings, name: str, lanes: tuple[str, ...]) -> None:
        self.settings, self.name, self.lanes = settings, name, lanes
        self.queue = open_queue(settings.work, settings.queue)
        self.store = Store(settings.work, settings.reserve_mb * MEGA)
        self.bench = Workbench(settings, self.store, Catalog.of(settings.models))
        self.stopping = threading.Event()
        self.lease: Lease | None = None

    def run(self) -> None:
        """Until the service says so."""
        threading.Thread(target=self._beat, daemon=True).start()
        wait = IDLE[0]
        while not self.stopping.is_set():
            try:
                claim = self.queue.claim(self.name, self.lanes, self.settings.lease_seconds)
                if claim is not None:
                    self._do(claim)
            except Exception as error:  # the queue is away and may come back; what was claimed is done again then
                print(f"The queue cannot be reached: {error}", file=sys.stderr)
                self.stopping.wait(1.0)
                continue
            wait = IDLE[0] if claim is not None else min(2 * wait, IDLE[1])
            if claim is None:
                self.stopping.wait(wait)

    def _do(self, claim: Claim) -> None:
        self.lease = lease = Lease(self.queue, claim, self.settings.lease_seconds)
        try:
            state, outcome = self._outcome(claim, lease)
        finally:
            self.lease = None
        if state:
            self.queue.settle(claim, state, outcome)
        elif lease.is_released and not lease.is_lost:
            self.queue.release(claim)

    def _beat(self) -> None:
        while True:
            time.sleep(min(self.settings.lease_seconds / 5, BEAT))
            if (lease := self.lease) is not None:
                lease.renew()

    def _outcome(self, claim: Claim, lease: Lease) -> tuple[str, Problem]:
        """How the item ended; "" where that is not for this worker to say."""
        try:
            self.store.check_room()
            return DONE, self.bench.perform(claim, lease.advance)
        except Stopped:
            return (FAILED, too_long(claim)) if lease.is_late else ("", {})
        except Exception as error:
            if not self.store.folder_of(claim.job).exists():
                return "", {}  # it was cancelled and its files are gone
            found = problem_of(error, claim.job)
            if found["status"] == 500:
                print(f"item {claim.number} of job {claim.job}:", file=sys.stderr)
                traceback.print_exc()
            return FAILED, found
        finally:
            os.chdir(self.store.work)

    def stop(self) -> None:
        """Finish what is at hand if that takes no longer than the grace, else put it back."""
        self.stopping.set()
        timer = threading.Timer(self.settings.grace, self._let_go)
        timer.daemon = True
        timer.start()

    def _let_go(self) -> None:
        if self.lease is not None:
            self.lease.release()


def main() -> None:
    """Arguments: the worker's name, and "quick" for one that takes quick work alone."""
    settings = ServiceSettings.from_json(sys.stdin.readline())
    name, lanes = sys.argv[1], (QUICK,) if sys.argv[2:] == [QUICK] else (QUICK, NETWORK)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    block_other_loaders()
    worker = Worker(settings, name, lanes)
    tempfile.tempdir = str(worker.store.temporary)
    os.chdir(worker.store.work)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())

    def watch() -> None:
        sys.stdin.read()
        os._exit(0)  # the service is gone; the lease runs out by itself

    threading.Thread(target=watch, daemon=True).start()
    worker.run()


if __name__ == "__main__":
    main()
