"""Weights of PyTorch become a model file that gives what PyTorch gives, whole and in tiles; no code in them runs."""

from pathlib import Path

import architectures
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import sfumato
from sfumato.errors import ModelError
from sfumato.learn.foreign.checkpoints import _spandrel, read_weights
from sfumato.learn.foreign.importing import import_model
from sfumato.learn.foreign.probing import sample_picture
from sfumato.models.engine import Engine

SIZES = ((48, 48), (64, 80), (72, 56), (40, 96), (88, 120))  # over the least that all of them take


@torch.no_grad()
def check_is_what_torch_gives(name: str, folder: Path) -> None:
    """At five sizes, in the smallest tiles where they are exact and whole where they are not; weights are random."""
    weights = architectures.weights({**architectures.FEW, **architectures.MORE}[name])
    source = folder / "weights.pth"
    torch.save(weights, source)
    card = import_model(source, folder / "model.onnx", threads=1).card
    assert card.family == "foreign"
    descriptor = _spandrel("spandrel").MAIN_REGISTRY.load(dict(weights)).eval()
    engine = Engine(folder / "model.onnx", threads=1)
    for height, width in SIZES:
        height, width = (card.stride * -(-side // card.stride) for side in (height, width))
        y = sample_picture(card.picture_channels or 3, height, width)
        given = torch.from_numpy(y[None].copy())  # some work in place
        if card.role == "inpainter":
            mask = np.zeros((1, 1, height, width), np.float32)
            mask[..., 10:20, 10:30] = 1
            expected = descriptor._call_fn(descriptor.model, given, torch.from_numpy(mask))[0]
            found = engine(y=y[None], mask=mask)[0]
        else:
            options = {"noise": 15.0, "memory_mb": 1 if card.halo is not None else 400}
            restored = sfumato.restore(y.transpose(1, 2, 0), model=engine, **options)  # type: ignore[arg-type]
            expected = descriptor._call_fn(descriptor.model, given)[0]  # DRUNet's at noise 15
            found = restored.picture.array().transpose(2, 0, 1)
        assert float(np.abs(found - expected.numpy()).max()) < 1e-3, (name, height, width)


@pytest.mark.doors
@pytest.mark.parametrize("name", architectures.FEW)
def test_architectures_that_are_handed_around_most(name: str, tmp_path: Path) -> None:
    check_is_what_torch_gives(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", architectures.MORE)
def test_other_architectures_are_equal_or_refused(name: str, tmp_path: Path) -> None:
    if name not in architectures.REFUSED:
        check_is_what_torch_gives(name, tmp_path)
        return
    with pytest.raises(ModelError):
        check_is_what_torch_gives(name, tmp_path)


@pytest.mark.doors
def test_safetensors_and_pth_are_one_model(tmp_path: Path) -> None:
    weights = architectures.weights(architectures.FEW["Compact x4"])
    torch.save({"params_ema": weights}, tmp_path / "a.pth")
    save_file(weights, tmp_path / "b.safetensors")
    cards = [import_model(tmp_path / name, threads=1).card for name in ("a.pth", "b.safetensors")]
    assert cards[0].scale == cards[1].scale == 4
    assert cards[0].config["architecture"].startswith("RealESRGAN Compact")
    y = sample_picture(3, 34, 41)[None]
    models = [Engine(tmp_path / f"{name}.sfumato.onnx", threads=1)(y=y) for name in "ab"]
    np.testing.assert_array_equal(*models)


class Malicious:
    """What runs a command when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.target,)


def test_a_malicious_file_runs_nothing(tmp_path: Path) -> None:
    torch.save({"params": {"a.weight": torch.zeros(2)}, "more": Malicious(tmp_path / "ran")}, tmp_path / "bad.pth")
    with pytest.raises(ModelError, match="could run any code"):
        import_model(tmp_path / "bad.pth")
    assert not (tmp_path / "ran").exists()


TENSOR = torch.zeros(4, 4)


@pytest.mark.parametrize(
    ("held", "says"),
    [
        ({"conv.weight": TENSOR}, "architecture that is not known"),
        ({"epoch": 3, "iter": 10, "optimizers": [{"state": {}}], "schedulers": []}, "state of a training run"),
        ({"lora_unet_down.lora_up.weight": TENSOR, "lora_unet_down.lora_down.weight": TENSOR}, "is a LoRA"),
        ({"state_dict": {"model.diffusion_model.input_blocks.0.0.weight": TENSOR}}, "is a Stable Diffusion"),
        ({"a": 1}, "holds no weights"),
        ([1, 2], "holds no weights"),
    ],
)
def test_files_of_other_kinds_are_named(held: object, says: str, tmp_path: Path) -> None:
    torch.save(held, tmp_path / "file.ckpt")
    with pytest.raises(ModelError, match=says):
        import_model(tmp_path / "file.ckpt")


def test_files_that_are_cut_off_or_programs(tmp_path: Path) -> None:
    torch.save({"a": TENSOR}, tmp_path / "whole.pth")
    data = (tmp_path / "whole.pth").read_bytes()
    for name in ("cut.pth", "cut.safetensors"):
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        with pytest.raises(ModelError, match="is no file of weights"):
            read_weights(tmp_path / name)
    torch.jit.trace(torch.nn.Conv2d(3, 3, 3), torch.zeros(1, 3, 8, 8)).save(str(tmp_path / "program.pt"))
    with pytest.raises(ModelError, match="TorchScript program"):
        read_weights(tmp_path / "program.pt")
