"""Models, health, metrics, sessions, and the description of all of it."""

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from .... import __version__
from ....models.card import CONDITIONS
from ....models.zoo import FOR_TASK
from ....pictures.write import DEEPEST
from ..catalog import uses_of
from ..descriptions import MODEL, MODELS, SESSION
from ..problems import Refusal
from ..reference import STYLE, page_of
from ..security import COOKIE, SESSION_SECONDS, new_session
from ..service import Service
from ..tickets import unknown


def router(service: Service) -> APIRouter:
    routes, settings, catalog = APIRouter(), service.settings, service.catalog

    @routes.get("/v1/models", tags=["models"], responses={200: MODELS})
    async def models() -> dict[str, Any]:
        """The models that can be asked for, what each can do, and which one does a task unless another is named."""
        cards = await asyncio.to_thread(catalog.cards)
        facts = [
            {
                "name": name,
                "task": card.task,
                "summary": card.summary,
                "uses": uses_of(card),
                "scale": card.scale,
                "classes": card.classes,
                "size": card.size,
                "takes_steps": "velocity" in card.entries,
                "conditions": sorted({port.kind for port in card.inputs}.intersection(CONDITIONS)),
                "licence": card.licence,
            }
            for name, card in cards.items()
        ]
        return {"models": facts, "for_task": FOR_TASK}

    @routes.get("/v1/models/{name}", tags=["models"], responses={200: MODEL})
    async def model(name: Annotated[str, Path(description="A model's name.")]) -> Response:
        """All that a model file says of itself: what it takes, its training data, licence and scores."""
        if name not in catalog.paths:
            raise unknown("model", name)
        card = await asyncio.to_thread(catalog.card, name)
        return JSONResponse(json.loads(card.to_json()))

    @routes.get("/v1/session", tags=["about"], responses={200: SESSION})
    async def session() -> dict[str, Any]:
        """Limits of the service, for a page that is going to use it."""
        return {
            "version": __version__,
            "max_body_mb": settings.max_body_mb,
            "max_megapixels": settings.max_megapixels,
            "max_queue": settings.max_queue,
            "max_num": settings.max_num,
            "keep_seconds": settings.keep_seconds,
            "formats": list(DEEPEST),
            "token_needed": settings.token is not None,
        }

    @routes.post("/v1/session", status_code=204, tags=["about"])
    async def begin(request: Request) -> Response:
        """Turn the token of this request into a cookie, for pages: pictures that a page shows send no other header."""
        response = Response(status_code=204)
        is_secure = request.url.scheme == "https"
        value = new_session(settings.token)
        response.set_cookie(
            COOKIE, value, SESSION_SECONDS, httponly=True, samesite="strict", secure=is_secure, path="/"
        )
        return response

    @routes.get("/healthz", tags=["about"])
    async def healthz() -> dict[str, str]:
        """Whether the service runs."""
        return {"status": "ok"}

    @routes.get("/readyz", tags=["about"])
    async def readyz(request: Request) -> dict[str, Any]:
        """Whether the service takes work: its workers run, its disk has room, its queue is not full."""
        pool = request.app.state.pool
        try:
            waiting = await asyncio.to_thread(service.tickets.queue.waiting)
            await asyncio.to_thread(service.store.check_room)
        except Exception:
            raise not_ready("The queue cannot be reached, or the disk is full.") from None
        if pool is not None and not pool.num_alive:
            raise not_ready("No worker process runs.")
        if waiting >= settings.max_queue:
            raise not_ready("The queue is full.")
        return {"status": "ok", "waiting": waiting, "workers": None if pool is None else pool.num_alive}

    @routes.get("/metrics", tags=["about"], response_class=Response)
    async def metrics() -> Response:
        """For Prometheus."""
        text = await asyncio.to_thread(service.metrics.text)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    @routes.get("/reference", include_in_schema=False)
    async def reference(request: Request) -> Response:
        return HTMLResponse(page_of(request.app.openapi()))

    @routes.get("/reference.css", include_in_schema=False)
    async def style() -> Response:
        return Response(STYLE, media_type="text/css")

    return routes


def not_ready(detail: str) -> Refusal:
    return Refusal(503, "not-ready", "The service takes no work now", detail, Retry_After="5")
