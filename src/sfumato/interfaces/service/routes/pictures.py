"""/v1/pictures: upload once, then speak of a picture by its id."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, File, Path, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse

from ....errors import Option, UsageError
from ..descriptions import PREVIEW, UPLOADED
from ..forms import MAX_SIZE, PartOfView, ShownFormat, Size, parse_box
from ..service import Given, Service
from ..store import shown_name
from ..tickets import unknown

Id = Annotated[str, Path(description="The picture's id.", pattern="^[A-Za-z0-9_-]{22}$")]
Page = Annotated[int | None, Query(ge=1, description="Of a file with several, from 1.")]


def router(service: Service) -> APIRouter:
    routes, store, tickets = APIRouter(prefix="/v1/pictures", tags=["pictures"]), service.store, service.tickets

    @routes.post("", status_code=201, responses={201: UPLOADED})
    async def upload(request: Request, picture: Annotated[UploadFile, File(description="A picture file.")]) -> Any:
        """Keep a picture for a while. Its id, which cannot be guessed, stands for it in other requests."""
        if not (picture.filename or picture.size):
            raise UsageError(Option("picture"), " is missing: send a picture file in this field of the form.")
        name = shown_name(picture.filename)

        def keep() -> str:
            store.check_room(picture.size or 0)
            picture.file.seek(0)
            return store.add_picture(picture.file, name)

        id = await asyncio.to_thread(keep)
        try:
            job, item = await tickets.perform(request, {"kind": "inspect"}, name, service.placing(_kept(service, id)))
        except BaseException:
            await asyncio.to_thread(store.forget_picture, id)
            raise
        await tickets.forget(job)
        links = {"preview": f"/v1/pictures/{id}/preview", "scratches": f"/v1/pictures/{id}/scratches"}
        return {"id": id, "name": name, "picture": item.outcome["picture"], "links": links}

    @routes.get("/{id}/preview", response_class=FileResponse, responses={200: PREVIEW})
    async def preview(
        request: Request,
        id: Id,
        size: Size = 1024,
        crop: PartOfView = None,
        page: Page = None,
        format: ShownFormat = "webp",
    ) -> Response:
        """The picture, or a part of it, small, in sRGB and 8 bit."""
        spec = {"kind": "thumbnail", "size": size, "part": parse_box(crop), "page": page, "format": format}
        return await service.shown(request, spec, service.placing(_kept(service, id)))

    @routes.get("/{id}/scratches", response_class=FileResponse, responses={200: PREVIEW})
    async def scratches(
        request: Request,
        id: Id,
        size: Annotated[int | None, Query(ge=1, le=MAX_SIZE, description="The most pixels a side; all.")] = None,
        page: Page = None,
        format: ShownFormat = "png",
    ) -> Response:
        """Scratches and spots that are found, white on black, or dark grey where they are doubtful and would be left; a
        mask of the picture's size unless a size is given."""
        spec = {"kind": "scratches", "size": size, "page": page, "format": format}
        return await service.shown(request, spec, service.placing(_kept(service, id)), name="scratches")

    @routes.delete("/{id}", status_code=204)
    async def forget(id: Id) -> None:
        """Remove the picture now; jobs that use it go on."""
        if not await asyncio.to_thread(store.forget_picture, id):
            raise unknown("picture", id)

    return routes


def _kept(service: Service, id: str) -> Given:
    found = service.given(None, id)
    assert found is not None
    return found
