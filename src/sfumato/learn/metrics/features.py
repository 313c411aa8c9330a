"""Networks that turn pictures into feature vectors, in which sets of pictures are compared.

A distance of distributions means nothing without its features and its resize, so a network's `name` holds both.
"""

import contextlib
import hashlib
import io
import logging
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sfumato.errors import ModelError, Option, UsageError
from sfumato.files import write_whole
from sfumato.models.engine import physical_cores
from sfumato.pictures.channels import GREY_WEIGHTS

from ..cache import cache_folder
from ..pretrained import efficientnet, entering, weights_of

Background = Literal["white", "grey"]
BACKGROUNDS: dict[str, float] = {"white": 1.0, "grey": 0.5}
BATCH = 32
LITE0_SIZE = 224
LITE0_OPSET = 18


class FeatureNetwork(Protocol):
    """Pictures as feature vectors.

    name: the network and the resize, as a printed figure names them.
    """

    name: str

    def __call__(self, pictures: NDArray | Tensor) -> NDArray[np.float32]:
        """(n, c, h, w) as uint8, or as float in [0, 1], c 1 or 3 -> (n, d) float32. Nothing random is in it."""
        ...


def laid_over(pictures: NDArray, background: str = "white") -> NDArray:
    """Straight RGBA (n, 4, h, w) as RGB over white (1) or grey (0.5), of the same type; others as they are.

    Raises UsageError for a background that is neither.
    """
    if background not in BACKGROUNDS:
        raise UsageError(Option("background", background), f" is not one of {', '.join(BACKGROUNDS)}.")
    if pictures.shape[1] != 4:
        return pictures
    peak = 255 if pictures.dtype == np.uint8 else 1
    alpha = pictures[:, 3:].astype(np.float32) / peak
    laid = pictures[:, :3] * alpha + (1 - alpha) * (BACKGROUNDS[background] * peak)
    return laid.round().astype(np.uint8) if pictures.dtype == np.uint8 else laid.astype(pictures.dtype)


def network(features: str | Path | FeatureNetwork = "lite0") -> FeatureNetwork:
    """The network of a name: "lite0", or the path of an ONNX file."""
    if not isinstance(features, str | Path):
        return features
    if features == "lite0":
        return lite0()
    if not Path(features).is_file():
        raise UsageError(Option("features", str(features)), " is neither lite0 nor an ONNX file.")
    return onnx_features(features)


@cache
def lite0() -> FeatureNetwork:
    """EfficientNet-Lite0, trained on ImageNet: 1280 features, the mean over the last feature map.

    Pictures are resized to 224x224 (whatever their shape) by antialiased bicubic interpolation and enter as
    (255 x - 127) / 128. On a CUDA device it runs there, in float32 without TF32; otherwise on ONNX Runtime, which is
    five times as fast as torch on a CPU. Raises MissingExtra where the packages with the network are missing.
    """
    return _Lite0()


def onnx_features(path: str | Path) -> FeatureNetwork:
    """A network of the user's own: an ONNX file that takes pictures (n, 1 or 3, h, w) in [0, 1].

    Its first output is (n, d), or (n, d, h, w), of which the mean over h and w is taken. Where the file fixes height
    and width, pictures are resized to them by antialiased bicubic interpolation. Raises ModelError for another file.
    """
    return _OnnxFeatures(Path(path))


class _Lite0:
    name = f"EfficientNet-Lite0 (ImageNet, 1280 pooled), antialiased bicubic to {LITE0_SIZE}x{LITE0_SIZE}"

    def __init__(self) -> None:
        weights = weights_of()

        def module() -> nn.Module:
            return _Pooled(efficientnet()).eval()

        self._cuda: nn.Module | None = None
        self._session: Any = None
        if torch.cuda.is_available():
            self._cuda = module().to("cuda")
        else:
            self._session = _kept_session(module, f"{weights.stem}-opset{LITE0_OPSET}")

    def __call__(self, pictures: NDArray | Tensor) -> NDArray[np.float32]:
        return _in_batches(self._features, pictures, 3, (LITE0_SIZE, LITE0_SIZE))

    @torch.no_grad()
    def _features(self, x: Tensor) -> NDArray[np.float32]:
        x = entering(x)
        if self._cuda is None:
            return _run(self._session, x)
        # TF32 would round the features to three digits.
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            return self._cuda(x.to("cuda").contiguous(memory_format=torch.channels_last)).cpu().numpy()


class _Pooled(nn.Module):
    def __init__(self, whole: Any) -> None:
        super().__init__()
        self.whole = whole

    def forward(self, x: Tensor) -> Tensor:
        return self.whole.extract_features(x).mean((2, 3))


class _OnnxFeatures:
    def __init__(self, path: Path) -> None:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{path} cannot be read as a feature network: {error.strerror or error}.") from None
        self._session = _session(data, str(path))
        ports = self._session.get_inputs()
        shape = ports[0].shape if len(ports) == 1 else None
        if shape is None or len(shape) != 4 or shape[1] not in (1, 3) or ports[0].type != "tensor(float)":
            raise ModelError(f"{path} is no feature network: it must have one float input (n, 1 or 3, h, w).")
        self._path, self._channels = path, shape[1]
        self._size = (shape[2], shape[3]) if all(isinstance(length, int) for length in shape[2:]) else None
        self._fixed_batch = shape[0] if isinstance(shape[0], int) else None
        resized = f"antialiased bicubic to {self._size[1]}x{self._size[0]}" if self._size else "not resized"
        self.name = f"{path.name} ({hashlib.sha256(data).hexdigest()[:8]}), {resized}"

    def __call__(self, pictures: NDArray | Tensor) -> NDArray[np.float32]:
        return _in_batches(self._features, pictures, self._channels, self._size, self._fixed_batch or BATCH)

    def _features(self, x: Tensor) -> NDArray[np.float32]:
        missing = self._fixed_batch - len(x) if self._fixed_batch else 0
        padded = functional.pad(x, (0, 0, 0, 0, 0, 0, 0, missing))  # a file of a fixed batch takes no smaller one
        try:
            out = _run(self._session, padded)[: len(x)]
        except Exception as error:  # ONNX Runtime's exceptions have no common class of their own
            size = f"{x.shape[3]}x{x.shape[2]}"
            raise ModelError(f"{self._path} fails on pictures of {size}: {str(error).splitlines()[0]}") from None
        if out.ndim == 4:
            out = out.mean((2, 3))
        if out.ndim != 2:
            raise ModelError(f"{self._path} is no feature network: its first output has the shape {out.shape}.")
        return out


def _in_batches(
    features: Any, pictures: NDArray | Tensor, channels: int, size: tuple[int, int] | None, batch: int = BATCH
) -> NDArray[np.float32]:
    assert pictures.ndim == 4, f"pictures are (n, c, h, w), not {pictures.shape}"
    assert pictures.shape[1] in (1, 3), "RGBA is laid over a background first (`laid_over`)"
    assert len(pictures), "at least one picture"
    return np.concatenate([features(x) for x in _prepared(pictures, channels, size, batch)]).astype(np.float32)


def _prepared(pictures: NDArray | Tensor, channels: int, size: tuple[int, int] | None, batch: int) -> Iterator[Tensor]:
    for first in range(0, len(pictures), batch):
        x = torch.as_tensor(pictures[first : first + batch]).cpu()
        x = x.float() / 255 if x.dtype == torch.uint8 else x.float()
        if channels == 3:
            x = x.expand(-1, 3, -1, -1)
        elif x.shape[1] == 3:
            x = (x * torch.tensor(GREY_WEIGHTS).view(3, 1, 1)).sum(1, keepdim=True)
        if size and tuple(x.shape[2:]) != size:
            x = functional.interpolate(x, size=size, mode="bicubic", antialias=True, align_corners=False)
        yield x.clamp(0, 1)


def _session(data: bytes, where: str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what it says is raised, in a sentence
    options.intra_op_num_threads = physical_cores()
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        first = (str(error).splitlines() or [""])[0][:200]
        raise ModelError(f"{where} cannot be loaded as a feature network: {first}") from None


def _run(session: Any, x: Tensor) -> NDArray[np.float32]:
    return session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(x.numpy())})[0]


def _kept_session(module: Any, name: str) -> Any:
    """The network on ONNX Runtime: exported once, kept in the cache folder, made again where that file is damaged."""
    folder = cache_folder("features")
    kept = folder / f"{name}.onnx"
    with contextlib.suppress(OSError, ModelError):
        return _session(kept.read_bytes(), str(kept))
    data = _exported(module())
    with contextlib.suppress(OSError):  # a folder that cannot be written only costs the export next time
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(kept, data)
    return _session(data, "EfficientNet-Lite0")


def _exported(module: nn.Module) -> bytes:
    sample = torch.zeros(2, 3, LITE0_SIZE, LITE0_SIZE)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            module, (sample,), dynamic_shapes=({0: "n"},), dynamo=True, opset_version=LITE0_OPSET, verbose=False
        )
    assert program is not None
    return program.model_proto.SerializeToString()
