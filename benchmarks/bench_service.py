"""The service under load: `python benchmarks/bench_service.py [--clients 64] [--seconds 60]`.

Clients in a process of their own send pictures of a megapixel to POST /v1/restore on loopback, each the next as soon as
it has an answer. Beside them, health is asked for ten times a second. Before, the pipeline alone does the same on the
same cores, as many processes as the service has workers. Said are answers by status, throughput against that of the
pipeline, the 99th percentile of health, the memory of all processes in the first and last quarter, and the processor
time of a picture, of which others on the machine take less: the pipeline's, the workers', the answering process's and
the clients', which share the cores. Then, on a service whose workers have all cores each: how soon the part of
a 12-megapixel photograph that is on a screen is there, from the first byte of its upload on.

The pictures are the one in examples/, repeated, with noise of 25, as JPEG of quality 92; `make bench` gives DATA, which
is not needed.
"""

import argparse
import asyncio
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import httpx2
import numpy as np
import psutil

from sfumato import Picture
from sfumato.interfaces.service.settings import share_cores
from sfumato.restoration.options import RestoreOptions
from sfumato.restoration.restore import restore_picture

EXAMPLE = Path(__file__).parents[1] / "examples" / "astronaut.png"
FORM = {"noise": "25"}


def photograph(height: int, width: int) -> bytes:
    """A JPEG of this size."""
    one = Picture.open(EXAMPLE).array()
    many = np.tile(one, (-(-height // one.shape[0]), -(-width // one.shape[1]), 1))[:height, :width]
    noisy = many + np.random.default_rng(0).normal(0, 25 / 255, many.shape)
    return Picture.from_array(noisy.clip(0, 1), format="jpeg").to_bytes(quality=92)


def pipeline(data: bytes, threads: int, seconds: float, told: Connection) -> None:
    """Restore the picture again and again, once to warm up; tell how often."""
    options = RestoreOptions(noise=25, threads=threads)

    def restore() -> None:
        restore_picture(Picture.open(data), options).to_bytes()

    restore()
    told.send("ready")
    told.recv()
    count, end, used = 0, time.monotonic() + seconds, time.process_time()
    while time.monotonic() < end:
        restore()
        count += 1
    told.send((count / (seconds + time.monotonic() - end), (time.process_time() - used) / count))


def rate_of_pipeline(data: bytes, workers: int, threads: int, seconds: float) -> tuple[float, float]:
    """Pictures a second, and processor seconds a picture."""
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in range(workers)]
    processes = [context.Process(target=pipeline, args=(data, threads, seconds, theirs)) for _, theirs in pairs]
    for process in processes:
        process.start()
    for own, _ in pairs:
        own.recv()
    for own, _ in pairs:
        own.send("go")
    rates, used = zip(*(own.recv() for own, _ in pairs), strict=True)
    for process in processes:
        process.join()
    return sum(rates), sum(used) / workers


def clients(url: str, data: bytes, count: int, seconds: float, told: Connection) -> None:
    """Load the service for a while; tell of statuses, the times of those answered, and the processor time it took."""
    statuses: Counter[int] = Counter()
    answered: list[float] = []

    async def one(client: httpx2.AsyncClient, end: float) -> None:
        while time.monotonic() < end:
            files = {"picture": ("a.jpg", data, "image/jpeg")}
            answer = await client.post("/v1/restore", files=files, data=FORM)
            statuses[answer.status_code] += 1
            if answer.status_code == 200:
                answered.append(time.monotonic())
            elif answer.status_code == 429:
                await asyncio.sleep(float(answer.headers["retry-after"]))

    async def all_of_them() -> float:
        limits = httpx2.Limits(max_connections=count)
        async with httpx2.AsyncClient(base_url=url, timeout=300, limits=limits) as client:
            end = time.monotonic() + seconds
            await asyncio.gather(*(one(client, end) for _ in range(count)))
        return end

    end = asyncio.run(all_of_them())
    used = resource.getrusage(resource.RUSAGE_SELF)
    within = sum(moment <= end for moment in answered)
    told.send((statuses, within, used.ru_utime + used.ru_stime))


class Watch(threading.Thread):
    """Asks for health, and reads the memory of the service's processes, while the load goes on."""

    def __init__(self, url: str, pid: int) -> None:
        super().__init__(daemon=True)
        self.client, self.process = httpx2.Client(base_url=url, timeout=30), psutil.Process(pid)
        self.seconds: list[float] = []
        self.memory: list[int] = []
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.1):
            started = time.perf_counter()
            self.client.get("/healthz").raise_for_status()
            self.seconds.append(time.perf_counter() - started)
            if len(self.seconds) % 5 == 0:
                processes = [self.process, *self.process.children()]
                self.memory.append(sum(process.memory_info().rss for process in processes))


def processor_time(pid: int) -> tuple[float, float]:
    """Seconds of the answering process so far, and of its workers."""
    process = psutil.Process(pid)
    times = [sum(one.cpu_times()[:2]) for one in (process, *process.children())]
    return times[0], sum(times[1:])


def start(*options: str) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "sfumato", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = re.search(r"http://[\w.:]+", process.stdout.readline())
    assert found is not None
    return process, found[0]


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def load(count: int, seconds: float) -> None:
    data = photograph(1024, 1024)
    workers, threads = share_cores(None, None)
    print(f"{workers} workers of {threads} threads; load of the machine before: {os.getloadavg()[0]:.2f}")
    alone, used_alone = rate_of_pipeline(data, workers, threads, min(seconds, 20))
    process, url = start("--workers", str(workers), "--threads", str(threads))
    for _ in range(2 * workers):
        httpx2.post(f"{url}/v1/restore", files={"picture": ("a.jpg", data)}, data=FORM, timeout=60).raise_for_status()
    before = processor_time(process.pid)
    own, theirs = multiprocessing.get_context("spawn").Pipe()
    sending = multiprocessing.get_context("spawn").Process(target=clients, args=(url, data, count, seconds, theirs))
    watch = Watch(url, process.pid)
    watch.start()
    sending.start()
    statuses, within, used = own.recv()
    watch.over.set()
    sending.join()
    watch.join()
    answering, working = (b - a for a, b in zip(before, processor_time(process.pid), strict=True))
    stop(process)
    rate, quarter = within / seconds, max(len(watch.memory) // 4, 1)
    first, last = (np.mean(part) / 1e6 for part in (watch.memory[:quarter], watch.memory[-quarter:]))
    print(f"answers of {count} clients in {seconds:g} s and until the last was answered: {dict(statuses)}")
    print(f"service {rate:.2f} pictures of 1 MP a second, pipeline alone {alone:.2f}: {100 * rate / alone:.0f} %")
    print(
        f"health: median {1e3 * np.median(watch.seconds):.1f} ms, 99 % {1e3 * np.quantile(watch.seconds, 0.99):.1f} ms"
    )
    print(f"memory of all processes: {first:.0f} MB in the first quarter, {last:.0f} MB in the last")
    count = statuses[200]
    print(
        f"processor time a picture: pipeline alone {used_alone:.3f} s, workers {working / count:.3f} s, answering "
        f"process {answering / count:.3f} s, clients {used / count:.3f} s"
    )


def first_look() -> None:
    data = photograph(3000, 4000)
    workers, threads = share_cores(None, None, page=True)
    process, url = start("--workers", str(workers), "--threads", str(threads))
    with httpx2.Client(base_url=url, timeout=120) as client:
        for warm in (True, False):
            started = time.perf_counter()
            id = client.post("/v1/pictures", files={"picture": ("a.jpg", data)}).raise_for_status().json()["id"]
            uploaded = time.perf_counter() - started
            client.get(f"/v1/pictures/{id}/preview?size=1280").raise_for_status()
            shown = time.perf_counter() - started
            form = {"picture_id": id, "crop": "1400,1100,1280,800"}
            client.post("/v1/restore", data=form).raise_for_status()
            restored = time.perf_counter() - started
            text = (
                f"uploaded {uploaded:.2f} s, shown {shown:.2f} s, its visible part (1280x800) restored {restored:.2f} s"
            )
            print(f"12 MP, {'first' if warm else 'second'} time: {text}")
    stop(process)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    load(options.clients, options.seconds)
    first_look()


if __name__ == "__main__":
    main()
