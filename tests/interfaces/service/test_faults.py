"""Workers and the service itself are killed: every accepted picture ends in one result or one sentence."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis_server import redis_server
from running_service import Running, running
from services import picture_bytes

import sfumato

pytestmark = [pytest.mark.doors, pytest.mark.timeout(400)]
NUM_JOBS, NUM_PICTURES, NUM_KILLS = 8, 4, 10
NUM_AT_WORK = 4  # of the killed, at least: an item may end between the look at it and the kill
SIZE = (320, 320)


@pytest.fixture(params=["sqlite", "redis"])
def options(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, ...]]:
    common = ("--workers", "2", "--threads", "1")
    if request.param == "sqlite":
        yield common
    else:
        with redis_server(tmp_path) as url:
            yield (*common, "--queue", url)


def at_work(service: Running, jobs: list[str]) -> bool:
    return any(item["state"] == "working" for job in jobs for item in service.job(job)["items"])


def pictures(job: int) -> list[bytes]:
    return [picture_bytes(10 * job + number, size=SIZE) for number in range(NUM_PICTURES)]


def wait_for_workers(service: Running) -> None:
    end = time.monotonic() + 10
    while len(service.workers()) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)


def check(service: Running, jobs: list[str], model: str = "default") -> int:
    """All have ended, the results are those of the library, the others have sentences. How many were given up."""
    given_up = 0
    for number, job in enumerate(jobs):
        status = service.ended(job)
        for item, picture in zip(status["items"], pictures(number), strict=True):
            if item["state"] == "done":
                expected = sfumato.restore(picture, noise=20, model=model).to_bytes()
                assert service.client.get(item["result"]).content == expected
            else:
                assert item["state"] == "failed"
                assert "was stopped 3 times" in item["problem"]["detail"]
                given_up += 1
    return given_up


def test_killed_workers_cost_nothing_but_time(tmp_path: Path, options: tuple[str, ...]) -> None:
    slow = {"noise": "20", "model": "denoise-best"}  # so that a look at the items holds until the kill
    with running(tmp_path / "work", *options) as service:
        jobs = [service.submit(*pictures(number), **slow) for number in range(NUM_JOBS)]
        kills = 0
        while kills < NUM_KILLS:
            if service.job(jobs[-1])["state"] not in ("queued", "working"):  # there is to be work all the time
                jobs.append(service.submit(*pictures(len(jobs)), **slow))
            if at_work(service, jobs):
                for worker in service.workers():
                    worker.kill()
                    kills += 1
                wait_for_workers(service)  # by then, what the killed ones were at waits again
        check(service, jobs, "denoise-best")
        assert service.count("retried") + service.count("failed") >= NUM_AT_WORK
        assert service.count("done") + service.count("failed") == len(jobs) * NUM_PICTURES
        wait_for_workers(service)


def test_a_killed_service_goes_on_where_it_was(tmp_path: Path, options: tuple[str, ...]) -> None:
    with running(tmp_path / "work", *options) as service:
        jobs = [service.submit(*pictures(number), noise="20") for number in range(NUM_JOBS)]
        time.sleep(1.0)
        service.kill()
        service.start()
        assert check(service, jobs) == 0


def test_a_stopped_service_puts_back_what_takes_long(tmp_path: Path) -> None:
    work = tmp_path / "work"
    with running(work, "--workers", "1", "--threads", "1", "--grace", "1") as service:
        large = picture_bytes(size=(1100, 1100))
        job = service.submit(large, large, task="denoise", model="denoise-best", noise="20")
        while service.job(job)["state"] != "working":
            time.sleep(0.05)
        started = time.monotonic()
        service.process.terminate()
        assert service.process.wait(30) in (0, -15)
        assert time.monotonic() - started < 15
        service.start()
        status = service.job(job)
        assert status["state"] in ("queued", "working")
        assert {item["state"] for item in service.ended(job)["items"]} == {"done"}


def test_what_nobody_waits_for_any_more_is_cancelled(tmp_path: Path) -> None:
    with running(tmp_path / "work", "--workers", "1", "--threads", "1") as service:
        large = picture_bytes(size=(1500, 1500))
        job = service.submit(large, model="denoise-best", noise="20")
        while service.job(job)["state"] != "working":  # or the request, which goes before jobs, would not wait
            time.sleep(0.02)
        waiting = service.client.build_request("POST", "/v1/restore", files={"picture": ("a.png", picture_bytes())})
        port = int(service.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            head = "".join(f"{name}: {value}\r\n" for name, value in waiting.headers.items())
            connection.sendall(f"POST /v1/restore HTTP/1.1\r\n{head}\r\n".encode() + waiting.read())
            time.sleep(0.5)
        end = time.monotonic() + 10
        while not service.count("cancelled"):
            assert time.monotonic() < end
            time.sleep(0.1)


def test_a_queue_that_is_away_is_said_and_comes_back(tmp_path: Path) -> None:
    with redis_server(tmp_path) as url, running(tmp_path / "work", "--workers", "1", "--queue", url) as service:
        assert service.ended(service.submit(picture_bytes(), noise="20"))["state"] == "done"
        port = url.rpartition(":")[2].partition("/")[0]
        subprocess.run(["redis-cli", "-p", port, "shutdown", "nosave"], check=True, capture_output=True)
        answer = service.client.post("/v1/restore", files={"picture": ("a.png", picture_bytes())})
        assert (answer.status_code, answer.json()["type"]) == (503, "queue")
        assert service.client.get("/healthz").status_code == 200
        assert service.client.get("/readyz").status_code == 503
        with redis_server(tmp_path, int(port)):
            assert service.ended(service.submit(picture_bytes(), noise="20"))["state"] == "done"


def test_many_requests_leave_nothing_open_and_nothing_behind(tmp_path: Path) -> None:
    work = tmp_path / "work"
    with running(work, "--workers", "1", "--threads", "1") as service:
        data = picture_bytes()
        id = service.client.post("/v1/pictures", files={"picture": ("a.png", data)}).json()["id"]
        found = []
        for number in range(160):
            service.client.get(f"/v1/pictures/{id}/preview?size=20").raise_for_status()
            form = {"picture_id": id, "noise": "20"}
            service.client.post("/v1/restore", data=form).raise_for_status()
            if number in (79, 159):
                processes = [psutil.Process(service.process.pid), *psutil.Process(service.process.pid).children()]
                found.append([(p.num_fds(), p.num_threads(), p.memory_info().rss) for p in processes])
        for before, after in zip(*found, strict=True):
            assert after[0] <= before[0] + 3
            assert after[1] <= before[1] + 3
            assert after[2] < before[2] + 30_000_000
        assert list((work / "jobs").iterdir()) == []
        assert list((work / "temporary").iterdir()) == []


def test_a_worker_that_takes_too_much_memory_is_stopped(tmp_path: Path) -> None:
    with running(tmp_path / "work", "--workers", "1", "--threads", "1", "--worker-memory", "256") as service:
        job = service.submit(picture_bytes(size=(2400, 2400)), task="upscale", scale="4", ensemble="true")
        item = service.ended(job)["items"][0]
        assert item["state"] == "failed"
        assert "was stopped 3 times" in item["problem"]["detail"]
        assert service.ended(service.submit(picture_bytes(), noise="20"))["state"] == "done"
