"""/v1/generate, /v1/interpolate, /v1/vary, /v1/reconstruct: pictures that are made up."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile

from ....errors import Option, UsageError
from ..descriptions import GENERATED, JOB
from ..forms import Class, Model, Output, Picture, PictureId, SamplingForm, Seed, Steps, generation_spec, parse_end
from ..service import Given, Service

RESPONSES: dict[int | str, Any] = {200: GENERATED, 202: JOB}
Size = Annotated[str | None, Form(description="Height and width as 64x96, where the model can choose.")]
End = Annotated[str | None, Form(description="A seed, or SEED:NUMBER.")]
EndFile = Annotated[UploadFile | None, File(description="Instead: a picture file.")]
Text = Annotated[str | None, Form(description="What they show, in words.")]
Audio = Annotated[UploadFile | None, File(description="A sound file that says it.")]
Layout = Annotated[
    UploadFile | None,
    File(
        description="A picture with the outline that they have: transparent around it, or black on white; or a label "
        "map."
    ),
]
Pair = Annotated[UploadFile | None, File(description="Of models trained on pairs: what to start from.")]


def router(service: Service) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["generating"])
    catalog, settings = service.catalog, service.settings

    def spec_of(call: str, model: str, output: str, **arguments: Any) -> dict[str, Any]:
        count = arguments.get("num", arguments.get("frames", 1))
        if not 1 <= count <= settings.max_num:
            raise UsageError(Option("num"), f" is {count}; give 1 to {settings.max_num}.")
        return generation_spec(catalog, call, model, output, settings.max_pixels, **arguments)

    async def answered(request: Request, spec: dict[str, Any], **inputs: Given) -> Response:
        return await service.answer(request, spec, f"{spec['model']}-{spec['call']}", placing(**inputs))

    def conditions(text: str | None, **sent: UploadFile | None) -> tuple[dict[str, Given], dict[str, str]]:
        """Files that were sent along, and the arguments that name them; with the text, where there is one."""
        files = {name: service.given(upload, None, name) for name, upload in sent.items()}
        inputs = {name: given for name, given in files.items() if given is not None}
        return inputs, {name: name for name in inputs} | ({"text": text} if text else {})

    def placing(**inputs: Given) -> Callable[[str], None]:
        def place(job: str) -> None:
            for name, given in inputs.items():
                given.put(service.store.folder_of(job, 0) / name)

        return place

    @routes.post("/generate", response_class=Response, responses=RESPONSES)
    async def generate(
        request: Request,
        model: Model,
        sampling: Annotated[SamplingForm, Depends()],
        num: Annotated[int, Form(description="How many.")] = 64,
        seed: Seed = 0,
        label: Class = None,
        text: Text = None,
        audio: Audio = None,
        layout: Layout = None,
        picture: Pair = None,
        size: Size = None,
        output: Output = "sheet",
    ) -> Response:
        """Generate pictures. They depend on the model, the seed and their numbers alone, and each says that it is
        made up.
        """
        options = sampling.options.given
        inputs, named = conditions(text, audio=audio, layout=layout, picture=picture)
        spec = spec_of("generate", model, output, num=num, seed=seed, label=label, size=size, **named, **options)
        return await answered(request, spec, **inputs)

    @routes.post("/interpolate", response_class=Response, responses=RESPONSES)
    async def interpolate(
        request: Request,
        model: Model,
        sampling: Annotated[SamplingForm, Depends()],
        a: End = None,
        b: End = None,
        picture_a: EndFile = None,
        picture_b: EndFile = None,
        a_id: PictureId = None,
        b_id: PictureId = None,
        num: Annotated[int, Form(ge=2, description="How many, both ends included.")] = 16,
        label: Class = None,
        text: Text = None,
        audio: Audio = None,
        layout: Layout = None,
        picture: Pair = None,
        size: Size = None,
        output: Output = "sheet",
    ) -> Response:
        """The way between two pictures: of seeds, or, for models with an encoder, of picture files."""
        inputs, named = conditions(text, audio=audio, layout=layout, picture=picture)
        ends: dict[str, Any] = {}
        for name, seed, upload, id in (("a", a, picture_a, a_id), ("b", b, picture_b, b_id)):
            given = service.given(upload, id)
            if given is not None:
                inputs[name], ends[name] = given, name
            elif seed:
                ends[name] = parse_end(seed)
            else:
                raise UsageError(Option(name), " is missing: give a seed such as 7, or a picture.")
        options = sampling.options.given
        told = {"frames": num, "label": label, "size": size, **named}
        spec = spec_of("interpolate", model, output, **ends, **told, **options)
        return await answered(request, spec, **inputs)

    @routes.post("/vary", response_class=Response, responses=RESPONSES)
    async def vary(
        request: Request,
        model: Model,
        picture: Picture = None,
        picture_id: PictureId = None,
        num: Annotated[int, Form(description="How many.")] = 8,
        amount: Annotated[float, Form(ge=0, le=1, description="How far from the picture.")] = 0.3,
        seed: Seed = 0,
        label: Class = None,
        text: Text = None,
        audio: Audio = None,
        layout: Layout = None,
        steps: Steps = None,
        output: Output = "sheet",
    ) -> Response:
        """Pictures like one; for models with an encoder."""
        source = service.needed(picture, picture_id)
        inputs, named = conditions(text, audio=audio, layout=layout)
        named |= {"picture": "picture"}
        arguments = {"num": num, "amount": amount, "seed": seed, "label": label, "steps": steps, **named}
        return await answered(request, spec_of("vary", model, output, **arguments), picture=source, **inputs)

    @routes.post("/reconstruct", response_class=Response, responses=RESPONSES)
    async def reconstruct(
        request: Request,
        model: Model,
        picture: Picture = None,
        picture_id: PictureId = None,
        label: Class = None,
        output: Output = "sheet",
    ) -> Response:
        """A picture through encoder and decoder: what the model keeps of it."""
        source = service.needed(picture, picture_id)
        spec = spec_of("reconstruct", model, output, picture="picture", label=label)
        return await answered(request, spec, picture=source)

    return routes
