"""The worker processes of a service: started, watched, started again, stopped."""

import contextlib
import os
import secrets
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from .queue import QUICK, Queue
from .settings import MEGA, ServiceSettings

LOOK = 0.2  # seconds between two looks at the workers
BACK_OFF = 1.0  # seconds before a worker is started again that ended as soon as it began


class Pool:
    """`settings.workers` processes for all work, and one for quick work, each a fresh interpreter."""

    def __init__(self, settings: ServiceSettings, queue: Queue) -> None:
        self._settings, self._queue = settings, queue
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._started: dict[str, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.num_restarted = 0

    def start(self) -> None:
        for number in range(self._settings.workers + 1):
            self._start_one(number)
        self._thread.start()

    @property
    def num_alive(self) -> int:
        return sum(process.poll() is None for process in self._processes.values())

    def stop(self) -> None:
        """Let each finish what it is at for the length of the grace; what is left after it goes back to the queue."""
        self._stopping.set()
        self._thread.join()
        for process in self._processes.values():
            with contextlib.suppress(OSError):
                process.terminate()
        end = time.monotonic() + self._settings.grace + 5
        for name, process in self._processes.items():
            try:
                process.wait(max(end - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self._queue.abandon(name)
            if process.stdin:
                process.stdin.close()

    def _start_one(self, number: int) -> None:
        is_quick = number == self._settings.workers
        name = f"{QUICK if is_quick else number}-{secrets.token_hex(6)}"
        arguments = [sys.executable, "-m", "sfumato.interfaces.service.worker", name, *([QUICK] if is_quick else [])]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "VIPS_CONCURRENCY": str(self._settings.threads)}
        # In a process group of its own: Ctrl-C on the terminal is for the service, which stops its workers in order.
        group: dict[str, Any] = {"process_group": 0} if os.name == "posix" else {}
        process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment, **group
        )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(self._settings.to_json() + "\n")
            process.stdin.flush()
        self._processes[name], self._started[name] = process, time.monotonic()

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK):
            for name, process in list(self._processes.items()):
                if process.poll() is None:
                    self._check_memory(process)
                    continue
                if time.monotonic() - self._started[name] < BACK_OFF:
                    continue
                # What it was at goes back to the queue now, not only when its lease ends.
                with contextlib.suppress(Exception):
                    self._queue.abandon(name)
                del self._processes[name]
                self.num_restarted += 1
                prefix = name.partition("-")[0]
                self._start_one(self._settings.workers if prefix == QUICK else int(prefix))

    def _check_memory(self, process: subprocess.Popen[str]) -> None:
        """Stop a worker that takes more than it may; where the system does not say how much, none."""
        limit = self._settings.worker_memory_mb
        if limit is None:
            return
        with contextlib.suppress(OSError, ValueError):
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
            if pages * os.sysconf("SC_PAGE_SIZE") > limit * MEGA:
                process.kill()
