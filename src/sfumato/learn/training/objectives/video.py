"""Recurrent restorers: clips, degraded here, restored frame by frame with the state carried along."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from sfumato.errors import TrainingError, UsageError
from sfumato.models.fields import known

from ...catalog import configured
from ...data.clips import Clips, sequences
from ...data.motion import drawn_motion
from ...data.seeds import sample_seed
from ...data.store import PictureStore
from ...degradations.clips import on_clip
from ...degradations.degradation import in_8_bits
from ...degradations.mixtures import DEGRADATIONS
from ...layers.recurrent import warped
from ...losses.reconstruction import RECONSTRUCTION, charbonnier
from ...networks.recurrent import RecurrentUNet
from ..config import TrainConfig
from .objective import Validation
from .restoration import UNSEEN, Degraded

SETTLED = 3  # frames of a validated clip before the first that counts


@dataclass(frozen=True)
class VideoOptions:
    """frames: of a clip. photometric: weight of the loss by which the motion found shall bring the clean frame before
    onto the clean frame. steady: weight of the loss by which what a frame's errors are shall stay in the next, so that
    they do not flicker. real: share of real clips, where there are sequences.
    """

    frames: int = 6
    photometric: float = 1.0
    steady: float = 0.0
    real: float = 0.5

    def __post_init__(self) -> None:
        if self.frames < 2:
            raise UsageError("options: frames must be at least 2.")
        if self.photometric < 0 or self.steady < 0 or not 0 <= self.real <= 1:
            raise UsageError("options: photometric and steady must not be negative, real is from 0 to 1.")


class Video(Degraded):
    """A recurrent restorer maps y, the level and the state before to x, frame after frame.

    Sequences are folders of numbered pictures of one size; motion is drawn over all other pictures.
    """

    exported = "restorer"

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        if not isinstance(self.networks[self.exported], RecurrentUNet):
            raise UsageError(
                f"{config.name}: the objective video trains the family recurrent-unet, not {config.family}."
            )
        self.loss_name = known(config.loss, RECONSTRUCTION, "loss")
        self.options = configured(VideoOptions, config.options, f"options of {config.name}")

    def dataset(self, store: PictureStore) -> Dataset:
        config, options = self.config, self.options
        clips = Clips(
            store,
            DEGRADATIONS[config.degradation],
            frames=options.frames,
            patch=config.patch,
            seed=config.seed,
            real=options.real,
        )
        if not clips.sequences and not clips.stills:
            raise TrainingError(f"{config.data} holds no sequence with frames of {config.patch} pixels a side or more.")
        return clips

    def split(self, store: PictureStore) -> tuple[PictureStore, PictureStore | None]:
        """Whole sequences are held out, where there are several."""
        found = sequences(store)
        if len(found) < 2:
            return super().split(store)
        order = sorted(found, key=lambda one: sample_seed(0, store.names[one[0]].rpartition("/")[0]))
        held = {i for one in order[: max(1, len(found) // 20)] for i in one}
        numbers = range(len(store))
        return store.take(i for i in numbers if i not in held), store.take(sorted(held))

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        x, y, level = batch["x"], batch["y"], batch["level"]
        network = networks[player]
        state = self._no_state(y[:, 0])
        distance = RECONSTRUCTION[self.loss_name]
        restoring, photometric, changing = [], [], []
        before = y.new_zeros(())
        for t in range(y.shape[1]):
            given = (y[:, t], level[:, t])[: self._num_inputs]
            x_hat, state, motion = network.step(*given, state)  # type: ignore[operator]
            error = x_hat.float() - x[:, t]
            restoring.append(distance(x_hat.float(), x[:, t]))
            if t:
                full = 4 * F.interpolate(motion, scale_factor=4.0, mode="bilinear", align_corners=False)
                photometric.append(charbonnier(warped(x[:, t - 1], full), x[:, t]))
                changing.append(distance(error, before))
            before = error
        later = torch.stack(restoring[1:]).mean()
        terms = {self.loss_name: later + 0.3 * restoring[0], "_first": restoring[0], "_last": restoring[-1]}
        if self.options.steady:
            terms["steady"] = self.options.steady * torch.stack(changing).mean()
        return terms | {"photometric": self.options.photometric * torch.stack(photometric).mean()}

    def _no_state(self, y: Tensor) -> Tensor:
        network = self.networks[self.exported]
        assert isinstance(network, RecurrentUNet)
        return y.new_zeros((len(y), network.state_channels, *y.shape[2:]))

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        """PSNR of the frames from the fourth on, with the state and, to compare, with none."""
        device = next(network.parameters()).device
        figures: dict[str, float] = {}
        shown = []
        for protocol in self.protocols:
            scores: dict[bool, list[float]] = {True: [], False: []}
            for number, frames in enumerate(self._clips(held_out, count=4 if seen else 8)):
                generator = torch.Generator().manual_seed(sample_seed(self.config.seed, number))
                done = on_clip(protocol.degradation(), frames, generator)
                for kept, errors in scores.items():
                    state = self._no_state(done.y[:1]).to(device)
                    for t, (x, y, level) in enumerate(zip(done.x, done.y, done.level, strict=True)):
                        given = (y[None].to(device), level[None].to(device))[: self._num_inputs]
                        x_hat, next_state = network(*given, state)
                        state = next_state if kept else state
                        if t >= SETTLED:
                            error = (x_hat[0].float().cpu() - x).square().mean()
                            errors.append(min(float(-10 * error.log10()), UNSEEN))
                    if kept and number < 2 and protocol == self.protocols[-1]:
                        shown.append(torch.stack([y, x_hat[0].float().cpu(), x]).clamp(0, 1))
            figures[f"psnr_{protocol}"] = float(np.mean(scores[True]))
            figures[f"gain_{protocol}"] = figures[f"psnr_{protocol}"] - float(np.mean(scores[False]))
        score = float(np.mean([value for name, value in figures.items() if name.startswith("psnr")]))
        return Validation(figures, score, torch.stack(shown))

    def _clips(self, store: PictureStore, *, count: int, frames: int = 9) -> Iterator[Tensor]:
        """Fixed clips of the middle of the held-out sequences, or with motion drawn over the held-out pictures."""
        found = [one[:frames] for one in sequences(store, frames)]
        for one in found[:count]:
            height, width = (min(length, self.size) // 16 * 16 for length in store.shapes[one[0]][:2])
            top, left = ((a - b) // 2 for a, b in zip(store.shapes[one[0]][:2], (height, width), strict=True))
            pixels = np.stack([store[i][top : top + height, left : left + width] for i in one])
            yield torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        stills = Clips(store, DEGRADATIONS[self.config.degradation], frames=frames, patch=96, seed=0, real=0.0).stills
        for number in stills[: count - len(found)] if not found else []:
            rng = np.random.default_rng(sample_seed(0, number))
            still = torch.from_numpy(store[number].copy()).permute(2, 0, 1)[None].float() / 255
            still = F.interpolate(still, (192, 192), mode="bicubic", antialias=True).clamp(0, 1)[0]
            yield in_8_bits(drawn_motion(still, still.flip(2), frames, 96, rng))
