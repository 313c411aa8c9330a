"""The data of a run: pictures to train on, pictures held out, and the batches of its steps."""

import signal
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..data.folders import list_pictures
from ..data.patches import StepSampler
from ..data.store import PictureStore
from .config import TrainConfig
from .listeners import Listener
from .objectives import Objective


def stores(
    config: TrainConfig, objective: Objective, listeners: Iterable[Listener] = ()
) -> tuple[PictureStore, PictureStore | None]:
    """The pictures to train on and those held out: of `config.val`, or a share of `config.data` (`Objective.split`)."""

    def advance(done: int, total: int) -> None:
        for listener in listeners:
            listener.decoded(done, total)

    def built(source: str) -> PictureStore:
        listing = list_pictures(source)
        return PictureStore.build(listing, channels=objective.channels, size=objective.fit, progress=advance)

    store = built(config.data)
    if config.val:
        held_out = built(config.val)
        return objective.chosen(store), held_out.sample(objective.held_out)
    train, kept = objective.split(store)
    return objective.chosen(train), kept


def batches_of(
    samples: Dataset,
    config: TrainConfig,
    step: int,
    *,
    device: torch.device,
    layout: torch.memory_format,
    rank: int,
    processes: int,
) -> Iterator[dict[str, Tensor]]:
    """The batches from `step` on, on the device, pictures in this layout: the share of process `rank` of several."""
    loader = DataLoader(
        samples,
        batch_size=config.batch // processes,
        sampler=StepSampler(step, config.batch, rank, processes),
        num_workers=config.workers,
        pin_memory=device.type == "cuda",
        # A forked process holds libvips without its threads and would wait for them for ever.
        multiprocessing_context="spawn" if config.workers else None,
        worker_init_fn=_leave_interrupts_to_the_loop,
    )
    for batch in loader:
        yield {
            name: value.to(
                device, non_blocking=True, memory_format=layout if value.ndim == 4 else torch.contiguous_format
            )
            for name, value in batch.items()
        }


def _leave_interrupts_to_the_loop(_: int) -> None:
    """Ctrl-C reaches every process of a terminal; a worker that ended by it would end the step that is to be saved."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
