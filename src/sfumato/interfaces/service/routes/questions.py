"""POST /v1/ask: questions about a picture, and the answers in the same request."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse

from ....errors import Option, UsageError
from ....estimation.answers import answers_questions
from ..descriptions import ANSWERS, JOB
from ..forms import Crop, Model, Picture, PictureId, parse_box
from ..service import Service


def router(service: Service) -> APIRouter:
    routes, settings = APIRouter(prefix="/v1", tags=["asking"]), service.settings

    @routes.post("/ask", responses={200: ANSWERS, 202: JOB})
    async def ask(
        request: Request,
        model: Model,
        question: Annotated[list[str], Form(description="In words; several times for several.")],
        picture: Picture = None,
        picture_id: PictureId = None,
        page: Annotated[int | None, Form(ge=1, description="Of a file with several, from 1.")] = None,
        crop: Crop = None,
    ) -> Response:
        """What a model of `sfumato train answers` answers to questions about a picture, and how likely it finds each
        of the answers that it chooses among.
        """
        if not answers_questions(service.catalog.card(model)):
            raise UsageError(Option("model"), f" {model} answers no questions; GET /v1/models says which do.")
        if len(question) > settings.max_num:
            raise UsageError(Option("question"), f" was sent {len(question)} times; at most {settings.max_num}.")
        source = service.needed(picture, picture_id)
        spec = {"kind": "ask", "model": model, "questions": question, "page": page, "crop": parse_box(crop)}
        place = service.placing(source)
        if "respond-async" in request.headers.get("prefer", ""):
            return await service.answer(request, spec, source.name, place)
        id, item = await service.tickets.perform(request, spec, source.name, place)
        await service.tickets.forget(id)
        return JSONResponse(item.outcome["report"])

    return routes
