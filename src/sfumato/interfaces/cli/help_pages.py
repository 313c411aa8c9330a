"""Help pages without the types of switches, which say nothing, and options that are given once."""

from typing import Any

from typer.core import TyperCommand, TyperGroup

from ...errors import Option, UsageError


class _PlainSwitches:
    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_flag", False) and param.metavar is None:
                param.metavar = ""
        return params


class Command(_PlainSwitches, TyperCommand):
    """A command; its help page shows `--quiet`, not `--quiet <bool>`. Of an option that takes one value a second is
    refused, where the parser would forget the first without a word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        *_, order = self.make_parser(ctx).parse_args(args=list(args))
        once = [param for param in order if param.param_type_name == "option" and not takes_several(param)]
        if again := next((param for param in once if once.count(param) > 1), None):
            raise UsageError(Option(again.name), " was given more than once, and takes one value.")
        return super().parse_args(ctx, args)


class Group(_PlainSwitches, TyperGroup):
    """All commands; likewise."""


def takes_several(option: Any) -> bool:
    """Whether an option may be given again: a list, or a switch."""
    return bool(option.multiple or option.is_flag)


def examples(*lines: str) -> str:
    """The end of a help page: commands that somebody might run."""
    return "\n\n".join(["[bold]Examples[/bold]", *(f"sfumato {line}" for line in lines)])
