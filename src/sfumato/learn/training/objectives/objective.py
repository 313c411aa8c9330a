"""The contract between the loop and what a run learns."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.utils.data import Dataset

from ...data.fitted import hold_out
from ...data.store import PictureStore


@dataclass(frozen=True)
class Validation:
    """Named figures on held-out pictures, the one that chooses the best state (higher is better), and pictures to show.

    `sheet` is `rows columns c h w` in [0, 1]. `alarm` is a sentence where the run has gone wrong: the loop then goes
    back to the best state and on with smaller steps; after a few alarms it stops.
    """

    figures: dict[str, float]
    score: float
    sheet: Tensor
    alarm: str = ""


class Objective(ABC):
    """Networks by name (trained in this order each step), what each one minimizes, and which of them is exported.

    What has a body here, be it empty, may be left out.

    channels: of the decoded pictures; fit: height and width that they are fitted to, () for none; held_out: how many at
    most; of more that are given to validate on, evenly spaced ones. fraction: of the run that is done, set before each
    step. invents: what it learns is to make up details. goes_back: it raises alarms, so the whole best state is kept.
    concern: a sentence, once it has begun, where the pictures are so few that no alarm can say what goes wrong.
    """

    exported: ClassVar[str]
    invents: ClassVar[bool] = False
    networks: dict[str, nn.Module]
    channels: int = 3
    fit: tuple[int, ...] = ()
    held_out: int = 64
    fraction: float = 0.0
    goes_back: bool = False
    concern: str = ""

    def chosen(self, store: PictureStore) -> PictureStore:
        """Those of the pictures to train on that it learns from."""
        return store

    def split(self, store: PictureStore) -> tuple[PictureStore, PictureStore | None]:
        """Those to train on and those held out, of pictures that are given as one: a twentieth at most.

        A fifth for a network that generates pictures, as long as there are few of them.
        """
        return (hold_out if self.fit else PictureStore.split)(store, at_most=self.held_out)

    @abstractmethod
    def dataset(self, store: PictureStore) -> Dataset:
        """The samples of a run, each a function of its index."""

    def begin(self, store: PictureStore, held_out: PictureStore | None, device: object) -> None:  # noqa: B027
        """Called once, before the first step, with the pictures to train on and those held out."""

    @abstractmethod
    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """What `player` minimizes: the sum of the named terms. Names that begin with "_" are figures, no terms.

        Without terms the player rests in this step.
        """

    def by_adam(self, player: str) -> tuple[str, ...]:
        """How the names of those weights begin that Muon, where a run asks for it, does not suit."""
        return ()

    def rate(self, player: str) -> float:
        """What the learning rate of `player` is multiplied by."""
        return 1.0

    @abstractmethod
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        """Of the averaged network; `seen` where the pictures are some that it was trained on, for the gap."""

    def finish(self, network: nn.Module, store: PictureStore) -> None:  # noqa: B027
        """What is fitted to the averaged network before it is validated and exported, such as a density."""

    def state(self) -> dict[str, Tensor]:
        """Numbers that change while it learns, beside the networks; saved and resumed with them."""
        return {}

    def go_on(self, state: dict[str, Tensor]) -> None:  # noqa: B027
        """Take up what `state` gave."""


def labels_of(names: Sequence[str], labels: dict[str, str]) -> list[str]:
    """The labels of these pictures, in their order; none where there are no labels."""
    return [labels[name] for name in names] if labels else []
