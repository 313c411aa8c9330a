"""A batch on Ray beside the same batch without: `python benchmarks/bench_cluster.py DATA [--num 500]`.

Photographs of photos2/val, cut to 1 megapixel (1152x896, mirrored where they are smaller), noise of sigma 20, JPEG 95;
`sfumato restore --noise 20`. Here: one engine on all cores. Ray: two nodes on this machine that share the cores, an
engine of one thread on each core. Start of the cluster and of its actors is counted apart.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from sfumato import batch
from sfumato.learn.data.folders import decode
from sfumato.pictures.picture import Picture
from sfumato.restoration.options import RestoreOptions

SIZE = 896, 1152


class FirstResult(batch.Listener):
    """When the first picture was done."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def restored(self, outcome: batch.Outcome) -> None:
        self.seconds.append(time.perf_counter())


def draw(data: Path, folder: Path, num: int) -> None:
    sources = sorted(path for path in (data / "photos2" / "val").iterdir() if path.suffix != ".zip")
    rng = np.random.default_rng(0)
    for number in range(num):
        pixels = decode(sources[number % len(sources)].read_bytes(), 3)[: SIZE[0], : SIZE[1]].astype(np.float32) / 255
        missing = [(0, wanted - have) for wanted, have in zip(SIZE, pixels.shape[:2], strict=True)]
        pixels = np.pad(pixels, (*missing, (0, 0)), mode="symmetric")
        noisy = (pixels + 20 / 255 * rng.standard_normal(pixels.shape)).clip(0, 1)
        Picture.from_array(noisy, depth=8).save(folder / f"{number:04d}.jpg")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--num", type=int, default=500)
    arguments = parser.parse_args()
    from ray.cluster_utils import Cluster

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "in"
        folder.mkdir()
        draw(arguments.data, folder, arguments.num)
        options = batch.BatchOptions(restore=RestoreOptions(noise=20))
        report = batch.run(batch.plan([str(folder)], str(Path(place) / "here")), options)
        here = report.seconds
        print(f"here: {here:.1f} s, {report.num_pixels / 1e6 / here:.2f} megapixels a second", flush=True)

        cores = os.cpu_count() or 2
        started = time.perf_counter()
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        for number in range(2):
            cluster.add_node(num_cpus=cores // 2 + (number < cores % 2))
        up = time.perf_counter()
        listener = FirstResult()
        report = batch.run_on_ray(
            batch.plan([str(folder)], str(Path(place) / "ray")), options, listener, address=cluster.address
        )
        working = listener.seconds[-1] - listener.seconds[0]
        share = (len(listener.seconds) - 1) / len(listener.seconds)
        print(
            f"Ray: {report.seconds:.1f} s, of which {listener.seconds[0] - up:.1f} s until the first result (the "
            f"cluster's start, {up - started:.1f} s, besides); then {report.num_pixels * share / 1e6 / working:.2f} "
            "megapixels a second"
        )
        same = all(
            (Path(place) / "ray" / path.name).read_bytes() == path.read_bytes()
            for path in (Path(place) / "here").glob("*.jpg")
        )
        print(f"{report.num_restored} restored, bytes equal: {same}")
        cluster.shutdown()


if __name__ == "__main__":
    main()
