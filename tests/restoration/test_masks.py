"""What is missing or damaged: masks of every kind, holes that are filled in, and all else untouched to the bit."""

from collections.abc import Callable
from pathlib import Path

import model_files
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato import Picture, restore
from sfumato.errors import PictureError, SfumatoError
from sfumato.learn.degradations.holes import draw_mask
from sfumato.models.engine import Engine
from sfumato.pictures import xmp as provenance
from sfumato.restoration import masks, scratches
from sfumato.restoration.inpaint import REACH, fill
from sfumato.restoration.masks import dilate, erode, read_mask
from sfumato.restoration.strength import at_strength

FILLER, FINDER = Engine(model_files.hole_filler()), Engine(model_files.white_finder())
MEMORY = 100_000_000


def drawn(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 200, (height, width, channels)).astype(np.float32) / 255


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([1, 3]), st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_only_what_is_missing_changes(height: int, width: int, channels: int, seed: int) -> None:
    y = drawn(height, width, channels, seed)
    holes = draw_mask(np.random.default_rng(seed), height, width, 0.2) > 0
    holes.ravel()[0] = False
    result = fill(y, holes, FILLER, MEMORY)
    assert result.shape == y.shape
    assert np.array_equal(result[~holes], y[~holes])
    assert np.isfinite(result).all()


def test_what_lies_beneath_the_mask_makes_no_difference() -> None:
    y, holes = drawn(70, 50), draw_mask(np.random.default_rng(1), 70, 50, 0.2) > 0
    other = np.where(holes[..., None], np.float32(np.nan), y)
    assert np.array_equal(fill(y, holes, FILLER, MEMORY), fill(other, holes, FILLER, MEMORY))


def test_a_hole_deeper_than_the_reach_is_filled_from_a_reduced_copy() -> None:
    y = np.full((4 * REACH, 4 * REACH, 3), 0.4, np.float32)
    holes = np.zeros(y.shape[:2], bool)
    holes[5:-5, 5:-5] = True
    assert erode(holes, REACH).any()
    result = fill(y, holes, FILLER, MEMORY)
    assert np.array_equal(result[~holes], y[~holes])
    assert 0.1 < result[holes].min() < result[holes].max() < 0.45


def test_a_picture_larger_than_a_window_is_filled_piece_by_piece() -> None:
    y, holes = drawn(530, 700), np.zeros((530, 700), bool)
    holes[500:520, 10:30] = holes[3:9, 600:690] = True
    pixels: list[int] = []
    result = fill(y, holes, FILLER, MEMORY, pixels.append)
    assert np.array_equal(result[~holes], y[~holes])
    assert np.abs(result[holes] - 0.75 * y.mean()).max() < 0.05
    assert pixels[-1] == holes.size


def test_dilating_and_eroding_are_by_squares() -> None:
    mask = np.zeros((9, 9), bool)
    mask[4, 1] = True
    assert dilate(mask, 2).sum() == 5 * 4
    assert np.array_equal(erode(~mask, 2), ~dilate(mask, 2))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_mask_may_be_a_file_an_array_the_transparency_or_a_colour(tmp_path: Path, channels: int) -> None:
    y = drawn(40, 60, channels)
    holes = np.zeros((40, 60), bool)
    holes[10:20, 30:45] = True
    file = Picture.from_array(holes.astype(np.float32)).save(tmp_path / "mask.png")
    expected = restore(y, model=FILLER, mask=holes)
    assert expected.filled is not None
    assert np.array_equal(expected.filled, holes)
    for mask in (file, str(file), holes.astype(np.uint8) * 255, Picture.from_array(holes.astype(np.float32))):
        assert np.array_equal(restore(y, model=FILLER, mask=mask).picture.array(), expected.picture.array())
    clear = Picture.from_array(y, alpha=1 - holes.astype(np.float32))
    for mask in (None, "alpha"):
        result = restore(clear, model=FILLER, mask=mask)
        assert np.array_equal(result.filled, holes)
        assert result.picture.alpha().min() == 1
    painted = np.where(holes[..., None], np.float32([1, 0, 1] if channels == 3 else [1]), y)
    result = restore(painted, model=FILLER, mask="#ff00ff" if channels == 3 else "#ffffff")
    assert np.array_equal(result.filled, dilate(holes, 2))


def test_the_result_says_what_was_made_up(tmp_path: Path) -> None:
    y, holes = drawn(40, 60), np.zeros((40, 60), np.float32)
    holes[10:20, 30:45] = 1
    source = Picture.from_array(y, xmp=provenance.made_up("A <drawing> & more")).save(tmp_path / "a.png")
    result = restore(source, model=FILLER, mask=holes)
    saved = Picture.open(result.save(tmp_path / "b.png"))
    assert b"compositeWithTrainedAlgorithmicMedia" in saved.xmp()
    assert b"A &lt;drawing&gt; &amp; more" in saved.xmp()
    assert result.steps[0].describe() == "hole-filler on 6.2 % of it"
    assert any("6.2 % of the picture was filled in" in note for note in result.notes)
    assert np.array_equal(result.mask().array()[..., 0], holes)
    change = result.change_map().array()
    assert np.abs(change[holes == 0] - 0.5).max() < 0.01
    assert change[holes == 1][:, 0].min() > 0.49
    assert change[holes == 1][:, 1].max() < 0.51
    large = restore(np.tile(y, (30, 1, 1)), model=FILLER, mask=np.tile(holes, (30, 1)))
    assert large.comparison().width > 100


@pytest.mark.parametrize(
    "xmp",
    [None, provenance.made_up("whole"), b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/'
     b'1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc="d" dc:title="mine"/></rdf:RDF></x:xmpmeta>'],
)  # fmt: skip
def test_the_mark_leaves_the_rest_of_a_packet_and_stays_xml(xmp: bytes | None) -> None:
    from xml.etree import ElementTree

    marked = provenance.partly_made_up(xmp)
    assert marked is not None
    assert marked.count(b"digitalsourcetype/") == 1
    assert b"composite" in marked
    ElementTree.fromstring(marked[marked.index(b"<x:xmpmeta") : marked.rindex(b"</x:xmpmeta>") + 12])
    assert (b'dc:title="mine"' in marked) == (xmp is not None and b"mine" in xmp)


def test_scratches_are_found_and_filled_within_the_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfumato.restoration.restore.shipped", lambda *_: FILLER)
    y = drawn(48, 64)
    y[:, 20:22] = 1
    result = restore(y, model=FINDER)
    assert result.filled is not None
    assert np.flatnonzero(result.filled.all(axis=0)).tolist() == [19, 20, 21, 22]
    assert result.steps[0].describe() == "white-finder on 6.2 % of it"
    upper = np.zeros((48, 64), np.float32)
    upper[:24] = 1
    half = restore(y, model=FINDER, mask=upper)
    assert half.filled is not None
    assert not half.filled[24:].any()
    assert np.array_equal(half.picture.array()[24:], y[24:])
    clean = restore(drawn(48, 64), model=FINDER)
    assert clean.untouched
    assert "No scratches" in clean.notes[-1]


def speck(height: int, width: int) -> np.ndarray:
    y = drawn(height, width)
    y[20:24, 30:34] = 1
    return y


def dotted(height: int, width: int) -> np.ndarray:
    y = drawn(height, width)
    y[::4, ::4] = 1
    return y


@pytest.mark.parametrize("marked", [speck, dotted], ids=["too little", "at one resolution alone"])
def test_what_is_doubtful_is_left_and_shown_in_grey(monkeypatch: pytest.MonkeyPatch, marked: Callable) -> None:
    monkeypatch.setattr("sfumato.restoration.restore.shipped", lambda *_: FILLER)
    y = marked(96, 128)
    left = restore(y, model=FINDER)
    assert left.untouched
    assert (left.filled, left.is_made_up) == (None, False)
    assert left.doubtful is not None
    assert f"{100 * left.doubtful.mean():.1f} % of the picture may be scratches" in left.notes[-1]
    grey = left.mask().array()[..., 0]
    assert np.array_equal(grey, np.where(left.doubtful, np.float32(masks.DOUBTFUL), 0))
    assert np.array_equal(grey, scratches.mask_of(Picture.from_array(y), FINDER).array()[..., 0])
    assert at_strength(left, 0).mask().array().max() == 0
    whole = restore(y, model=FINDER, mask=np.ones(y.shape[:2], np.float32))
    assert np.array_equal(whole.filled, left.doubtful)
    assert np.array_equal(whole.picture.array()[~left.doubtful], y[~left.doubtful])


def test_a_mask_with_grey_marks_what_is_white_alone(tmp_path: Path) -> None:
    y = speck(96, 128)
    mask = restore(y, model=FINDER).mask()
    as_written = restore(y, task="inpaint", mask=mask.save(tmp_path / "mask.png"))
    assert as_written.untouched
    assert "The mask has no white: the picture was left as it is." in as_written.notes
    painted = mask.array()[..., 0]
    painted[:22] *= 4
    done = restore(y, task="inpaint", mask=Picture.from_array(painted).save(tmp_path / "painted.png"))
    assert done.filled is not None
    assert np.array_equal(done.filled, painted > 0.5)
    assert np.flatnonzero(done.filled.any(axis=1)).tolist() == [19, 20, 21]


def test_strength_and_an_empty_mask_leave_the_picture() -> None:
    y, holes = drawn(32, 32), np.zeros((32, 32), np.float32)
    assert restore(y, model=FILLER, mask=holes).untouched
    holes[3:9] = 1
    assert restore(y, model=FILLER, mask=holes, strength=0).untouched
    whole, half = (restore(y, model=FILLER, mask=holes, strength=s).picture.array() for s in (1, 0.5))
    assert np.allclose(half, (y + whole) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        (np.ones((32, 32), np.float32), "leaves nothing to go by"),
        (np.ones((32, 31), np.float32), "a mask has the picture's size"),
        (None, "must know what is missing"),
        ("alpha", "has no transparency"),
        ("#ff00ff", "no pixel of the colour"),
        ("#ff00f", "is no colour"),
        ("nowhere.png", "nowhere.png"),
    ],
)
def test_a_mask_that_cannot_be_is_refused(mask: object, says: str) -> None:
    with pytest.raises(SfumatoError, match=says):
        restore(drawn(32, 32), model=FILLER, mask=mask)


def test_a_picture_that_is_opaque_all_over_does_not_say_what_is_missing() -> None:
    opaque = Picture.from_array(drawn(32, 32), alpha=np.ones((32, 32), np.float32))
    with pytest.raises(PictureError, match="must know what is missing"):
        restore(opaque, model=FILLER)
    assert restore(opaque, model=FILLER, mask="alpha").untouched


def test_a_mask_is_read_as_shares() -> None:
    picture = Picture.from_array(drawn(4, 4))
    assert read_mask(np.full((4, 4), 128, np.uint8), picture, 100).mean() == pytest.approx(128 / 255)
    strokes = Picture.from_array(np.ones((4, 4), np.float32), alpha=np.eye(4, dtype=np.float32))
    assert np.array_equal(read_mask(strokes, picture, 100), np.eye(4))
    with pytest.raises(PictureError, match="no mask"):
        read_mask(np.zeros((4, 4, 2)), picture, 100)


@pytest.mark.parametrize("colour", [(1, 0, 0), (0, 0, 0), (1, 1, 1), (0.2, 0.4, 0.6)])
def test_strokes_of_any_one_colour_on_a_transparent_layer_are_a_mask(tmp_path: Path, colour: tuple) -> None:
    """As programs save a layer that somebody painted on; what is transparent may hide any colour."""
    y, holes = drawn(20, 30), np.zeros((20, 30), np.float32)
    holes[5:9, 3:20] = 1
    pixels = np.where(holes[..., None] > 0, np.float32(colour), drawn(20, 30, seed=1))
    path = Picture.from_array(pixels, alpha=holes).save(tmp_path / "mask.png")
    assert np.array_equal(read_mask(path, Picture.from_array(y), 10**6), holes)
    assert np.array_equal(restore(y, model=FILLER, mask=path).filled, holes > 0)


@pytest.mark.parametrize("depth", [8, 16])
def test_yes_and_no_may_be_one_and_zero(tmp_path: Path, depth: int) -> None:
    holes = np.eye(9, dtype=np.float32)
    path = Picture.from_array(holes / (2**depth - 1), depth=depth).save(tmp_path / "mask.png")
    picture = Picture.from_array(drawn(9, 9))
    for mask in (path, holes.astype(np.uint8), holes.astype(np.int64), holes.astype(bool)):
        assert np.array_equal(read_mask(mask, picture, 10**6), holes)


def test_a_mask_that_means_no_pixel_says_what_is_expected(tmp_path: Path) -> None:
    y = drawn(9, 9)
    dark = Picture.from_array(np.full((9, 9), 85 / 255, np.float32)).save(tmp_path / "dark.png")
    with pytest.raises(PictureError, match=r"dark\.png: the brightest value of the mask is 85 of 255; what is meant"):
        restore(y, model=FILLER, mask=dark)
    assert restore(y, model=FILLER, mask=np.zeros((9, 9), np.float32)).untouched


def _tiff(path: Path, pixels: np.ndarray) -> Path:
    """A picture file with these very numbers, whatever white is."""
    from PIL import Image

    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize("white", [1, 255, 65535])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.int64, np.float32])
def test_white_is_1_or_255_or_the_most_whatever_the_numbers_are_stored_in(tmp_path: Path, kind, white: int) -> None:
    holes = draw_mask(np.random.default_rng(3), 20, 30, 0.2) > 0
    y = Picture.from_array(drawn(20, 30))
    white = min(white, 255) if kind == np.uint8 else white
    numbers = (holes * white).astype(kind)
    assert np.array_equal(read_mask(numbers, y, 10**6), holes)
    if kind in (np.uint8, np.uint16, np.float32):
        assert np.array_equal(read_mask(_tiff(tmp_path / "mask.tif", numbers), y, 10**6), holes)


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_between_black_and_white_is_in_part(white: float) -> None:
    y, share = Picture.from_array(drawn(8, 11)), np.tile(np.float32(np.arange(11) / 10), (8, 1))
    assert np.abs(read_mask(share * white, y, 10**6) - share).max() < 1e-6
    assert np.array_equal(read_mask(share * np.float32(1.02), y, 10**6)[:, -1], np.ones(8))


@pytest.mark.parametrize(
    ("what", "share"),
    [
        *(("hole in the picture", 0.1), ("hole in the picture", 0.7), ("hole in another", 0.1), ("strokes", 0.1)),
        *(("black and white", 0.1), ("black and white", 0.7)),
    ],
)
def test_transparency_says_what_is_meant(what: str, share: float) -> None:
    rng = np.random.default_rng(5)
    y, other, holes = drawn(40, 50), drawn(40, 50, seed=9), rng.uniform(size=(40, 50)) < share
    if what == "hole in the picture":
        mask = Picture.from_array(y, alpha=(~holes).astype(np.float32))
    elif what == "hole in another":
        mask = Picture.from_array(other, alpha=(~holes).astype(np.float32))
    elif what == "strokes":
        mask = Picture.from_array(other, alpha=holes.astype(np.float32))
    else:
        mask = Picture.from_array(holes.astype(np.float32), alpha=np.tri(40, 50, 40, dtype=np.float32))
        holes = holes & (np.tri(40, 50, 40) > 0)
    assert np.array_equal(read_mask(mask, Picture.from_array(y), 10**6) > 0.5, holes)


@pytest.mark.parametrize("task", ["inpaint", "dejpeg", "denoise"])
def test_a_mask_file_that_marks_too_darkly_is_an_error(tmp_path: Path, task: str) -> None:
    dark = Picture.from_array(np.full((16, 16), 3 / 255, np.float32)).save(tmp_path / "dark.png")
    clear = Picture.from_array(np.zeros((16, 16, 3)), alpha=np.zeros((16, 16)), depth=8).save(tmp_path / "clear.png")
    for mask, brightest in ((dark, 3), (clear, 0)):
        with pytest.raises(PictureError, match=f"{mask.name}: the brightest value of the mask is {brightest} of 255"):
            restore(drawn(16, 16), task=task, mask=mask, noise=20 if task == "denoise" else "auto")


@pytest.mark.parametrize("task", ["inpaint", "dejpeg", "denoise"])
def test_a_black_mask_marks_nothing_and_leaves_the_picture(tmp_path: Path, task: str) -> None:
    """What --mask-out writes where no scratch was found is a mask, too."""
    black = Picture.from_array(np.zeros((16, 16), np.float32)).save(tmp_path / "black.png")
    y = drawn(16, 16)
    done = restore(y, task=task, mask=black, noise=20 if task == "denoise" else "auto")
    assert done.untouched
    assert "The mask has no white: the picture was left as it is." in done.notes
