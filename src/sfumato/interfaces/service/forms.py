"""The fields of forms, by the names that the command line has, and the specs that they make.

A spec is what a worker is told, as JSON: options that were checked, and no path or URL of a client's.
"""

import difflib
import re
from typing import Annotated, Any, Literal

from fastapi import File, Form, Query, Request, UploadFile

from ...errors import Option, UsageError
from ...generation.generate import generates
from ...models.sampling import SamplingOptions
from ...models.zoo import FOR_TASK
from ...restoration.masks import ALPHA, COLOUR
from ...restoration.options import DEFAULT_MODEL, RestoreOptions
from ...restoration.roles import check_restores
from ...restoration.tasks import parse_tasks
from ..cli.options import parse_level, parse_size
from .catalog import Catalog

Spec = dict[str, Any]
FORMS = "multipart/form-data", "application/x-www-form-urlencoded"
MAX_SEED = 2**63 - 1
MAX_SIZE = 4096  # pixels a side of what is only shown
Box = tuple[int, int, int, int]
Format = Literal["jpeg", "png", "tiff", "webp", "avif"]
Shown = Literal["webp", "png", "jpeg"]
Look = Literal["faithful", "sharp"]

Picture = Annotated[UploadFile | None, File(description="A picture file.")]
PictureId = Annotated[str | None, Form(description="Instead: the id that POST /v1/pictures gave.")]
Mask = Annotated[
    UploadFile | str | None,
    File(
        description="A picture file of the same size, white where to restore (inpaint: what is missing); or `alpha`; "
        "or `#rrggbb`, painted so."
    ),
]
MaskId = Annotated[str | None, Form(description="Instead: the id of an uploaded picture.")]
Hints = Annotated[
    UploadFile | None,
    File(description="Of colorize: a picture of the same size, transparent but for strokes of colours that are known."),
]
HintsId = Annotated[str | None, Form(description="Instead: the id of an uploaded picture.")]
Crop = Annotated[
    str | None, Form(description="Of the picture only the part x,y,w,h, in pixels.", examples=["0,0,640,480"])
]
PartOfView = Annotated[str | None, Query(alias="crop", description="A part x,y,w,h, in pixels.")]
Size = Annotated[int, Query(ge=1, le=MAX_SIZE, description="The most pixels a side.")]
ShownFormat = Annotated[Shown, Query(description="Of the answer.")]
Model = Annotated[str, Form(description="A model's name, of GET /v1/models.", examples=["mnist-gan"])]
Class = Annotated[str | None, Form(alias="class", description="A class, a group of classes, or `mix`.")]
Seed = Annotated[int, Form(ge=0, le=MAX_SEED, description="Same model and seed, same pictures.")]
Steps = Annotated[int | None, Form(description="Steps of a flow.")]
Output = Annotated[Literal["sheet", "zip"], Form(description="One sheet of all pictures, or a zip of a file for each.")]


async def refuse_unknown_fields(request: Request) -> None:
    """A dependency of every route: raises UsageError for fields of a form that the service's description lacks."""
    if not request.headers.get("content-type", "").lower().startswith(FORMS):
        return
    described = request.app.openapi()
    route = described["paths"].get(request.scope["route"].path, {}).get(request.method.lower(), {})
    (body,) = route.get("requestBody", {"content": {"": {"schema": {}}}})["content"].values()
    schema = described["components"]["schemas"].get(body["schema"].get("$ref", "").rpartition("/")[2], {})
    known = list(schema.get("properties", ()))
    for name in await request.form():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known) or 'none'}."
            raise UsageError(f"There is no field {name[:40]!r} here; {hint}")


class RestoreForm:
    """The options of restoring."""

    def __init__(
        self,
        task: Annotated[
            str, Form(description=f"`auto`, `old-photo`, or of {', '.join(FOR_TASK)} one or several, by commas.")
        ] = "auto",
        model: Annotated[str, Form(description="Instead of the task's own: a model's name.")] = DEFAULT_MODEL,
        scale: Annotated[float | None, Form(description="How far the task upscale enlarges, to 8; 2.")] = None,
        width: Annotated[int | None, Form(description="Instead: of the result, in pixels; the shape stays.")] = None,
        height: Annotated[int | None, Form(description="Instead: of the result, in pixels.")] = None,
        megapixels: Annotated[float | None, Form(description="Instead: about so many.")] = None,
        noise: Annotated[str, Form(description="Noise level 0-75 (flows: to 255), or `auto`.")] = "auto",
        jpeg_quality: Annotated[str, Form(description="JPEG quality 1-100 that it went through, or `auto`.")] = "auto",
        look: Annotated[Look, Form(description="Of upscale and inpaint: `sharp` makes up details.")] = "faithful",
        strength: Annotated[float, Form(description="0 gives the input back, 1 is the model's result, to 1.5.")] = 1.0,
        ensemble: Annotated[bool, Form(description="The mean over the picture turned eight ways.")] = False,
        text: Annotated[str | None, Form(description="What the picture shows, for models that take words.")] = None,
        advise: Annotated[bool, Form(description="Also look for what else might help, which takes a while.")] = True,
        page: Annotated[int | None, Form(ge=1, description="Of a file with several, from 1.")] = None,
        quality: Annotated[int | None, Form(ge=1, le=100, description="Of lossy formats; 95.")] = None,
        format: Annotated[Format | None, Form(description="Of the result; that of the picture.")] = None,
        crop: Crop = None,
    ) -> None:
        self.task, self.model, self.ensemble, self.advise = task, model, ensemble, advise
        self.size: dict[str, Any] = {"scale": scale, "width": width, "height": height, "megapixels": megapixels}
        self.noise, self.jpeg_quality, self.strength = noise, jpeg_quality, strength
        self.look: str = look
        self.text = text or None
        self.page, self.quality, self.format, self.crop = page, quality, format, crop

    def spec(self, catalog: Catalog, mask: str | None, *, hints: bool = False, adjustable: bool = False) -> Spec:
        """mask: None, "file" where one was sent along, "alpha" or "#rrggbb". hints: whether they were sent along.

        Raises UsageError for what could be done to no picture, ModelError for a model that restores none.
        """
        noise, quality = parse_level(self.noise, "noise"), parse_level(self.jpeg_quality, "jpeg_quality")
        RestoreOptions(
            noise=noise, jpeg_quality=quality, strength=self.strength, look=self.look, text=self.text, **self.size
        )
        parse_tasks(self.task)
        if self.model != DEFAULT_MODEL:
            check_restores(catalog.card(self.model))
        if mask not in (None, "file", ALPHA) and not COLOUR.fullmatch(mask or ""):
            raise UsageError(Option("mask"), " is a picture file, `alpha`, or a colour such as #ff00ff.")
        return {
            "kind": "restore",
            "task": self.task,
            "model": self.model,
            "size": self.size,
            "noise": noise,
            "jpeg_quality": quality,
            "look": self.look,
            "text": self.text,
            "strength": self.strength,
            "ensemble": self.ensemble,
            "advise": self.advise and not self.crop,  # a part is for the eye, and shall come soon
            "mask": mask,
            "hints": hints,
            "page": self.page,
            "quality": self.quality,
            "format": self.format,
            "crop": parse_box(self.crop),
            "adjustable": adjustable,
        }


class SamplingForm:
    """The options of flows, each the model's own unless it is given."""

    def __init__(
        self,
        steps: Steps = None,
        solver: Annotated[str | None, Form(description="`euler` or `heun`.")] = None,
        shift: Annotated[float | None, Form(description="Above 1: shorter steps near the noise.")] = None,
        churn: Annotated[float | None, Form(description="Noise that is put back between steps.")] = None,
        guidance: Annotated[float | None, Form(description="How much it insists on the class.")] = None,
    ) -> None:
        self.options = SamplingOptions(steps=steps, solver=solver, shift=shift, churn=churn, guidance=guidance)


def generation_spec(catalog: Catalog, call: str, model: str, output: str, max_pixels: int, **arguments: Any) -> Spec:
    """Raises UsageError for an unknown model, one that generates nothing, and a size beyond the limit."""
    card = catalog.card(model)
    if not generates(card):
        raise UsageError(Option("model"), f" {model} generates no pictures; GET /v1/models says which do.")
    if "size" in arguments:
        size = arguments["size"] = parse_size(arguments["size"])
        if size is not None and size[0] * size[1] > max_pixels:
            raise UsageError(Option("size"), f" is {size[0]}x{size[1]}; at most {max_pixels:,} pixels are made here.")
    return {"kind": "generate", "call": call, "model": model, "output": output, "arguments": arguments}


def parse_box(text: str | None) -> Box | None:
    """Left, top, width and height of "x,y,w,h". Raises UsageError for another text."""
    if not text:
        return None
    numbers = text.split(",")
    if len(numbers) != 4 or not all(re.fullmatch(r"\d{1,6}", number) for number in numbers):
        raise UsageError(Option("crop"), ": write x,y,w,h in whole pixels, such as 0,0,640,480.")
    left, top, width, height = map(int, numbers)
    if width < 1 or height < 1:
        raise UsageError(Option("crop"), " has no pixels in it; width and height are 1 or more.")
    return left, top, width, height


def parse_end(text: str) -> int | tuple[int, int]:
    """A seed, or SEED:NUMBER. Raises UsageError for another text."""
    if not re.fullmatch(r"\d{1,18}(:\d{1,18})?", text):
        raise UsageError(f"{text[:40]!r} is no seed; write 7, or 7:3 for its picture 3.")
    seed, colon, number = text.partition(":")
    return (int(seed), int(number)) if colon else int(seed)
