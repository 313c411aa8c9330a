"""A flow of sequences: the velocity of each frame, given the memory of those before it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from sfumato.errors import UsageError

from ...data.fitted import one_hot
from ...data.moving import MovingPictures
from ...data.seeds import sample_seed
from ...data.store import PictureStore
from ...losses.flow import linear_path, logit_normal
from ...networks.sequence_flow import SequenceFlow
from ..config import TrainConfig
from .flow_matching import along
from .generation import SHEET, Generation, mean_psnr, on_white
from .objective import Validation, labels_of

KNOWN = 2  # frames after which it is known where a thing moves to
HELD_OUT = 40  # sequences that are validated on
AT_NOISE = 0.1  # share of the lines that are learned at their very beginning, where the next frame is expected


@dataclass(frozen=True, kw_only=True)
class SequenceOptions:
    """frames: of a sequence. things: pictures that move about in it. extent: of a thing, as a share of the frame's
    sides. fastest: pixels a frame, down and across. noise: deviation, of 1, of what is added to the frames that are
    read, so that it goes on well from frames of its own. unlabelled: share of the sequences that lose their class.
    """

    frames: int = 8
    things: int = 1
    extent: float = 0.625
    fastest: int = 3
    noise: float = 0.05
    unlabelled: float = 0.15

    def __post_init__(self) -> None:
        if self.frames <= KNOWN or self.things < 1 or self.fastest < 1:
            raise UsageError(f"options: frames must be above {KNOWN}, things and fastest at least 1.")
        if not 0 < self.extent < 1 or self.noise < 0 or not 0 <= self.unlabelled < 1:
            raise UsageError("options: extent is between 0 and 1, noise not negative, unlabelled from 0 to below 1.")


class Sequences(Generation):
    """Frames are generated one after the other, each given the memory of those before; pictures of any kind move."""

    exported = "velocity"
    options_class = SequenceOptions
    options: SequenceOptions
    goes_back = False

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        if not isinstance(self.network, SequenceFlow):
            raise UsageError(f"{config.name}: the objective sequences trains sequence-flow, not {config.family}.")
        self.size = self.fit
        self.fit = tuple(max(1, round(self.options.extent * length)) for length in self.size)

    def dataset(self, store: PictureStore) -> Dataset:
        return self._sequences(store, self.config.seed)

    def _sequences(self, store: PictureStore, seed: int) -> MovingPictures:
        options, known = self.options, one_hot(labels_of(store.names, self.labels), self.classes)
        return MovingPictures(
            store,
            known,
            size=self.size,
            frames=options.frames,
            things=options.things,
            fastest=options.fastest,
            seed=seed,
        )

    def begin(self, store: PictureStore, held_out: PictureStore | None, device: object) -> None:
        self.device = torch.device(str(device))

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        network, frames = networks[player], 2 * batch["x"] - 1
        assert isinstance(network, SequenceFlow)
        memories = self.memories(network, frames + 2 * self.options.noise * torch.randn_like(frames))
        ends = frames.flatten(0, 1)
        times = logit_normal(len(ends), device=ends.device)
        times = times * (torch.rand_like(times) >= AT_NOISE)
        path = linear_path(ends, torch.randn_like(ends), times)
        given = [memories.flatten(0, 1)]
        if "label" in batch:
            kept = torch.rand(len(frames), 1, device=ends.device) >= self.options.unlabelled
            given.insert(0, (batch["label"] * kept).repeat_interleave(frames.shape[1], dim=0))
        v_hat = network.velocity(path.x_t, path.t, *given)
        return {"velocity": (v_hat.float() - path.velocity).square().mean()}

    @staticmethod
    def memories(network: SequenceFlow, frames: Tensor) -> Tensor:
        """The memory before each frame, `b t s h w`, of frames `b t c h w` in [-1, 1]."""
        memory = frames.new_zeros(len(frames), network.state_channels, *frames.shape[3:])
        found = [memory]
        for frame in frames.unbind(1)[:-1]:
            memory = network.remember(frame, memory).float()
            found.append(memory)
        return torch.stack(found, dim=1)

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        """The loss at fixed times with fixed noise, the next frame that is expected, and sequences to look at."""
        assert isinstance(network, SequenceFlow)
        samples = self._sequences(held_out, sample_seed(self.config.seed, "validation"))
        sequences = [samples[number] for number in range(HELD_OUT)]
        x = torch.stack([sample["x"] for sample in sequences]).to(self.device)
        label = torch.stack([s["label"] for s in sequences]).to(self.device) if "label" in sequences[0] else None
        ends, memories = 2 * x - 1, self.memories(network, 2 * x - 1)
        generator = torch.Generator().manual_seed(sample_seed(self.config.seed, "noise"))
        errors, expected = [], []
        for number in range(x.shape[1]):
            given = [*([] if label is None else [label]), memories[:, number]]
            noise = torch.randn(ends[:, number].shape, generator=generator).to(self.device)
            times = (torch.arange(len(x), device=self.device) % 20 + 0.5)[:, None] / 20
            path = linear_path(ends[:, number], noise, times)
            errors.append((network.velocity(path.x_t, path.t, *given).float() - path.velocity).square().mean())
            expected.append(self.expected(network, noise, given))
        known = slice(KNOWN, None)
        figures = {
            "velocity_error": float(torch.stack(errors).mean()),
            "psnr_next": mean_psnr(torch.stack(expected, dim=1)[:, known].flatten(0, 1), x[:, known].flatten(0, 1)),
            "psnr_copied": mean_psnr(x[:, KNOWN - 1 : -1].flatten(0, 1), x[:, known].flatten(0, 1)),
        }
        sheet = torch.empty(0) if seen else self._sheet(network)
        return Validation(figures, -figures["velocity_error"], sheet)

    @staticmethod
    def expected(network: SequenceFlow, noise: Tensor, given: list[Tensor]) -> Tensor:
        """The mean of the frames that may come next, in [0, 1]: where the velocity at pure noise leads."""
        start = torch.zeros(len(noise), 1, device=noise.device)
        return ((noise + network.velocity(noise, start, *given)).float() / 2 + 0.5).clamp(0, 1)

    def _sheet(self, network: SequenceFlow) -> Tensor:
        """Sequences from noise, a row each."""
        rows, columns = SHEET
        generator = torch.Generator().manual_seed(sample_seed(self.config.seed, "drawn"))
        memory = torch.zeros(rows, network.state_channels, *self.size, device=self.device)
        label = [value.to(self.device) for value in self.some_given(rows).values()]
        frames = []
        for _ in range(columns):
            noise = torch.randn(rows, self.channels, *self.size, generator=generator).to(self.device)
            frame = along(network.velocity, noise, [*label, memory])
            memory = network.remember(frame, memory).float()
            frames.append((frame / 2 + 0.5).clamp(0, 1).cpu())
        return on_white(torch.stack(frames, dim=1).flatten(0, 1)).unflatten(0, SHEET)
