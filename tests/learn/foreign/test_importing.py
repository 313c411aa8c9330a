"""An ONNX file of others becomes a model file that gives what it gave, whole and in tiles, or is refused."""

import io
import json
import zipfile
from pathlib import Path

import foreign_files
import numpy as np
import onnx
import onnxruntime
import pytest
import tifffile
from command_line import Run
from onnx import TensorProto, helper, numpy_helper

import sfumato
from sfumato.errors import ModelError, UsageError
from sfumato.learn.foreign.importing import from_onnx, import_model
from sfumato.learn.foreign.probing import sample_picture
from sfumato.models.engine import Engine

DNCNN = foreign_files.plain(foreign_files.residual())


def as_it_came(data: bytes, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def imported(data: bytes, **options: object) -> Engine:
    return Engine(from_onnx(data, "file.onnx", name="it", **options)[1])


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_an_upscaler_is_known_by_its_scale_and_gives_what_it_gave(scale: int) -> None:
    data = foreign_files.plain(foreign_files.upscaler(scale))
    engine = imported(data)
    assert (engine.card.scale, engine.card.stride, engine.card.family) == (scale, 1, "foreign")
    assert engine.card.task == ("upscale" if scale > 1 else "clean")
    y = sample_picture(3, 40, 57)
    restored = sfumato.restore(y.transpose(1, 2, 0), model=engine, memory_mb=1)
    expected = as_it_came(data, y[None])[0].transpose(1, 2, 0)
    np.testing.assert_allclose(restored.picture.array(), expected, atol=2e-5)


@pytest.mark.parametrize(
    ("fill", "stride", "halo"),
    [(foreign_files.residual(layers=5), 1, 6), (foreign_files.u_net, 4, 0), (foreign_files.pooled, 1, None)],
    ids=["local", "strided", "global"],
)
def test_stride_and_halo_are_found_by_running_it(fill: foreign_files.Fill, stride: int, halo: int | None) -> None:
    card = imported(foreign_files.plain(fill)).card
    assert card.stride == stride
    if halo is None:
        assert card.halo is None
        assert "blended windows, not exact" in card.config["tiles"]
    else:
        assert card.halo is not None
        assert halo <= card.halo <= halo + 2 * stride
        assert card.config["tiles"].startswith("exact")


def test_blended_windows_are_near_to_the_whole_and_a_note_says_so() -> None:
    engine = imported(foreign_files.plain(foreign_files.pooled))
    y = sample_picture(3, 200, 260).transpose(1, 2, 0)
    whole = sfumato.restore(y, model=engine)
    card = engine.card
    in_pieces = sfumato.restore(y, model=engine, memory_mb=max(1, card.bytes_per_pixel * 96 * 96 // 10**6))
    assert "overlapping windows" in " ".join(in_pieces.notes)
    assert "overlapping windows" not in " ".join(whole.notes)
    difference = np.abs(in_pieces.picture.array() - whole.picture.array())
    assert 0 < difference.max() < 0.2
    np.testing.assert_allclose(
        whole.picture.array(), engine(y=y.transpose(2, 0, 1)[None])[0].transpose(1, 2, 0), atol=1e-5
    )


def test_pixels_last_half_precision_and_old_operators() -> None:
    y = sample_picture(3, 36, 44)
    expected = as_it_came(DNCNN, y[None])[0]
    last = imported(foreign_files.channels_last(DNCNN))
    assert last.card.config["layout"] == "BHWC, 3 channels, 0..1"
    np.testing.assert_allclose(last(y=y[None])[0], expected, atol=2e-5)
    np.testing.assert_allclose(imported(foreign_files.in_half(DNCNN))(y=y[None])[0], expected, atol=5e-3)
    old = foreign_files.plain(foreign_files.residual(), opset=13)
    np.testing.assert_allclose(imported(old)(y=y[None])[0], expected, atol=2e-5)


@pytest.mark.parametrize("span", [(0.0, 255.0), (-1.0, 1.0)])
def test_values_up_to_255_are_found_out_and_others_are_stated(span: tuple[float, float]) -> None:
    stated = {} if span == (0.0, 255.0) else {"value_range": span}
    engine = imported(foreign_files.plain(foreign_files.in_range(foreign_files.residual(), *span)), **stated)
    assert engine.card.config["layout"].endswith(f"{span[0]:g}..{span[1]:g}")
    y = sample_picture(3, 36, 44)
    np.testing.assert_allclose(engine(y=y[None])[0], as_it_came(DNCNN, y[None])[0], atol=5e-5)


def test_grey_models_restore_grey_as_it_is_and_colour_channel_by_channel() -> None:
    data = foreign_files.plain(foreign_files.residual(1), channels=1)
    engine = imported(data)
    grey, colour = sample_picture(1, 40, 52), sample_picture(3, 40, 52)
    restored = sfumato.restore(grey[0], model=engine)
    assert restored.picture.num_channels == 1
    np.testing.assert_allclose(restored.picture.array()[..., 0], as_it_came(data, grey[None])[0, 0], atol=2e-5)
    each = np.stack([as_it_came(data, channel[None, None])[0, 0] for channel in colour], axis=2)
    restored = sfumato.restore(colour.transpose(1, 2, 0), model=engine, memory_mb=1)
    np.testing.assert_allclose(restored.picture.array(), each, atol=2e-5)


def test_a_fixed_size_that_nothing_depends_on_is_freed() -> None:
    data = foreign_files.plain(foreign_files.residual(), size=(64, 64))
    card, sealed, notes = from_onnx(data, "file.onnx", name="it")
    assert not card.fixed_size
    assert "runs in any" in notes[0]
    y = sample_picture(3, 50, 90)
    np.testing.assert_allclose(Engine(sealed)(y=y[None])[0], as_it_came(DNCNN, y[None])[0], atol=2e-5)


def test_a_fixed_size_that_is_built_in_goes_through_in_windows_of_it() -> None:
    data = foreign_files.plain(foreign_files.baked, size=(48, 64))
    card, sealed, notes = from_onnx(data, "file.onnx", name="it")
    assert (card.fixed_size, card.size) == (True, (48, 64))
    assert "64x48 only" in notes[0]
    engine = Engine(sealed)
    for height, width in ((48, 64), (30, 41), (100, 150)):
        restored = sfumato.restore(sample_picture(3, height, width).transpose(1, 2, 0), model=engine)
        assert (restored.picture.height, restored.picture.width) == (height, width)
    y = sample_picture(3, 48, 64)
    restored = sfumato.restore(y.transpose(1, 2, 0), model=engine)
    np.testing.assert_allclose(restored.picture.array(), as_it_came(data, y[None])[0].transpose(1, 2, 0), atol=2e-5)


def test_what_it_is_for_and_whose_it_is_are_kept(tmp_path: Path, run: Run) -> None:
    source = tmp_path / "denoiser.onnx"
    source.write_bytes(DNCNN)
    done = run("import", str(source), "--task", "denoise", "--licence", "CC-BY-NC-4.0")
    assert done.status == 0, done.err
    assert "CC-BY-NC-4.0" in done.out
    card = sfumato.load(tmp_path / "denoiser.sfumato.onnx").card
    assert (card.name, card.task, card.licence) == ("denoiser", "denoise", "CC-BY-NC-4.0")
    assert len(card.config["source_sha256"]) == 64
    restored = sfumato.restore(np.full((20, 20, 3), 0.5), model=tmp_path / "denoiser.sfumato.onnx")
    assert "CC-BY-NC-4.0" in " ".join(restored.notes)
    assert run("import", str(source)).status == 1  # exists already
    assert run("import", str(source), "--overwrite").status == 0


def test_sixteen_bit_and_transparency_go_through_an_imported_upscaler(tmp_path: Path) -> None:
    engine = imported(foreign_files.plain(foreign_files.upscaler(3)))
    alpha = np.linspace(0, 1, 24 * 30, dtype=np.float32).reshape(1, 24, 30)
    pixels = np.concatenate([sample_picture(3, 24, 30), alpha]).transpose(1, 2, 0)
    tifffile.imwrite(tmp_path / "small.tif", np.uint16(65535 * pixels), photometric="rgb", extrasamples=["unassalpha"])
    restored = sfumato.restore(tmp_path / "small.tif", model=engine)
    restored.save(tmp_path / "large.png")
    large = sfumato.Picture.open(tmp_path / "large.png")
    assert (large.height, large.width, large.depth, large.has_alpha) == (72, 90, 16, True)


def package(*files: tuple[str, bytes]) -> bytes:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        for name, contents in files:
            archive.writestr(name, contents)
    return stored.getvalue()


CONFIG = json.dumps({"id": "it", "name": "it", "task": "denoise", "backend": "onnx", "num_inputs": 1}).encode()


def test_packages_of_darktable(tmp_path: Path) -> None:
    source = tmp_path / "it.dtmodel"
    source.write_bytes(package(("it/config.json", CONFIG), ("it/model.onnx", DNCNN)))
    assert import_model(source, tmp_path / "out.onnx").card.task == "denoise"
    config = CONFIG.replace(b"denoise", b"upscale")
    both = [(f"it/model_x{n}.onnx", foreign_files.plain(foreign_files.upscaler(n))) for n in (2, 4)]
    source.write_bytes(package(("it/config.json", config), *both))
    assert import_model(source, tmp_path / "out4.onnx", scale=4).card.scale == 4
    with pytest.raises(ModelError, match=r"model_x2\.onnx, model_x4\.onnx; give scale"):
        import_model(source, tmp_path / "out5.onnx")


def outside(path: str) -> bytes:
    return package(("it/config.json", CONFIG), (path, DNCNN))


def edited(change: object) -> bytes:
    model = onnx.load_model_from_string(DNCNN)
    change(model)  # type: ignore[operator]
    return bytes(model.SerializeToString())


def _external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../weights.bin")


def _custom(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.example"


def _declared(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[0] = 2**40


def _made(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.array([2**40], np.int64), "shape"))
    model.graph.node.append(helper.make_node("ConstantOfShape", ["shape"], ["zeros"]))


def _third(model: onnx.ModelProto) -> None:
    for name in ("sigma", "mask"):
        model.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", 1, "h", "w"]))


def _four_channels(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 4


def _flat(model: onnx.ModelProto) -> None:
    del model.graph.input[0].type.tensor_type.shape.dim[3]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"not a model", "is no ONNX model"),
        (DNCNN[: len(DNCNN) // 2], "is no ONNX model"),
        (edited(_external), "keeps weights in another file"),
        (edited(_custom), "uses the operator com.example"),
        (edited(_declared), "that it does not hold"),
        (edited(_made), "makes a tensor of the shape"),
        (edited(_third), "takes 3 inputs"),
        (edited(_four_channels), "takes a picture of 4 channels"),
        (edited(_flat), "has 3 dimensions"),
        (outside("../model.onnx"), "leads out of it"),
        (outside("/etc/model.onnx"), "leads out of it"),
        (package(("it/config.json", CONFIG.replace(b"denoise", b"mask")), ("m.onnx", DNCNN)), "task 'mask'"),
        (package(("it/config.json", b"[")), "is no JSON"),
        (package(("it/config.json", CONFIG)), "must hold one ONNX file"),
    ],
)
def test_what_cannot_be_imported_says_why(data: bytes, says: str, tmp_path: Path) -> None:
    source = tmp_path / "file.onnx"
    source.write_bytes(data)
    with pytest.raises(ModelError, match=says):
        import_model(source)
    assert list(tmp_path.iterdir()) == [source]


def test_stages_are_said_while_it_takes_long(tmp_path: Path) -> None:
    (tmp_path / "file.onnx").write_bytes(DNCNN)
    stages: list[str] = []
    import_model(tmp_path / "file.onnx", on_stage=stages.append)
    assert "measuring how far it sees" in stages
    assert len(set(stages)) == len(stages) > 3


def test_sides_are_multiples_of_what_is_known() -> None:
    assert from_onnx(DNCNN, "file.onnx", name="it", multiple=8)[0].stride == 8


def test_options_that_cannot_be_meant(tmp_path: Path) -> None:
    source = tmp_path / "file.onnx"
    source.write_bytes(DNCNN)
    for options in ({"task": "upscale"}, {"task": "sharpen"}, {"scale": 2}, {"target": tmp_path / "out.pth"}):
        with pytest.raises(UsageError):
            import_model(source, **options)
    model = import_model(source).path
    with pytest.raises(ModelError, match="is a model file already"):
        import_model(model)
