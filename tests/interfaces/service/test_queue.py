"""The queue: what was accepted ends once, whoever dies on the way."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis_server import redis_server

from sfumato.interfaces.service.queue import MAX_ATTEMPTS, NETWORK, QUICK, Job, Queue, QueueFull, open_queue
from sfumato.interfaces.service.store import new_id

LANES = (QUICK, NETWORK)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.doors)])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queue]:
    if request.param == "sqlite":
        queue = open_queue(tmp_path, "")
    else:
        import redis

        url = request.getfixturevalue("redis_url")
        redis.Redis.from_url(url).flushall()
        queue = open_queue(tmp_path, url)
    yield queue
    queue.close()


def put(queue: Queue, *names: str, lane: str = NETWORK, priority: int = 1, limit: int = 100, expires: float = 0) -> str:
    job = Job(id=new_id(), spec={"kind": "x"}, names=names, lane=lane, priority=priority, expires=expires, seconds=7)
    queue.submit(job, limit)
    return job.id


def test_items_are_taken_in_order_and_settled_once(queue: Queue) -> None:
    later, first = put(queue, "a", "b"), put(queue, "c", priority=0)
    quick = put(queue, "d", lane=QUICK, priority=3)
    status = queue.job(later)
    assert status is not None
    assert (status.state, status.ahead, status.is_final) == ("queued", 1, False)
    assert queue.waiting() == 3
    claims = [queue.claim("w", LANES, 5) for _ in range(4)]
    assert [claim.name for claim in claims if claim] == ["c", "a", "b", "d"]
    assert claims[0].seconds == 7
    assert claims[0].spec == {"kind": "x"}
    assert queue.claim("w", LANES, 5) is None
    assert queue.settle(claims[0], "done", {"file": "x", "megapixels": 2.5})
    assert not queue.settle(claims[0], "failed", {})
    assert queue.finished([first, later, "unknown"]) == {first, "unknown"}
    assert queue.job(first).items[0].outcome["file"] == "x"
    assert queue.counts() == {"done": 1, "megapixels": 2.5}
    assert queue.job(quick).state == "working"
    assert queue.job("unknown") is None


def test_lanes_are_kept_apart(queue: Queue) -> None:
    put(queue, "slow")
    assert queue.claim("w", (QUICK,), 5) is None
    put(queue, "fast", lane=QUICK)
    assert queue.claim("w", (QUICK,), 5).name == "fast"


def test_a_lease_is_renewed_or_runs_out(queue: Queue) -> None:
    job = put(queue, "a")
    claim = queue.claim("w", LANES, 0.2)
    assert queue.renew(claim, 0.2, 0.5)
    assert queue.job(job).progress == 0.5
    assert queue.claim("w", LANES, 5) is None
    time.sleep(0.25)
    again = queue.claim("other", LANES, 5)
    assert (again.job, again.attempts) == (job, 2)
    assert not queue.renew(claim, 5, 0.9)
    assert not queue.settle(claim, "done", {})
    assert queue.settle(again, "done", {})
    assert queue.counts()["retried"] == 1


def test_a_dead_worker_gives_its_item_back_and_in_the_end_up(queue: Queue) -> None:
    job = put(queue, "a")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert queue.claim("w", LANES, 60).attempts == attempt
        queue.abandon("another")
        assert queue.job(job).state == "working"
        queue.abandon("w")
    status = queue.job(job)
    assert status.state == "failed"
    assert "was stopped 3 times" in status.items[0].outcome["detail"]
    assert queue.claim("w", LANES, 5) is None


def test_a_released_item_is_as_if_never_tried(queue: Queue) -> None:
    job = put(queue, "a")
    for _ in range(5):
        claim = queue.claim("w", LANES, 60)
        assert claim.attempts == 1
        queue.release(claim)
    assert queue.job(job).state == "queued"


def test_a_cancelled_job_is_taken_from_its_workers(queue: Queue) -> None:
    job = put(queue, "a", "b")
    claim = queue.claim("w", LANES, 60)
    assert queue.cancel(job)
    assert not queue.renew(claim, 60, 0.1)
    assert not queue.settle(claim, "done", {})
    assert queue.job(job).state == "cancelled"
    assert queue.claim("w", LANES, 60) is None
    assert not queue.cancel("unknown")


def test_a_full_queue_takes_nothing_more(queue: Queue) -> None:
    put(queue, "a", "b", limit=3)
    with pytest.raises(QueueFull):
        put(queue, "c", "d", limit=3)
    assert queue.waiting() == 2
    put(queue, "c", limit=3)


def test_jobs_expire_when_nobody_works_on_them(queue: Queue) -> None:
    old, waiting, fresh = (
        put(queue, "a", expires=1),
        put(queue, "b", expires=1),
        put(queue, "c", expires=time.time() + 99),
    )
    queue.settle(queue.claim("w", LANES, 5), "done", {})
    assert queue.expired() == [old]
    queue.forget(old)
    assert queue.job(old) is None
    assert queue.expired() == []
    queue.forget(waiting)
    assert queue.claim("w", LANES, 5).job == fresh


def test_what_a_file_holds_outlives_the_process(tmp_path: Path) -> None:
    first = open_queue(tmp_path, "")
    job = put(first, "a")
    first.close()
    second = open_queue(tmp_path, "")
    assert second.claim(str(os.getpid()), LANES, 5).job == job
    second.close()
