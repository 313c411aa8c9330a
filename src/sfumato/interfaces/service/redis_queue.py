"""The queue on Redis, for several machines that share the folder of files. Each change is one Lua script, so atomic.

Keys, all below `sfumato:`: `job:ID` and `item:ID:NUMBER` are hashes; `queued:LANE` and `working` are sorted sets of
items, by their place in the queue and by the end of their lease; `jobs` is the sorted set of jobs, by expiry.
The time is the server's.
"""

import json
import secrets
import time
from typing import Any, cast

from ...errors import MissingExtra, Option, UsageError
from .queue import FINAL, GIVEN_UP, MAX_ATTEMPTS, NETWORK, QUEUED, WORKING, Claim, Item, Job, JobStatus, QueueFull

PRIORITY = 10**12  # places in the queue between one priority and the next
HEAD = """
local P = 'sfumato:'
local function now() local t = redis.call('TIME') return tonumber(t[1]) + tonumber(t[2]) / 1e6 end
local function count(name, by) redis.call('HINCRBYFLOAT', P .. 'counts', name, by) end
local function back(member, given_up, most)
    local key = P .. 'item:' .. member
    redis.call('ZREM', P .. 'working', member)
    redis.call('HSET', key, 'token', '')
    if tonumber(redis.call('HGET', key, 'attempts')) >= tonumber(most) then
        redis.call('HSET', key, 'state', 'failed', 'outcome', given_up)
        count('failed', 1)
    else
        redis.call('HSET', key, 'state', 'queued')
        redis.call('ZADD', P .. 'queued:' .. redis.call('HGET', key, 'lane'), redis.call('HGET', key, 'place'), member)
        count('retried', 1)
    end
end
"""
SCRIPTS = {
    # id, spec, expires, seconds, lane, priority, limit, names...
    "submit": """
        local id, lane = ARGV[1], ARGV[5]
        if redis.call('ZCARD', P .. 'queued:' .. lane) + #ARGV - 7 > tonumber(ARGV[7]) then return 0 end
        redis.call('HSET', P .. 'job:' .. id, 'spec', ARGV[2], 'created', now(), 'expires', ARGV[3],
                   'seconds', ARGV[4], 'cancelled', 0, 'count', #ARGV - 7)
        redis.call('ZADD', P .. 'jobs', ARGV[3], id)
        for i = 8, #ARGV do
            local member = id .. ':' .. (i - 8)
            local place = tonumber(ARGV[6]) + redis.call('INCR', P .. 'place')
            redis.call('HSET', P .. 'item:' .. member, 'name', ARGV[i], 'lane', lane, 'place', place, 'state', 'queued',
                       'progress', 0, 'attempts', 0, 'outcome', '{}', 'token', '', 'worker', '')
            redis.call('ZADD', P .. 'queued:' .. lane, place, member)
        end
        return 1
    """,
    # worker, token, lease, given up, most attempts, lanes...
    "claim": """
        for _, member in ipairs(redis.call('ZRANGEBYSCORE', P .. 'working', '-inf', now())) do
            back(member, ARGV[4], ARGV[5])
        end
        local best, lane
        for i = 6, #ARGV do
            local first = redis.call('ZRANGE', P .. 'queued:' .. ARGV[i], 0, 0, 'WITHSCORES')
            if first[1] and (not best or tonumber(first[2]) < tonumber(best[2])) then best, lane = first, ARGV[i] end
        end
        if not best then return false end
        local key, member = P .. 'item:' .. best[1], best[1]
        redis.call('ZREM', P .. 'queued:' .. lane, member)
        redis.call('ZADD', P .. 'working', now() + tonumber(ARGV[3]), member)
        redis.call('HSET', key, 'state', 'working', 'worker', ARGV[1], 'token', ARGV[2], 'progress', 0)
        return {member, redis.call('HINCRBY', key, 'attempts', 1), redis.call('HGET', key, 'name')}
    """,
    # member, token, lease, progress
    "renew": """
        local key = P .. 'item:' .. ARGV[1]
        if redis.call('HGET', key, 'token') ~= ARGV[2] then return 0 end
        redis.call('HSET', key, 'progress', ARGV[4])
        redis.call('ZADD', P .. 'working', now() + tonumber(ARGV[3]), ARGV[1])
        return 1
    """,
    # member, token, state, outcome, megapixels
    "settle": """
        local key = P .. 'item:' .. ARGV[1]
        if redis.call('HGET', key, 'token') ~= ARGV[2] then return 0 end
        redis.call('ZREM', P .. 'working', ARGV[1])
        redis.call('HSET', key, 'state', ARGV[3], 'outcome', ARGV[4], 'progress', 1, 'token', '')
        count(ARGV[3], 1)
        if ARGV[3] == 'done' then count('megapixels', ARGV[5]) end
        return 1
    """,
    # member, token
    "release": """
        local key = P .. 'item:' .. ARGV[1]
        if redis.call('HGET', key, 'token') ~= ARGV[2] then return 0 end
        redis.call('ZREM', P .. 'working', ARGV[1])
        redis.call('HINCRBY', key, 'attempts', -1)
        redis.call('HSET', key, 'state', 'queued', 'token', '')
        redis.call('ZADD', P .. 'queued:' .. redis.call('HGET', key, 'lane'), redis.call('HGET', key, 'place'), ARGV[1])
        return 1
    """,
    # worker, given up, most attempts
    "abandon": """
        for _, member in ipairs(redis.call('ZRANGE', P .. 'working', 0, -1)) do
            if redis.call('HGET', P .. 'item:' .. member, 'worker') == ARGV[1] then back(member, ARGV[2], ARGV[3]) end
        end
        return 1
    """,
    # id
    "cancel": """
        local job = P .. 'job:' .. ARGV[1]
        if redis.call('EXISTS', job) == 0 then return 0 end
        redis.call('HSET', job, 'cancelled', 1)
        for number = 0, tonumber(redis.call('HGET', job, 'count')) - 1 do
            local member = ARGV[1] .. ':' .. number
            local key = P .. 'item:' .. member
            local state = redis.call('HGET', key, 'state')
            if state == 'queued' or state == 'working' then
                redis.call('ZREM', P .. 'queued:' .. redis.call('HGET', key, 'lane'), member)
                redis.call('ZREM', P .. 'working', member)
                redis.call('HSET', key, 'state', 'cancelled', 'token', '')
                count('cancelled', 1)
            end
        end
        return 1
    """,
    # id
    "forget": """
        local job = P .. 'job:' .. ARGV[1]
        for number = 0, tonumber(redis.call('HGET', job, 'count') or 0) - 1 do
            local member = ARGV[1] .. ':' .. number
            local lane = redis.call('HGET', P .. 'item:' .. member, 'lane')
            redis.call('ZREM', P .. 'queued:' .. (lane or ''), member)
            redis.call('ZREM', P .. 'working', member)
            redis.call('DEL', P .. 'item:' .. member)
        end
        redis.call('ZREM', P .. 'jobs', ARGV[1])
        redis.call('DEL', job)
        return 1
    """,
}


class RedisQueue:
    """See `Queue`. What Redis holds is as safe as its own persistence makes it (`appendonly yes`)."""

    def __init__(self, url: str) -> None:
        try:
            import redis
        except ImportError:
            raise MissingExtra('Redis needs its client; `pip install ".[redis]"` adds it.') from None
        try:
            self._redis: Any = redis.Redis.from_url(url, decode_responses=True, health_check_interval=30)
            self._redis.ping()
        except (redis.RedisError, ValueError) as error:
            raise UsageError(Option("queue"), f": no Redis answers there ({error}).") from None
        self._scripts = {name: self._redis.register_script(HEAD + body) for name, body in SCRIPTS.items()}

    def _run(self, name: str, *values: Any) -> Any:
        return self._scripts[name](args=[str(value) for value in values])

    def submit(self, job: Job, limit: int) -> None:
        spec, place = json.dumps(job.spec), job.priority * PRIORITY
        if not self._run("submit", job.id, spec, job.expires, job.seconds, job.lane, place, limit, *job.names):
            raise QueueFull

    def claim(self, worker: str, lanes: tuple[str, ...], lease: float) -> Claim | None:
        token = secrets.token_hex(8)
        found = self._run("claim", worker, token, lease, json.dumps(GIVEN_UP), MAX_ATTEMPTS, *lanes)
        if not found:
            return None
        member, attempts, name = found
        id, _, number = member.rpartition(":")
        spec, seconds = self._redis.hmget(f"sfumato:job:{id}", "spec", "seconds")
        return Claim(id, int(number), token, int(attempts), json.loads(spec), name, float(seconds))

    def renew(self, claim: Claim, lease: float, progress: float) -> bool:
        return bool(self._run("renew", _member(claim), claim.token, lease, progress))

    def settle(self, claim: Claim, state: str, outcome: dict[str, Any]) -> bool:
        assert state in FINAL
        megapixels = outcome.get("megapixels", 0)
        return bool(self._run("settle", _member(claim), claim.token, state, json.dumps(outcome), megapixels))

    def release(self, claim: Claim) -> None:
        self._run("release", _member(claim), claim.token)

    def abandon(self, worker: str) -> None:
        self._run("abandon", worker, json.dumps(GIVEN_UP), MAX_ATTEMPTS)

    def job(self, id: str) -> JobStatus | None:
        facts = self._redis.hgetall(f"sfumato:job:{id}")
        if not facts:
            return None
        pipe = self._redis.pipeline()
        for number in range(int(facts["count"])):
            pipe.hgetall(f"sfumato:item:{id}:{number}")
        rows = pipe.execute()
        if not all(rows):
            return None  # it is being forgotten
        items = tuple(
            Item(
                number,
                row["name"],
                row["state"],
                float(row["progress"]),
                int(row["attempts"]),
                json.loads(row["outcome"]),
            )
            for number, row in enumerate(rows)
        )
        first = next((number for number, row in enumerate(rows) if row["state"] == QUEUED), None)
        ahead = 0
        if first is not None:
            ahead = self._redis.zrank(f"sfumato:queued:{rows[first]['lane']}", f"{id}:{first}") or 0
        created, expires = float(facts["created"]), float(facts["expires"])
        return JobStatus(id, json.loads(facts["spec"]), created, expires, facts["cancelled"] == "1", items, ahead)

    def finished(self, ids: list[str]) -> set[str]:
        pipe = self._redis.pipeline()
        for id in ids:
            pipe.hget(f"sfumato:job:{id}", "count")
        counts = [int(found or 0) for found in pipe.execute()]
        members = [(id, number) for id, count in zip(ids, counts, strict=True) for number in range(count)]
        for id, number in members:
            pipe.hget(f"sfumato:item:{id}:{number}", "state")
        states = pipe.execute()
        return set(ids) - {id for (id, _), state in zip(members, states, strict=True) if state in (QUEUED, WORKING)}

    def cancel(self, id: str) -> bool:
        return bool(self._run("cancel", id))

    def forget(self, id: str) -> None:
        self._run("forget", id)

    def expired(self) -> list[str]:
        late = cast(list[str], self._redis.zrangebyscore("sfumato:jobs", "-inf", time.time()))
        done = self.finished(late) if late else set()
        return [id for id in late if id in done]

    def waiting(self) -> int:
        return int(self._redis.zcard(f"sfumato:queued:{NETWORK}"))

    def counts(self) -> dict[str, float]:
        return {name: float(value) for name, value in self._redis.hgetall("sfumato:counts").items()}

    def close(self) -> None:
        self._redis.close()


def _member(claim: Claim) -> str:
    return f"{claim.job}:{claim.number}"
