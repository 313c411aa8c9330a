"""One precision for all that trains here, and what torch does anew at each export, and need not."""

import functools
import os
import sys

import pytest

# By itself a run takes the precision that is quick on the CPU it finds, and the tests would check another one on each.
# Both are checked where a test says so; `SFUMATO_PRECISION=bf16 make test` has all the others in the other one.
os.environ.setdefault("SFUMATO_PRECISION", "fp32")


@pytest.fixture(autouse=True)
def _operators_of_the_exporter_are_read_once() -> None:
    """Keep the exporter's table of ONNX operators, for which it parses the source of five hundred functions (2 s)."""
    module = sys.modules.get("torch.onnx._internal.exporter._registration")
    if module is not None and not hasattr(module.ONNXRegistry.from_torchlib, "cache_info"):
        module.ONNXRegistry.from_torchlib = staticmethod(functools.cache(module.ONNXRegistry.from_torchlib))
