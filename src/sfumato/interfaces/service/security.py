"""The gate that every request passes: how many at once, for which host, from which page, by whom, how large, how slow.

Each check answers by a problem before the application sees the request, and so does what goes wrong behind it. What
comes back carries the headers that keep a browser from doing anything else with it.
"""

import asyncio
import hashlib
import hmac
import json
import secrets
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.datastructures import Headers, MutableHeaders

from .metrics import Metrics
from .problems import MEDIA_TYPE, Problem, Refusal, problem_of
from .settings import LOOPBACK_NAMES, ServiceSettings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
COOKIE = "sfumato_session"
SESSION_SECONDS = 7 * 24 * 3600
OPEN_PATHS = ("/healthz", "/readyz")  # asked for by whoever starts the service, under any name of the machine
REFUSALS = (401, 403, 408, 413, 421, 429, 503, 507)
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; font-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Gate:
    """ASGI middleware; see above."""

    def __init__(self, app: Any, settings: ServiceSettings, metrics: Metrics) -> None:
        self.app, self.settings, self.metrics = app, settings, metrics
        self.hosts = {*LOOPBACK_NAMES, settings.host, *settings.allowed_hosts}
        self.num_in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return  # there are no web sockets
        started, status = time.perf_counter(), 0  # no answer yet

        async def send_secured(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(scope, message)
            await send(message)

        self.num_in_flight += 1
        self.metrics.in_flight.inc()
        try:
            self._check(scope)
            if is_preflight(scope):  # CORS asks before it sends; the headers say what it may
                await send_secured({"type": "http.response.start", "status": 204, "headers": []})
                await send_secured({"type": "http.response.body"})
                return
            await self.app(scope, self._limited(receive), send_secured)
        except Exception as error:
            if status:
                raise  # too late for another answer: the connection is closed
            found = problem_of(error)
            if found["status"] == 500:
                traceback.print_exception(error, file=sys.stderr)
            await answer(found, getattr(error, "headers", None) or {}, send_secured)
        finally:
            self.num_in_flight -= 1
            self.metrics.in_flight.dec()
            route = getattr(scope.get("route"), "path", "other")
            if status in REFUSALS:
                self.metrics.refusals.labels(status).inc()
            self.metrics.requests.labels(route, scope["method"][:10], status).inc()
            self.metrics.seconds.labels(route).observe(time.perf_counter() - started)

    def _check(self, scope: Scope) -> None:
        """Raises Refusal for a request that is not let in."""
        headers, path = Headers(scope=scope), scope["path"]
        if self.num_in_flight > self.settings.max_requests and path not in OPEN_PATHS:
            detail = f"{self.settings.max_requests} requests are being answered already; try again in a few seconds."
            raise Refusal(429, "too-many-requests", "Too many requests", detail, Retry_After="5")
        host = headers.get("host", "")
        if _name_of(host) not in self.hosts and path not in OPEN_PATHS:
            detail = "The service does not answer for this host; its operator can allow it with --allow-host."
            raise Refusal(421, "host", "Unknown host", detail)
        self._check_origin(headers, host, scope)
        is_guarded = (path.startswith("/v1/") or path == "/metrics") and not is_preflight(scope)
        if is_guarded and not self._is_known(headers):
            detail = "This service wants a token: send it as `Authorization: Bearer TOKEN`."
            raise Refusal(401, "token", "A token is needed", detail, WWW_Authenticate="Bearer")
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self.settings.max_body:
            raise self._too_large()

    def _check_origin(self, headers: Headers, host: str, scope: Scope) -> None:
        """A page elsewhere may not drive the service, also where it has no token."""
        origin = headers.get("origin")
        is_elsewhere = headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
        if origin is not None:
            allowed = {f"{scheme}://{host}" for scheme in ("http", "https")} | set(self.settings.allowed_origins)
            is_elsewhere = origin not in allowed
        is_page = scope["method"] in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"
        if is_elsewhere and not (is_page and not scope["path"].startswith("/v1/")):
            detail = "Pages of other sites may not use this service; its operator can allow one with --allow-origin."
            raise Refusal(403, "origin", "Another site's page", detail)

    def _is_known(self, headers: Headers) -> bool:
        token = self.settings.token
        if token is None:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
            return True
        return is_session(_cookie(headers), token)

    def _too_large(self) -> Refusal:
        limit = f"{self.settings.max_body_mb} MB"
        detail = f"The request is larger than {limit}, the most that is taken here."
        return Refusal(413, "too-large", "The request is too large", detail, Connection="close")

    def _limited(self, receive: Receive) -> Receive:
        """The body, counted as it comes, within the time that it may take."""
        num_bytes, end = 0, time.monotonic() + self.settings.upload_seconds
        is_whole = False

        async def limited() -> Message:
            nonlocal num_bytes, is_whole
            if is_whole:  # the next message is that the client is gone
                return await receive()
            try:
                async with asyncio.timeout(max(end - time.monotonic(), 0.01)):
                    message = await receive()
            except TimeoutError:
                detail = f"The request was not there after {self.settings.upload_seconds:g} s."
                raise Refusal(408, "slow-upload", "The request came too slowly", detail, Connection="close") from None
            if message["type"] == "http.request":
                num_bytes += len(message.get("body", b""))
                is_whole = not message.get("more_body", False)
                if num_bytes > self.settings.max_body:
                    raise self._too_large()
            return message

        return limited

    def _add_headers(self, scope: Scope, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in SECURITY.items():
            headers.setdefault(name, value)
        headers.setdefault("Cache-Control", "no-store")
        origin = Headers(scope=scope).get("origin")
        if origin in self.settings.allowed_origins:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            headers["Access-Control-Expose-Headers"] = "Content-Disposition, Sfumato-Report"
            headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Prefer"
            headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE"
            headers.add_vary_header("Origin")


def is_preflight(scope: Scope) -> bool:
    return scope["method"] == "OPTIONS" and "access-control-request-method" in Headers(scope=scope)


async def answer(problem: Problem, headers: Mapping[str, str], send: Send) -> None:
    """Send a problem without the application's help."""
    named = {"Content-Type": MEDIA_TYPE, **headers}
    encoded = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": problem["status"], "headers": encoded})
    await send({"type": "http.response.body", "body": json.dumps(problem).encode()})


def new_session(token: str | None) -> str:
    """The value of a session's cookie: when it ends, and the proof that this service made it."""
    ends = f"{int(time.time()) + SESSION_SECONDS}.{secrets.token_urlsafe(9)}"
    return f"{ends}.{_signature(ends, token or '')}"


def is_session(value: str, token: str) -> bool:
    ends, _, signature = value.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(ends, token).encode()):
        return False
    return int(ends.partition(".")[0]) > time.time()


def _signature(text: str, token: str) -> str:
    return hmac.new(f"session {token}".encode(), text.encode(), hashlib.sha256).hexdigest()


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _name_of(host: str) -> str:
    """A Host header without its port."""
    name = host.lower()
    return name[: name.index("]") + 1] if name.startswith("[") and "]" in name else name.partition(":")[0]
