"""Published networks as model files, so that they run on the same engine, cores and pictures as ours.

Weights: FFDNet (github.com/cszn/FFDNet), DnCNN and DnCNN-3 (github.com/cszn/DnCNN), the grey DnCNN of
github.com/cszn/KAIR, FSRCNN (github.com/yjn870/FSRCNN-pytorch); licences of their authors, used for measuring only.
Needs `pip install h5py` for .mat files.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.learn.export import export, to_onnx
from sfumato.learn.networks.network import Network, Restorer
from sfumato.models.card import Input, Output
from sfumato.models.engine import Engine


class PeerConfig:
    def __init__(self, channels: int) -> None:
        self.channels = channels


class FFDNet(Restorer):
    """Convolutions on a half-resolution picture with the level map as the last channel (arXiv:1710.04026)."""

    stride = 2

    def __init__(self, convolutions: list[nn.Conv2d]) -> None:
        super().__init__()
        self.config = PeerConfig(3 if convolutions[0].in_channels == 13 else 1)
        # MATLAB runs down columns: the four phases of a 2x2 cell come as (0,0), (1,0), (0,1), (1,1) (row, column).
        phases = [4 * c + k for c in range(self.config.channels) for k in (0, 2, 1, 3)]
        first, last = convolutions[0], convolutions[-1]
        assert last.bias is not None
        with torch.no_grad():
            first.weight.copy_(first.weight[:, [*phases, 4 * self.config.channels]])
            last.weight.copy_(last.weight[phases])
            last.bias.copy_(last.bias[phases])
        self.body = _with_relu(convolutions)

    @property
    def halo(self) -> int:
        return 2 * (len(self.body) // 2 + 2)

    def forward(self, y: Tensor, sigma: Tensor) -> Tensor:  # type: ignore[override]
        low = torch.cat([F.pixel_unshuffle(y, 2), F.avg_pool2d(sigma, 2)], dim=1)
        return F.pixel_shuffle(self.body(low), 2)


class DnCNN(Restorer):
    """Convolutions at full resolution that predict the noise of one level (arXiv:1608.03981)."""

    stride = 1

    def __init__(self, convolutions: list[nn.Conv2d]) -> None:
        super().__init__()
        self.config = PeerConfig(convolutions[0].in_channels)
        self.body = _with_relu(convolutions)

    @property
    def inputs(self) -> tuple[Input, ...]:
        return (Input("y", channels=self.config.channels),)

    @property
    def halo(self) -> int:
        return len(self.body) // 2 + 2

    def forward(self, y: Tensor) -> Tensor:  # type: ignore[override]
        return y - self.body(y)


class FSRCNN(Network):
    """Convolutions on the small picture and a transposed one that enlarges it (arXiv:1608.00367); luma only."""

    task, stride = "upscale", 1

    def __init__(self, weights: dict[str, Tensor], scale: int) -> None:
        super().__init__()
        self.config, self.scale = PeerConfig(1), scale
        layers: list[nn.Module] = []
        for name, value in weights.items():
            part, _, kind = name.rpartition(".")
            if kind == "weight" and value.ndim == 1:
                layers.append(nn.PReLU(len(value)))
            elif kind == "weight" and part == "last_part":
                layers.append(nn.ConvTranspose2d(len(value), 1, 9, scale, padding=4, output_padding=scale - 1))
            elif kind == "weight":
                layers.append(nn.Conv2d(value.shape[1], len(value), value.shape[2:], padding=value.shape[2] // 2))
        self.body = nn.Sequential(*layers)
        self.body.load_state_dict(dict(zip(self.body.state_dict(), weights.values(), strict=True)))

    @property
    def inputs(self) -> tuple[Input, ...]:
        return (Input("y", channels=1),)

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (Output("x_hat", channels=1),)

    @property
    def halo(self) -> int:
        return 12

    def forward(self, y: Tensor) -> Tensor:  # type: ignore[override]
        return self.body(y)


def _with_relu(convolutions: list[nn.Conv2d]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for conv in convolutions:
        layers += [conv, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def from_mat(path: Path) -> list[nn.Conv2d]:
    """The convolutions of a MatConvNet file (v7.3): kernels are stored with rows and columns exchanged."""
    import h5py

    found = []
    with h5py.File(path) as file:
        layers = file["net/layers"]
        for reference in np.array(layers).ravel():
            group = file[reference]
            if "".join(map(chr, np.array(group["type"]).ravel())) != "conv":
                continue
            weight, bias = (np.array(file[part]) for part in np.array(group["weights"]).ravel()[:2])
            weight = weight if weight.ndim == 4 else weight[None] if len(bias.ravel()) == 1 else weight[:, None]
            found.append(_conv(torch.from_numpy(weight.transpose(0, 1, 3, 2).copy()), torch.from_numpy(bias.ravel())))
    return found


def from_pth(path: Path) -> list[nn.Conv2d]:
    """The convolutions of a torch file of weights, in order."""
    weights = torch.load(path, weights_only=True, map_location="cpu")
    return [_conv(v, weights[k.replace("weight", "bias")]) for k, v in weights.items() if k.endswith("weight")]


def _conv(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    conv = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:], padding=weight.shape[2] // 2)  # type: ignore[arg-type]
    with torch.no_grad():
        conv.weight.copy_(weight)
        assert conv.bias is not None
        conv.bias.copy_(bias)
    return conv


PEERS = {
    "FFDNet colour": ("FFDNet_color.mat", FFDNet),
    "FFDNet grey": ("FFDNet_gray.mat", FFDNet),
    "DnCNN colour, sigma 25": ("CDnCNN_sigma25.mat", DnCNN),
    "DnCNN grey, sigma 25": ("kair_dncnn_25.pth", DnCNN),
    "DnCNN-3": ("DnCNN3.mat", DnCNN),
    "FSRCNN x2": ("fsrcnn_x2.pth", FSRCNN),
    "FSRCNN x4": ("fsrcnn_x4.pth", FSRCNN),
}


def module(name: str, folder: Path) -> Network:
    """The peer's network with its published weights, from the folder that holds the files of PEERS."""
    file, kind = PEERS[name]
    path = folder / file
    if kind is FSRCNN:
        weights = torch.load(path, weights_only=True, map_location="cpu")
        return FSRCNN(weights, int(path.stem[-1])).eval()
    return kind(from_mat(path) if path.suffix == ".mat" else from_pth(path)).eval()


def engine(name: str, folder: Path, work: Path, *, threads: int | None = None) -> Engine:
    """The peer as a model file in `work`, on the engine."""
    path = work / f"{PEERS[name][0]}.onnx"
    if not path.exists():
        export(module(name, folder), path, name=name, family="peer", task="denoise", half=False)
    return Engine(path, threads=threads)


def plain_onnx(name: str, folder: Path) -> bytes:
    """The peer as an ONNX file without a card, as others would have it."""
    return to_onnx(module(name, folder)).SerializeToString()
