"""`sfumato restore`: where results go, what is left alone, what is said, and how it exits."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import Run, make_picture

import sfumato
from sfumato import Picture
from sfumato.batch import records

MODEL = ("--model", "level.onnx", "--noise", "50")


def files_below(folder: Path) -> set[str]:
    files = {path for path in folder.rglob("*") if path.is_file() and path.name != records.NAME}
    return {path.relative_to(folder).as_posix() for path in files}


def test_library_and_command_line_give_the_same_bytes(here: Path, run: Run) -> None:
    source = make_picture(here / "a.png")
    assert run("restore", "a.png", *MODEL, "--strength", "0.5").status == 0
    sfumato.restore(source, model="level.onnx", noise=50, strength=0.5).save(here / "library.png")
    assert (here / "a.restored.png").read_bytes() == (here / "library.png").read_bytes()
    assert (here / "library.png").read_bytes() != source.read_bytes()


def test_result_lies_beside_the_input_which_stays_as_it_was(here: Path, run: Run) -> None:
    source = make_picture(here / "holiday.jpg")
    before = source.read_bytes()
    ran = run("restore", source, *MODEL)
    assert (ran.status, ran.err) == (0, "")
    assert f"{source} -> {here / 'holiday.restored.jpg'}" in ran.out
    assert "noise 50.0" in ran.out
    assert source.read_bytes() == before


def test_folder_keeps_its_structure_below_the_output_folder(here: Path, run: Run) -> None:
    for name in ("in/a.png", "in/deep/er/b.jpg", "in/deep/c.webp"):
        make_picture(here / name)
    (here / "in/notes.txt").write_text("no picture")
    make_picture(here / "in/.hidden/d.png")
    assert run("restore", "in", "-o", "out", *MODEL).status == 0
    assert files_below(here / "out") == {"a.png", "deep/er/b.jpg", "deep/c.webp"}


def test_several_folders_keep_their_names(here: Path, run: Run) -> None:
    make_picture(here / "x/a.png")
    make_picture(here / "y/a.png")
    assert run("restore", "x", "y", "-o", "out", *MODEL).status == 0
    assert files_below(here / "out") == {"x/a.png", "y/a.png"}


def test_glob_keeps_the_structure_below_its_fixed_part(here: Path, run: Run) -> None:
    for name in ("in/a.png", "in/deep/b.png", "in/deep/c.jpg"):
        make_picture(here / name)
    assert run("restore", "in/**/*.png", "-o", "in/out", *MODEL).status == 0
    assert files_below(here / "in/out") == {"a.png", "deep/b.png"}
    again = run("restore", "in/**/*.png", "-o", "in/out", *MODEL)
    assert "2 already there" in again.out, "results inside the input folder are not inputs of the next run"


def test_a_name_that_looks_like_a_glob_is_a_name_first(here: Path, run: Run) -> None:
    make_picture(here / "photo[1].png")
    assert run("restore", "photo[1].png", *MODEL).status == 0
    assert (here / "photo[1].restored.png").exists()


def test_batch_goes_on_past_bad_files_and_lists_them_at_the_end(here: Path, run: Run) -> None:
    make_picture(here / "in/a.png")
    (here / "in/bad.jpg").write_bytes(b"\xff\xd8\xff then nothing")
    (here / "in/empty.png").touch()
    make_picture(here / "in/z.png")
    ran = run("restore", "in", "-o", "out", *MODEL)
    assert ran.status == 1
    assert files_below(here / "out") == {"a.png", "z.png"}
    assert "2 pictures restored" in ran.out
    assert "2 failed" in ran.out
    complaints = ran.err.splitlines()
    assert len(complaints) == 2
    for name, line in zip(("bad.jpg", "empty.png"), complaints, strict=True):
        assert str(Path("in", name)) in line


def test_an_unforeseen_error_in_one_file_ends_nothing(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    make_picture(here / "in/a.png")
    make_picture(here / "in/b.png")
    opened = Picture.open

    def fail_once(path: Path, **options: object) -> Picture:
        if Path(path).name == "a.png":
            raise ZeroDivisionError("a bug")
        return opened(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Picture, "open", fail_once)
    monkeypatch.setattr("sfumato.batch.estimate_pixels", lambda *args, **options: 1)
    ran = run("restore", "in", "-o", "out", *MODEL)
    assert ran.status == 1
    assert "ZeroDivisionError: a bug" in ran.err
    assert files_below(here / "out") == {"b.png"}


def test_running_again_does_what_is_left(here: Path, run: Run) -> None:
    for name in "abc":
        make_picture(here / f"in/{name}.png")
    assert run("restore", "in", "-o", "out", *MODEL).status == 0
    (here / "out/b.png").unlink()
    kept = (here / "out/a.png").stat().st_mtime_ns
    ran = run("restore", "in", "-o", "out", *MODEL)
    assert ran.status == 0
    assert "1 picture restored" in ran.out
    assert "2 already there" in ran.out
    assert (here / "out/a.png").stat().st_mtime_ns == kept
    assert "3 pictures restored" in run("restore", "in", "-o", "out", "--overwrite", *MODEL).out


def test_results_beside_their_inputs_are_not_restored_again(here: Path, run: Run) -> None:
    make_picture(here / "in/a.png")
    assert run("restore", "in", "--compare", *MODEL).status == 0
    expected = {"a.png", "a.restored.png", "a.compare.png"}
    assert files_below(here / "in") == expected
    ran = run("restore", "in", "--compare", *MODEL)
    assert ran.status == 0
    assert "1 already there" in ran.out
    assert "2 earlier results passed over" in ran.out
    assert files_below(here / "in") == expected


def test_compare_can_be_added_to_a_finished_batch(here: Path, run: Run) -> None:
    make_picture(here / "a.png")
    assert run("restore", "a.png", *MODEL).status == 0
    kept = (here / "a.restored.png").stat().st_mtime_ns
    assert run("restore", "a.png", "--compare", *MODEL).status == 0
    assert Picture.open(here / "a.compare.png").width > Picture.open(here / "a.png").width
    assert (here / "a.restored.png").stat().st_mtime_ns == kept


def test_overwriting_the_input_must_be_asked_for(here: Path, run: Run) -> None:
    source = make_picture(here / "in/a.png")
    before = source.read_bytes()
    for inputs, output in (("in/a.png", "in/a.png"), ("in/a.png", "in"), ("in", "in")):
        ran = run("restore", inputs, "-o", output, *MODEL)
        assert (ran.status, source.read_bytes()) == (2, before)
        assert "--overwrite" in ran.err
    assert run("restore", "in", "-o", "in", "--overwrite", *MODEL).status == 0
    assert source.read_bytes() != before


def test_output_file_chooses_the_format(here: Path, run: Run) -> None:
    make_picture(here / "a.png")
    assert run("restore", "a.png", "-o", "b.tif", *MODEL).status == 0
    assert Picture.open(here / "b.tif").format == "tiff"


def test_a_file_with_the_wrong_suffix_keeps_its_format(here: Path, run: Run) -> None:
    make_picture(here / "a.png").rename(here / "a.jpg")
    assert run("restore", "a.jpg", *MODEL).status == 0
    assert Picture.open(here / "a.restored.jpg").format == "png"


def test_comparisons_of_neighbours_do_not_meet(here: Path, run: Run) -> None:
    make_picture(here / "in/a.png")
    make_picture(here / "in/a.jpg")
    assert run("restore", "in", "-o", "out", "--compare", *MODEL).status == 0
    assert files_below(here / "out") == {"a.png", "a.jpg", "a.compare.png", "a.compare.jpg"}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the folder cannot be made unwritable here")
def test_a_folder_that_cannot_be_written_is_named(here: Path, run: Run) -> None:
    make_picture(here / "a.png")
    (here / "out").mkdir(mode=0o500)
    ran = run("restore", "a.png", "-o", "out/", *MODEL)
    assert ran.status == 1
    assert "out" in ran.err


def test_gif_becomes_png_without_meeting_its_neighbour(here: Path, run: Run) -> None:
    from PIL import Image

    make_picture(here / "in/a.png")
    Image.new("RGB", (20, 12), "red").save(here / "in/a.gif")
    assert run("restore", "in", "-o", "out", *MODEL).status == 0
    assert files_below(here / "out") == {"a.png", "a.gif.png"}


def test_page_chooses_one_of_several(here: Path, run: Run) -> None:
    from PIL import Image

    frames = [Image.new("RGB", (20, 12), colour) for colour in ("black", "white")]
    frames[0].save(here / "two.tif", save_all=True, append_images=frames[1:])
    assert run("restore", "two.tif", *MODEL).status == 1
    ran = run("restore", "two.tif", "--page", "2", *MODEL)
    assert ran.status == 0
    assert "Page 2 of 2" in ran.out
    assert Picture.open(here / "two.restored.tif").array().mean() > 0.9


def test_strength_zero_gives_back_the_input_bytes(here: Path, run: Run) -> None:
    source = make_picture(here / "a.jpg")
    assert run("restore", "a.jpg", "--strength", "0", *MODEL).status == 0
    assert (here / "a.restored.jpg").read_bytes() == source.read_bytes()


def test_a_dry_run_says_what_is_found_and_writes_nothing(here: Path, run: Run) -> None:
    make_picture(here / "a.png")
    (here / "b.png").write_bytes(b"no picture")
    before = files_below(here)
    ran = run("restore", "a.png", "--dry-run")
    assert ran.status == 0
    assert "a.png: found noise" in ran.out
    assert "would do denoise." in ran.out
    assert "would do dejpeg, upscale." in run("restore", "a.png", "--dry-run", "--task", "dejpeg,upscale").out
    assert run("restore", ".", "--dry-run").status == 1
    assert files_below(here) == before


def test_holes_of_every_kind_and_the_mask_that_is_written(here: Path, run: Run) -> None:
    holes = np.zeros((24, 33), np.float32)
    holes[5:12, 10:20] = 1
    y = np.full((24, 33, 3), 0.4, np.float32)
    Picture.from_array(holes).save(here / "mask.png")
    Picture.from_array(np.where(holes[..., None] > 0, np.float32([0, 1, 0]), y)).save(here / "painted.png")
    Picture.from_array(y, alpha=1 - holes).save(here / "clear.png")
    task = ("--task", "inpaint")
    ran = run("restore", "painted.png", "-o", "a.png", *task, "--mask", "mask.png", "--mask-out", "out.png")
    assert ran.status == 0, ran.err
    assert "inpaint on 8.8 % of it" in ran.out
    assert "8.8 % of the picture was filled in" in ran.out
    assert np.array_equal(Picture.open(here / "out.png").array()[..., 0], holes)
    assert run("restore", "painted.png", "-o", "b.png", *task, "--mask", "#00ff00").status == 0
    assert run("restore", "clear.png", "-o", "c.png", *task).status == 0
    for name in "abc":
        picture = Picture.open(here / f"{name}.png")
        assert np.abs(picture.array() - 0.4).max() < 0.15
        assert b"compositeWithTrainedAlgorithmicMedia" in picture.xmp()
    ran = run("restore", "mask.png", *task)
    assert (ran.status, "must know what is missing" in ran.err) == (1, True)
    ran = run("restore", "painted.png", "clear.png", *task, "--mask-out", "one.png")
    assert (ran.status, "name a folder" in ran.err) == (2, True)


def test_what_is_scratched_can_be_seen_before_it_is_mended(here: Path, run: Run) -> None:
    make_picture(here / "a.png")
    ran = run("restore", "a.png", "--task", "scratches", "--dry-run", "--mask-out", "masks")
    assert ran.status == 0, ran.err
    assert "would do scratches" in ran.out
    assert files_below(here) >= {"masks/a.png.mask.png"}
    assert not (here / "a.restored.png").exists()
    for name in ("in/x/b.png", "in/y/b.png", "in/y/b.jpg"):
        make_picture(here / name)
    assert run("restore", "in", "-o", "out", "--task", "scratches", "--mask-out", "marks").status == 0
    marks = {path.relative_to(here / "marks").as_posix() for path in (here / "marks").rglob("*.png")}
    assert marks == {"x/b.png.mask.png", "y/b.png.mask.png", "y/b.jpg.mask.png"}
    assert run("restore", "a.png", "--task", "old-photo", "--mask-out", "found.png").status == 0
    again = run("restore", "a.png", "-o", "c.png", "--task", "old-photo", "--mask-out", "found.png")
    assert (again.status, "exists already" in again.err, (here / "c.png").exists()) == (2, True, False)
    assert Picture.open(here / "found.png").num_channels == 1


def test_tasks_and_masks_of_the_command_line(here: Path, run: Run) -> None:
    source = make_picture(here / "a.png")
    mask = np.zeros((24, 33), np.float32)
    mask[:, :10] = 1
    Picture.from_array(mask).save(here / "mask.png")
    ran = run("restore", "a.png", "-o", "part.png", "--task", "dejpeg", "--jpeg-quality", "15", "--mask", "mask.png")
    assert (ran.status, "dejpeg at JPEG quality 15" in ran.out) == (0, True)
    part, whole = Picture.open(here / "part.png").array(), Picture.open(source).array()
    assert np.array_equal(part[:, 10:], whole[:, 10:])
    assert not np.array_equal(part[:, :10], whole[:, :10])
    make_picture(here / "small.png", size=(4, 5))
    ran = run("restore", "a.png", "small.png", "-o", "out", "--task", "clean", "--mask", "mask.png")
    assert ran.status == 1
    assert "small.png: the mask is 33x24 and the picture 5x4" in ran.err
    assert (here / "out/a.png").exists()
    assert run("restore", "a.png", "-o", "big.png", "--task", "upscale", "--scale", "4", "--compare").status == 0
    assert Picture.open(here / "big.png").width == 4 * 33


def test_advice_is_given_once_for_a_batch_with_paths(here: Path, run: Run) -> None:
    for name in ("in/a.jpg", "in/deep/b.jpg"):
        make_picture(here / name, size=(100, 140))
    ran = run("restore", "in", "-o", "out")
    (advice,) = [line for line in ran.out.splitlines() if "Perhaps a small size" in line]
    assert f"(2 pictures: {Path('in', 'a.jpg')}, {Path('in', 'deep', 'b.jpg')})" in advice
    assert len([line for line in ran.out.splitlines() if " -> " in line]) == 2
    assert "found noise" in ran.out


def test_how_much_is_said_is_an_option(here: Path, run: Run) -> None:
    make_picture(here / "a.png")
    (here / "b.png").write_bytes(b"no picture")
    said = run("restore", "a.png", "-o", "1.png", "-v").out
    assert "Found noise" in said
    ran = run("restore", "a.png", "b.png", "-o", "out", "-q")
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (1, "", 1)
    records = [json.loads(line) for line in run("restore", "a.png", "b.png", "-o", "new", "--json").out.splitlines()]
    assert [record["status"] for record in records] == ["restored", "failed"]
    assert records[0]["steps"][0]["model"] == "denoise-fast"
    assert records[0]["output"] == str(Path("new", "a.png"))
    assert "b.png" in records[1]["error"]
    (record,) = [json.loads(line) for line in run("restore", "a.png", "--dry-run", "--json").out.splitlines()]
    assert (record["status"], record["tasks"]) == ("previewed", ["denoise"])


def test_noise_is_given_in_255_units(here: Path, run: Run) -> None:
    source = make_picture(here / "a.png")
    assert run("restore", "a.png", *MODEL).status == 0
    change = Picture.open(here / "a.restored.png").array() - Picture.open(source).array()
    np.testing.assert_allclose(change, -0.1 * 50 / 255, atol=1 / 255)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nosuch.png"], "nosuch.png: there is no such file or folder"),
        (["*.xyz"], "No picture file matches *.xyz"),
        (["empty"], "empty holds no picture files"),
        (["a.png", "b.png", "-o", "one.png"], "-o one.png names one file"),
        (["x/a.png", "y/a.png", "-o", "out"], "would both be written"),
        (["x", "-o", "a.txt"], "-o a.txt is a file"),
        (
            ["a.png", "--noise", "76"],
            "--noise is 76.0; give 'auto' or a level from 0 to 75 (of 255)",
        ),
        (["a.png", "--noise", "256"], "--noise 256: say auto, or a number from 0 to 255"),
        (["a.png", "--jpeg-quality", "0"], "--jpeg-quality 0: say auto, or a number from 1 to 100"),
        (
            ["a.png", "--task", "dejpg"],
            "--task: there is no task 'dejpg'; choose among auto, old-photo, denoise, dejpeg, clean, deblur, descreen",
        ),
        (["a.png", "--task", "deblur", "--kernel", "disc:0"], "--kernel is 'disc:0'; give motion:LENGTH@ANGLE"),
        (["a.png", "--noise", "loud"], "--noise loud"),
        (["a.png", "--strength", "2"], "--strength"),
        (["a.png", "--quality", "0"], "--quality"),
        (["a.png", "--strenght", "1"], "--strenght"),
        (["a.png", "-o", "a.bmp"], "a.bmp cannot be written: BMP is only read; end its name in .jpg"),
        (["a.png", "--device", "abacus"], "abacus"),
        ([], "Missing argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_usage_errors_are_one_sentence_and_exit_2(here: Path, run: Run, arguments: list[str], words: str) -> None:
    for name in ("a.png", "b.png", "x/a.png", "y/a.png"):
        make_picture(here / name)
    (here / "empty").mkdir()
    (here / "a.txt").touch()
    before = files_below(here)
    ran = run("restore", *arguments, "--model", "level.onnx")
    assert ran.status == 2
    assert words in ran.err
    assert len(ran.err.splitlines()) == 1
    assert "Traceback" not in ran.err
    assert files_below(here) == before


def test_unusable_models_are_one_sentence_and_exit_1(here: Path, run: Run) -> None:
    make_picture(here / "a.png")
    (here / "junk.onnx").write_bytes(b"junk")
    for model in ("denoise-fats", "junk.onnx"):
        ran = run("restore", "a.png", "--model", model)
        assert ran.status == 1
        assert model in ran.err
        assert len(ran.err.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C reaches a child process in another way there")
def test_ctrl_c_leaves_whole_results_and_says_what_is_left(here: Path) -> None:
    pixels = np.random.default_rng(0).uniform(0, 1, (700, 900, 3)).astype(np.float32)
    first = Picture.from_array(pixels).save(here / "0.png")
    (here / "in").mkdir()
    for number in range(60):
        os.link(first, here / f"in/{number:02}.png")
    command = [sys.executable, "-m", "sfumato", "restore", "in", "-o", "out", *MODEL]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (here / "out/01.png").exists():
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "the same command does the rest" in out
    assert "Traceback" not in err
    results = files_below(here / "out")
    assert 2 <= len(results) < 60
    assert all(Picture.open(here / "out" / name).array().shape == (700, 900, 3) for name in results)
