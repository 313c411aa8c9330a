"""A trained restorer as the teacher of a smaller one: its results as the goal (arXiv:1503.02531)."""

import torch
from torch import Tensor

from sfumato.errors import UsageError

from ...export import rebuild
from ...networks.network import Network
from ..transfer import model_path


class Teacher:
    """What the model file `model` makes of patches; UsageError where it takes or gives something else than `pupil`.

    What it made of a patch with a number is kept, in half precision, and not computed again.
    """

    def __init__(self, model: str, pupil: Network) -> None:
        self.network = rebuild(model_path(model)).eval().requires_grad_(False)
        if (self.network.inputs, self.network.outputs, self.network.scale) != (
            pupil.inputs,
            pupil.outputs,
            pupil.scale,
        ):
            raise UsageError(f"options.teacher: {model} does another task than what it should teach.")
        self.kept: dict[int, Tensor] = {}

    @torch.no_grad()
    def goal(self, given: list[Tensor], numbers: Tensor | None) -> Tensor:
        """Its results, `b c h w`, for a batch of what the pupil is given; numbers: `b`, of patches that come again."""
        if numbers is None:
            return self.network(*given).float()
        for place, number in enumerate(numbers.tolist()):
            if number not in self.kept:
                output = self.network(*(part[place : place + 1] for part in given))
                self.kept[number] = output[0].half().cpu()
        # as float32 before they are stacked: autocast to bfloat16 puts no other half precision together
        return torch.stack([self.kept[number].float() for number in numbers.tolist()]).to(given[0].device)


def turned(x: Tensor, turns: Tensor) -> Tensor:
    """Squares `b c h h`, each turned by so many quarters, and mirrored besides from 4 on."""
    ways = zip(x, turns.tolist(), strict=True)
    return torch.stack([torch.rot90(one if way < 4 else one.flip(2), way % 4, (1, 2)) for one, way in ways])
