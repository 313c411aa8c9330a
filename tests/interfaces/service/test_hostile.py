"""Files, names and connections of somebody who means harm, against a service that a user would start."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx2
import odd_pictures
import pytest
from running_service import Running, running
from services import picture_bytes

import sfumato

pytestmark = [pytest.mark.doors, pytest.mark.timeout(400)]
NUM_ODD, NUM_CHANGED = 60, 240
NAMES = (
    "../../../out.png",
    "..\\..\\out.png",
    "/etc/out.png",
    "a\r\nX: y.png",
    "\u202egnp.exe",
    "nul",
    "a" * 4000,
    "\x00.png",
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("served")
    options = ("--max-megapixels", "1", "--max-body", "8", "--threads", "1", "--workers", "1")
    with running(folder / "work", *options) as service:
        yield service
        assert {path.name for path in folder.iterdir()} == {"work"}


def test_odd_files_end_in_a_picture_or_a_sentence(served: Running) -> None:
    corpus = odd_pictures.odd_files(NUM_ODD)
    files = [
        *corpus,
        *(odd_pictures.numbered(corpus, number) for number in range(len(corpus), len(corpus) + NUM_CHANGED)),
    ]
    workers = served.workers()
    ended: Counter[int] = Counter()
    for number, data in enumerate(files):
        path, form = ("/v1/restore", {"noise": "20"}) if number % 2 else ("/v1/pictures", {})
        answer = served.client.post(path, files={"picture": ("a.png", data)}, data=form)
        ended[answer.status_code] += 1
        assert answer.status_code < 500, f"{number}: {answer.text[:300]}"
        if answer.status_code >= 400:
            sentence = answer.json()["detail"]
            assert str(served.work) not in sentence
            assert str(served.work.parent) not in sentence
        elif path == "/v1/pictures":
            shown = served.client.get(answer.json()["links"]["preview"] + "?size=64")
            assert shown.status_code < 500, f"{number}: {shown.text[:300]}"
    assert min(ended[200] + ended[201], ended[422]) > 30
    assert [worker.pid for worker in served.workers()] == [worker.pid for worker in workers]


@pytest.mark.parametrize("name", NAMES)
def test_names_neither_lead_elsewhere_nor_into_headers(served: Running, name: str) -> None:
    answer = served.client.post("/v1/restore", files={"picture": (name, picture_bytes())}, data={"noise": "20"})
    assert answer.status_code == 200, answer.text
    assert "x" not in answer.headers
    disposition = answer.headers["content-disposition"]
    assert not set("/\\\r\n\x00") & set(disposition.replace("utf-8''", ""))
    assert len(disposition) < 1000


def test_connections_that_say_nothing_or_half_do_not_stop_others(served: Running) -> None:
    port = int(served.url.rpartition(":")[2])
    head = b"POST /v1/restore HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    try:
        for number, connection in enumerate(idle):
            connection.sendall((b"", b"GET / HT", head, head + b"Content-Length: 5000\r\n\r\n--b\r\n")[number % 4])
        started = time.monotonic()
        answer = served.client.post("/v1/restore", files={"picture": ("a.png", picture_bytes())}, data={"noise": "20"})
        assert answer.status_code == 200
        assert time.monotonic() - started < 10
    finally:
        for connection in idle:
            connection.close()
    assert served.client.get("/healthz").status_code == 200


def test_a_crowd_is_served_or_told_when_to_come_again(tmp_path: Path) -> None:
    data = picture_bytes(size=(256, 256))
    expected = sfumato.restore(data, noise=20).to_bytes()
    ended: Counter[int] = Counter()

    async def one(client: httpx2.AsyncClient) -> None:
        for _ in range(3):
            files = {"picture": ("a.png", data)}
            answer = await client.post("/v1/restore", files=files, data={"noise": "20"})
            ended[answer.status_code] += 1
            if answer.status_code == 200:
                assert answer.content == expected
            else:
                assert answer.headers["retry-after"]

    async def crowd(url: str) -> None:
        async with httpx2.AsyncClient(base_url=url, timeout=200, limits=httpx2.Limits(max_connections=64)) as client:
            await asyncio.gather(*(one(client) for _ in range(64)))

    with running(tmp_path / "work", "--max-queue", "24") as service:
        asyncio.run(crowd(service.url))
        assert set(ended) == {200, 429}
        assert service.count("done") == ended[200]
        assert ended[200] >= 24


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET //etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /v1/models/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /v1/jobs/..%5c..%5cqueue.sqlite3/zip HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET http://evil.example/v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\n\r\n",
        b"POST /v1/restore HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_raw_requests_get_nothing(served: Running, request_bytes: bytes) -> None:
    port = int(served.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request_bytes)
        answer = connection.recv(65536)
    status = int(answer.split()[1])
    assert 400 <= status < 500, answer[:200]
    assert b"root:" not in answer
