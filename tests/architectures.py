"""Small random networks of the architectures that are handed around, as files of weights; their weights are random."""

import importlib
from collections.abc import Callable
from typing import Any

import torch

from sfumato.learn.foreign.checkpoints import _spandrel

Make = Callable[[Any], Any]


def _class(architecture: str, name: str) -> Any:
    spandrel = _spandrel("spandrel")
    module = importlib.import_module(f"spandrel.architectures.{architecture}")
    assert spandrel
    return getattr(module, name)


# What spandrel finds in the weights alone, so that the file is read back as it was made.
FEW: dict[str, Callable[[], Any]] = {
    "Compact x4": lambda: _class("Compact", "Compact")(num_feat=16, num_conv=4, upscale=4),
    "ESRGAN x4": lambda: _class("ESRGAN", "ESRGAN")(num_filters=16, num_blocks=2, scale=4),
    "SPAN x2": lambda: _class("SPAN", "SPAN")(num_in_ch=3, num_out_ch=3, feature_channels=24, upscale=2),
    "PLKSR x2": lambda: _class("PLKSR", "PLKSR")(dim=16, n_blocks=3, kernel_size=9, upscaling_factor=2),
    "DRUNet": lambda: _class("DRUNet", "DRUNet")(in_nc=4, out_nc=3, nc=[16, 16, 32, 32], nb=2),
    "LaMa": lambda: _class("LaMa", "LaMa")(in_nc=4, out_nc=3),
}
MORE: dict[str, Callable[[], Any]] = {
    "DnCNN": lambda: _class("DnCNN", "DnCNN")(in_nc=3, out_nc=3, nc=16, nb=6, mode="DnCNN"),
    "RealCUGAN x2": lambda: _class("RealCUGAN", "UpCunet2x")(),
    "SwiftSRGAN x4": lambda: _class("SwiftSRGAN", "SwiftSRGAN")(num_channels=16, num_blocks=2, upscale_factor=4),
    "RCAN x2": lambda: _class("RCAN", "RCAN")(scale=2, n_resgroups=2, n_resblocks=2, n_feats=16),
    "RealPLKSR x4": lambda: _class("PLKSR", "RealPLKSR")(dim=16, n_blocks=2, kernel_size=9, upscaling_factor=4),
    "MoSR x2": lambda: _class("MoSR", "MoSR")(n_block=3, dim=16, upscale=2),
    "NAFNet": lambda: _class("NAFNet", "NAFNet")(
        width=8, middle_blk_num=1, enc_blk_nums=[1, 1, 1, 1], dec_blk_nums=[1, 1, 1, 1]
    ),
    "FBCNN": lambda: _class("FBCNN", "FBCNN")(nc=[8, 16, 16, 16], nb=2),
    "KBNet-s": lambda: _class("KBNet", "KBNet_s")(
        width=16, middle_blk_num=1, enc_blk_nums=[1, 1, 1, 1], dec_blk_nums=[1, 1, 1, 1]
    ),
    "OmniSR x2": lambda: _class("OmniSR", "OmniSR")(num_feat=16, res_num=1, up_scale=2),
    "HAT x2": lambda: _class("HAT", "HAT")(
        embed_dim=24, depths=(2,), num_heads=(2,), window_size=8, upscale=2, upsampler="pixelshuffle"
    ),
    "DAT x2": lambda: _class("DAT", "DAT")(
        embed_dim=24, split_size=(8, 8), depth=(2,), num_heads=(2,), expansion_factor=2, upscale=2
    ),
    "RGT x2": lambda: _class("RGT", "RGT")(
        embed_dim=24, depth=(2,), num_heads=(2,), split_size=(8, 8), mlp_ratio=2, upscale=2
    ),
    "CRAFT x2": lambda: _class("CRAFT", "CRAFT")(embed_dim=24, depths=(2,), num_heads=(2,), upscale=2),
    "FDAT x2": lambda: _class("FDAT", "FDAT")(embed_dim=24, num_groups=1, depth_per_group=2, num_heads=2, scale=2),
    "DCTLSA x2": lambda: _class("DCTLSA", "DCTLSA")(embed_dim=32, depths=(2,), num_heads=(4,), upscale=2),
    "SwinIR x2": lambda: _class("SwinIR", "SwinIR")(
        embed_dim=24, depths=(2,), num_heads=(2,), window_size=8, mlp_ratio=2, upscale=2, upsampler="pixelshuffle"
    ),
    "Swin2SR x2": lambda: _class("Swin2SR", "Swin2SR")(
        embed_dim=24, depths=(2,), num_heads=(2,), window_size=8, mlp_ratio=2, upscale=2, upsampler="pixelshuffle"
    ),
    "SCUNet": lambda: _class("SCUNet", "SCUNet")(config=[1, 1, 1, 1, 1, 1, 1], dim=16),
    "DITN x2": lambda: _class("DITN", "DITN_Real")(dim=16, ITL_blocks=1, SAL_blocks=1, UFONE_blocks=1, patch_size=8),
    "GRL x2": lambda: _class("GRL", "GRL")(embed_dim=32, depths=[2], upscale=2),
    "DRCT x2": lambda: _class("DRCT", "DRCT")(embed_dim=24, depths=(2,), num_heads=(2,), gc=8, upscale=2),
    "SAFMN x2": lambda: _class("SAFMN", "SAFMN")(dim=16, n_blocks=2, upscaling_factor=2),
    "SeemoRe x2": lambda: _class("SeemoRe", "SeemoRe")(scale=2, embedding_dim=16, num_layers=1),
    "ATD x2": lambda: _class("ATD", "ATD")(embed_dim=24, depths=(2,), num_heads=(2,), upscale=2),
}


def weights(make: Callable[[], Any], seed: int = 0) -> dict[str, torch.Tensor]:
    """The state of a network with random weights, those of a normalization away from its neutral values, too."""
    torch.manual_seed(seed)
    network = make().eval()
    for value in network.buffers():
        if value.is_floating_point() and value.ndim == 1 and not value.any():
            value.uniform_(-0.05, 0.05)
    return dict(network.state_dict())


# Those whose graph is not what PyTorch computes, or cannot be traced into one of any size.
REFUSED = ("SeemoRe x2", "ATD x2")
