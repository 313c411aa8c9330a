"""The service on uvicorn: a socket, the application on it, a line that says where, an orderly end."""

import contextlib
import errno
import logging
import socket
import sys
import tempfile
from collections.abc import Callable

import uvicorn

from ...errors import Option, UsageError
from .app import create_app
from .settings import ServiceSettings


def serve_forever(
    settings: ServiceSettings, *, verbose: bool = False, started: Callable[[str], None] | None = None
) -> None:
    """Until SIGINT or SIGTERM. started: called with the address once it listens; by default it is printed."""
    app = create_app(settings)
    # Uploads on their way lie in the service's own folder, and are gone with it.
    tempfile.tempdir = str(app.state.service.store.temporary)
    # Clients' malformed forms are refused; a line in the log for each is of use to those who would fill a disk.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    listening = _listening(settings)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{listening.getsockname()[1]}"
    config = uvicorn.Config(
        app,
        log_level="info" if verbose else "warning",
        access_log=verbose,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_keep_alive=20,
        timeout_graceful_shutdown=max(int(settings.grace), 1),
    )
    server = uvicorn.Server(config)
    app.state.is_stopping = lambda: server.should_exit
    (started or _print_address)(address)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again once it has stopped
        server.run(sockets=[listening])


def _print_address(address: str) -> None:
    print(f"Serving on {address} (its description: {address}/reference); Ctrl-C ends it.", flush=True)


def _listening(settings: ServiceSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0 if sys.platform == "win32" else 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(Option("port"), f" {settings.port} is taken by another program; give another.") from None
        raise UsageError(
            Option("host"), f" {settings.host}:{settings.port}: {error.strerror or error}; give another."
        ) from None
    listening.listen(512)
    return listening
