"""The one training loop, on Hugging Face Accelerate: the same command on a CPU, a GPU, many GPUs, many machines.

Everything random is a function of (seed, step, sample), everything else is in `state`: a run that is stopped, by
Ctrl-C or by a power cut, goes on as if it had not been.
"""

import contextlib
import copy
import math
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn

from sfumato.errors import Option, Setting, TrainingError, UsageError
from sfumato.files import write_whole

from ..data.seeds import sample_seed
from . import entries, state
from .config import TrainConfig
from .listeners import Listener
from .objectives import Objective, objective_for
from .optimization import layout, optimizer, precision, schedule
from .state import Progress
from .stores import batches_of, stores
from .transfer import load_weights

ALARMS = 3  # of a validation, after which a run is stopped
AGREE_EVERY = 10  # steps after which several processes agree on the time and on stopping; agreeing waits for the device


def train(config: TrainConfig, run: Path, *, resume: bool = False, listeners: Iterable[Listener] = ()) -> Progress:
    """Train as `config` says in the directory `run`, or go on there; gives where the run ended (see `is_over`).

    Leaves config.json, log.jsonl, state (safetensors, JSON), best.safetensors (the averaged weights that scored best
    on the held-out pictures). Raises TrainingError for unusable data, a run directory in use, or a loss that is NaN
    or infinite. On Ctrl-C or SIGTERM the step is finished and the state saved; a second Ctrl-C stops at once.
    """
    processes = _processes()
    with state.claimed(run, resume=resume) if processes.is_main_process else contextlib.nullcontext():
        if config.batch % processes.num_processes:
            raise UsageError(
                f"{config.name}: batch={config.batch} does not divide among {processes.num_processes} processes; ",
                Setting("batch", config.batch + -config.batch % processes.num_processes),
                " does.",
            )
        if config.threads:
            torch.set_num_threads(config.threads)
        AcceleratorState._reset_state()  # an earlier training in this process may have had another precision
        on_cpu = processes.device.type == "cpu"
        if processes.device.type == "cuda":
            torch.backends.cudnn.benchmark = True  # all batches have one shape: the quickest kernel is worth finding
        accelerator = Accelerator(mixed_precision=precision(config.precision, processes.device.type), cpu=on_cpu)
        torch.manual_seed(config.seed)
        return Loop(config, run, accelerator, objective_for(config), tuple(listeners)).go(resume)


def is_main_process() -> bool:
    """Whether this process is the one that writes, of those that `accelerate launch` started."""
    return _processes().is_main_process


def _processes() -> PartialState:
    """The processes of this run. Those of a CPU find one another only if they know that it shall be the CPU."""
    on_cpu = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes", "on")
    return PartialState(cpu=on_cpu or not torch.accelerator.is_available())


def is_over(config: TrainConfig, progress: Progress) -> bool:
    """Whether a run has come to its end, by steps, time, patience or alarms; one that was stopped before has not."""
    patient = config.patience == 0 or progress.validations_since_best < config.patience
    return progress.fraction >= 1 - 1e-9 or progress.alarms >= ALARMS or not patient


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
        self.layout = layout(objective.networks.values(), accelerator.device)
        self.plain = {
            name: network.to(accelerator.device).to(memory_format=self.layout)  # type: ignore[call-overload]
            for name, network in objective.networks.items()
        }
        self.optimizers = {
            name: optimizer(config, net, self._dtype(), objective.by_adam(name)) for name, net in self.plain.items()
        }
        self.progress = Progress()
        self.asked_to_stop = 0.0
        self.agreed_to_stop = False

    def _dtype(self) -> torch.dtype:
        return torch.bfloat16 if self.accelerator.mixed_precision == "bf16" else torch.float32

    def go(self, resume: bool) -> Progress:
        try:
            with self.accelerator.local_main_process_first():  # which decodes the pictures that the others then find
                self.store, self.held_out = stores(self.config, self.objective, self.listeners)
            self.objective.begin(self.store, self.held_out, self.accelerator.device)
            self._begin(resume)
            for listener in self.listeners:
                listener.started(self.progress, self.store, self.held_out)
                if self.accelerator.num_processes > 1:
                    listener.noted(f"{self.accelerator.num_processes} processes share each batch")
            if self.objective.concern and self.progress.step == 0:
                self._note(f"ALARM, {self.objective.concern}")
            with self._stoppable():
                self._steps()
            self._save()
        finally:
            for listener in self.listeners:
                listener.ended(self.progress)
        return self.progress

    def _begin(self, resume: bool) -> None:
        """Weights, from the state or a model file or new, and the processes and precision that they are trained in."""
        exported = self.plain[self.objective.exported]
        if self.config.started_from:
            load_weights(exported, self.config.family, self.config.started_from)
        self.average = copy.deepcopy(exported).requires_grad_(False).eval()
        if resume and state.exists(self.run):
            tensors, self.progress = state.load(self.run)
            self._take_up(tensors)
            self.progress.fraction = self._fraction()  # other settings may have moved the end
            if self.progress.data not in ("", self.store.fingerprint):
                for listener in self.listeners:
                    listener.noted(f"{self.config.data} holds other pictures than when the run was stopped.")
        self.progress.data = self.store.fingerprint
        if self.accelerator.is_main_process:
            write_whole(self.run / "config.json", self.config.to_json())
        self.networks: dict[str, nn.Module] = {}
        self.steppers = {}
        for name, net in self.plain.items():
            if entries.has_several(net):
                used, self.steppers[name] = net, self.accelerator.prepare(self.optimizers[name])
            else:
                used, self.steppers[name] = self.accelerator.prepare(net, self.optimizers[name])
            self.networks[name] = entries.compiled(used) if self.config.compile else used
        # Tensors stay where they are, and collecting them takes longer than averaging them.
        pairs = list(zip(self.average.state_dict().values(), exported.state_dict().values(), strict=True))
        self.averaged = (
            [p for p in pairs if p[0].is_floating_point()],
            [p for p in pairs if not p[0].is_floating_point()],
        )

    def _take_up(self, tensors: dict[str, Tensor]) -> None:
        state.scatter(tensors, self.plain, self.optimizers, self.average)
        self.objective.go_on(state.of_objective(tensors))

    @contextlib.contextmanager
    def _stoppable(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM end the loop after its step. Only the main thread may listen to signals."""
        listening = threading.current_thread() is threading.main_thread()
        signs = (signal.SIGINT, signal.SIGTERM) if listening else ()
        before = {sign: signal.signal(sign, self._ask_to_stop) for sign in signs}
        try:
            yield
        finally:
            for sign, handler in before.items():
                signal.signal(sign, handler)

    def _ask_to_stop(self, sign: int, _: object) -> None:
        # A launcher passes on the terminal's Ctrl-C, so that it arrives twice; the impatient one comes later.
        if self.asked_to_stop and sign == signal.SIGINT and time.monotonic() - self.asked_to_stop > 1:
            raise KeyboardInterrupt
        self.asked_to_stop = self.asked_to_stop or time.monotonic()

    def _steps(self) -> None:
        config, progress = self.config, self.progress
        started, rate_from = time.monotonic() - progress.seconds, (progress.step, progress.seconds)
        saved = self._clock()
        shared = self.accelerator
        batches = batches_of(
            self.objective.dataset(self.store),
            config,
            progress.step,
            device=shared.device,
            layout=self.layout,
            rank=shared.process_index,
            processes=shared.num_processes,
        )
        while not (is_over(config, progress) or self._shall_stop()):
            losses = self._step(next(batches))
            progress.step += 1
            self._look_up(time.monotonic() - started)
            ends = progress.fraction >= 1 - 1e-9
            if progress.step % config.log_every == 0 or progress.step in (1, 5, 20) or ends:
                rate_from = self._log(losses, rate_from)
            validates = self._clock() >= progress.next_validation or ends
            if validates:
                progress.next_validation = self._clock() + config.validate_every
                self._validate()
            if validates or self._clock() - saved >= config.save_every:
                saved = self._clock()
                self._save()

    def _look_up(self, seconds: float) -> None:
        """Where the run is after a step.

        Processes that disagreed on the time or on stopping would wait for one another for ever.
        """
        progress = self.progress
        if self.accelerator.num_processes == 1:
            progress.seconds = seconds
        elif progress.step % AGREE_EVERY == 0:
            ours = torch.tensor([seconds, float(self.asked_to_stop > 0)], device=self.accelerator.device)
            progress.seconds, wishes = cast(Tensor, self.accelerator.reduce(ours, "mean")).tolist()
            self.agreed_to_stop = wishes > 0
        progress.fraction = self._fraction()
        progress.per_step = progress.fraction / progress.step

    def _shall_stop(self) -> bool:
        return self.asked_to_stop > 0 if self.accelerator.num_processes == 1 else self.agreed_to_stop

    def _fraction(self) -> float:
        steps, seconds = self.config.steps, self.config.seconds
        return min(self.progress.step / steps if steps else self.progress.seconds / seconds, 1.0)

    def _clock(self) -> float:
        """What `validate_every` and `save_every` count: seconds in a run that seconds end, steps in the others."""
        return self.progress.seconds if self.config.seconds else self.progress.step

    def _step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        config, progress = self.config, self.progress
        torch.manual_seed(sample_seed(config.seed, f"{progress.step} in process {self.accelerator.process_index}"))
        self.objective.fraction = progress.fraction
        seen: dict[str, Tensor] = {}
        for player in self.networks:
            stepper = self.steppers[player]
            for group in self.optimizers[player].param_groups:
                group["lr"] = self._rate() * self.objective.rate(player)
            stepper.zero_grad(set_to_none=True)
            with self.accelerator.autocast():
                losses = self.objective.losses(player, self.networks, batch)
            if terms := [value for name, value in losses.items() if not name.startswith("_")]:
                self.accelerator.backward(sum(terms))
                if self.accelerator.num_processes > 1 and entries.has_several(self.plain[player]):
                    entries.share_gradients(self.plain[player], self.accelerator)
                self.accelerator.clip_grad_norm_(self.plain[player].parameters(), config.clip)
                stepper.step()
            seen |= {name.removeprefix("_"): value.detach() for name, value in losses.items()}
        self._average()
        return seen

    def _rate(self) -> float:
        """The learning rate now: the schedule's, a third of it after each alarm."""
        progress = self.progress
        return self.config.lr * schedule(progress.fraction, self.config.warmup) / 3**progress.alarms

    @torch.no_grad()
    def _average(self) -> None:
        """Exponential moving average whose horizon is a fraction of the run, shorter while the run is young."""
        step, share = self.progress.step, self.progress.per_step / self.config.ema
        decay = min(math.exp(-share), (1 + step) / (10 + step))
        floats, others = self.averaged
        torch._foreach_lerp_([k for k, _ in floats], [c for _, c in floats], 1 - decay)
        for k, c in others:
            k.copy_(c)

    def _log(self, losses: dict[str, Tensor], rate_from: tuple[int, float]) -> tuple[int, float]:
        config, progress = self.config, self.progress
        figures = {name: float(value) for name, value in losses.items()}
        if not all(math.isfinite(value) for value in figures.values()):
            raise self._diverged()
        rate = (progress.step - rate_from[0]) / max(progress.seconds - rate_from[1], 1e-6)
        record = {"step": progress.step, "fraction": progress.fraction, "seconds": progress.seconds}
        record |= {"lr": self._rate()}
        record |= {"images_per_second": rate * config.batch} | figures
        for listener in self.listeners:
            listener.logged(record)
        return progress.step, progress.seconds

    def _validate(self) -> None:
        if self.held_out is None:
            self.objective.finish(self.average, self.store)
            return
        progress = self.progress
        outcome = None
        if self.accelerator.is_main_process:
            self.objective.finish(self.average, self.store)
            outcome = self.objective.validate(self.average, self.held_out)
            seen = self.objective.validate(self.average, self.store.sample(len(self.held_out)), seen=True)
        score, alarm = broadcast_object_list([outcome.score if outcome else 0.0, outcome.alarm if outcome else ""])
        progress.validations_since_best += 1
        if score > progress.best_score and not alarm:
            progress.best_score, progress.best_step, progress.validations_since_best = score, progress.step, 0
            if self.accelerator.is_main_process:
                state.write_tensors(self.run / state.BEST, dict(self.average.state_dict()))
                if self.objective.goes_back:
                    state.write_tensors(self.run / state.BEST_WHOLE, self._tensors())
        if outcome:
            record = {"step": progress.step, "fraction": progress.fraction, "seconds": progress.seconds}
            record["score"] = outcome.score
            gap = {f"train_{name}": value for name, value in seen.figures.items()}
            progress.history.append(record | outcome.figures | gap)
            for listener in self.listeners:
                listener.validated(progress, outcome)
        if alarm:
            self._go_back(alarm)

    def _go_back(self, alarm: str) -> None:
        """After an alarm: the best state again, with smaller steps; after several, the end."""
        progress = self.progress
        progress.alarms += 1
        best = self.run / state.BEST_WHOLE
        what = "stopping; the best state is kept"
        if progress.alarms < ALARMS:
            what = "going on with a third of the learning rate"
            if best.exists():
                kept = self.objective.state()
                self._take_up(state.read_tensors(best))
                self.objective.go_on(kept)  # what it has seen since is not forgotten, or the same alarm comes again
                what = f"going back to step {progress.best_step}, " + what.removeprefix("going on ")
        self._note(f"ALARM, {alarm}; {what}")

    def _note(self, event: str) -> None:
        self.progress.events.append(f"step {self.progress.step}: {event}")
        for listener in self.listeners:
            listener.noted(self.progress.events[-1])

    def _tensors(self) -> dict[str, Tensor]:
        return state.gather(self.plain, self.optimizers, self.average, self.objective.state())

    def _save(self) -> None:
        if self.accelerator.is_main_process:
            tensors = self._tensors()
            if not all(bool(value.isfinite().all()) for value in tensors.values()):
                raise self._diverged()
            state.save(self.run, tensors, self.progress)
        self.accelerator.wait_for_everyone()

    def _diverged(self) -> TrainingError:
        return TrainingError(
            f"{self.run}: the loss is NaN or infinite at step {self.progress.step}; go on from the last saved state "
            "with smaller steps: ",
            Option("resume", str(self.run)),
            " with ",
            Setting("lr", float(f"{self.config.lr / 3:.1g}")),
            ".",
        )
