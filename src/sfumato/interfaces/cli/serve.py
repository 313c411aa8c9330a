"""The command that serves: restoring and generating over HTTP."""

import os
import shutil
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import MissingExtra, Option, UsageError
from .help_pages import Command, examples
from .options import LIMITS, Device, Memory, flag

if TYPE_CHECKING:
    from ..service.settings import ServiceSettings

LIBRARIES = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")
WHERE, WHO = "Where", "For whom"
INSTALL = '`pip install ".[serve]"` in a checkout of the project'


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    lines = ("serve", "serve --host 0.0.0.0 --token-file token.txt --allow-host pictures.example.org")
    app.command(cls=Command, epilog=examples(*lines))(serve)


Host = Annotated[str, typer.Option(help="Address to listen on.", rich_help_panel=WHERE)]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for a free one.", rich_help_panel=WHERE)]
Work = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder of uploads, results and the queue.",
        show_default="a temporary one",
        rich_help_panel=WHERE,
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="A file with the token that clients must send.", show_default=False, rich_help_panel=WHO
    ),
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A name that it is reached by.", show_default=False, rich_help_panel=WHO),
]
AllowOrigin = Annotated[
    list[str] | None,
    typer.Option(metavar="URL", help="Another site whose pages may use it.", show_default=False, rich_help_panel=WHO),
]
Models = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A folder of further model files.", show_default=False, rich_help_panel=WHERE),
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Worker processes.", show_default="one a core", rich_help_panel=LIMITS),
]
WorkerThreads = Annotated[
    int | None, typer.Option(min=1, help="Threads of each.", show_default="what is left", rich_help_panel=LIMITS)
]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    work: Work = None,
    queue: Annotated[
        str | None,
        typer.Option(
            metavar="redis://...",
            help="A queue for several machines that share the folder.",
            show_default="SQLite in the folder",
            rich_help_panel=WHERE,
        ),
    ] = None,
    models: Models = None,
    page: Annotated[bool, flag("--page", "Also serve the web page.", WHERE)] = False,
    token_file: TokenFile = None,
    allow_host: AllowHost = None,
    allow_origin: AllowOrigin = None,
    workers: Workers = None,
    threads: WorkerThreads = None,
    device: Device = "auto",
    memory: Memory = None,
    worker_memory: Annotated[
        int | None,
        typer.Option(
            min=256,
            metavar="MB",
            help="A worker that takes more is stopped.",
            show_default=False,
            rich_help_panel=LIMITS,
        ),
    ] = None,
    max_body: Annotated[
        int, typer.Option(min=1, metavar="MB", help="Larger requests are refused.", rich_help_panel=LIMITS)
    ] = 100,
    max_megapixels: Annotated[
        float, typer.Option(min=0.001, help="Larger pictures are refused.", rich_help_panel=LIMITS)
    ] = 100,
    max_queue: Annotated[int, typer.Option(min=1, help="Pictures that may wait.", rich_help_panel=LIMITS)] = 256,
    seconds: Annotated[float, typer.Option(help="That a request waits for its result.", rich_help_panel=LIMITS)] = 120,
    keep: Annotated[
        float, typer.Option(metavar="HOURS", help="For which uploads and results stay.", rich_help_panel=LIMITS)
    ] = 1,
    grace: Annotated[
        float, typer.Option(min=0, help="That work may take on when the service ends.", rich_help_panel=LIMITS)
    ] = 20,
    verbose: Annotated[bool, flag("--verbose", "A line for each request.", "Output", "-v")] = False,
) -> None:
    """Serve pictures restored and generated over HTTP, until Ctrl-C.

    POST a picture to /v1/restore and the result comes back; /reference describes all that there is. Other machines are
    let in only with a token.
    """
    settings = settings_for(
        host=host,
        port=port,
        work=work,
        queue=queue or "",
        models=models,
        page=page,
        token_file=token_file,
        allowed_hosts=tuple(allow_host or ()),
        allowed_origins=tuple(allow_origin or ()),
        workers=workers,
        threads=threads,
        device=device,
        memory_mb=memory,
        worker_memory_mb=worker_memory,
        max_body_mb=max_body,
        max_megapixels=max_megapixels,
        max_queue=max_queue,
        seconds=seconds,
        keep_seconds=3600 * keep,
        grace=grace,
    )
    run(settings, verbose=verbose)


def settings_for(
    *,
    work: Path | None = None,
    token_file: Path | None = None,
    workers: int | None = None,
    threads: int | None = None,
    page: bool = False,
    **settings: object,
) -> "ServiceSettings":
    """Settings of a service, with what is left open filled in: the folder, the token, the share of the cores.

    Raises MissingExtra where the service's libraries are not installed, UsageError for what cannot be meant.
    """
    if not all(map(find_spec, LIBRARIES)):
        raise MissingExtra(f"The service's libraries are not installed; {INSTALL} adds them.")
    from ..service.settings import ServiceSettings, share_cores

    workers, threads = share_cores(workers, threads, page=page)
    folder = Path(tempfile.mkdtemp(prefix="sfumato-serve-")) if work is None else work
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(Option("work"), f" {folder} cannot be made: {error.strerror}.") from None
    token = _token(token_file)
    given: dict[str, object] = {"work": folder.resolve(), "token": token, "workers": workers, "threads": threads}
    return ServiceSettings(**(given | settings), page=page, is_temporary=work is None)  # type: ignore[arg-type]


def run(settings: "ServiceSettings", *, verbose: bool = False, started: Callable[[str], None] | None = None) -> None:
    """Serve until the process is told to end; what is at work then is finished or goes back to the queue.

    started: called with the address once it listens; by default it is printed.
    """
    from ..service.server import serve_forever

    try:
        serve_forever(settings, verbose=verbose, started=started)
    finally:
        if settings.is_temporary:
            shutil.rmtree(settings.work, ignore_errors=True)


def _token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get("SFUMATO_TOKEN") or None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(Option("token_file"), f" {file} cannot be read: {reason}.") from None
