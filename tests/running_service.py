"""`sfumato serve` as a process of its own, as a user starts it, and plain requests to it."""

import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil


class Running:
    """A service in a folder; it can be killed and started again on the same one."""

    def __init__(self, work: Path, *options: str) -> None:
        self.work, self.options = work, options
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "sfumato", "serve", "--port", "0", "--work", str(self.work), *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.url = re.search(r"http://[\w.:]+", line)[0]
        self.client = httpx2.Client(base_url=self.url, timeout=120)

    def workers(self) -> list[psutil.Process]:
        """Those that run networks."""
        with contextlib.suppress(psutil.Error):
            children = psutil.Process(self.process.pid).children()
            return [child for child in children if "quick" not in child.cmdline() and child.status() != "zombie"]
        return []

    def kill(self) -> None:
        """As a power cut would; its workers notice and end."""
        workers = psutil.Process(self.process.pid).children()
        self.process.kill()
        self.process.wait()
        psutil.wait_procs(workers, timeout=10)
        assert not any(worker.is_running() for worker in workers)

    def submit(self, *pictures: bytes, **form: str) -> str:
        """A job's id."""
        files = [("pictures", (f"{number}.png", data)) for number, data in enumerate(pictures)]
        answer = self.client.post("/v1/jobs", files=files, data=form)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def job(self, id: str) -> dict:
        return self.client.get(f"/v1/jobs/{id}").json()

    def count(self, end: str) -> float:
        """How many items have ended so, of what the service tells Prometheus."""
        text = self.client.get("/metrics").text
        return float(re.search(rf'^sfumato_items_total{{end="{end}"}} (\S+)', text, re.MULTILINE)[1])

    def ended(self, id: str, seconds: float = 120) -> dict:
        """A job at its end."""
        end = time.monotonic() + seconds
        while (job := self.job(id))["state"] in ("queued", "working"):
            assert time.monotonic() < end, f"job {id} has not ended: {job}"
            time.sleep(0.1)
        return job


@contextlib.contextmanager
def running(work: Path, *options: str) -> Iterator[Running]:
    service = Running(work, *options)
    try:
        yield service
    finally:
        service.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.process.wait(40)
        service.process.kill()
