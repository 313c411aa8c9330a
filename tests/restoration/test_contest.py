"""Several models on one picture: what the table says is so, and the sheet shows what there is."""

from pathlib import Path

import model_files
import numpy as np
import pytest
from command_line import Run, make_picture

from sfumato import Picture, load, restore
from sfumato.errors import PictureError, UsageError
from sfumato.measures import psnr
from sfumato.models.engine import Engine
from sfumato.restoration.contest import DETAIL, Entry, draw_sheet, run_contest
from sfumato.restoration.options import RestoreOptions

PLAIN = Engine(model_files.plain())
RANDOM = np.random.default_rng(0)
Y = RANDOM.random((40, 56, 3), np.float32)


def entries(*engines: Engine) -> list[Entry]:
    return [Entry(engine.card.name, RestoreOptions(model=engine)) for engine in engines]


def test_the_table_says_what_restoring_gives() -> None:
    source = Picture.from_array(Y, depth=32, format="tiff")
    clean = Picture.from_array(Y.clip(0.2, 0.8), depth=32, format="tiff")
    half = Entry("half", RestoreOptions(model=PLAIN, strength=0.5))
    whole, at_half = run_contest(source, [*entries(PLAIN), half], clean=clean)
    expected = restore(Y, model=PLAIN).picture.array()
    np.testing.assert_array_equal(whole.picture.array(), expected)
    assert whole.change == pytest.approx(255 * np.sqrt(np.mean(np.square(expected - Y))), rel=1e-4)
    assert at_half.change == pytest.approx(whole.change / 2, rel=1e-3)
    assert whole.psnr == pytest.approx(psnr(expected, clean.array(), rounded=True))
    assert whole.seconds > 0


def test_a_clean_picture_of_another_size_is_refused() -> None:
    with pytest.raises(PictureError, match="56x40"):
        run_contest(Picture.from_array(Y), entries(PLAIN), clean=Picture.from_array(Y[:20]))


def test_the_part_is_where_the_results_differ() -> None:
    y = np.full((400, 600, 3), 0.5, np.float32)
    source, changed = Picture.from_array(y), y.copy()
    changed[300:390, 500:590] = 0.9
    one = run_contest(source, entries(Engine(model_files.identity())))[0]
    other = type(one)("other", Picture.from_array(changed), 1.0, None, 1.0, None, ())
    sheet = draw_sheet(source, [one, other]).array()
    assert (np.abs(sheet - 0.9).max(axis=2) < 0.01).sum() >= 90 * 90  # the change, at full size
    assert sheet.shape[1] >= 3 * DETAIL


def test_results_of_several_scales_are_shown_in_one_size() -> None:
    source = Picture.from_array(Y)
    outcomes = run_contest(source, entries(Engine(model_files.identity()), load("upscale-2x")))
    assert [outcome.picture.width for outcome in outcomes] == [56, 112]
    sheet = draw_sheet(source, outcomes, crop=(10, 8, 20, 16))
    assert sheet.width >= 3 * 40
    with pytest.raises(UsageError):
        draw_sheet(source, outcomes, crop=(50, 0, 20, 16))


def test_the_command(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_picture(Path("a.png"), size=(40, 56))
    Path("own.onnx").write_bytes(model_files.plain())
    ran = run("compare", "a.png", "--models", "own.onnx,denoise-fast", "--noise", "15", "--strength", "0.5,1")
    assert ran.status == 0, ran.err
    for word in ("own 0.5", "own 1", "denoise-fast 1", "sheet: a.models.png"):
        assert word in ran.out
    assert run("compare", "a.png", "--models", "own.onnx").status == 1  # the sheet exists
    ran = run("compare", "a.png", "--task", "denoise", "--clean", "a.png", "-o", "b.png", "--ensemble")
    assert ran.status == 0, ran.err
    assert "denoise-best x8" in ran.out
    assert "dB" in ran.out
    for wrong in (
        ("--models", "own.onnx", "--crop", "9"),
        ("--models", "own.onnx", "--crop", "90x90+0+0"),
        ("--models", "own.onnx", "--strength", "much"),
        ("--models", "own.onnx", "--task", "denoise"),
        ("--task", "inpaint"),
    ):
        assert run("compare", "a.png", "-o", "c.png", *wrong).status == 2, wrong
    assert not Path("c.png").exists()
