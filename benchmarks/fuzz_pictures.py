"""Whether any file at all ends in a picture or in a sentence: `python benchmarks/fuzz_pictures.py [-n FILES]`.

The first files are valid ones of rare kinds, which hypothesis builds (tests/odd_pictures.py), the others are changed
by bytes, by chunk and by tag. Each is opened, read, described and saved in worker processes. What ends in another
exception, dies, takes longer than SECONDS or more memory than MEGABYTES is printed and kept by its number below
--keep, and `--only NUMBER` does it again.
"""

import argparse
import hashlib
import json
import multiprocessing
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import odd_pictures

from sfumato.errors import MissingExtra, PictureError
from sfumato.pictures.picture import Picture

SECONDS, MEGABYTES = 20, 1000
MAX_PIXELS = 20_000_000  # what may be held in memory is a choice of the user's: a small one here
FORMATS = ("tiff", "png", "jpeg", "webp", "png", "tiff", "jpeg", "avif")
SUFFIXES = (".jpg", ".png", ".tif", ".webp", ".avif", ".gif", ".bmp", ".jxl")
STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Ended:
    """How one file ended: "picture", "sentence" or what went wrong, in a word; what was said, the time, the memory."""

    number: int
    how: str
    said: str = ""
    seconds: float = 0.0
    megabytes: int = 0

    @property
    def is_well(self) -> bool:
        return self.how in ("picture", "sentence")


def peak() -> int:
    """The most memory that this process had, in MB; 0 where the system does not say."""
    if not STATUS.exists():
        return 0
    lines = STATUS.read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def read_and_save(data: bytes, number: int, folder: Path) -> Ended:
    """Walks one file through all that a picture is asked for."""
    digest = hashlib.sha256(data).digest()
    path = folder / f"in{SUFFIXES[digest[0] % len(SUFFIXES)]}"
    path.write_bytes(data)
    started = time.perf_counter()
    how, said = "picture", ""
    try:
        picture = Picture.open(
            path if digest[1] % 4 else data, max_pixels=MAX_PIXELS, page=1 if digest[2] % 2 else None
        )
        assert sum(len(strip) for strip in picture.strips()) == picture.height
        assert (picture.alpha() is not None) == picture.has_alpha
        picture.describe()
        format = FORMATS[digest[3] % len(FORMATS)]
        format = "png" if format == "jpeg" and picture.has_alpha else format
        picture.not_kept_by(format)
        saved = picture.save(folder / f"out.{format}", overwrite=True)
        again = Picture.open(saved, max_pixels=MAX_PIXELS)
        assert (again.width, again.height) == (picture.width, picture.height)
    except (PictureError, MissingExtra) as error:
        how, said = "sentence", str(error)
        if "\n" in said or not said.endswith(".") or len(said) > 600:
            how = "no sentence"
    except BaseException:
        how, said = "traceback", traceback.format_exc(limit=-4)
    return Ended(number, how, said, time.perf_counter() - started, peak())


def work(pipe: Connection, corpus: list[bytes], seed: int) -> None:
    """A worker: numbers come in, what became of the files goes out."""
    with tempfile.TemporaryDirectory(prefix="sfumato-fuzz-") as folder:
        while (number := pipe.recv()) is not None:
            pipe.send(read_and_save(odd_pictures.numbered(corpus, number, seed), number, Path(folder)))


class Worker:
    """One worker process, replaced when it dies, hangs or has grown too large."""

    def __init__(self, corpus: list[bytes], seed: int) -> None:
        self.corpus, self.seed = corpus, seed
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, self.corpus, self.seed), daemon=True)
        self.process.start()
        theirs.close()
        self.number: int | None = None

    def give(self, number: int) -> None:
        self.number, self.since = number, time.perf_counter()
        self.pipe.send(number)

    def ended(self) -> Ended | None:
        """What became of the file that was given; None while it is at work."""
        assert self.number is not None
        number, waited = self.number, time.perf_counter() - self.since
        if self.pipe.poll(0.005):
            try:
                found = self.pipe.recv()
            except EOFError:
                self.replace()
                return Ended(number, "died", f"exit status {self.process.exitcode}", waited)
            self.number = None
            if found.megabytes > MEGABYTES:
                self.replace()
                return Ended(number, "memory", found.said, found.seconds, found.megabytes)
            return found
        if waited > SECONDS + 10:
            self.replace()
            return Ended(number, "hang", "", waited)
        return None

    def replace(self) -> None:
        self.process.kill()
        self.process.join()
        self.start()

    def stop(self) -> None:
        self.pipe.send(None)
        self.process.join()


def run(numbers: range, corpus: list[bytes], *, seed: int = 0, workers: int = 2) -> Iterator[Ended]:
    """How each of the files with these numbers ended, in the order in which they do."""
    waiting, team = iter(numbers), [Worker(corpus, seed) for _ in range(workers)]
    left = len(numbers)
    while left:
        for worker in team:
            if worker.number is None and (number := next(waiting, None)) is not None:
                worker.give(number)
            if worker.number is not None and (found := worker.ended()) is not None:
                left -= 1
                yield found
    for worker in team:
        worker.stop()


def corpus_of(seed: int, num_odd: int) -> list[bytes]:
    """What is changed: a file of each kind, and rare ones."""
    return [*odd_pictures.known_files().values(), *odd_pictures.odd_files(num_odd, seed)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=20_000, help="how many files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--odd", type=int, default=600, help="how many of them hypothesis builds")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", type=int, help="the file of this number alone")
    parser.add_argument("--json", action="store_true", help="the counts as a last line for programs")
    parser.add_argument("--keep", type=Path, help="a folder for the files that failed")
    options = parser.parse_args()
    corpus = corpus_of(options.seed, options.odd)
    numbers = range(options.n) if options.only is None else range(options.only, options.only + 1)
    counts: Counter[str] = Counter()
    longest, largest = 0.0, 0
    for found in run(numbers, corpus, seed=options.seed, workers=min(options.workers, len(numbers))):
        slow = found.is_well and found.seconds > SECONDS
        counts["slow" if slow else found.how] += 1
        longest, largest = max(longest, found.seconds), max(largest, found.megabytes)
        if slow or not found.is_well:
            print(f"{found.number}: {found.how}, {found.seconds:.1f} s, {found.megabytes} MB\n{found.said}", flush=True)
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                data = odd_pictures.numbered(corpus, found.number, options.seed)
                (options.keep / f"{found.number}.bin").write_bytes(data)
        elif options.only is not None:
            print(f"{found.number}: {found.how} {found.said}")
    total = ", ".join(f"{count} {how}" for how, count in counts.most_common())
    print(f"{len(numbers)} files: {total}; at most {longest:.1f} s and {largest} MB")
    if options.json:
        print(json.dumps(counts))
    return 0 if set(counts) <= {"picture", "sentence"} else 1


if __name__ == "__main__":
    sys.exit(main())
