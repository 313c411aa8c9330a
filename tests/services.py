"""A service for tests: the application with its worker processes, in a folder of its own; and small pictures."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from sfumato import Picture
from sfumato.interfaces.service.app import create_app
from sfumato.interfaces.service.settings import ServiceSettings

HOST = "http://127.0.0.1:8000"


@contextmanager
def service(work: Path, *, with_workers: bool = True, **settings: Any) -> Iterator[TestClient]:
    """A client of a service with one worker, and the one for quick work."""
    given = {"work": work, "seconds": 60, "reserve_mb": 1, "grace": 5} | settings
    app = create_app(ServiceSettings(**given), with_workers=with_workers)
    with TestClient(app, base_url=HOST, raise_server_exceptions=False) as client:
        yield client


def picture_bytes(seed: int = 0, *, size: tuple[int, int] = (40, 56), noise: float = 0.1, format: str = "png") -> bytes:
    """A grey ramp under noise."""
    ramp = np.linspace(0.2, 0.8, size[1])[None, :, None] * np.ones((size[0], 1, 3))
    noisy = ramp + np.random.default_rng(seed).normal(0, noise, ramp.shape)
    return Picture.from_array(noisy.clip(0, 1), format=format).to_bytes(format)


def as_array(data: bytes) -> np.ndarray:
    return Picture.open(io.BytesIO(data)).array()


def submitted(client: TestClient, *pictures: bytes, **form: Any) -> str:
    """A job for these pictures; its id."""
    files = [("pictures", (f"{number}.png", data)) for number, data in enumerate(pictures)]
    answer = client.post("/v1/jobs", files=files, data=form)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return answer.json()["id"]


def ended(client: TestClient, job: str) -> dict[str, Any]:
    """A job at its end, by its events."""
    text = client.get(f"/v1/jobs/{job}/events").text
    (event,) = [part for part in text.split("\n\n") if part.startswith("event: end")]
    return json.loads(event.split("data: ", 1)[1])
