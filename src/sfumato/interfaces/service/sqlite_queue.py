"""The queue in one SQLite file, for the processes of one machine."""

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .queue import (
    CANCELLED,
    DONE,
    FINAL,
    GIVEN_UP,
    MAX_ATTEMPTS,
    NETWORK,
    QUEUED,
    WORKING,
    Claim,
    Item,
    Job,
    JobStatus,
    QueueFull,
)

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, spec TEXT, created REAL, expires REAL, seconds REAL, cancelled INTEGER DEFAULT 0
);
CREATE TABLE IF NOT EXISTS items (
    place INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT, number INTEGER, name TEXT, lane TEXT, priority INTEGER,
    state TEXT DEFAULT 'queued', progress REAL DEFAULT 0, attempts INTEGER DEFAULT 0, outcome TEXT DEFAULT '{}',
    worker TEXT DEFAULT '', token TEXT DEFAULT '', lease REAL DEFAULT 0, UNIQUE (job, number)
);
CREATE INDEX IF NOT EXISTS items_in_order ON items (state, lane, priority, place);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, value REAL);
"""
OPEN = "state NOT IN ('done', 'failed', 'cancelled')"


class SqliteQueue:
    """See `Queue`. A commit is on the disk when it returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection.executescript(SCHEMA)

    @property
    def _connection(self) -> sqlite3.Connection:
        """One for each thread."""
        if not hasattr(self._local, "connection"):
            connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            self._local.connection = connection
            self._connections.append(connection)
        return self._local.connection

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds off all others from its begin."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def submit(self, job: Job, limit: int) -> None:
        with self._change() as db:
            query = "SELECT count(*) FROM items WHERE state = 'queued' AND lane = ?"
            if db.execute(query, (job.lane,)).fetchone()[0] + len(job.names) > limit:
                raise QueueFull
            db.execute(
                "INSERT INTO jobs (id, spec, created, expires, seconds) VALUES (?, ?, ?, ?, ?)",
                (job.id, json.dumps(job.spec), time.time(), job.expires, job.seconds),
            )
            rows = [(job.id, number, name, job.lane, job.priority) for number, name in enumerate(job.names)]
            db.executemany("INSERT INTO items (job, number, name, lane, priority) VALUES (?, ?, ?, ?, ?)", rows)

    def claim(self, worker: str, lanes: tuple[str, ...], lease: float) -> Claim | None:
        now = time.time()
        known = ",".join("?" for _ in lanes)
        next_one = f"SELECT * FROM items WHERE state = 'queued' AND lane IN ({known}) ORDER BY priority, place LIMIT 1"
        late = "state = 'working' AND lease < ?"
        if not self._connection.execute(f"SELECT 1 FROM items WHERE {late} LIMIT 1", (now,)).fetchone() and (
            not self._connection.execute(next_one, lanes).fetchone()
        ):
            return None
        with self._change() as db:
            self._put_back(db, late, (now,))
            found = _rows(db.execute(next_one, lanes))
            if not found:
                return None
            row, token = found[0], secrets.token_hex(8)
            db.execute(
                "UPDATE items SET state = ?, worker = ?, token = ?, lease = ?, attempts = attempts + 1, progress = 0 "
                "WHERE place = ?",
                (WORKING, worker, token, now + lease, row["place"]),
            )
            (job,) = _rows(db.execute("SELECT * FROM jobs WHERE id = ?", (row["job"],)))
        spec = json.loads(job["spec"])
        return Claim(row["job"], row["number"], token, row["attempts"] + 1, spec, row["name"], job["seconds"])

    def _put_back(self, db: sqlite3.Connection, which: str, values: tuple[Any, ...]) -> None:
        """Items whose worker is gone: queued again, or given up."""
        given_up = db.execute(
            f"UPDATE items SET state = 'failed', token = '', outcome = ? WHERE {which} AND attempts >= ?",
            (json.dumps(GIVEN_UP), *values, MAX_ATTEMPTS),
        ).rowcount
        again = db.execute(f"UPDATE items SET state = 'queued', token = '' WHERE {which}", values).rowcount
        _count(db, {"failed": given_up, "retried": again})

    def renew(self, claim: Claim, lease: float, progress: float) -> bool:
        with self._change() as db:
            changed = db.execute(
                "UPDATE items SET lease = ?, progress = ? WHERE job = ? AND number = ? AND token = ?",
                (time.time() + lease, progress, claim.job, claim.number, claim.token),
            )
            return changed.rowcount == 1

    def settle(self, claim: Claim, state: str, outcome: dict[str, Any]) -> bool:
        assert state in FINAL
        with self._change() as db:
            changed = db.execute(
                "UPDATE items SET state = ?, outcome = ?, progress = 1, token = '' "
                "WHERE job = ? AND number = ? AND token = ?",
                (state, json.dumps(outcome), claim.job, claim.number, claim.token),
            )
            if changed.rowcount == 1:
                _count(db, {state: 1, "megapixels": outcome.get("megapixels", 0) if state == DONE else 0})
            return changed.rowcount == 1

    def release(self, claim: Claim) -> None:
        with self._change() as db:
            db.execute(
                "UPDATE items SET state = 'queued', token = '', attempts = attempts - 1 "
                "WHERE job = ? AND number = ? AND token = ?",
                (claim.job, claim.number, claim.token),
            )

    def abandon(self, worker: str) -> None:
        with self._change() as db:
            self._put_back(db, "state = 'working' AND worker = ?", (worker,))

    def job(self, id: str) -> JobStatus | None:
        db = self._connection
        found = _rows(db.execute("SELECT * FROM jobs WHERE id = ?", (id,)))
        if not found:
            return None
        rows = _rows(db.execute("SELECT * FROM items WHERE job = ? ORDER BY number", (id,)))
        items = [
            Item(row["number"], row["name"], row["state"], row["progress"], row["attempts"], json.loads(row["outcome"]))
            for row in rows
        ]
        first = next((row for row in rows if row["state"] == QUEUED), None)
        ahead = 0
        if first is not None:
            query = (
                "SELECT count(*) FROM items WHERE state = 'queued' AND lane = ? AND (priority, place) < (?, ?)",
                (first["lane"], first["priority"], first["place"]),
            )
            ahead = db.execute(*query).fetchone()[0]
        job = found[0]
        spec, cancelled = json.loads(job["spec"]), bool(job["cancelled"])
        return JobStatus(id, spec, job["created"], job["expires"], cancelled, tuple(items), ahead)

    def finished(self, ids: list[str]) -> set[str]:
        known = ",".join("?" for _ in ids)
        query = f"SELECT DISTINCT job FROM items WHERE job IN ({known}) AND {OPEN}"
        return set(ids) - {row[0] for row in self._connection.execute(query, ids)}

    def cancel(self, id: str) -> bool:
        with self._change() as db:
            if not db.execute("UPDATE jobs SET cancelled = 1 WHERE id = ?", (id,)).rowcount:
                return False
            changed = db.execute(
                f"UPDATE items SET state = ?, token = '' WHERE job = ? AND {OPEN}", (CANCELLED, id)
            ).rowcount
            _count(db, {CANCELLED: changed})
            return True

    def forget(self, id: str) -> None:
        with self._change() as db:
            db.execute("DELETE FROM items WHERE job = ?", (id,))
            db.execute("DELETE FROM jobs WHERE id = ?", (id,))

    def expired(self) -> list[str]:
        query = f"SELECT id FROM jobs WHERE expires < ? AND NOT EXISTS (SELECT 1 FROM items WHERE job = id AND {OPEN})"
        return [row[0] for row in self._connection.execute(query, (time.time(),))]

    def waiting(self) -> int:
        query = "SELECT count(*) FROM items WHERE state = 'queued' AND lane = ?"
        return int(self._connection.execute(query, (NETWORK,)).fetchone()[0])

    def counts(self) -> dict[str, float]:
        return dict(self._connection.execute("SELECT name, value FROM counts"))

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


def _rows(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _count(db: sqlite3.Connection, changes: dict[str, float]) -> None:
    rows = [(name, value) for name, value in changes.items() if value]
    db.executemany(
        "INSERT INTO counts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value", rows
    )
