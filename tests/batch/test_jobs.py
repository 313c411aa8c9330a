"""Whatever lies in a folder, a batch's plan loses nothing, never aims at an input, and is finished when it is done."""

import string
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato.batch import jobs

# Few letters, so that names that differ only in their suffix or case come up often.
stems = st.text("ab[]*", min_size=1, max_size=2) | st.sampled_from(["a.restored", "b.compare", "c.d"])
suffixes = st.sampled_from([*jobs.PICTURE_SUFFIXES, ".JPG", ".PNG", ".GIF", ".txt", ""])
folders = st.sampled_from(["", "x", "x/y", ".hidden", "out"])
trees = st.sets(st.tuples(folders, stems, suffixes), min_size=1, max_size=12)


def grow(root: Path, tree: set[tuple[str, str, str]]) -> list[Path]:
    paths = []
    for folder, stem, suffix in sorted(tree):
        path = root / folder / (stem + suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no picture")
        paths.append(path)
    return paths


def is_input(path: Path, root: Path, output: Path | None) -> bool:
    parts = path.relative_to(root).parts
    is_result = output is not None and path.is_relative_to(output)
    return path.suffix.lower() in jobs.PICTURE_SUFFIXES and ".hidden" not in parts and not is_result


@settings(max_examples=60, deadline=None)
@given(tree=trees, into_folder=st.booleans(), compare=st.booleans())
def test_every_picture_has_one_result_of_its_own(
    tree: set[tuple[str, str, str]], into_folder: bool, compare: bool
) -> None:
    with TemporaryDirectory() as name:
        root = Path(name).resolve()
        paths = grow(root, tree)
        output = root / "out" if into_folder else None
        inputs = {path for path in paths if is_input(path, root, output)}
        if not inputs:
            return
        work = jobs.plan([str(root)], str(output) if output else None, compare=compare)
        planned = [*work.jobs, *work.finished]
        assert {job.source for job in planned} <= inputs
        assert len(planned) + work.num_passed_over == len(inputs)

        results = [path for job in planned for path in (job.target, job.comparison) if path is not None]
        assert len(set(results)) == len(results)
        assert not set(results) & {job.source for job in planned}

        for path in results:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        again = jobs.plan([str(root)], str(output) if output else None, compare=compare)
        assert again.jobs == ()
        assert {job.source for job in again.finished} == {job.source for job in planned}


@given(st.text(string.ascii_letters + ".-_ []", min_size=1, max_size=12), st.sampled_from([".jpg", ".tiff", ".PNG"]))
def test_a_result_keeps_the_name_and_suffix_of_its_source(stem: str, suffix: str) -> None:
    with TemporaryDirectory() as name:
        source = Path(name) / f"x{stem}{suffix}"
        source.touch()
        (job,) = jobs.plan([str(source)]).jobs
        assert job.target == source.with_name(f"x{stem}.restored{suffix}")
