"""Jobs and their items: what a client is promised, and who works on it.

An item is one picture, or one request for new ones. It is claimed by a worker for the length of a lease, which the
worker's heartbeat renews. When the lease runs out, since the worker was killed or hangs, the item is queued again, and
after MAX_ATTEMPTS it ends in an error. Only who holds the lease can settle an item, once: every item that was accepted
ends in exactly one outcome. Doing one again is harmless, since its files are written whole.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

MAX_ATTEMPTS = 3
QUEUED, WORKING, DONE, FAILED, CANCELLED = "queued", "working", "done", "failed", "cancelled"
FINAL = (DONE, FAILED, CANCELLED)
QUICK, NETWORK = "quick", "network"  # lanes: work of milliseconds, which has a worker of its own, and all other work
GIVEN_UP = {
    "type": "worker-lost",
    "title": "The work was given up",
    "status": 500,
    "detail": f"The worker process was stopped {MAX_ATTEMPTS} times while it was at this picture, perhaps for lack of "
    "memory; send a smaller one.",
}


class QueueFull(Exception):
    """More items wait than the limit allows."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is submitted. spec: what is to be done, as JSON. names: one for each item, as the client calls it.

    lane: which workers take it. priority: lower goes first. seconds: that an item may take. expires: the time at which
    all of it is removed.
    """

    id: str
    spec: dict[str, Any]
    names: tuple[str, ...]
    lane: str = NETWORK
    priority: int = 1
    seconds: float = 1800.0
    expires: float = 0.0


@dataclass(frozen=True)
class Claim:
    """An item that a worker has taken. token: what shows that the lease is still its own."""

    job: str
    number: int
    token: str
    attempts: int
    spec: dict[str, Any]
    name: str
    seconds: float


@dataclass(frozen=True)
class Item:
    """Where an item is. progress: 0 to 1. outcome: of the worker, or a problem; {} before."""

    number: int
    name: str
    state: str
    progress: float = 0.0
    attempts: int = 0
    outcome: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class JobStatus:
    """A job as it stands. ahead: items that will be taken before its first waiting one, 0 where none waits."""

    id: str
    spec: dict[str, Any]
    created: float
    expires: float
    cancelled: bool
    items: tuple[Item, ...]
    ahead: int = 0

    @property
    def state(self) -> str:
        """QUEUED, WORKING, or how it ended: DONE where an item is done, else FAILED or CANCELLED."""
        states = [item.state for item in self.items]
        if not all(state in FINAL for state in states):
            return QUEUED if all(state == QUEUED for state in states) else WORKING
        return next(state for state in (DONE, FAILED, CANCELLED) if state in states)

    @property
    def is_final(self) -> bool:
        return all(item.state in FINAL for item in self.items)

    @property
    def progress(self) -> float:
        """0 to 1, over all items."""
        return sum(1.0 if item.state in FINAL else item.progress for item in self.items) / len(self.items)


class Queue(Protocol):
    """What SQLite and Redis both do; every method is atomic and may be called from any process."""

    def submit(self, job: Job, limit: int) -> None:
        """Put a job in. Raises QueueFull where more than `limit` items would wait in its lane."""

    def claim(self, worker: str, lanes: tuple[str, ...], lease: float) -> Claim | None:
        """Take the next item for `lease` seconds, None where nothing waits."""

    def renew(self, claim: Claim, lease: float, progress: float) -> bool:
        """Go on with an item; False where it is no longer the claimant's: cancelled, or the lease ran out."""

    def settle(self, claim: Claim, state: str, outcome: dict[str, Any]) -> bool:
        """End an item; False where it was no longer the claimant's, and nothing was changed."""

    def release(self, claim: Claim) -> None:
        """Give an item back, as if it had not been tried."""

    def abandon(self, worker: str) -> None:
        """A worker is dead: end its leases now."""

    def job(self, id: str) -> JobStatus | None: ...

    def finished(self, ids: list[str]) -> set[str]:
        """Which of these jobs have ended, or are unknown."""

    def cancel(self, id: str) -> bool:
        """Cancel what is not done of a job; False for an unknown one."""

    def forget(self, id: str) -> None: ...

    def expired(self) -> list[str]:
        """Jobs whose time is over and on which nobody works."""

    def waiting(self) -> int:
        """How many items wait for a worker that runs networks."""

    def counts(self) -> dict[str, float]:
        """Items done, failed, cancelled, retried, and megapixels done, since the queue was made."""

    def close(self) -> None: ...


def open_queue(work: Path, url: str) -> Queue:
    """The queue that the settings name."""
    if url:
        from .redis_queue import RedisQueue

        return RedisQueue(url)
    from .sqlite_queue import SqliteQueue

    return SqliteQueue(work / "queue.sqlite3")
