"""How the service runs: where, for whom, with which limits."""

import json
from dataclasses import asdict, dataclass, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

from ...errors import Option, UsageError
from ...models.engine import physical_cores

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
MEGA = 1_000_000


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """All settings of a service; the workers are given the same.

    work: the folder of uploads, results and the queue. queue: "" for SQLite in that folder, or a redis:// URL.
    token: demanded of every client, None for none. allowed_hosts: names that a request may be addressed to, besides
    those of loopback. allowed_origins: other web pages that may use the service. models: a folder of further model
    files. threads: of each worker. seconds: that a request waits for its result. item_seconds: that one picture may
    take. keep_seconds: for which uploads and results stay. reserve_mb: of disk that stay free. worker_memory_mb: a
    worker that takes more is stopped. page: also serve the web page. is_temporary: the folder goes with the service.

    Raises UsageError for values out of range, and for an open address without a token.
    """

    work: Path
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    models: Path | None = None
    queue: str = ""
    workers: int = 1
    threads: int = 1
    device: str = "auto"
    memory_mb: int | None = None
    worker_memory_mb: int | None = None
    max_body_mb: int = 100
    max_megapixels: float = 100.0
    max_queue: int = 256
    max_requests: int = 512
    max_num: int = 1024
    seconds: float = 120.0
    item_seconds: float = 1800.0
    upload_seconds: float = 120.0
    keep_seconds: float = 3600.0
    lease_seconds: float = 10.0
    reserve_mb: int = 500
    grace: float = 20.0
    page: bool = False
    is_temporary: bool = False

    def __post_init__(self) -> None:
        for name in ("workers", "threads", "max_body_mb", "max_queue", "max_requests", "max_num"):
            if getattr(self, name) < 1:
                raise UsageError(Option(name), f" is {getattr(self, name)}; give 1 or more.")
        for name in ("seconds", "item_seconds", "upload_seconds", "keep_seconds", "lease_seconds", "max_megapixels"):
            if not getattr(self, name) > 0:
                raise UsageError(Option(name), f" is {getattr(self, name)}; give more than 0.")
        if self.models is not None and not self.models.is_dir():
            raise UsageError(Option("models"), f" {self.models}: there is no such folder.")
        if self.token is not None and len(self.token) < 16:
            raise UsageError("The token has fewer than 16 characters; take a longer one, such as 32 random letters.")
        if not self.is_loopback and self.token is None:
            raise UsageError(
                Option("host"),
                f" {self.host} can be reached from other machines, so a token is needed: put one into a file, and say ",
                Option("token_file"),
                ", or set SFUMATO_TOKEN.",
            )

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def max_pixels(self) -> int:
        return int(self.max_megapixels * MEGA)

    @property
    def max_body(self) -> int:
        """In bytes."""
        return self.max_body_mb * MEGA

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        values: dict[str, Any] = json.loads(text)
        for name in ("work", "models"):
            values[name] = None if values[name] is None else Path(values[name])
        for name in ("allowed_hosts", "allowed_origins"):
            values[name] = tuple(values[name])
        assert set(values) == {field.name for field in fields(cls)}
        return cls(**values)


def share_cores(workers: int | None, threads: int | None, *, page: bool = False) -> tuple[int, int]:
    """How many worker processes, and threads in each, unless they are given.

    One thread in each of as many workers as there are cores gets most pictures done. A page has one user who waits for
    one picture, so there two workers have all cores each.
    """
    cores = max(physical_cores(), 1)
    if page:
        return workers or min(2, cores), threads or cores
    workers = workers or max(cores // (threads or 1), 1)
    return workers, threads or max(cores // workers, 1)
