"""Help pages without the types of switches, which say nothing."""

from typing import Any

from typer.core import TyperCommand, TyperGroup


class _PlainSwitches:
    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_flag", False) and param.metavar is None:
                param.metavar = ""
        return params


class Command(_PlainSwitches, TyperCommand):
    """A command; its help page shows `--quiet`, not `--quiet <bool>`."""


class Group(_PlainSwitches, TyperGroup):
    """All commands; likewise."""


def examples(*lines: str) -> str:
    """The end of a help page: commands that somebody might run."""
    return "\n\n".join(["[bold]Examples[/bold]", *(f"sfumato {line}" for line in lines)])
