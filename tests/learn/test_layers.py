"""Every block: the shape that its docstring states, gradients, and what makes it that block."""

import pytest
import torch
from torch import nn

from sfumato.errors import UsageError
from sfumato.learn.layers.activation import ACTIVATIONS, activation
from sfumato.learn.layers.attention import ChannelAttention, SpatialAttention
from sfumato.learn.layers.conditioned import SelfAttention
from sfumato.learn.layers.convolution import ConvBlock, FoldedConv, ResidualBlock, fold
from sfumato.learn.layers.normalization import NORMALIZATIONS, normalization
from sfumato.learn.layers.pooling import POOLINGS, DenseHead, GlobalPool, pooling
from sfumato.learn.layers.resampling import DOWNSAMPLINGS, UPSAMPLINGS, downsampling, upsampling

SAME = (6, 12, 16)
BLOCKS = {
    **{f"activation {n}": (lambda n=n: activation(n), SAME) for n in ACTIVATIONS},
    **{f"normalization {n}": (lambda n=n: normalization(n, 6), SAME) for n in NORMALIZATIONS},
    **{f"pooling {n}": (lambda n=n: pooling(n), (6, 6, 8)) for n in POOLINGS},
    **{f"down {n}": (lambda n=n: downsampling(n, 6, 10), (10, 6, 8)) for n in DOWNSAMPLINGS},
    **{f"up {n}": (lambda n=n: upsampling(n, 6, 10), (10, 24, 32)) for n in UPSAMPLINGS},
    "convolution": (lambda: ConvBlock(6, 10, norm=normalization("batch", 10), act="silu"), (10, 12, 16)),
    "strided convolution": (lambda: ConvBlock(6, 10, stride=2), (10, 6, 8)),
    "residual": (lambda: ResidualBlock(6), SAME),
    "folded": (lambda: FoldedConv(6), SAME),
    "channel attention": (lambda: ChannelAttention(6), SAME),
    "spatial attention": (lambda: SpatialAttention(), SAME),
    "global average": (lambda: GlobalPool(), (6,)),
    "global maximum": (lambda: GlobalPool("max"), (6,)),
    "dense head": (lambda: nn.Sequential(GlobalPool(), DenseHead(6, (8, 4), 3)), (3,)),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_shape_and_gradient(name):
    torch.manual_seed(0)
    make, shape = BLOCKS[name]
    block = make()
    x = torch.randn(2, 6, 12, 16, requires_grad=True)
    out = block(x)
    assert out.shape == (2, *shape)
    out.square().sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert all(p.grad is not None and p.grad.isfinite().all() for p in block.parameters())


@pytest.mark.parametrize(
    "make",
    [
        activation,
        pooling,
        lambda n: normalization(n, 4),
        lambda n: downsampling(n, 2, 2),
        lambda n: upsampling(n, 2, 2),
        GlobalPool,
    ],
)
def test_unknown_name_is_refused_with_the_list(make):
    with pytest.raises(UsageError, match="choose among"):
        make("nonsense")


def test_folding_changes_nothing_but_the_number_of_branches():
    torch.manual_seed(0)
    network = nn.Sequential(FoldedConv(6), nn.ReLU(), nn.Sequential(FoldedConv(6, bias=False)))
    x = torch.randn(1, 6, 9, 7)
    before = network(x)
    fold(network)
    torch.testing.assert_close(network(x), before, rtol=1e-4, atol=1e-5)
    assert not any(isinstance(m, FoldedConv) for m in network.modules())


def test_channel_attention_weighs_channels_and_spatial_attention_positions():
    torch.manual_seed(0)
    x = torch.randn(1, 6, 8, 8).abs() + 0.1
    channel = ChannelAttention(6)(x) / x
    torch.testing.assert_close(channel, channel[:, :, :1, :1].expand_as(channel))
    spatial = SpatialAttention()(x) / x
    torch.testing.assert_close(spatial, spatial[:, :1].expand_as(spatial))
    assert spatial.std() > 0


@pytest.mark.parametrize("channels", [1, 31, 40, 112, 127])
def test_self_attention_takes_any_number_of_channels(channels):
    """112 was refused once: a run failed where its second part began."""
    x = torch.rand(2, channels, 3, 4)
    assert SelfAttention(channels)(x).shape == x.shape
