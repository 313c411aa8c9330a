"""Batches over several machines: shares of a batch, pictures that lie elsewhere, and Ray, which loses nothing."""

from pathlib import Path

import numpy as np
import pytest

from sfumato import batch
from sfumato.batch.jobs import Plan
from sfumato.batch.ray import restore_one
from sfumato.batch.remote import RemoteJob
from sfumato.errors import UsageError
from sfumato.pictures.picture import Picture
from sfumato.restoration.options import RestoreOptions

OPTIONS = batch.BatchOptions(restore=RestoreOptions(noise=20, threads=1))


@pytest.fixture
def scans(tmp_path):
    """Seven pictures in two folders, one file that is none, and one of another kind."""
    folder = tmp_path / "scans"
    (folder / "deeper").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(7):
        pixels = (0.5 + 0.1 * rng.standard_normal((48, 40 + number, 3))).clip(0, 1)
        Picture.from_array(pixels, depth=8).save(folder / ("deeper" if number % 2 else "") / f"{number}.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture either")
    return folder


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.png")}


def test_shares_are_all_of_a_batch_and_never_meet_also_when_some_is_done(scans, tmp_path):
    out = str(tmp_path / "out")
    whole = batch.plan([str(scans)], out)
    for count in (1, 2, 5, 16):
        shares = [whole.shard(number, count) for number in range(1, count + 1)]
        assert sorted(job.source for share in shares for job in share.jobs) == sorted(job.source for job in whole.jobs)
    first = {job.source for job in whole.shard(1, 3).jobs}
    batch.run(Plan(whole.shard(2, 3).jobs), OPTIONS)
    assert {job.source for job in batch.plan([str(scans)], out).shard(1, 3).jobs} == first
    for number, count in ((0, 3), (4, 3)):
        with pytest.raises(UsageError, match="shard"):
            whole.shard(number, count)


def test_pictures_elsewhere_are_found_restored_and_put_back_whole(scans, tmp_path):
    source, target = scans.as_uri(), (tmp_path / "out").as_uri()
    plan = batch.plan_remote([source], target)
    assert len(plan.jobs) == 8
    assert plan.num_unread == 1
    found = [restore_one(job, OPTIONS) for job in plan.jobs]
    failed = [one for one in found if isinstance(one, batch.Failure)]
    assert len(failed) == 1
    assert f"{source}/broken.jpg" in str(failed[0].error)
    batch.run(batch.plan([str(scans)], str(tmp_path / "here")), OPTIONS)
    assert files(tmp_path / "out") == files(tmp_path / "here")
    assert len(files(tmp_path / "here")) == 7
    again = batch.plan_remote([source], target)
    assert (len(again.jobs), len(again.finished)) == (1, 7)
    assert len(batch.plan_remote([source], target, overwrite=True).jobs) == 8


@pytest.mark.parametrize(
    ("inputs", "output", "sentence"),
    [
        (["file:///nowhere-to-be-found"], "file:///nowhere-either", "holds no files"),
        (["nosuchstore://bucket"], "file:///nowhere-either", "cannot be reached"),
        (["file:///nowhere"], None, "must be URLs"),
        (["file:///nowhere"], "here", "must be URLs"),
    ],
)
def test_urls_that_cannot_be_meant(inputs, output, sentence):
    with pytest.raises(UsageError, match=sentence):
        batch.plan_remote(inputs, output)


def test_a_picture_that_vanished_is_one_failure():
    job = RemoteJob(
        Path("gone.png"), Path("gone.png"), source_url="file:///gone.png", target_url="file:///nowhere/gone.png"
    )
    found = restore_one(job, OPTIONS)
    assert isinstance(found, batch.Failure)
    assert "gone.png" in str(found.error)


@pytest.fixture(scope="module")
def two_nodes():
    """A Ray cluster of two nodes on this machine, one core each, beside a head that has none."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    yield cluster, nodes
    cluster.shutdown()


class Killer(batch.Listener):
    """Takes a node away after the second picture."""

    def __init__(self, cluster, node):
        self.cluster, self.node, self.seen = cluster, node, []

    def restored(self, outcome):
        self.seen.append(outcome.job.source)
        if len(self.seen) == 2:
            self.cluster.remove_node(self.node, allow_graceful=False)


@pytest.mark.doors
def test_two_nodes_give_the_same_bytes_and_a_node_that_is_lost_costs_nothing(scans, tmp_path, two_nodes):
    cluster, nodes = two_nodes
    batch.run(batch.plan([str(scans)], str(tmp_path / "here")), OPTIONS)
    report = batch.run_on_ray(batch.plan([str(scans)], str(tmp_path / "two")), OPTIONS, address=cluster.address)
    assert (report.num_restored, len(report.failures)) == (7, 1)
    assert str(scans / "broken.jpg") in str(report.failures[0].error)
    assert files(tmp_path / "two") == files(tmp_path / "here")
    assert batch.plan([str(scans)], str(tmp_path / "two")).finished

    killer = Killer(cluster, nodes[0])
    plan = batch.plan([str(scans)], str(tmp_path / "one"))
    report = batch.run_on_ray(plan, OPTIONS, killer, address=cluster.address)
    assert (report.num_restored, len(report.failures)) == (7, 1)
    assert len(set(killer.seen)) == len(killer.seen) == 7
    assert files(tmp_path / "one") == files(tmp_path / "here")
