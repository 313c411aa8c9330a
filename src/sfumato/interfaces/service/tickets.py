"""From a request to a job: the files put in place, the items queued, and, for those who wait, the end awaited."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request

from .metrics import Metrics
from .problems import Refusal
from .queue import FAILED, NETWORK, QUICK, Item, Job, JobStatus, Queue, QueueFull
from .settings import ServiceSettings
from .store import Store, new_id

POLL = 0.02  # seconds between two looks at jobs that somebody waits for
CLEANING = 30.0  # seconds between two removals of what is old
QUICK_KINDS = ("inspect", "thumbnail", "view")


@dataclass
class Tickets:
    """The service's side of the queue. Its calls block for moments, so that they are made in threads."""

    settings: ServiceSettings
    queue: Queue
    store: Store
    metrics: Metrics
    _waited: dict[str, asyncio.Event] = field(default_factory=dict)

    async def submit(
        self,
        spec: dict[str, Any],
        names: tuple[str, ...],
        place: Callable[[str], None],
        *,
        priority: int = 1,
        seconds: float | None = None,
    ) -> str:
        """Queue a job and give its id. place: puts its files into the store, by the job's id.

        Raises Refusal where the queue is full, DiskFull where there is no room.
        """
        lane = QUICK if spec["kind"] in QUICK_KINDS else NETWORK
        job = Job(
            id=new_id(),
            spec=spec,
            names=names,
            lane=lane,
            priority=priority,
            seconds=seconds or self.settings.item_seconds,
            expires=time.time() + self.settings.keep_seconds,
        )

        def put() -> None:
            self.store.check_room()
            try:
                place(job.id)
                self.queue.submit(job, self.settings.max_queue)
            except BaseException:
                self.store.forget(job.id)
                raise

        try:
            await asyncio.to_thread(put)
        except QueueFull:
            detail = f"{self.settings.max_queue} pictures may wait here, and these would be more; try again later."
            raise Refusal(429, "queue-full", "Too many pictures wait", detail, Retry_After="5") from None
        return job.id

    async def wait(self, id: str, seconds: float, request: Request) -> JobStatus:
        """The job once it has ended. Raises Refusal, and cancels it, where that takes longer or the client is gone."""
        event = self._waited.setdefault(id, asyncio.Event())
        end = time.monotonic() + seconds
        try:
            while not event.is_set():
                if time.monotonic() > end:
                    detail = (
                        f"The result was not there after {seconds:g} s; POST /v1/jobs takes work that lasts longer."
                    )
                    raise Refusal(503, "too-long", "The work took too long", detail, Retry_After="30")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), min(1.0, end - time.monotonic() + 0.01))
                if not event.is_set() and await request.is_disconnected():
                    raise Refusal(499, "gone", "The client is gone", "The connection was closed before the end.")
        except (Refusal, asyncio.CancelledError):
            await asyncio.shield(asyncio.to_thread(self.queue.cancel, id))
            raise
        finally:
            self._waited.pop(id, None)
        return await self.status(id)

    async def status(self, id: str) -> JobStatus:
        """Raises Refusal for an unknown job."""
        found = await asyncio.to_thread(self.queue.job, id)
        if found is None or (found.expires < time.time() and found.is_final):
            raise unknown("job", id)
        return found

    async def perform(
        self, request: Request, spec: dict[str, Any], name: str, place: Callable[[str], None]
    ) -> tuple[str, Item]:
        """One item, first in the queue, and its end awaited: the job's id and the item. Raises its problem."""
        seconds = self.settings.seconds
        id = await self.submit(spec, (name,), place, priority=0, seconds=seconds)
        status = await self.wait(id, seconds, request)
        item = status.items[0]
        if item.state != "done":
            await self.forget(id)
            raise refusal_of(item)
        return id, item

    async def forget(self, id: str) -> None:
        """Remove a job and its files."""

        def remove() -> None:
            self.queue.forget(id)
            self.store.forget(id)

        await asyncio.to_thread(remove)

    def path(self, job: str, item: Item, name: str | None = None) -> Path:
        """A file of an item that is done: its result, unless another is named."""
        return self.store.folder_of(job, item.number) / (name or item.outcome["file"])

    async def watch(self) -> None:
        """For the length of the service: wake those who wait, and remove what is old."""
        cleaned = 0.0
        while True:
            await asyncio.sleep(POLL)
            if waited := list(self._waited):
                with contextlib.suppress(Exception):  # the queue is away for a moment
                    for id in await asyncio.to_thread(self.queue.finished, waited):
                        if id in self._waited:
                            self._waited[id].set()
            if time.monotonic() - cleaned > CLEANING:
                cleaned = time.monotonic()
                with contextlib.suppress(Exception):
                    await asyncio.to_thread(self._clean)

    def _clean(self) -> None:
        for id in self.queue.expired():
            self.queue.forget(id)
            self.store.forget(id)
        self.store.remove_old(self.settings.keep_seconds)


def refusal_of(item: Item) -> Refusal:
    """The problem of an item that was not done."""
    if item.state == FAILED:
        known = item.outcome
        refusal = Refusal(known["status"], known["type"], known["title"], known["detail"])
        refusal.problem |= {name: value for name, value in known.items() if name not in refusal.problem}
        return refusal
    return Refusal(409, "not-done", "There is no result", f"The picture {item.name!r} is {item.state}.")


def unknown(what: str, id: str) -> Refusal:
    """The refusal of an id that nothing lies under."""
    detail = f"There is no {what} of this id here; it may have expired."
    return Refusal(404, "unknown", "Not found", detail)
