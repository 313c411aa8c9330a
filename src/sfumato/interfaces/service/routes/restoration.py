"""POST /v1/restore and /v1/diagnose: one picture, and the answer in the same request."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response, UploadFile
from fastapi.responses import JSONResponse

from ....restoration.options import AUTO
from ....restoration.tasks import parse_tasks
from ..descriptions import DIAGNOSIS, JOB, PICTURE_OR_JSON
from ..forms import Crop, Hints, HintsId, Mask, MaskId, Picture, PictureId, RestoreForm, parse_box
from ..service import Given, Service


def router(service: Service) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["restoring"])

    @routes.post("/restore", response_class=Response, responses={200: PICTURE_OR_JSON, 202: JOB})
    async def restore(
        request: Request,
        form: Annotated[RestoreForm, Depends()],
        picture: Picture = None,
        picture_id: PictureId = None,
        mask: Mask = None,
        mask_id: MaskId = None,
        hints: Hints = None,
        hints_id: HintsId = None,
    ) -> Response:
        """Restore a picture: the file comes back in its own format, with its metadata, the same bytes as `sfumato
        restore` writes. What was done is in the header `Sfumato-Report`; with `Accept: application/json` it comes
        instead of the file, with a link to it; with `Prefer: respond-async` a job comes at once.
        """
        source = service.needed(picture, picture_id)
        kind, file = mask_of(service, mask, mask_id)
        strokes = service.given(hints, hints_id, "hints")
        spec = form.spec(service.catalog, kind, hints=strokes is not None)
        place = service.placing(source, mask=file, hints=strokes)
        return await service.answer(request, spec, source.name, place, ".restored")

    @routes.post("/diagnose", responses={200: DIAGNOSIS, 202: JOB})
    async def diagnose(
        request: Request,
        picture: Picture = None,
        picture_id: PictureId = None,
        task: Annotated[str, Form(description="`auto` or `old-photo`, as it would be given to restore.")] = AUTO,
        page: Annotated[int | None, Form(ge=1, description="Of a file with several, from 1.")] = None,
        crop: Crop = None,
        regions: Annotated[bool, Form(description="Also say where, in a grid over the picture.")] = True,
    ) -> Response:
        """What is found in a picture, in words and figures, and the tasks that follow, without doing them."""
        parse_tasks(task)
        source = service.needed(picture, picture_id)
        spec = {"kind": "diagnose", "task": task, "page": page, "crop": parse_box(crop), "regions": regions}
        place = service.placing(source)
        if "respond-async" in request.headers.get("prefer", ""):
            return await service.answer(request, spec, source.name, place)
        id, item = await service.tickets.perform(request, spec, source.name, place)
        await service.tickets.forget(id)
        return JSONResponse(item.outcome["report"] | {"picture": item.outcome["picture"]})

    return routes


def mask_of(service: Service, mask: UploadFile | str | None, id: str | None) -> tuple[str | None, Given | None]:
    """The mask for a spec, and the file where it is one."""
    if isinstance(mask, str) and mask:
        return mask, None
    found = service.given(mask if not isinstance(mask, str) else None, id, "mask")
    return (None, None) if found is None else ("file", found)
