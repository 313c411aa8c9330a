"""Pictures for training: any container, size and mode; broken ones named; every sample a function of its number."""

import json
import multiprocessing
import os
import pickle
import tarfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import pyvips
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from training_files import draw_picture, picture_folder

from sfumato.errors import TrainingError
from sfumato.learn.data import store as stores
from sfumato.learn.data.fitted import FittedPictures, one_hot
from sfumato.learn.data.folders import Listing, decode, list_pictures
from sfumato.learn.data.patches import DegradedPatches, StepSampler, crop
from sfumato.learn.data.seeds import sample_seed
from sfumato.learn.data.store import PictureStore
from sfumato.learn.degradations.mixtures import DEGRADATIONS
from sfumato.learn.training.objectives.restoration import centre_crops
from sfumato.pictures.picture import Picture


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "sfumato" / "pictures"


@pytest.fixture
def folder(tmp_path):
    return picture_folder(tmp_path / "pictures")


def packed(folder, kind):
    """The folder as an archive whose members lie in another order than their names."""
    path = folder.with_suffix(f".{kind}")
    files = sorted((p for p in folder.rglob("*") if p.is_file()), reverse=True)
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.write(file, file.relative_to(folder))
    else:
        with tarfile.open(path, "w:gz" if kind == "tgz" else "w") as archive:
            for file in files:
                archive.add(file, f"./{file.relative_to(folder)}")
    return path


def test_several_sources_are_one(tmp_path):
    first, second = picture_folder(tmp_path / "first", 3), packed(picture_folder(tmp_path / "second", 4), "zip")
    both = list_pictures(f"{first},{second}")
    assert both.names == ("0/0.png", "0/1.png", "0/2.png", "1/0.png", "1/1.png", "1/2.png", "1/3.jpg")
    assert [name for name, _ in both.read()] == list(both.names)
    assert both.key != list_pictures(f"{second},{first}").key
    store = PictureStore.build(both)
    alone = PictureStore.build(list_pictures(second))
    np.testing.assert_array_equal(store[5], alone[2])
    with pytest.raises(TrainingError, match="nowhere does not exist"):
        list_pictures(f"{first},nowhere")


def samples(store, indices=range(6), seed=3):
    drawn = DegradedPatches(store, DEGRADATIONS["denoise"], patch=32, seed=seed)
    return [drawn[index] for index in indices]


def equal(one, other):
    return all(torch.equal(a[key], b[key]) for a, b in zip(one, other, strict=True) for key in ("x", "y", "level"))


@pytest.mark.parametrize("kind", ["zip", "tar", "tgz"])
def test_an_archive_gives_the_samples_of_its_folder(kind, folder):
    (folder / "deeper").mkdir()
    pyvips.Image.new_from_array(draw_picture(9, 40, 50)).write_to_file(str(folder / "deeper" / "a.png"))
    there, packed_up = (PictureStore.build(list_pictures(source)) for source in (folder, packed(folder, kind)))
    assert len(there) == 7
    assert there.shapes == packed_up.shapes
    assert there.fingerprint == packed_up.fingerprint
    assert equal(samples(there), samples(packed_up))
    for one, other in zip(there.split(), packed_up.split(), strict=True):
        assert one.fingerprint == other.fingerprint


def test_of_an_archive_with_a_name_twice_the_last_one_holds(folder):
    path = packed(folder, "tar")
    with tarfile.open(path, "a") as archive:
        archive.add(folder / "4.jpg", "./0.png")
    store = PictureStore.build(list_pictures(path))
    assert len(store) == 6
    assert np.array_equal(store[0], store[4])


def test_hidden_files_and_other_files_are_no_pictures(folder):
    (folder / ".thumbnails").mkdir()
    for name in (".hidden.png", ".thumbnails/0.png", "notes.txt"):
        (folder / name).write_bytes((folder / "0.png").read_bytes())
    assert list_pictures(folder).names == ("0.png", "1.png", "2.png", "3.jpg", "4.jpg", "5.jpg")


@pytest.mark.parametrize("kind", ["", "zip", "tar"])
def test_broken_files_are_left_out_and_named(kind, folder):
    whole = (folder / "5.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.webp").write_bytes(b"no picture")
    (folder / "old.bmp").write_bytes(b"BM" + bytes(60))
    store = PictureStore.build(list_pictures(packed(folder, kind) if kind else folder))
    assert len(store) == 6
    assert [line.split(":")[0].removeprefix("./") for line in store.unreadable] == [
        "cut.jpg",
        "empty.png",
        "old.bmp",
        "text.webp",
    ]
    assert not any("/tmp" in line or "picture is" in line for line in store.unreadable)


def test_a_damaged_member_of_a_zip_is_left_out(folder):
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
        at = archive.getinfo("3.jpg").header_offset + 60
    stored = bytearray(path.read_bytes())
    stored[at] ^= 0xFF
    path.write_bytes(stored)
    store = PictureStore.build(list_pictures(path))
    assert len(store) == 5
    assert store.unreadable[0].startswith("3.jpg")


def test_sources_without_pictures_are_one_sentence(tmp_path, folder):
    (tmp_path / "nothing").mkdir()
    with pytest.raises(TrainingError, match="does not exist"):
        list_pictures(tmp_path / "nowhere")
    with pytest.raises(TrainingError, match="holds no pictures"):
        list_pictures(tmp_path / "nothing")
    with pytest.raises(TrainingError, match="neither a folder nor a zip or tar"):
        list_pictures(folder / "0.png")
    (tmp_path / "nothing" / "a.png").write_bytes(b"no picture")
    with pytest.raises(
        TrainingError, match=r"None of the 1 picture files in .* can be read; the first: a.png: it is no"
    ):
        PictureStore.build(list_pictures(tmp_path / "nothing"))
    cut = packed(folder, "tgz")
    cut.write_bytes(cut.read_bytes()[:3000])
    with pytest.raises(TrainingError, match="cannot be listed"):
        list_pictures(cut)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_small_folders_hold_one_picture_out_where_they_can(count, tmp_path):
    store = PictureStore.build(list_pictures(picture_folder(tmp_path / "few", count)))
    kept, held = store.split()
    assert (len(kept), held and len(held)) == ((1, None) if count == 1 else (count - 1, 1))
    assert len(samples(kept)) == 6


def named(*names):
    """A store that has names and no pixels: splitting looks at nothing else."""
    return PictureStore(Path("none"), (0,) * len(names), ((1, 1, 3),) * len(names), names, ())


@settings(max_examples=25, deadline=None)
@given(st.sets(st.text("abcdef", min_size=1, max_size=4), min_size=2, max_size=60), st.integers(0, 2**32 - 1))
def test_added_pictures_move_no_old_one_from_training_to_held_out(names, seed):
    names = sorted(names)
    assume(any(sample_seed(0, name) / 2**63 >= 0.1 for name in names))  # or one that would be held out is trained on
    before, held = named(*names).split(0.1)
    added = [f"new-{number}" for number in np.random.default_rng(seed).integers(0, 10**6, 40)]
    after, held_after = named(*sorted({*names, *added})).split(0.1)
    assert set(before.names) <= set(after.names)
    assert sorted((*before.names, *held.names)) == names
    assert not set(after.names) & set(held_after.names)


def test_about_the_share_is_held_out_and_never_more_than_the_limit():
    kept, held = named(*(f"{number}.png" for number in range(1000))).split()
    assert 35 <= len(held) <= 64
    assert len(kept) + len(held) == 1000
    assert len(named(*(f"{number}.png" for number in range(3000))).split()[1]) == 64


def test_16_bit_and_cmyk_and_float_and_alpha_are_read_as_pictures_are(tmp_path):
    wide = (draw_picture(1, 30, 40).astype(np.uint16) * 257) ^ 0x55
    files = {"wide.png": pyvips.Image.new_from_array(wide, interpretation="rgb16")}
    files["grey.png"] = pyvips.Image.new_from_array(wide[..., :1], interpretation="grey16")
    files["float.tif"] = pyvips.Image.new_from_array((wide / 65535).astype(np.float32), interpretation="srgb")
    files["rotated.jpg"] = pyvips.Image.new_from_array(draw_picture(2, 30, 40)).copy()
    files["rotated.jpg"].set_type(pyvips.GValue.gint_type, "orientation", 6)
    files["cmyk.jpg"] = pyvips.Image.new_from_array(draw_picture(3, 30, 40, 4), interpretation="cmyk")
    files["tiny.png"] = pyvips.Image.new_from_array(draw_picture(4, 3, 5))
    files["indexed.gif"] = pyvips.Image.new_from_array(draw_picture(5, 20, 20))
    for name, image in files.items():
        image.write_to_file(str(tmp_path / name))
        picture = Picture.open(tmp_path / name)
        seen = (picture.array().clip(0, 1) * 255).round().astype(np.uint8)
        colour = decode((tmp_path / name).read_bytes(), 3)
        assert colour.shape == (picture.height, picture.width, 3)
        assert np.array_equal(colour, np.broadcast_to(seen, colour.shape)), name
        grey, clear = (decode((tmp_path / name).read_bytes(), channels) for channels in (1, 4))
        luma = colour @ np.array([0.299, 0.587, 0.114])
        assert np.abs(grey[..., 0] - luma).max() <= 1.01
        assert np.array_equal(clear[..., :3], colour)
        assert (clear[..., 3] == 255).all()


def test_what_is_transparent_lies_over_white(tmp_path):
    pixels = draw_picture(1, 30, 40, 4)
    pixels[:10, :, 3] = 0
    pixels[10:20, :, 3] = 255
    pyvips.Image.new_from_array(pixels).write_to_file(str(tmp_path / "a.png"))
    stored = (tmp_path / "a.png").read_bytes()
    flat = decode(stored, 3)
    assert (flat[:10] == 255).all()
    assert np.array_equal(flat[10:20], pixels[10:20, :, :3])
    assert np.array_equal(decode(stored, 4), pixels)


def test_of_several_pages_the_first_is_taken():
    frames = pyvips.Image.new_from_array(draw_picture(1, 60, 40)).copy()
    frames.set_type(pyvips.GValue.gint_type, "page-height", 20)
    assert decode(frames.write_to_buffer(".webp", lossless=True), 3).shape == (20, 40, 3)


def test_pictures_of_any_size_and_mode_give_patches_of_one_size(tmp_path, folder):
    pyvips.Image.new_from_array(draw_picture(7, 3, 5)).write_to_file(str(folder / "tiny.png"))
    pyvips.Image.new_from_array(draw_picture(8, 1, 300, 1)).write_to_file(str(folder / "line.png"))
    store = PictureStore.build(list_pictures(folder))
    assert len(store) == 8
    for number in range(len(store)):
        one = store.take([number])
        alone = DegradedPatches(one, DEGRADATIONS["denoise"], patch=48, seed=0, shrink=1 + number % 2)[number]
        assert alone["x"].shape == alone["y"].shape == (3, 48, 48)
        assert alone["level"].shape == (1, 48, 48)
        assert 0 <= float(alone["x"].min()) <= float(alone["x"].max()) <= 1
    assert all(x.shape == (3, 192, 192) for x in centre_crops(store, 192, multiple=16))


def test_half_of_the_patches_are_reduced_from_larger_windows(tmp_path):
    """On a ramp that rises by 1 a pixel, the slope of a patch says how large its window was."""
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (150, 200, 3))
    (tmp_path / "ramp").mkdir()
    pyvips.Image.new_from_array(np.ascontiguousarray(ramp)).write_to_file(str(tmp_path / "ramp" / "a.png"))
    store = PictureStore.build(list_pictures(tmp_path / "ramp"))
    drawn = DegradedPatches(store, DEGRADATIONS["gaussian"], patch=32, seed=0, shrink=6)
    slopes = []
    for number in range(60):
        x = 255 * drawn[number]["x"]
        assert x.shape == (3, 32, 32)
        assert torch.allclose(x, x.round(), atol=1e-3), "the values of a file of 8 bits"
        slopes.append(max(float((x[0, 8:-8, 16].diff().mean()).abs()), float((x[0, 16, 8:-8].diff().mean()).abs())))
    slopes = np.array(slopes)
    assert 0.35 < (slopes == 1).mean() < 0.65
    assert slopes.min() >= 0.99
    assert 4 < slopes.max() <= 150 / 32 + 0.1, "no more than the picture has"


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_a_crop_is_a_window_of_the_mirrored_picture(height, width, size):
    picture = np.arange(height * width, dtype=np.int64).reshape(height, width, 1)
    window = crop(picture, size, np.random.default_rng(0))
    assert window.shape == (size, size, 1)
    if height >= size and width >= size:
        top, left = divmod(int(window[0, 0, 0]), width)
        assert np.array_equal(window, picture[top : top + size, left : left + size])


def test_a_sample_is_a_function_of_seed_and_number(folder):
    store = PictureStore.build(list_pictures(folder))
    forth, back = samples(store, range(8)), samples(store, reversed(range(8)))
    assert equal(forth, back[::-1])
    assert not equal(forth, samples(store, range(8), seed=4))
    assert not equal(forth[:4], forth[4:])


@given(st.integers(0, 50), st.integers(1, 4), st.integers(1, 3), st.integers(1, 5))
def test_processes_share_each_batch_and_steps_follow_one_another(start, processes, share, steps):
    batch = processes * share
    ranks = [iter(StepSampler(start, batch, rank, processes)) for rank in range(processes)]
    for step in range(start, start + steps):
        drawn = sorted(next(rank) for rank in ranks for _ in range(share))
        assert drawn == list(range(step * batch, (step + 1) * batch))


def test_a_store_goes_to_another_process_by_name_not_by_contents(folder):
    store = PictureStore.build(list_pictures(folder))
    first = store[0].copy()
    sent = pickle.dumps(store)
    assert len(sent) < 2000
    assert np.array_equal(pickle.loads(sent)[0], first)


def test_windows_of_large_pictures_keep_the_store_in_its_bounds(tmp_path):
    for number in range(3):
        pixels = draw_picture(number, 700, 900)
        pyvips.Image.new_from_array(pixels).write_to_file(str(tmp_path / f"{number}.png"))
    limit = 3 * 400 * 400 * 3
    listing = list_pictures(tmp_path)
    store, whole = (PictureStore.build(listing, max_bytes=size) for size in (limit, 2**30))
    assert sum(h * w * c for h, w, c in store.shapes) <= limit
    for number in range(3):
        h, w, _ = store.shapes[number]
        assert h / w == pytest.approx(7 / 9, abs=0.01)
        assert store[number][0].tobytes() in whole[number].tobytes()
        assert store[number][-1].tobytes() in whole[number].tobytes()
    again = PictureStore.build(listing, max_bytes=limit, folder=tmp_path / "elsewhere")
    assert np.array_equal(again.pixels, store.pixels)


def test_decoded_pictures_are_kept_until_the_folder_changes(folder, monkeypatch, own_cache):
    calls = []
    monkeypatch.setattr(stores, "decode", lambda stored, channels: calls.append(1) or decode(stored, channels))
    first = PictureStore.build(list_pictures(folder))
    assert len(calls) == 6
    second = PictureStore.build(list_pictures(folder))
    assert len(calls) == 6
    assert np.array_equal(first.pixels, second.pixels)
    pyvips.Image.new_from_array(draw_picture(9, 40, 50)).write_to_file(str(folder / "new.png"))
    assert len(PictureStore.build(list_pictures(folder))) == 7
    file = folder / "0.png"
    os.utime(file, (1, 1))
    key = list_pictures(folder).key
    assert key != list_pictures(packed(folder, "tar")).key
    os.utime(file, (2, 2))
    assert list_pictures(folder).key != key
    assert len(list(own_cache.iterdir())) == 2


def test_a_damaged_store_is_built_anew_and_an_unused_one_removed(folder, own_cache):
    listing = list_pictures(folder)
    store = PictureStore.build(listing)
    good = store.pixels.tobytes()
    store.file.write_bytes(good[:100])
    assert PictureStore.build(listing).pixels.tobytes() == good
    (store.file.parent / stores.INDEX).write_text("{")
    unused, fresh = own_cache / "unused", own_cache / "fresh.part"
    for entry, age in ((unused, 40), (fresh, 1)):
        entry.mkdir()
        (entry / stores.PIXELS).write_bytes(b"0")
        os.utime(entry / stores.PIXELS, (time.time() - age * 86400,) * 2)
    assert PictureStore.build(listing).pixels.tobytes() == good
    assert not unused.exists()
    assert fresh.exists()


def test_a_place_that_cannot_keep_them_is_one_sentence(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match=r"cannot keep the decoded pictures .* XDG_CACHE_HOME"):
        PictureStore.build(list_pictures(folder), folder=tmp_path / "file")


def test_an_interrupted_build_leaves_nothing_behind(folder, own_cache):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        PictureStore.build(list_pictures(folder), progress=interrupt)
    assert list(own_cache.iterdir()) == []


def build(folder: Path, gate, cache: Path) -> None:
    gate.wait()
    store = PictureStore.build(list_pictures(folder), folder=cache)
    (cache / f"{os.getpid()}.json").write_text(json.dumps([len(store), int(store.pixels.sum(dtype=np.int64))]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="starting processes afresh would take too long")
def test_processes_that_build_one_store_at_once_all_get_it(folder, tmp_path, monkeypatch):
    """Forked, so without libvips (`decode` is replaced): what is tried is the race for the folder."""

    def slow(stored, channels):
        time.sleep(0.02)
        return np.frombuffer(stored[:48], np.uint8).reshape(4, 4, 3)

    monkeypatch.setattr(stores, "decode", slow)
    cache = tmp_path / "shared"
    cache.mkdir()
    context = multiprocessing.get_context("fork")
    gate = context.Barrier(3)
    processes = [context.Process(target=build, args=(folder, gate, cache)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    told = {path.read_text() for path in cache.glob("*.json")}
    assert len(told) == 1
    assert len([entry for entry in cache.iterdir() if entry.is_dir()]) == 1


def test_keys_of_metadata_with_slashes_between_them_give_classes_in_groups(folder):
    names = list_pictures(folder).names
    rows = [{"file_name": name, "kind": f"k{i % 2}", "part": i} for i, name in enumerate(names)]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    listing = list_pictures(folder)
    assert listing.labels("kind/part") == {row["file_name"]: f"{row['kind']}/{row['part']}" for row in rows}
    assert set(listing.labels("kind").values()) == {"k0", "k1"}
    assert sorted(listing.labels("part").values()) == [str(i) for i in range(len(names))], "0 is a label"
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row | {"a/b": "x"}) + "\n" for row in rows))
    assert set(list_pictures(folder).labels("a/b").values()) == {"x"}, "a key may have a slash in it"
    del rows[0]["part"]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(TrainingError, match=rf"{rows[0]['file_name']} has no 'kind/part'.*\(1 such\)"):
        list_pictures(folder).labels("kind/part")


@settings(deadline=None, max_examples=30)
@given(
    counts=st.lists(st.integers(1, 40), min_size=2, max_size=5),
    balance=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_an_epoch_shows_each_class_as_often_as_the_balance_says(counts, balance, seed):
    """And each picture of a class as often as another, but for one time."""
    names = [f"class {kind}" for kind, count in enumerate(counts) for _ in range(count)]
    labels = one_hot(names, tuple(dict.fromkeys(names)))
    store = [np.full((1, 1, 1), number, np.uint8) for number in range(len(names))]
    shown = FittedPictures(store, labels, seed=seed, balance=balance)
    for epoch in range(2):
        drawn = [shown[epoch * len(names) + place] for place in range(len(names))]
        numbers = np.array([round(float(sample["x"]) * 255) for sample in drawn])
        assert all(torch.equal(sample["label"], labels[n]) for sample, n in zip(drawn, numbers, strict=True))
        times = np.bincount(numbers, minlength=len(names))
        shares = np.array([counts[int(name.split()[1])] ** -balance for name in names])
        expected = shares / shares.sum() * len(names)
        assert np.abs(times - expected).max() < 1 + 1e-6
        if not balance:
            assert set(times) == {1}


def test_a_listing_reads_every_name_it_has(folder):
    listing = list_pictures(folder)
    missing = Listing(listing.source, (*listing.names, "gone.png"), listing.key)
    read = dict(missing.read())
    assert read["gone.png"] == b""
    assert read["0.png"] == (folder / "0.png").read_bytes()
