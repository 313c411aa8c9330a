"""Our models as other programs read them give the same on plain ONNX Runtime, in any size."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from command_line import Run

from sfumato import load
from sfumato.errors import ModelError, UsageError
from sfumato.learn.foreign.exporting import export_model
from sfumato.learn.foreign.importing import import_model
from sfumato.learn.foreign.probing import sample_picture
from sfumato.models import zoo

Y = sample_picture(3, 50, 70)[None]  # no multiple of any stride


def on_plain_runtime(data: bytes, **inputs: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, inputs)[0]


def as_the_model_gives(name: str | Path, **levels: float) -> np.ndarray:
    engine = load(name)
    stride = engine.card.stride
    padded = np.pad(Y, ((0, 0), (0, 0), (0, -50 % stride), (0, -70 % stride)), mode="reflect")
    maps = {kind: np.full_like(padded[:, :1], level) for kind, level in levels.items()}
    scale = engine.card.scale
    return engine(y=padded, **maps)[..., : 50 * scale, : 70 * scale]


@pytest.mark.parametrize(
    ("name", "options", "levels"),
    [
        ("denoise-fast", {"noise": 25.0}, {"sigma": 25 / 255}),
        ("dejpeg", {"jpeg_quality": 50.0}, {"compression": 0.1}),
        ("clean", {}, {}),
        ("upscale-2x", {}, {}),
    ],
)
def test_plain_files_take_any_size_and_give_what_the_model_gives(
    name: str, options: dict[str, float], levels: dict[str, float], tmp_path: Path
) -> None:
    done = export_model(zoo.path(name).read_bytes(), "plain-onnx", tmp_path / "plain.onnx", **options)
    found = on_plain_runtime(done.path.read_bytes(), input=Y)
    np.testing.assert_allclose(found, as_the_model_gives(name, **levels), atol=1e-4)


def test_darktable_is_given_the_noise_level_as_an_input(tmp_path: Path, run: Run) -> None:
    assert run("export", "denoise-fast", "--to", "dtmodel", "-o", tmp_path / "d.dtmodel").status == 0
    with zipfile.ZipFile(io.BytesIO((tmp_path / "d.dtmodel").read_bytes())) as package:
        assert sorted(package.namelist()) == ["denoise-fast/config.json", "denoise-fast/model.onnx"]
        config = json.loads(package.read("denoise-fast/config.json"))
        plain = package.read("denoise-fast/model.onnx")
    assert config["id"] == "denoise-fast"
    assert (config["task"], config["backend"], config["num_inputs"]) == ("denoise", "onnx", 2)
    sigma = np.full((1, 1, 50, 70), 15 / 255, np.float32)
    found = on_plain_runtime(plain, input=Y, sigma=sigma)
    np.testing.assert_allclose(found, as_the_model_gives("denoise-fast", sigma=15 / 255), atol=1e-4)


def test_what_goes_out_comes_in_again(tmp_path: Path) -> None:
    done = export_model(zoo.path("upscale-2x").read_bytes(), "dtmodel", tmp_path / "up.dtmodel")
    with zipfile.ZipFile(done.path) as package:
        assert "upscale-2x/model_x2.onnx" in package.namelist()
    card = import_model(done.path, tmp_path / "again.onnx").card
    assert (card.scale, card.task) == (2, "upscale")
    again = as_the_model_gives(tmp_path / "again.onnx")
    np.testing.assert_allclose(again, as_the_model_gives("upscale-2x"), atol=1e-4)


def test_what_cannot_be_exported_says_why(tmp_path: Path, run: Run) -> None:
    out = tmp_path / "out.onnx"
    with pytest.raises(UsageError, match="fix it by noise"):
        export_model(zoo.path("denoise-fast").read_bytes(), "plain-onnx", out)
    with pytest.raises(UsageError, match="noise has no effect"):
        export_model(zoo.path("clean").read_bytes(), "plain-onnx", out, noise=3)
    with pytest.raises(ModelError, match="neither restores nor enlarges"):
        export_model(zoo.path("mnist-gan").read_bytes(), "plain-onnx", out)
    with pytest.raises(UsageError, match="plain-onnx, dtmodel"):
        export_model(zoo.path("clean").read_bytes(), "tflite", out)
    out.write_bytes(b"")
    assert "exists already" in run("export", "clean", "--to", "plain-onnx", "-o", out).err
    assert run("export", "no-such-model", "--to", "dtmodel").status == 1
    assert run("export", "runs/x", "--noise", "3").status == 2
