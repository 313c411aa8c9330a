"""What the routes share: settings, models, files, the queue's tickets; and answers that are files."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import UploadFile
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.background import BackgroundTask
from starlette.requests import Request

from ...errors import Option, UsageError
from .catalog import Catalog
from .metrics import Metrics
from .queue import Item
from .reports import item_of, job_of
from .settings import ServiceSettings
from .store import CONTENTS, Store, shown_name
from .tickets import Tickets, unknown

CACHED = {"Cache-Control": "private, max-age=3600, immutable"}
MAX_HEADER = 6000  # bytes of a report in a header; proxies take 8192 for all


@dataclass(frozen=True)
class Given:
    """A picture that came along or was uploaded before: its name for people, and how it is put at a place."""

    name: str
    put: Callable[[Path], None]


@dataclass(frozen=True)
class Service:
    """Of one application."""

    settings: ServiceSettings
    catalog: Catalog
    store: Store
    metrics: Metrics
    tickets: Tickets

    def given(self, upload: UploadFile | None, id: str | None, what: str = "picture") -> Given | None:
        """None where neither came. Raises UsageError for both, Refusal for an unknown id."""
        if upload is not None and not (upload.filename or upload.size):
            upload = None  # a field of a form that was left empty
        if upload is not None and id:
            raise UsageError(Option(what), " was sent, and an id as well; send one of them.")
        if upload is not None:
            file = upload.file

            def put(target: Path) -> None:
                file.seek(0)
                self.store.write(target, file)

            return Given(shown_name(upload.filename, what), put)
        if not id:
            return None
        path = self.store.picture(id)
        if path is None:
            raise unknown(what, id)
        return Given(self.store.name_of(id), lambda target: self.store.link(path, target))

    def needed(self, upload: UploadFile | None, id: str | None) -> Given:
        """Raises UsageError where no picture came."""
        found = self.given(upload, id)
        if found is None:
            raise UsageError(Option("picture"), " is missing: send a picture file in this field of the form.")
        return found

    def placing(self, *pictures: Given, **beside: Given | None) -> Callable[[str], None]:
        """What puts the inputs of a job into the store: a picture for each item, and what goes with all, by name."""

        def place(job: str) -> None:
            for number, picture in enumerate(pictures):
                picture.put(self.store.folder_of(job, number) / CONTENTS)
            for name, given in beside.items():
                if given is not None:
                    given.put(self.store.folder_of(job) / name)

        return place

    async def answer(
        self, request: Request, spec: dict[str, Any], name: str, place: Callable[[str], None], suffix: str = ""
    ) -> Response:
        """A job of one item as the client wants it: the file when it is done, JSON in its place, or the job at once.

        suffix: what the file's name has more than that of the picture.
        """
        if "respond-async" in request.headers.get("prefer", ""):
            id = await self.tickets.submit(spec, (name,), place)
            status = await self.tickets.status(id)
            headers = {"Location": f"/v1/jobs/{id}", "Preference-Applied": "respond-async"}
            return JSONResponse(job_of(status), 202, headers)
        id, item = await self.tickets.perform(request, spec, name, place)
        if wants_json(request):
            return JSONResponse(item_of(id, item))
        headers = {}
        if "report" in item.outcome:
            text = json.dumps(item.outcome["report"])
            headers["Sfumato-Report"] = text if len(text) <= MAX_HEADER else json.dumps({"notes": ["See the JSON."]})
        return self.file(id, item, headers=headers, suffix=suffix, forget=True)

    async def shown(
        self, request: Request, spec: dict[str, Any], place: Callable[[str], None], *, name: str = "picture"
    ) -> Response:
        """A file that is made for this request alone, to be looked at."""
        id, item = await self.tickets.perform(request, spec, name, place)
        return self.file(id, item, headers=CACHED, forget=True, inline=True)

    def file(
        self,
        job: str,
        item: Item,
        *,
        name: str | None = None,
        headers: dict[str, str] | None = None,
        suffix: str = "",
        forget: bool = False,
        inline: bool = False,
    ) -> Response:
        """A file of an item: its result, or another of the name `name`."""
        path = self.tickets.path(job, item, name)
        if not path.is_file():
            raise unknown("result", job)
        return FileResponse(
            path,
            media_type=item.outcome["media_type"] if name is None else "image/png",
            filename=path.name if name else f"{Path(item.name).stem}{suffix}{path.suffix}",
            headers=headers,
            content_disposition_type="inline" if inline else "attachment",
            background=BackgroundTask(self.tickets.forget, job) if forget else None,
        )


def wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")
