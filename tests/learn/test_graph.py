"""The graph of a model file after `simplify`: the same values, from operators that the runtime is quick with."""

import warnings
from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sfumato.learn.graph import MOST_CHANNELS, simplify


class Shuffled(nn.Module):
    """Pixels into channels, a convolution without bias and one with, and back."""

    def __init__(self, channels: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.first = nn.Conv2d(channels * factor**2, 6, 3, padding=1, bias=False)
        self.last = nn.Conv2d(6, 2 * factor**2, 1)

    def forward(self, x):
        return F.pixel_shuffle(self.last(self.first(F.pixel_unshuffle(x, self.factor)).relu()), self.factor)


def exported(network: nn.Module, channels: int) -> onnx.ModelProto:
    shapes = ({0: "batch", 2: "height", 3: "width"},)
    x = (torch.rand(2, channels, 12, 24),)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch to itself
        program = torch.onnx.export(network, x, dynamic_shapes=shapes, dynamo=True, optimize=False, verbose=False)
    return program.model_proto


def operators(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def weights(model: onnx.ModelProto) -> dict[str, bytes]:
    return {i.name: i.raw_data for i in model.graph.initializer if not i.name.endswith("/kernel")}


@pytest.mark.parametrize(("channels", "factor"), [(3, 2), (4, 3), (MOST_CHANNELS + 1, 2)])
def test_pixels_move_by_convolutions_and_no_missing_bias_is_spread(channels, factor):
    torch.manual_seed(0)
    network = Shuffled(channels, factor).eval()
    model = exported(network, channels)
    before = weights(model)
    assert operators(model)["DepthToSpace"] == operators(model)["Transpose"] == 1
    simplify(model)
    onnx.checker.check_model(model)
    found = operators(model)
    assert found["DepthToSpace"] == found["Expand"] == found["CastLike"] == 0
    assert found["ConvTranspose"] == 1
    assert (found["Transpose"], found["Conv"]) == ((0, 3) if channels <= MOST_CHANNELS else (1, 2))
    assert weights(model) == before, "parameters keep their names and values"
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for shape in ((1, channels, factor, factor), (3, channels, 5 * factor, 2 * factor), (0, channels, factor, factor)):
        x = torch.randn(shape)
        (y,) = session.run(None, {model.graph.input[0].name: x.numpy()})
        with torch.no_grad():
            expected = network(x).numpy() if len(x) else np.zeros((0, 2, factor, factor), np.float32)
        assert y.shape == expected.shape
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5)


def test_a_bias_that_is_a_number_stays():
    network = Shuffled(3, 2).eval()
    model = exported(network, 3)
    simplify(model)
    last = [node for node in model.graph.node if node.op_type == "Conv"][-1]
    assert last.input[2] == "last.bias"
