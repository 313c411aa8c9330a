"""What answers look like, for the OpenAPI description: media types and examples."""

from typing import Any

Description = dict[str, Any]
ID = "Ci1bZ3PYzr8v0mQGx4kTWA"
ITEM: Description = {
    "number": 0,
    "name": "attic.jpg",
    "state": "done",
    "progress": 1.0,
    "report": {
        "steps": [{"model": "denoise-fast", "task": "denoise", "noise": 22.8, "text": "denoise-fast at noise 22.8"}],
        "strength": 1.0,
        "notes": ["Found noise 22.8: denoise."],
        "advice": "",
        "untouched": False,
        "made_up": False,
        "width": 640,
        "height": 480,
        "seconds": 0.41,
    },
    "adjustable": False,
    "result": f"/v1/jobs/{ID}/items/0/result",
    "media_type": "image/jpeg",
}
OF_JOB: Description = {
    "id": ID,
    "kind": "restore",
    "state": "working",
    "progress": 0.5,
    "ahead": 0,
    "created": 1790000000.0,
    "expires": 1790003600.0,
    "items": [ITEM, {"number": 1, "name": "cellar.jpg", "state": "queued", "progress": 0.0}],
    "links": {
        "self": f"/v1/jobs/{ID}",
        "events": f"/v1/jobs/{ID}/events",
        "zip": f"/v1/jobs/{ID}/zip",
    },
}
PROBLEM_SCHEMA: Description = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "A word for programs."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence on this one case."},
        "option": {"type": "string", "description": "The field of the form that it is about."},
    },
    "example": {
        "type": "option",
        "title": "Not possible",
        "status": 422,
        "detail": "strength is 7; give a number from 0 to 1.5.",
        "option": "strength",
    },
}
BINARY: Description = {"schema": {"type": "string", "format": "binary"}}


def _json(description: str, example: Any) -> Description:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"type": "object"}, "example": example}},
    }


def _files(description: str, *media_types: str) -> Description:
    return {"description": description, "content": dict.fromkeys(media_types, BINARY)}


PROBLEM: Description = {
    "description": "A refusal or failure, as problem details (RFC 9457)",
    "content": {"application/problem+json": {"schema": PROBLEM_SCHEMA}},
}
PROBLEMS: dict[int | str, Any] = {"default": PROBLEM, 422: PROBLEM}
PICTURES = ("image/jpeg", "image/png", "image/tiff", "image/webp", "image/avif")
FILE = _files("The file", *PICTURES, "application/zip")
PREVIEW = _files("A small picture", "image/webp", "image/png", "image/jpeg")
JOB = _json("The job", OF_JOB)
PICTURE_OR_JSON = _files("The restored picture, or, if JSON is accepted, what was done", *PICTURES)
PICTURE_OR_JSON["content"] |= _json("", ITEM)["content"]
GENERATED = _files("A sheet of the pictures, or a zip, or, if JSON is accepted, links to each", "image/png")
GENERATED["content"] |= _files("", "application/zip")["content"] | _json("", {"number": 0, "state": "done"})["content"]
EVENTS = {"description": "Events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
DIAGNOSIS = _json(
    "What was found",
    {
        "found": "noise 22.8",
        "tasks": ["denoise"],
        "advice": "",
        "proposed": [],
        "figures": {"noise": 22.8, "noise_doubt": 0.08, "jpeg_quality": 100, "scratched": 0.0, "faded": 0.01},
        "regions": {
            "rows": 1,
            "columns": 2,
            "noise": [[22.4, 23.1]],
            "jpeg_quality": [[100, 100]],
            "scratches": [[0.0, 0.0]],
        },
        "picture": {"format": "jpeg", "width": 640, "height": 480},
    },
)
ANSWERS = _json(
    "The answers, each question's in their order",
    {
        "model": "answers",
        "answers": [
            {
                "question": "what shape is the red object?",
                "answer": "circle",
                "probabilities": {"circle": 0.98, "square": 0.02},
                "notes": [],
            }
        ],
    },
)
UPLOADED = _json(
    "The picture is kept",
    {
        "id": ID,
        "name": "attic.jpg",
        "picture": {"format": "jpeg", "width": 640, "height": 480, "depth": "8 bit"},
        "links": {"preview": f"/v1/pictures/{ID}/preview", "scratches": f"/v1/pictures/{ID}/scratches"},
    },
)
MODELS = _json(
    "The models",
    {
        "models": [{"name": "denoise-fast", "task": "denoise", "uses": ["restore"]}],
        "for_task": {"denoise": "denoise-fast"},
    },
)
MODEL = _json("The card of a model", {"name": "denoise-fast", "family": "noise-net", "task": "denoise"})
SESSION = _json("Limits", {"max_body_mb": 100, "max_megapixels": 100, "token_needed": False})
