"""The application: settings in, an ASGI application out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from ... import __version__
from ...errors import Option, SfumatoError, UsageError
from .catalog import Catalog
from .descriptions import PROBLEMS
from .forms import refuse_unknown_fields
from .metrics import Metrics
from .pool import Pool
from .problems import MEDIA_TYPE, Problem, Refusal, problem, problem_of
from .queue import open_queue
from .routes import about, generation, jobs, pictures, questions, restoration
from .security import Gate
from .service import Service
from .settings import MEGA, ServiceSettings
from .store import Store
from .tickets import Tickets

PAGE = Path(__file__).parents[1] / "web" / "static"
DESCRIPTION = (
    "Restores damaged pictures and generates new ones; nothing leaves the machine that this runs on. "
    "Refusals are problem details (RFC 9457), whose `detail` is a sentence for people."
)


def create_app(settings: ServiceSettings, *, with_workers: bool = True) -> FastAPI:
    """The service. with_workers: False where worker processes are started elsewhere, on the same queue and folder.

    Raises UsageError for a page that is not there and a Redis that does not answer, OSError for a folder that cannot be
    written to.
    """
    if settings.page and not PAGE.is_dir():
        raise UsageError(Option("page"), ": there is no web page in this installation.")
    store = Store(settings.work, settings.reserve_mb * MEGA)
    queue = open_queue(settings.work, settings.queue)
    metrics = Metrics()
    tickets = Tickets(settings, queue, store, metrics)
    service = Service(settings, Catalog.of(settings.models), store, metrics, tickets)
    pool = Pool(settings, queue) if with_workers else None
    metrics.watch(queue, pool)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if pool is not None:
            await asyncio.to_thread(pool.start)
        watching = asyncio.create_task(tickets.watch())
        try:
            yield
        finally:
            if pool is not None:
                await asyncio.to_thread(pool.stop)
            watching.cancel()
            queue.close()

    app = FastAPI(
        title="Sfumato",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses=PROBLEMS,
    )
    app.state.service, app.state.pool = service, pool
    app.state.is_stopping = lambda: False
    for routes in (restoration, jobs, pictures, generation, questions, about):
        app.include_router(routes.router(service), dependencies=[Depends(refuse_unknown_fields)])
    for kind, handler in ((SfumatoError, _library), (HTTPException, _http), (RequestValidationError, _invalid)):
        app.add_exception_handler(kind, handler)
    app.add_middleware(Gate, settings=settings, metrics=metrics)
    if settings.page:
        app.mount("/", StaticFiles(directory=PAGE, html=True), name="page")
    else:
        app.get("/", include_in_schema=False)(_to_reference)
    return app


async def _to_reference() -> Response:
    return RedirectResponse("/reference")


def _answer(found: Problem, headers: Any = None) -> Response:
    return JSONResponse(found, found["status"], headers, MEDIA_TYPE)


async def _library(_: Request, error: Exception) -> Response:
    return _answer(problem_of(error))


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, Refusal):
        return _answer(error.problem, error.headers)
    titles = {404: "Not found", 405: "Method not allowed", 400: "Not understood"}
    title = titles.get(error.status_code, "Refused")
    return _answer(problem(error.status_code, "http", title, f"{str(error.detail).rstrip('.')}."), error.headers)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = str(first["loc"][-1]) if first["loc"] else "request"
    detail = f"{name}: {first['msg'].rstrip('.')}."
    return _answer(problem(422, "option", "Not possible", detail, option=name))
