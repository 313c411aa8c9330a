"""Small random networks of the architectures that are handed around, as files of weights; their weights are random."""

from collections.abc import Callable
from typing import Any

import torch

from sfumato.learn.foreign.checkpoints import known_network

# What spandrel finds in the weights alone, so that the file is read back as it was made.
FEW: dict[str, Callable[[], Any]] = {
    "Compact x4": lambda: known_network("Compact", num_feat=16, num_conv=4, upscale=4),
    "ESRGAN x4": lambda: known_network("ESRGAN", num_filters=16, num_blocks=2, scale=4),
    "SPAN x2": lambda: known_network("SPAN", num_in_ch=3, num_out_ch=3, feature_channels=24, upscale=2),
    "PLKSR x2": lambda: known_network("PLKSR", dim=16, n_blocks=3, kernel_size=9, upscaling_factor=2),
    "DRUNet": lambda: known_network("DRUNet", in_nc=4, out_nc=3, nc=[16, 16, 32, 32], nb=2),
    "LaMa": lambda: known_network("LaMa", in_nc=4, out_nc=3),
}
MORE: dict[str, Callable[[], Any]] = {
    "DnCNN": lambda: known_network("DnCNN", in_nc=3, out_nc=3, nc=16, nb=6, mode="DnCNN"),
    "RealCUGAN x2": lambda: known_network("RealCUGAN", name="UpCunet2x"),
    "SwiftSRGAN x4": lambda: known_network("SwiftSRGAN", num_channels=16, num_blocks=2, upscale_factor=4),
    "RCAN x2": lambda: known_network("RCAN", scale=2, n_resgroups=2, n_resblocks=2, n_feats=16),
    "RealPLKSR x4": lambda: known_network(
        "PLKSR", name="RealPLKSR", dim=16, n_blocks=2, kernel_size=9, upscaling_factor=4
    ),
    "MoSR x2": lambda: known_network("MoSR", n_block=3, dim=16, upscale=2),
    "NAFNet": lambda: known_network(
        "NAFNet", width=8, middle_blk_num=1, enc_blk_nums=[1, 1, 1, 1], dec_blk_nums=[1, 1, 1, 1]
    ),
    "FBCNN": lambda: known_network("FBCNN", nb=2),
    "KBNet-s": lambda: known_network(
        "KBNet", name="KBNet_s", width=16, middle_blk_num=1, enc_blk_nums=[1, 1, 1, 1], dec_blk_nums=[1, 1, 1, 1]
    ),
    "OmniSR x2": lambda: known_network("OmniSR", num_feat=16, res_num=1, up_scale=2),
    "HAT x2": lambda: known_network(
        "HAT", embed_dim=60, depths=(2,), num_heads=(2,), window_size=8, upscale=2, upsampler="pixelshuffle"
    ),
    "DAT x2": lambda: known_network(
        "DAT", embed_dim=64, split_size=(8, 8), depth=(2,), num_heads=(2,), expansion_factor=2, upscale=2
    ),
    "FDAT x2": lambda: known_network("FDAT", embed_dim=24, num_groups=1, depth_per_group=2, num_heads=2, scale=2),
    "SwinIR x2": lambda: known_network(
        "SwinIR",
        embed_dim=24,
        depths=(2,),
        num_heads=(2,),
        window_size=8,
        mlp_ratio=2,
        upscale=2,
        upsampler="pixelshuffle",
    ),
    "Swin2SR x2": lambda: known_network(
        "Swin2SR",
        embed_dim=24,
        depths=(2,),
        num_heads=(2,),
        window_size=8,
        mlp_ratio=2,
        upscale=2,
        upsampler="pixelshuffle",
    ),
    "SCUNet": lambda: known_network("SCUNet", config=[1, 1, 1, 1, 1, 1, 1], dim=64),
    "GRL x2": lambda: known_network("GRL", embed_dim=48, depths=[2], upscale=2),
    "RGT x2": lambda: known_network("RGT", embed_dim=60, depth=[2], num_heads=[2], mlp_ratio=2, upscale=2),
    "CRAFT x2": lambda: known_network("CRAFT", embed_dim=48, depths=(2,), num_heads=(2,), upscale=2),
    "DITN x2": lambda: known_network("DITN", dim=24, ITL_blocks=1, SAL_blocks=1, UFONE_blocks=1, upscale=2),
    "DRCT x2": lambda: known_network(
        "DRCT", embed_dim=60, depths=(2,), num_heads=(2,), window_size=8, upscale=2, upsampler="pixelshuffle"
    ),
    "DCTLSA x2": lambda: known_network("DCTLSA", nf=20, upscale=2),
    "SAFMN x2": lambda: known_network("SAFMN", dim=16, n_blocks=2, upscaling_factor=2),
    "SeemoRe x2": lambda: known_network("SeemoRe", scale=2, embedding_dim=16, num_layers=1),
    "ATD x2": lambda: known_network("ATD", embed_dim=24, depths=(2,), num_heads=(2,), upscale=2),
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
