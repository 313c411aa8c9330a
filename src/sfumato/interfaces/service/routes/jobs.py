"""/v1/jobs: many pictures, or long work, in the background."""

import asyncio
import json
import zipfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, Path, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from starlette.background import BackgroundTask

from ....errors import Option, UsageError
from ..descriptions import EVENTS, FILE, JOB, PREVIEW
from ..forms import Format, Hints, HintsId, Mask, MaskId, PartOfView, RestoreForm, ShownFormat, Size, parse_box
from ..problems import Refusal
from ..queue import DONE, Item, JobStatus
from ..reports import job_of
from ..service import CACHED, Service
from ..store import CONTENTS, new_id
from ..tickets import refusal_of, unknown
from .restoration import mask_of

POLL = 0.25  # seconds between two looks at a job whose events are sent
SILENCE = 15.0  # seconds after which a comment keeps the connection alive
Id = Annotated[str, Path(description="The job's id.", pattern="^[A-Za-z0-9_-]{22}$")]
Number = Annotated[int, Path(ge=0, le=100_000, description="The item's number, from 0.")]
What = Literal["preview", "before", "change-map", "mask", "comparison"]
Strength = Annotated[float | None, Query(ge=0, le=1.5, description="Of an adjustable item, instead of the job's own.")]


def router(service: Service) -> APIRouter:
    routes, tickets = APIRouter(prefix="/v1/jobs", tags=["jobs"]), service.tickets

    @routes.post("", status_code=202, responses={202: JOB})
    async def submit(
        form: Annotated[RestoreForm, Depends()],
        pictures: Annotated[list[UploadFile] | None, File(description="One picture file or many.")] = None,
        picture_ids: Annotated[list[str] | None, Form(description="Ids of uploaded pictures.")] = None,
        mask: Mask = None,
        mask_id: MaskId = None,
        hints: Hints = None,
        hints_id: HintsId = None,
        adjustable: Annotated[
            bool, Form(description="Keep the full result, so that other strengths and views can be had of it.")
        ] = False,
    ) -> Response:
        """Restore pictures in the background, each an item of the job; uploaded ones come before those by id."""
        found = [service.given(upload, None) for upload in pictures or ()]
        found += [service.given(None, id) for id in picture_ids or ()]
        sources = [source for source in found if source is not None]
        if not sources:
            raise UsageError(Option("pictures"), " is missing: send picture files in this field of the form.")
        kind, file = mask_of(service, mask, mask_id)
        strokes = service.given(hints, hints_id, "hints")
        spec = form.spec(service.catalog, kind, hints=strokes is not None, adjustable=adjustable)
        names = tuple(source.name for source in sources)
        id = await tickets.submit(spec, names, service.placing(*sources, mask=file, hints=strokes))
        return JSONResponse(job_of(await tickets.status(id)), 202, {"Location": f"/v1/jobs/{id}"})

    @routes.get("/{id}", responses={200: JOB})
    async def status(id: Id) -> dict[str, Any]:
        """The state of a job and its items, with reports or problems, and links to results."""
        return job_of(await tickets.status(id))

    @routes.delete("/{id}", responses={200: JOB})
    async def cancel(id: Id) -> dict[str, Any]:
        """Cancel what is not done. Results that are there stay until the job expires."""
        await tickets.status(id)
        await asyncio.to_thread(tickets.queue.cancel, id)
        return job_of(await tickets.status(id))

    @routes.get("/{id}/events", response_class=StreamingResponse, responses={200: EVENTS})
    async def events(request: Request, id: Id) -> Response:
        """The job as it changes, as server-sent events: `progress` with items that changed, `end` with all of it."""
        await tickets.status(id)
        return StreamingResponse(_events(service, request, id), media_type="text/event-stream")

    @routes.get("/{id}/zip", response_class=FileResponse, responses={200: FILE})
    async def as_zip(request: Request, id: Id, strength: Strength = None) -> Response:
        """All results that are done, in one file, named after their pictures; of an adjustable job at any strength."""
        status = await tickets.status(id)
        done = [item for item in status.items if item.state == DONE and "file" in item.outcome]
        if not done:
            raise Refusal(409, "not-done", "There is no result", "None of this job's pictures is done.")
        made = [(id, item) for item in done]
        if strength is not None:
            specs = [_view(status, item, "result", strength, format=None, quality=None) for item in done]
            made = [
                await tickets.perform(request, spec, item.name, lambda _: None)
                for spec, item in zip(specs, done, strict=True)
            ]
        paths = [tickets.path(job, item) for job, item in made]
        path = await asyncio.to_thread(_zipped, service, [item.name for item in done], paths)
        for job, _ in made if strength is not None else ():
            await tickets.forget(job)
        remove = BackgroundTask(path.unlink, missing_ok=True)
        return FileResponse(path, media_type="application/zip", filename="restored.zip", background=remove)

    @routes.get("/{id}/items/{number}/result", response_class=FileResponse, responses={200: FILE})
    async def result(
        request: Request,
        id: Id,
        number: Number,
        strength: Strength = None,
        format: Annotated[Format | None, Query(description="Of an adjustable item, instead of its own.")] = None,
        quality: Annotated[int | None, Query(ge=1, le=100, description="Of an adjustable item, likewise.")] = None,
    ) -> Response:
        """The result of an item. Of an adjustable one at any strength, without another run of a network."""
        status, item = await _done(service, id, number)
        suffix = ".restored" if status.spec["kind"] == "restore" else ""
        if strength is None and format is None and quality is None:
            return service.file(id, item, headers=CACHED, suffix=suffix)
        spec = _view(status, item, "result", strength, format=format, quality=quality)
        job, made = await tickets.perform(request, spec, item.name, lambda _: None)
        return service.file(job, made, headers=CACHED, suffix=suffix, forget=True)

    @routes.get("/{id}/items/{number}/parts/{part}", response_class=FileResponse, responses={200: FILE})
    async def part_of(id: Id, number: Number, part: Annotated[int, Path(ge=0)]) -> Response:
        """One of the pictures that were generated."""
        _, item = await _done(service, id, number)
        names = item.outcome.get("parts", [])
        if part >= len(names):
            raise unknown("part", id)
        return service.file(id, item, name=names[part], headers=CACHED)

    @routes.get("/{id}/items/{number}/{what}", response_class=FileResponse, responses={200: PREVIEW})
    async def view(
        request: Request,
        id: Id,
        number: Number,
        what: What,
        size: Size = 1024,
        crop: PartOfView = None,
        strength: Strength = None,
        format: ShownFormat = "webp",
    ) -> Response:
        """A small picture of an item: the result, the picture before it, what changed, what was filled in, or all side
        by side. All but the preview need an adjustable item.
        """
        status, item = await _done(service, id, number)
        shown = {"size": size, "part": parse_box(crop), "format": format}
        if what == "preview" and strength is None and not item.outcome.get("adjustable"):
            path = tickets.path(id, item)
            if not item.outcome["media_type"].startswith("image/"):
                raise Refusal(409, "no-picture", "There is no picture", "The result of this item is no picture.")

            def place(job: str) -> None:
                service.store.link(path, service.store.folder_of(job, 0) / CONTENTS)

            return await service.shown(request, {"kind": "thumbnail", **shown}, place)
        return await service.shown(request, _view(status, item, what, strength, **shown), lambda _: None)

    return routes


async def _done(service: Service, id: str, number: int) -> tuple[JobStatus, Item]:
    """An item that is done, and its job. Raises Refusal for any other."""
    status = await service.tickets.status(id)
    if number >= len(status.items):
        raise unknown("item", id)
    item = status.items[number]
    if item.state != DONE or "file" not in item.outcome:
        raise refusal_of(item)
    return status, item


def _view(status: JobStatus, item: Item, what: str, strength: float | None, **options: Any) -> dict[str, Any]:
    if not item.outcome.get("adjustable"):
        detail = "This needs a job that was submitted with adjustable=true, which keeps the full result."
        raise Refusal(409, "not-adjustable", "The full result was not kept", detail)
    where = {"item": f"{status.id}/{item.number}", "original": status.spec}
    return {"kind": "view", "what": what, "strength": strength, **where, **options}


async def _events(service: Service, request: Request, id: str) -> AsyncIterator[str]:
    said: dict[int, dict[str, Any]] = {}
    silent = 0.0
    while True:
        try:
            status = await service.tickets.status(id)
        except Refusal:  # it has expired
            return
        job = job_of(status)
        if status.is_final:
            yield f"event: end\ndata: {json.dumps(job)}\n\n"
            return
        items = [{key: item[key] for key in ("number", "state", "progress")} for item in job["items"]]
        if changed := [item for item in items if said.get(item["number"]) != item]:
            facts = {key: job[key] for key in ("id", "state", "progress", "ahead")} | {"items": changed}
            yield f"event: progress\ndata: {json.dumps(facts)}\n\n"
            said, silent = {item["number"]: item for item in items}, 0.0
        elif silent > SILENCE:
            yield ": still at work\n\n"
            silent = 0.0
        if await request.is_disconnected() or request.app.state.is_stopping():
            return
        await asyncio.sleep(POLL)
        silent += POLL


def _zipped(service: Service, sources: list[str], paths: list[FilePath]) -> FilePath:
    """A zip of these files, named after the pictures that they were made of."""
    service.store.check_room(sum(path.stat().st_size for path in paths))
    target = service.store.temporary / f"{new_id()}.zip"
    names: Counter[str] = Counter()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for source, path in zip(sources, paths, strict=True):
            stem = FilePath(source).stem
            names[stem] += 1
            again = f"-{names[stem]}" if names[stem] > 1 else ""
            archive.write(path, f"{stem}{again}.restored{path.suffix}")
    return target
