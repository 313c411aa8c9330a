"""The command that opens the web page."""

import contextlib
import webbrowser
from typing import Annotated

import typer

from .help_pages import Command, examples
from .options import Device, Threads, flag
from .serve import WHERE, Models, Port, Work, run, settings_for


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(cls=Command, epilog=examples("web", "web --port 8080 --no-browser"))(web)


def web(
    port: Port = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it in the browser.", rich_help_panel=WHERE)
    ] = True,
    work: Work = None,
    models: Models = None,
    device: Device = "auto",
    threads: Threads = None,
    verbose: Annotated[bool, flag("--verbose", "A line for each request.", "Output", "-v")] = False,
) -> None:
    """Open a page to restore and generate pictures on, until Ctrl-C.

    It is served by this machine for this machine: nothing leaves it. To let others in, see `sfumato serve --page`.
    """
    settings = settings_for(port=port, work=work, models=models, device=device, threads=threads, page=True)

    def started(address: str) -> None:
        print(f"The page is at {address}; Ctrl-C ends it.", flush=True)
        if browser:
            with contextlib.suppress(webbrowser.Error):
                webbrowser.open(address)

    run(settings, verbose=verbose, started=started)
