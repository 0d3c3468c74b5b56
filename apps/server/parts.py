"""Which processes make a running site, and whether this machine can run them."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from redis import Redis
from redis.exceptions import RedisError

from apps.core.commands import clock_problem, database_problem
from apps.server.supervisor import Part

WEB_THREADS = 4  # of all web servers together, but two of each: a page that takes a second holds up no other
CONNECT_SECONDS = 5


class CannotServe(Exception):
    """Something that the site needs is missing. The message is one sentence that says what to do."""


# ------------------------------------------------------------------------------------------------ the parts


def parts(*, host: str, port: int) -> Iterator[Part]:
    """What `serve` starts: the web server, the notifier, and checkers, or a queue with its workers."""
    yield Part(
        "web server",
        [
            *(sys.executable, "-m", "granian", "--interface", "wsgi"),
            *("--host", host, "--port", str(port)),
            *("--workers", str(settings.WEB_PROCESSES)),
            *("--blocking-threads", str(max(WEB_THREADS // settings.WEB_PROCESSES, 2))),
            "--respawn-failed-workers",
            *("--log-level", "warning", "config.wsgi:application"),
        ],
    )
    # What it did not send, it sends when it is there again.
    yield Part("notifier", manage("run_notifier"), comes_again=True)
    if not settings.REDIS_URL:
        for number in range(1, settings.CHECK_PROCESSES + 1):
            yield Part("checker" if number == 1 else f"checker {number}", manage("run_checker"))
        return
    # rq reports every job at its usual level, which would bury what `serve` has to say.
    schedule = str(settings.BASE_DIR / "config" / "cron.py")
    # It ends when the queue does not answer. Workers wait, or are started anew by their pool.
    yield Part("scheduler", manage("rqcron", schedule, "--logging-level", "WARNING"), comes_again=True)
    yield Part(
        "workers",
        manage(
            *("rqworker-pool", "tick", "default", "--num-workers", str(settings.CHECK_PROCESSES)),
            *("--worker-class", "apps.checks.jobs.CheckWorker", "--verbosity", "0"),
        ),
    )


def demo_part(*, port: int) -> Part:
    """The simulated platform and the people who report to it."""
    return Part("simulated platform", manage("run_demo", "--port", str(port)))


def manage(*arguments: str) -> list[str]:
    """The command line of a management command."""
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def checker_words() -> str:
    """What checks, in words."""
    if not settings.REDIS_URL:
        threads = f"{settings.CHECK_CONCURRENCY} threads"
        if settings.CHECK_PROCESSES == 1:
            return f"one process, {threads}"
        return f"{settings.CHECK_PROCESSES} processes, {threads} each"
    address = urlsplit(settings.REDIS_URL)
    place = f"{address.hostname}:{address.port or 6379}" if address.hostname else address.path
    return f"a scheduler and {settings.CHECK_PROCESSES} workers, with the queue at {place}"


def database_words() -> str:
    """Which database, in words and without its password."""
    if connection.vendor == "sqlite":
        return f"SQLite, {settings.DATABASES['default']['NAME']}"
    place = settings.DATABASES["default"]
    host = place["HOST"] or place.get("OPTIONS", {}).get("host", "localhost")
    return f"PostgreSQL, {place['NAME']} at {host}"


# -------------------------------------------------------------------------------- whether they can run here


def require_free_port(host: str, port: int, *, option: str) -> None:
    """Raise CannotServe unless something new can listen there."""
    if not 1 <= port <= 65535:
        raise CannotServe(f"{option} is {port}. Write a port from 1 to 65535.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise CannotServe(f"--host is '{host}', which is no address. Write for example 127.0.0.1.") from error
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise CannotServe(_why_not(error, host, port, option)) from error


def _why_not(error: OSError, host: str, port: int, option: str) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"Port {port} on {host} is in use. Stop what uses it, or choose another with "
                f"{option} {port + 1 if port < 65535 else port - 1}."
            )
        case errno.EACCES:
            return f"This user may not listen on port {port}. Choose one above 1023 with {option}."
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine. Choose another with --host."
        case _:
            return f"Cannot listen on {host} port {port}: {error.strerror}."


def is_listening(host: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        with socket.create_connection((reachable(host), port), timeout=1):
            return True
    except OSError:
        return False


def reachable(host: str) -> str:
    """The address under which this machine reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - a comparison


def require_writable(folder: Path) -> None:
    """Raise CannotServe unless files can be made in `folder`, which is made (for this user) if missing."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CannotServe(
            f"Cannot write to {folder} ({error.strerror}). Make it writable for this user, or set VAR_DIR to "
            "a folder that is."
        ) from error


def require_clock() -> None:
    """Raise CannotServe if the clock would run faster from nobody knows when."""
    if problem := clock_problem():
        raise CannotServe(problem)


def require_database() -> None:
    """Raise CannotServe unless the database answers."""
    if problem := database_problem():
        raise CannotServe(problem)


def require_redis() -> None:
    """Raise CannotServe unless the queue's server answers, where one is set."""
    if not settings.REDIS_URL:
        return
    client: Redis = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=CONNECT_SECONDS)
    try:
        client.ping()
    except (RedisError, OSError) as error:
        reason = str(error).strip().rstrip(".")
        raise CannotServe(
            f"Redis does not answer: {reason}. Start it, or unset REDIS_URL to check without a queue."
        ) from error
    finally:
        client.close()
