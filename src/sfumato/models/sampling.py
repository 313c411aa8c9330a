"""How a flow is sampled: the options that its card gives and a user may change."""

from dataclasses import dataclass, fields
from typing import Any, TypedDict

from ..errors import Option, UsageError

SOLVER_NAMES = ("euler", "heun")
MAX_STEPS, MAX_SHIFT, MAX_CHURN, MAX_GUIDANCE = 1000, 100.0, 1000.0, 100.0


class SamplingArguments(TypedDict, total=False):
    """The fields of SamplingOptions, for functions that take them one by one."""

    steps: int | None
    solver: str | None
    shift: float | None
    churn: float | None
    guidance: float | None


@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """Options of a flow, each None where the model's card says it.

    steps: 1 to 1000. solver: "euler" or "heun". shift: 1 for equal steps, more for shorter ones near the noise
    (arXiv:2403.03206). churn: noise that is put back between the steps, EDM's S_churn (arXiv:2206.00364), 0 for none.
    guidance: 1 is the class alone, more is more like it (classifier-free, arXiv:2207.12598).

    Raises UsageError for values out of range.
    """

    steps: int | None = None
    solver: str | None = None
    shift: float | None = None
    churn: float | None = None
    guidance: float | None = None

    def __post_init__(self) -> None:
        if self.solver is not None and self.solver not in SOLVER_NAMES:
            raise UsageError(Option("solver"), f" is {self.solver!r}; give one of {', '.join(SOLVER_NAMES)}.")
        if self.steps is not None and not isinstance(self.steps, int):
            raise UsageError(Option("steps"), f" is {self.steps!r}; give a whole number.")
        limits = {
            "steps": (1, MAX_STEPS),
            "shift": (1 / MAX_SHIFT, MAX_SHIFT),
            "churn": (0, MAX_CHURN),
            "guidance": (0, MAX_GUIDANCE),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and low <= value <= high):
                raise UsageError(Option(name), f" is {value!r}; give a number from {low:g} to {high:g}.")

    @property
    def given(self) -> dict[str, Any]:
        """Those that are not left to the card."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name)) is not None}


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """What a flow is sampled with, nothing left open."""

    steps: int = 20
    solver: str = "heun"
    shift: float = 1.0
    churn: float = 0.0
    guidance: float = 1.0
