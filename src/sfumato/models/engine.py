"""A model file as a callable, on ONNX Runtime."""

import contextlib
import copy
import ctypes
import math
import os
import sys
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError, UsageError
from . import model_file, own, zoo
from .card import MAPS, Card, Input

# What --device can name, best first: ONNX Runtime's name for it, the package that holds it, and whether "auto" may
# take it. The others compile the network for each new picture size, which costs minutes, so they must be asked for.
DEVICES: dict[str, tuple[str, str, bool]] = {
    "cuda": ("CUDAExecutionProvider", "onnxruntime-gpu", True),
    "migraphx": ("MIGraphXExecutionProvider", "onnxruntime-migraphx", False),
    "tensorrt": ("TensorrtExecutionProvider", "onnxruntime-gpu", False),
    "directml": ("DmlExecutionProvider", "onnxruntime-directml", True),
    "openvino": ("OpenVINOExecutionProvider", "onnxruntime-openvino", False),
    "coreml": ("CoreMLExecutionProvider", "onnxruntime", False),
    "cpu": ("CPUExecutionProvider", "onnxruntime", True),
}
# The fastest algorithm is sought by rule, not by trials on each new tile size; TF32 would round away 1e-3.
PROVIDER_OPTIONS = {"cuda": {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}}
MAX_FILE_BYTES = 2**31 - 1  # protobuf's own limit


class Engine:
    """A model file, checked and ready to be called.

    source: path of a model file, or its bytes. threads: of one call on the CPU, the physical cores unless given.
    device: a key of DEVICES, or "auto" for the best one installed.

    Raises ModelError for a file that is no sound model file, UsageError for a device that is not installed.
    """

    card: Card
    device: str

    def __init__(self, source: str | Path | bytes, *, threads: int | None = None, device: str = "auto") -> None:
        if threads is not None and threads < 1:
            raise UsageError(f"threads is {threads}; give 1 or more.")
        data, where = (source, "The model") if isinstance(source, bytes) else (read_file(Path(source)), str(source))
        self.card = model_file.read(data, where=where).card
        self._where, self._threads, self._restorer = where, threads or physical_cores(), b""
        if self.card.restorer is not None:
            self._restorer, data = (model_file.part(data, restorer=restorer) for restorer in (True, False))
        self._session, self.device = open_session(data, where, self._threads, device)

    def __call__(self, **inputs: NDArray[np.floating]) -> NDArray[np.float32]:
        """The first output for these inputs; see `run`."""
        return self.run(inputs)[self.card.outputs[0].name]

    def run(self, inputs: dict[str, NDArray[np.floating]], entry: str = "") -> dict[str, NDArray[np.float32]]:
        """Outputs by name for inputs by name, as the card states them, computed in float32.

        With `entry`, one of the card's, those that it needs and gives; the other inputs are fed with batch 0.
        Raises ModelError for missing or unknown inputs and entries, sizes off the card's stride, and when memory runs
        out.
        """
        if entry and entry not in self.card.entries:
            raise ModelError(f"{self._where} has no entry {entry!r}{self._entries()}.")
        ports = {port.name: port for port in self.card.inputs}
        needed = self.card.entries[entry].inputs if entry else tuple(ports)
        if set(inputs) != set(needed):
            raise ModelError(f"{self._where} takes the inputs {', '.join(needed)}, not {', '.join(inputs) or 'none'}.")
        for name, value in inputs.items():
            self._check(ports[name], value)
        feed = {name: np.zeros(_empty(port, self.card), np.float32) for name, port in ports.items()}
        feed |= {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in inputs.items()}
        names = list(self.card.entries[entry].outputs) if entry else [port.name for port in self.card.outputs]
        try:
            return dict(zip(names, self._session.run(names, feed), strict=True))
        except Exception as error:  # ONNX Runtime's exceptions have no common class of their own
            raise ModelError(f"{self._where} failed on this picture: {_first_line(error)}.") from error

    def release(self) -> None:
        """Give the system back what calls have left with the runtime and other work with glibc; the next asks anew.

        A runtime or a C library that cannot do so keeps it.
        """
        import onnxruntime

        options = onnxruntime.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        shapes = {port.name: (1, *_empty(port, self.card)[1:]) for port in self.card.inputs}
        with contextlib.suppress(Exception):  # as of `run`; what has been restored must not be lost for it
            self._session.run(None, {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}, options)
        with contextlib.suppress(Exception):  # other systems have no such call
            ctypes.CDLL(None).malloc_trim(0)

    @cached_property
    def restoring(self) -> "Engine":
        """The engine of what restores pictures: of the restorer that the file holds besides, or this one."""
        if self.card.restorer is None:
            return self
        engine = copy.copy(self)
        engine.card = self.card.restorer
        engine._session, engine.device = open_session(self._restorer, self._where, self._threads, self.device)
        return engine

    def _check(self, port: Input, value: NDArray[np.floating]) -> None:
        shape = "(b, channels, h, w)" if port.kind in MAPS else "(b, channels)"
        if value.ndim != (4 if port.kind in MAPS else 2) or value.shape[1] != port.channels:
            raise ModelError(f"{self._where}: {port.name} has the shape {value.shape}, not {shape}.")
        if any(size % self.card.stride or size == 0 for size in value.shape[2:]):
            raise ModelError(
                f"{self._where}: {port.name} is {value.shape[3]}x{value.shape[2]}; "
                f"width and height must be multiples of {self.card.stride}."
            )

    def _entries(self) -> str:
        return f"; it has {', '.join(self.card.entries)}" if self.card.entries else ""


def _empty(port: Input, card: Card) -> tuple[int, ...]:
    """The shape of an input that an entry does not need."""
    lengths = card.size or (card.stride, card.stride)
    return (0, port.channels, *lengths) if port.kind in MAPS else (0, port.channels)


def load(name_or_path: str | Path, *, threads: int | None = None, device: str = "auto") -> Engine:
    """The engine of a shipped model ("denoise-fast"), of one's own in the folder SFUMATO_MODELS, or of a file's path.

    Errors as in Engine.
    """
    return Engine(path_of(name_or_path), threads=threads, device=device)


def path_of(name_or_path: str | Path) -> Path:
    """The file of a model that is named as for `load`; raises ModelError where there is none."""
    if name_or_path in zoo.SHIPPED:
        return zoo.path(str(name_or_path))
    if Path(name_or_path).exists():
        return Path(name_or_path)
    named = own.files(own.folder())
    if str(name_or_path) in named:
        return named[str(name_or_path)]
    near = get_close_matches(str(name_or_path), [*named, *zoo.SHIPPED], n=1)
    meant = f"is {near[0]!r} meant?" if near else f"shipped are {', '.join(zoo.SHIPPED)}."
    raise ModelError(f"{str(name_or_path)!r} is neither a model file nor the name of a shipped model; {meant}")


def physical_cores() -> int:
    """Cores that this process may use, counted without hyper-threads, which slow matrix products down.

    0 leaves the choice to ONNX Runtime, which knows the same of systems other than Linux.
    """
    if not sys.platform.startswith("linux"):
        return 0
    allowed = os.sched_getaffinity(0)
    siblings = set()
    for core in allowed:
        try:
            siblings.add(Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list").read_text())
        except OSError:
            siblings.add(str(core))
    return max(1, min(len(siblings), _container_quota()))


def _container_quota() -> int:
    """Whole cores that a container's CPU limit leaves; threads beyond it only wait for each other."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):
        return sys.maxsize


def read_file(path: Path) -> bytes:
    """The bytes of a model file; raises ModelError where it cannot be read or is larger than any can be."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(f"{path} is too large for a model file.")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read as a model file: {error.strerror or error}.") from None


def open_session(data: bytes, where: str, threads: int, device: str) -> tuple[Any, str]:
    """ONNX Runtime's session for an ONNX model, and the device it is on; errors as in Engine."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)  # its errors come as exceptions; the log would print them once more
    installed = [name for name, entry in DEVICES.items() if entry[0] in onnxruntime.get_available_providers()]
    if device == "auto":
        candidates = [name for name in installed if DEVICES[name][2]]
    elif device not in DEVICES:
        raise UsageError(f"Unknown device {device!r}; installed are auto, {', '.join(installed)}.")
    elif device not in installed:
        package = DEVICES[device][1]
        raise UsageError(
            f"The device {device!r} is not installed (installed: {', '.join(installed)}): "
            f"`pip uninstall onnxruntime`, then `pip install {package}`."
        )
    else:
        candidates = [device]

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A plan per size saves nothing here and takes half as much memory again (measured: 250 for 160 bytes a pixel).
    options.enable_mem_pattern = False
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    for name in candidates:
        wanted = [(DEVICES[name][0], PROVIDER_OPTIONS.get(name, {}))]
        if name != "cpu":
            wanted.append((DEVICES["cpu"][0], {}))
        try:
            session = onnxruntime.InferenceSession(data, options, providers=wanted, enable_fallback=0)
        except Exception as error:
            if name == "cpu":
                version = f"ONNX Runtime {onnxruntime.__version__}"
                raise ModelError(
                    f"{where} cannot be loaded by {version}: {_first_line(error)}; export it again, "
                    "or `pip install --upgrade onnxruntime`."
                ) from None
            continue
        # A provider whose driver is missing is left out by ONNX Runtime without an exception.
        if DEVICES[name][0] in session.get_providers():
            return session, name
    if device == "auto":
        return open_session(data, where, threads, "cpu")
    raise UsageError(f"The device {device!r} is installed, but it does not start here; check its driver, or use 'cpu'.")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300].rstrip(".")


@lru_cache(maxsize=16)
def shipped(name: str, device: str, threads: int | None) -> Engine:
    """A shipped model, loaded once for all pictures."""
    return load(name, device=device, threads=threads)
