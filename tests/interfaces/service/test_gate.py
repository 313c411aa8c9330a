"""Who is let in, and with how much: hosts, origins, tokens, sizes, numbers; and what no answer tells."""

import asyncio
import errno
import re
import shutil
import sqlite3
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from services import picture_bytes, service, submitted
from starlette.testclient import TestClient

from sfumato.errors import UsageError
from sfumato.interfaces.service.security import COOKIE, is_session, new_session
from sfumato.interfaces.service.settings import ServiceSettings, share_cores
from sfumato.interfaces.service.store import shown_name

TOKEN = "a-token-that-is-long-enough"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Without workers: all of this is answered before there is work."""
    work = tmp_path_factory.mktemp("work")
    with service(work, with_workers=False, max_body_mb=1, max_queue=4, allowed_hosts=("pictures.example",)) as client:
        yield client


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "", "[::1", "10.0.0.1"])
def test_other_hosts_are_not_answered(client: TestClient, host: str) -> None:
    answer = client.get("/v1/models", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json()["type"] == "host"
    assert client.get("/healthz", headers={"Host": host}).json() == {"status": "ok"}


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:99", "pictures.example", "LOCALHOST"])
def test_own_hosts_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/v1/session", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8001"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_pages_of_other_sites_cannot_drive_it(client: TestClient, headers: dict[str, str]) -> None:
    for method, path in (("POST", "/v1/restore"), ("GET", "/v1/models"), ("DELETE", "/v1/jobs/x")):
        answer = client.request(method, path, headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


def test_its_own_pages_can_and_allowed_ones_are_told_so(client: TestClient, tmp_path: Path) -> None:
    assert client.get("/v1/models", headers={"Origin": "http://127.0.0.1:8000"}).status_code == 200
    with service(tmp_path, with_workers=False, allowed_origins=("https://friend.example",)) as other:
        preflight = {"Origin": "https://friend.example", "Access-Control-Request-Method": "POST"}
        answer = other.options("/v1/restore", headers=preflight)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == "https://friend.example"
        assert other.options("/v1/restore", headers=preflight | {"Origin": "https://foe.example"}).status_code == 403


def test_a_token_is_demanded_where_there_is_one(tmp_path: Path) -> None:
    with service(tmp_path, with_workers=False, token=TOKEN) as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Cookie": f"{COOKIE}=9.a.b"}):
            answer = client.get("/v1/models", headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert client.get("/metrics", headers=headers).status_code == 401
        assert client.get("/healthz").status_code == 200
        known = {"Authorization": f"Bearer {TOKEN}"}
        assert client.get("/v1/models", headers=known).status_code == 200
        cookie = client.post("/v1/session", headers=known).headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        assert client.get("/v1/models").status_code == 200  # the client keeps the cookie
        assert client.get("/v1/models", headers={"Origin": "http://evil.example"}).status_code == 403


def test_sessions_end_and_are_of_one_token() -> None:
    session = new_session(TOKEN)
    assert is_session(session, TOKEN)
    assert not is_session(session, TOKEN + "x")
    ends, nonce, signature = session.split(".")
    assert not is_session(f"{int(ends) + 9}.{nonce}.{signature}", TOKEN)
    assert not is_session("", TOKEN)


def test_an_open_address_needs_a_token(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="so a token is needed"):
        ServiceSettings(work=tmp_path, host="0.0.0.0")
    with pytest.raises(UsageError, match="fewer than 16"):
        ServiceSettings(work=tmp_path, token="short")
    assert ServiceSettings(work=tmp_path, host="0.0.0.0", token=TOKEN).token == TOKEN
    assert ServiceSettings(work=tmp_path, host="::1").is_loopback


def test_large_requests_are_refused_stated_or_not(client: TestClient) -> None:
    answer = client.post("/v1/restore", files={"picture": ("a.png", b"x" * 1_100_000)})
    assert answer.status_code == 413

    def chunks() -> Iterator[bytes]:
        head = b'--b\r\nContent-Disposition: form-data; name="picture"; filename="a.png"\r\n\r\n'
        yield head
        for _ in range(40):
            yield b"x" * 50_000

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = client.post("/v1/restore", content=chunks(), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["detail"] == "The request is larger than 1 MB, the most that is taken here."


def test_a_full_queue_says_when_to_come_again(client: TestClient) -> None:
    jobs = [submitted(client, picture_bytes(), picture_bytes()) for _ in range(2)]
    answer = client.post("/v1/jobs", files={"pictures": ("a.png", picture_bytes())})
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "5"
    assert client.get("/readyz").status_code == 503
    for job in jobs:
        client.delete(f"/v1/jobs/{job}")
    assert client.get("/readyz").status_code == 200


def test_a_full_disk_is_a_clear_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with service(tmp_path, with_workers=False) as client:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 100, 0))
        for path, field in (("/v1/jobs", "pictures"), ("/v1/pictures", "picture"), ("/v1/restore", "picture")):
            answer = client.post(path, files={field: ("a.png", picture_bytes())})
            assert answer.status_code == 507
            assert answer.json()["type"] == "disk-full"
        assert list((tmp_path / "jobs").iterdir()) == []
        assert list((tmp_path / "pictures").iterdir()) == []
        assert client.get("/readyz").status_code == 503


def test_a_result_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    with service(tmp_path, with_workers=False, seconds=0.2) as client:
        answer = client.post("/v1/restore", files={"picture": ("a.png", picture_bytes())})
        assert answer.status_code == 503
        assert answer.json()["type"] == "too-long"
        assert client.get("/metrics").text.count('sfumato_items_total{end="cancelled"} 1.0') == 1


def test_answers_keep_browsers_from_doing_anything_else(client: TestClient) -> None:
    for path in ("/healthz", "/v1/models", "/reference", "/nothing"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (RuntimeError("secret detail"), 500, "unforeseen"),
        (sqlite3.OperationalError("database is locked"), 503, "queue"),
        (sqlite3.OperationalError("database or disk is full"), 507, "disk-full"),
        (OSError(errno.ENOSPC, "No space left on device"), 507, "disk-full"),
        (MemoryError(), 413, "memory"),
    ],
)
def test_what_goes_wrong_inside_is_a_problem_without_its_details(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, kind: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(client.app.state.service.tickets.queue, "job", fail)
    answer = client.get(f"/v1/jobs/{'A' * 22}")
    assert (answer.status_code, answer.json()["type"]) == (status, kind)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_the_description_and_its_page_name_every_endpoint(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    page = client.get("/reference")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation.get("description"), path
            assert "default" in operation["responses"]
        assert path in page.text
    for path in ("/v1/restore", "/v1/generate", "/v1/diagnose", "/v1/jobs", "/v1/pictures", "/v1/models/{name}"):
        assert path in document["paths"]


def test_metrics_count_requests_by_their_route_alone(client: TestClient) -> None:
    client.get("/v1/jobs/AAAAAAAAAAAAAAAAAAAAAA")
    client.get("/a/path/of/the/clients/choice")
    text = client.get("/metrics").text
    assert 'route="/v1/jobs/{id}",status="404"' in text
    assert "choice" not in text
    client.get("/v1/models", headers={"Host": "evil.example"})
    assert 'sfumato_refusals_total{status="421"}' in client.get("/metrics").text
    assert re.search(r"^sfumato_waiting \d", text, re.MULTILINE)


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "..\\..\\boot.ini", "/abs/a.png", "a\x00b\n.png", "", ".", "..", "x" * 999, "\u202ea.png"],
)
def test_names_of_clients_are_only_shown(name: str) -> None:
    shown = shown_name(name)
    assert shown
    assert not set(shown) & set("/\\\x00\n")
    assert shown not in (".", "..")
    assert len(shown) <= 120


def test_ids_that_are_none_are_not_found(client: TestClient) -> None:
    for id in ("..", "%2e%2e%2f%2e%2e", "x", "a" * 22, "a" * 21 + "/"):
        for path in (f"/v1/jobs/{id}", f"/v1/pictures/{id}/preview", f"/v1/jobs/{id}/items/0/result"):
            assert client.get(path).status_code in (404, 405, 422)


def bomb(width: int, height: int, num_bytes: int = 10_000_000) -> bytes:
    """A PNG of a size that its few bytes do not hold."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * num_bytes)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        bomb(60_000, 60_000),
        bomb(3000, 1000, 99_999),
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        b"%PDF-1.4 not a picture",
        b"GIF89a" + b"\0" * 20,
        b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
        b"P6 99999 99999 255\n" + b"\0" * 50,
        b"\xff\xd8\xff" + b"\0" * 200,
        b"II*\0\xff\xff\xff\xff",
        b"\0",
    ],
    ids=["bomb", "cut-bomb", "svg", "pdf", "gif", "polyglot", "ppm", "jpeg", "tiff", "nul"],
)
def test_files_that_are_no_sound_pictures_end_in_a_sentence(worked: TestClient, data: bytes) -> None:
    answer = worked.post("/v1/restore", files={"picture": ("a.png", data, "image/png")}, data={"noise": "20"})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("The picture ")
    assert "/" not in answer.json()["detail"].replace("and/or", "")


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with service(tmp_path_factory.mktemp("worked"), max_megapixels=4) as client:
        yield client


def test_wrong_content_types_are_refused(client: TestClient) -> None:
    for headers in (
        {"Content-Type": "application/json"},
        {"Content-Type": "multipart/form-data"},
        {"Content-Type": "multipart/form-data; boundary="},
        {"Content-Type": "multipart/form-data; boundary=other"},
        {},
    ):
        answer = client.post("/v1/restore", content=b'{"picture": "/etc/passwd"}', headers=headers)
        assert answer.status_code in (400, 422), headers
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_slow_upload_ends(tmp_path: Path) -> None:
    with service(tmp_path, with_workers=False, upload_seconds=0.2) as client:

        async def asked() -> int:
            scope = {
                "type": "http",
                "method": "POST",
                "path": "/v1/restore",
                "raw_path": b"/v1/restore",
                "query_string": b"",
                "scheme": "http",
                "server": ("127.0.0.1", 8000),
                "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"multipart/form-data; boundary=b")],
            }
            sent = []

            async def receive() -> dict:
                await asyncio.sleep(0.15)
                return {"type": "http.request", "body": b"--b\r\n" if not sent else b"", "more_body": True}

            async def send(message: dict) -> None:
                sent.append(message)

            await client.app(scope, receive, send)
            return sent[0]["status"]

        assert asyncio.run(asyncio.wait_for(asked(), 10)) == 408


def test_cores_are_shared_between_workers_and_threads() -> None:
    workers, threads = share_cores(None, None)
    assert workers >= 1
    assert threads >= 1
    assert share_cores(3, 2) == (3, 2)
    assert share_cores(None, None, page=True)[1] >= threads
