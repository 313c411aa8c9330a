"""The one training loop, on Hugging Face Accelerate: the same command on a CPU, a GPU, many GPUs, many machines.

Everything random is a function of (seed, step, sample), everything else is in `state`: a run that is stopped, by
Ctrl-C or by a power cut, goes on as if it had not been.
"""

import copy
import math
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from sfumato.errors import TrainingError

from ..data.folders import list_pictures
from ..data.patches import DegradedPatches, PictureStore, StepSampler
from ..degradations.mixtures import DEGRADATIONS
from . import state
from .config import TrainConfig
from .listeners import Listener
from .objectives import Objective, objective_for
from .state import Progress


def train(config: TrainConfig, run: Path, *, resume: bool = False, listeners: Iterable[Listener] = ()) -> Progress:
    """Train as `config` says in the directory `run`, or go on there; gives where the run ended.

    Leaves config.json, log.jsonl, state (safetensors, JSON), best.safetensors (the averaged weights that scored best
    on the held-out pictures). Raises TrainingError for unusable data, a run directory in use, or a loss that is no
    number. On Ctrl-C or SIGTERM the step is finished and the state saved.
    """
    run.mkdir(parents=True, exist_ok=True)
    if not resume and (run / "state.json").exists():
        raise TrainingError(f"{run} holds a run already; go on with --resume {run}, or choose another --run.")
    if config.threads:
        torch.set_num_threads(config.threads)
    accelerator = Accelerator(mixed_precision=_precision(config.precision))
    objective = objective_for(config)
    return Loop(config, run, accelerator, objective, tuple(listeners)).go(resume)


def _precision(wanted: str) -> str:
    """bf16 where the device multiplies it faster than fp32, fp32 elsewhere, or what the config demands."""
    if wanted != "auto":
        return "no" if wanted == "fp32" else wanted
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "no"
    return "bf16" if torch.cpu.get_capabilities().get("avx512_bf16") else "no"


class Loop:
    """One run while it runs: networks, averaged weights, optimizers, and where it is."""

    def __init__(
        self,
        config: TrainConfig,
        run: Path,
        accelerator: Accelerator,
        objective: Objective,
        listeners: tuple[Listener, ...],
    ) -> None:
        self.config, self.run, self.accelerator, self.objective = config, run, accelerator, objective
        self.listeners = listeners if accelerator.is_main_process else ()
        self.store, self.held_out = stores(config)
        torch.manual_seed(config.seed)
        self.plain = {
            name: network.to(accelerator.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            for name, network in objective.networks.items()
        }
        self.average = copy.deepcopy(self.plain[objective.exported]).requires_grad_(False)
        fused = accelerator.device.type in ("cpu", "cuda")
        optimizers: dict[str, Optimizer] = {
            name: torch.optim.AdamW(
                network.parameters(), lr=config.lr, betas=(0.9, 0.99), weight_decay=config.weight_decay, fused=fused
            )
            for name, network in self.plain.items()
        }
        self.optimizers = optimizers
        prepared = {name: accelerator.prepare(network, optimizers[name]) for name, network in self.plain.items()}
        self.networks: dict[str, nn.Module] = {
            name: cast(nn.Module, torch.compile(pair[0])) if config.compile else pair[0]
            for name, pair in prepared.items()
        }
        self.steppers = {name: pair[1] for name, pair in prepared.items()}
        self.progress = Progress(per_step=1 / config.steps if config.steps else 0.0)
        self.stop = False

    def go(self, resume: bool) -> Progress:
        for listener in self.listeners:
            listener.started(self.store, self.held_out)
        if resume:
            tensors, self.progress = state.load(self.run)
            state.scatter(tensors, self.plain, self.optimizers, self.average)
        elif self.accelerator.is_main_process:
            (self.run / "config.json").write_text(self.config.to_json())
        before = {sign: signal.signal(sign, self._ask_to_stop) for sign in (signal.SIGINT, signal.SIGTERM)}
        try:
            self._steps()
        finally:
            for sign, handler in before.items():
                signal.signal(sign, handler)
        self._save()
        for listener in self.listeners:
            listener.ended(self.progress)
        return self.progress

    def _ask_to_stop(self, *_: object) -> None:
        self.stop = True

    def _steps(self) -> None:
        config, progress = self.config, self.progress
        started, rate_from = time.monotonic() - progress.seconds, (progress.step, progress.seconds)
        saved = self._clock()
        for batch in self._batches():
            if progress.fraction >= 1 - 1e-9 or self.stop or self._patience_is_over():
                break
            losses = self._step(batch)
            progress.step += 1
            progress.fraction = min(1.0, progress.fraction + progress.per_step)
            if config.steps:
                progress.fraction = progress.step / config.steps
            progress.seconds = time.monotonic() - started
            early = bool(config.seconds) and progress.step in (5, 20)
            if progress.step % config.log_every == 0 or early or progress.fraction >= 1 - 1e-9:
                rate_from = self._log(losses, rate_from)
            if self._clock() >= progress.next_validation or progress.fraction >= 1 - 1e-9:
                progress.next_validation = self._clock() + config.validate_every
                self._validate()
            if self._clock() - saved >= config.save_every:
                saved = self._clock()
                self._save()

    def _clock(self) -> float:
        """What `validate_every` and `save_every` count: seconds in a run that seconds end, steps in the others."""
        return self.progress.seconds if self.config.seconds else self.progress.step

    def _batches(self) -> Iterable[dict[str, Tensor]]:
        config, accelerator = self.config, self.accelerator
        processes = accelerator.num_processes
        if config.batch % processes:
            raise TrainingError(f"batch={config.batch} does not divide among {processes} processes.")
        patches = DegradedPatches(self.store, DEGRADATIONS[config.degradation], patch=config.patch, seed=config.seed)
        sampler = StepSampler(self.progress.step, config.batch, accelerator.process_index, processes)
        loader = DataLoader(
            patches,
            batch_size=config.batch // processes,
            sampler=sampler,
            num_workers=config.workers,
            pin_memory=accelerator.device.type == "cuda",
            persistent_workers=False,
        )
        for batch in loader:
            yield {
                name: value.to(accelerator.device, non_blocking=True, memory_format=torch.channels_last)
                for name, value in batch.items()
            }

    def _step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        config, progress = self.config, self.progress
        torch.manual_seed(config.seed + progress.step + 1)
        rate = config.lr * schedule(progress.fraction, config.warmup)
        seen: dict[str, Tensor] = {}
        for player in self.networks:
            stepper = self.steppers[player]
            for group in self.optimizers[player].param_groups:
                group["lr"] = rate
            stepper.zero_grad(set_to_none=True)
            losses = self.objective.losses(player, self.networks, batch)
            self.accelerator.backward(sum(losses.values()))
            self.accelerator.clip_grad_norm_(self.plain[player].parameters(), config.clip)
            stepper.step()
            seen |= {name: value.detach() for name, value in losses.items()}
        self._average()
        return seen

    @torch.no_grad()
    def _average(self) -> None:
        """Exponential moving average whose horizon is a fraction of the run, shorter while the run is young."""
        step, share = self.progress.step, self.progress.per_step / self.config.ema
        decay = min(math.exp(-share) if self.progress.per_step else 0.0, (1 + step) / (10 + step))
        current = list(self.plain[self.objective.exported].state_dict().values())
        kept = list(self.average.state_dict().values())
        floats = [(k, c) for k, c in zip(kept, current, strict=True) if k.is_floating_point()]
        torch._foreach_lerp_([k for k, _ in floats], [c for _, c in floats], 1 - decay)
        for k, c in zip(kept, current, strict=True):
            if not k.is_floating_point():
                k.copy_(c)

    def _log(self, losses: dict[str, Tensor], rate_from: tuple[int, float]) -> tuple[int, float]:
        """Tell the listeners; in a run that the clock ends, fit the rest of the schedule to the rate just measured."""
        config, progress = self.config, self.progress
        figures = {name: float(value) for name, value in losses.items()}
        if not all(math.isfinite(value) for value in figures.values()):
            raise TrainingError(
                f"{self.run}: the loss is no longer a number at step {progress.step}; "
                f"--resume goes on from the last saved state, --set lr={config.lr / 3:.1g} is the usual cure."
            )
        rate = (progress.step - rate_from[0]) / max(progress.seconds - rate_from[1], 1e-6)
        if config.seconds:
            left = max(config.seconds - progress.seconds, 0.0)
            per_step = (1 - progress.fraction) / max(left * rate, 1.0)
            progress.per_step = broadcast_object_list([per_step])[0]
        lr = config.lr * schedule(progress.fraction, config.warmup)
        record = {"step": progress.step, "fraction": progress.fraction, "seconds": progress.seconds, "lr": lr}
        record |= {"images_per_second": rate * config.batch} | figures
        for listener in self.listeners:
            listener.logged(record)
        return progress.step, progress.seconds

    def _validate(self) -> None:
        if self.held_out is None:
            return
        progress = self.progress
        outcome = None
        if self.accelerator.is_main_process:
            self.average.eval()
            outcome = self.objective.validate(self.average, self.held_out)
            seen = self.objective.validate(self.average, self.store.sample(len(self.held_out)))
        score = broadcast_object_list([outcome.score if outcome else 0.0])[0]
        progress.validations_since_best += 1
        if score > progress.best_score:
            progress.best_score, progress.best_step, progress.validations_since_best = score, progress.step, 0
            if self.accelerator.is_main_process:
                state.write_tensors(self.run / "best.safetensors", dict(self.average.state_dict()))
        if outcome:
            record = {"step": progress.step, "fraction": progress.fraction, "seconds": progress.seconds}
            gap = {f"train_{name}": value for name, value in seen.figures.items()}
            progress.history.append(record | outcome.figures | gap)
            for listener in self.listeners:
                listener.validated(progress, outcome)

    def _patience_is_over(self) -> bool:
        return 0 < self.config.patience <= self.progress.validations_since_best

    def _save(self) -> None:
        if self.accelerator.is_main_process:
            state.save(self.run, state.gather(self.plain, self.optimizers, self.average), self.progress)
        self.accelerator.wait_for_everyone()


def stores(config: TrainConfig) -> tuple[PictureStore, PictureStore | None]:
    """The pictures to train on and those held out: `config.val`, or a twentieth of `config.data` (at most 64)."""
    listing, held_out = list_pictures(config.data), None
    if config.val:
        held_out = list_pictures(config.val)
    else:
        listing, held_out = listing.split()
    return PictureStore.build(listing), PictureStore.build(held_out) if held_out else None


def schedule(fraction: float, warmup: float) -> float:
    """The learning rate's factor: linear warm-up, then half a cosine to a thousandth (arXiv:1608.03983)."""
    if fraction < warmup:
        return max(fraction / warmup, 0.01)
    return 1e-3 + (1 - 1e-3) * 0.5 * (1 + math.cos(math.pi * (fraction - warmup) / (1 - warmup)))
