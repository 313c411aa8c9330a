"""What torch does anew at each export, and need not: 2 s of a core, and dozens of networks are exported here."""

import functools
import sys

import pytest


@pytest.fixture(autouse=True)
def _operators_of_the_exporter_are_read_once() -> None:
    """Keep the exporter's table of ONNX operators, for which it parses the source of five hundred functions."""
    module = sys.modules.get("torch.onnx._internal.exporter._registration")
    if module is not None and not hasattr(module.ONNXRegistry.from_torchlib, "cache_info"):
        module.ONNXRegistry.from_torchlib = staticmethod(functools.cache(module.ONNXRegistry.from_torchlib))
