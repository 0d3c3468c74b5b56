"""Turns: whose request to a host is next, whichever process or machine wants to ask it.

A lease gives a host to one worker, but a host is also asked by those who were sent there: by a redirect, or
for an API that several platforms share. So the moment of the last request to each host is kept where all can
see it, in Redis where a queue is configured and else in the database, by the clock of whichever it is. A turn
is granted only for this very moment, and never promised: nobody who sleeps, dies or wakes late holds one.
"""

from __future__ import annotations

import threading
from typing import Protocol

import redis
from django.conf import settings
from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

ANSWER_SECONDS = 5.0  # that Redis has to answer in


class OutOfTurn(Exception):
    """A request may not be sent: the lease of the host ran out, or nobody can say when it may be asked."""


class Turns(Protocol):
    """Where turns are given out. Threads may share one."""

    def take(self, host: str, interval: float) -> float:
        """Take a turn if `host` may be asked now, `interval` seconds after the last one; then this is 0.

        Else the seconds until there may be one. Raises OutOfTurn if that cannot be told.
        """

    def close(self) -> None:
        """Close the connection that is kept open; what is asked later opens it again."""


def turns() -> Turns:
    """The place that all processes of this site share."""
    return RedisTurns(settings.REDIS_URL) if settings.REDIS_URL else DatabaseTurns()


class RedisTurns:
    """Turns in Redis or Valkey, by its clock. One round trip each.

    Its data may be lost at any moment. So a host that nothing is known of counts as asked at the moment at
    which the memory begins: what was asked before is not asked again too early.
    """

    _TAKE = """
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local interval = tonumber(ARGV[1])
        local last = redis.call('GET', KEYS[1]) or redis.call('GET', KEYS[2])
        if not last then
            redis.call('SET', KEYS[2], string.format('%.0f', now))
            last = now
        end
        local ahead = last + interval - now
        if ahead > 0 then
            return string.format('%.0f', ahead)
        end
        redis.call('SET', KEYS[1], string.format('%.0f', now), 'PX', math.ceil(interval / 1000) + 1)
        return '0'
    """

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
        )
        self._take = self._redis.register_script(self._TAKE)

    def take(self, host: str, interval: float) -> float:
        try:
            ahead = self._take(
                keys=[f"still-up:asked:{host}", "still-up:asked"], args=[round(interval * 1_000_000)]
            )
        except redis.RedisError as error:
            raise OutOfTurn("Redis does not answer") from error
        return int(ahead) / 1_000_000

    def close(self) -> None:
        self._redis.close()


class DatabaseTurns:
    """Turns in the database, by its clock, over one connection that all threads share in turn.

    That connection is none of Django's own, which belong to a thread each: a turn is committed at once,
    whatever else goes on in its process.
    """

    _NOW = {  # microseconds since 1970
        "postgresql": "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
        "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
    }

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: BaseDatabaseWrapper | None = None

    def take(self, host: str, interval: float) -> float:
        microseconds = round(interval * 1_000_000)
        with self._lock:
            try:
                return self._ahead(host, microseconds) / 1_000_000
            except DatabaseError as error:
                self._disconnect()
                raise OutOfTurn("the database does not answer") from error

    def _ahead(self, host: str, interval: int) -> int:
        connection = self._connect()
        now = self._NOW[connection.vendor]
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO checks_turn (host, asked_at) VALUES (%s, {now}) "  # noqa: S608
                "ON CONFLICT (host) DO UPDATE SET asked_at = excluded.asked_at "
                "WHERE checks_turn.asked_at + %s <= excluded.asked_at",
                [host, interval],
            )
            if cursor.rowcount == 1:
                return 0
            cursor.execute(f"SELECT asked_at + %s - {now} FROM checks_turn WHERE host = %s", [interval, host])  # noqa: S608
            return max(int(cursor.fetchone()[0]), 1)

    def _connect(self) -> BaseDatabaseWrapper:
        if self._connection is None:
            self._connection = connections.create_connection("default")
            self._connection.inc_thread_sharing()
            if self._connection.vendor == "postgresql":
                with self._connection.cursor() as cursor:
                    # A turn that a crash of the server loses is over before it is up again.
                    cursor.execute("SET synchronous_commit = off")
        return self._connection

    def close(self) -> None:
        with self._lock:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
