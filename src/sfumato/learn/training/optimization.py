"""What steps the weights, and how large its steps are in the course of a run."""

import math
import os
from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from sfumato.errors import UsageError

from .config import PRECISIONS, TrainConfig
from .muon import Muon

FORCED = "SFUMATO_PRECISION"  # the variable of the environment by which every run that is given none has the same one


def optimizer(config: TrainConfig, network: nn.Module, dtype: torch.dtype, by_adam: tuple[str, ...] = ()) -> Optimizer:
    """What steps the weights of one network that is trained in the precision `dtype`.

    by_adam: how the names of those begin that Muon does not suit.
    """
    parameters, decay = network.parameters(), config.weight_decay
    if config.optimizer == "muon":
        betas, others = (
            (config.beta1, config.beta2),
            [p for n, p in network.named_parameters() if n.startswith(by_adam)],
        )
        return Muon(parameters, config.lr, dtype=dtype, betas=betas, weight_decay=decay, by_adam=others)
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, config.lr, alpha=config.beta2, weight_decay=decay)
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    betas = (config.beta1, config.beta2)
    return torch.optim.AdamW(parameters, config.lr, betas=betas, weight_decay=decay, fused=fused)


def layout(networks: Iterable[nn.Module], device: torch.device) -> torch.memory_format:
    """How pictures and filters lie in memory: channels last, by which convolutions gain 10-20 %.

    Not where a CPU normalizes groups, which torch does so slowly in that layout that a flow loses 40 %.
    """
    grouped = any(isinstance(module, nn.GroupNorm) for network in networks for module in network.modules())
    return torch.contiguous_format if grouped and device.type == "cpu" else torch.channels_last


def precision(wanted: str, device: str) -> str:
    """What the config demands, or else the environment, or else bf16 where the device multiplies it faster than fp32.

    Of Accelerate's names: "bf16", or "no" for fp32. UsageError for a precision that the environment makes up.
    """
    if wanted == "auto":
        wanted = os.environ.get(FORCED, "auto")
        if wanted not in PRECISIONS:
            raise UsageError(f"The variable {FORCED} is one of {', '.join(PRECISIONS)}, not {wanted!r}.")
    if wanted != "auto":
        return "no" if wanted == "fp32" else wanted
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "no"
    return "bf16" if device == "cpu" and torch.cpu.get_capabilities().get("avx512_bf16") else "no"


def schedule(fraction: float, warmup: float) -> float:
    """The learning rate's factor: linear warm-up, then half a cosine to a thousandth (arXiv:1608.03983)."""
    if fraction < warmup:
        return max(fraction / warmup, 0.01)
    return 1e-3 + (1 - 1e-3) * 0.5 * (1 + math.cos(math.pi * (fraction - warmup) / (1 - warmup)))
