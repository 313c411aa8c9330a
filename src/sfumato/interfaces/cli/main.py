"""The command line: parse, one pipeline call, present. What is heavy is imported inside the command that needs it."""

import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from ... import interrupts
from ...errors import SfumatoError
from . import ask, compare, foreign, generate, learn, merge, models, restore, serve, web
from .help_pages import Group
from .lines import say
from .options import spelled

STOPPED = 130  # the exit status after Ctrl-C

app = typer.Typer(
    name="sfumato",
    cls=Group,
    help="Restore damaged pictures, generate new ones, and train the networks that do it.",
    epilog="Each command has its own page: sfumato restore --help",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for commands in (restore, compare, merge, generate, ask, web, serve, models, foreign, learn):
    commands.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give back its exit status: 0 done, 1 work that failed, 2 usage, 130 stopped by Ctrl-C.

    A mistake of the user ends in one sentence on stderr.
    """
    for stream in (sys.stdout, sys.stderr):
        # File names need not be valid text, and a terminal need not have their letters: show them escaped.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    with interrupts.kept() as check:
        return _run(given, check)


def _run(given: Sequence[str], check: Callable[[], None]) -> int:
    """The same for these arguments; check: raises KeyboardInterrupt where Ctrl-C was heard."""
    try:
        try:
            status = app(args=list(given), standalone_mode=False)
        except Exception:
            check()  # an import that was cut short may fail in any way
            raise
        if status == STOPPED:  # which the parser makes of it
            check()
    except SfumatoError as error:
        say(f"sfumato: {error.spelled(spelled)}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        say("sfumato: stopped.", file=sys.stderr)
        return STOPPED
    except Exception as error:
        # The parser's own errors: typer has them from click or, in later versions, from a copy of click in itself.
        if not hasattr(error, "format_message"):
            raise
        _explain(error.format_message() + _with_dash(given), getattr(error, "ctx", None))
        return 2
    return status if isinstance(status, int) else 0


def _with_dash(arguments: Sequence[str]) -> str:
    """What to write instead of the first argument that was taken for an option and is a file's name."""
    name = next((text for text in arguments if text.startswith("-") and text != "-" and os.path.exists(text)), None)
    return "" if name is None else f" (for the file of this name write ./{name})"


def _explain(message: str, context: typer.Context | None) -> None:
    """One sentence of the parser's, with where to look; nothing where it has shown the help instead."""
    if message:
        command = "sfumato" if context is None else f"sfumato {context.info_name or ''}".removesuffix(" sfumato")
        say(f"sfumato: {message.replace('. (', ' (').rstrip('.')}; see `{command} --help`.", file=sys.stderr)


def _print_version(wanted: bool) -> None:
    if wanted:
        from ... import __version__

        print(f"sfumato {__version__}")
        raise typer.Exit


@app.callback()
def _sfumato(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None: ...


if __name__ == "__main__":
    sys.exit(main())
