"""Killed, or without a database: clear words, and nothing is lost or done twice.

What happens to checks when a worker, a machine or the queue is killed is in test_cluster.py, and what a full
disk does in test_full_disk.py.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import pytest
import redis

from .site import LIMIT_SECONDS, Site, wait_for
from .test_queue import SCHEDULER, WORKER

pytestmark = pytest.mark.database
SMALL = 40  # targets


# -------------------------------------------------------------------------------------------- what is watched


class Platform:
    """A host of its own whose every page is there. `on_request` is called with how many there were."""

    def __init__(self) -> None:
        self.on_request: Callable[[int], None] = lambda number: None
        self.count = 0
        self._more = threading.Condition()
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with platform._more:
                    platform.count += 1
                    number = platform.count
                    platform._more.notify_all()
                platform.on_request(number)
                page = (
                    b"<title>A page</title><h1>A page</h1>" + b"<p>It stands here as it always did.</p>" * 20
                )
                with suppress(OSError):
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(page)))
                    self.end_headers()
                    self.wfile.write(page)

            def log_message(self, *_: object) -> None:
                """Nothing is said of each request."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def wait_for(self, count: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: self.count >= count, LIMIT_SECONDS)

    def list_in(self, folder: Path, many: int) -> Path:
        """A list of so many pages."""
        file = folder / f"list-{many}.csv"
        rows = (f"http://127.0.0.1:{self.port}/items/{number},2026-03-01\n" for number in range(many))
        file.write_text("url,reported_at\n" + "".join(rows))
        return file


@pytest.fixture
def platform() -> Iterator[Platform]:
    made = Platform()
    with made.running():
        yield made


@pytest.fixture
def watching(site: Site, platform: Platform) -> Site:
    """A site that may look at the platform."""
    site.environment |= {
        "CHECK_ALLOW_NETWORKS": "127.0.0.0/8",
        "CHECK_ALLOW_PORTS": str(platform.port),
        "CHECK_HOST_INTERVAL": "0",
        "CHECK_LEASE_SECONDS": "2",
    }
    return site


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def web_server(site: Site) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The web server as `serve` starts it, and its port, once it answers."""
    port = free_port()
    command = ("-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port))
    with site.running_python(*command, "--log-level", "warning", "config.wsgi:application") as process:
        wait_for(lambda: answers(port))
        yield process, port


def answers(port: int) -> bool:
    with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
        return True
    return False


def get(port: int, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()


def kill(process: subprocess.Popen[str]) -> None:
    """With -9, and with all that it has started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Member:
    """An owner of the campaign, in a browser without a browser."""

    TOKEN = "x" * 32

    def __init__(self, site: Site) -> None:
        self._session = site.must("shell", "--no-imports", "-v", "0", "-c", MEMBER).split()[-1]

    def head(self, path: str, content: bytes, media_type: str) -> bytes:
        cookies = f"sessionid={self._session}; csrftoken={self.TOKEN}"
        return (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\nContent-Type: {media_type}\r\n"
            f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        ).encode()

    @contextmanager
    def posting(
        self, port: int, path: str, content: bytes, media_type: str, *, part: float = 1
    ) -> Iterator[Any]:
        """A request that was sent, or the first part of it; gives what reads the answer."""
        with closing(socket.create_connection(("127.0.0.1", port), 60)) as line:
            line.sendall(self.head(path, content, media_type) + content[: int(len(content) * part)])
            yield lambda: line.makefile("rb").read().decode(errors="replace")

    def file(self, path: Path) -> tuple[bytes, str]:
        """An upload of a list, as a form."""
        fields = {"csrfmiddlewaretoken": self.TOKEN, "timezone": "UTC"}
        named = "Content-Disposition: form-data; name="
        content = "".join(f'--x\r\n{named}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
        content += f'--x\r\n{named}"file"; filename="{path.name}"\r\nContent-Type: text/csv\r\n\r\n'
        content += f"{path.read_text()}\r\n--x--\r\n"
        return content.encode(), "multipart/form-data; boundary=x"

    def form(self, **fields: str) -> tuple[bytes, str]:
        return urlencode(
            {"csrfmiddlewaretoken": self.TOKEN, **fields}
        ).encode(), "application/x-www-form-urlencoded"


MEMBER = """
from django.contrib.sessions.backends.db import SessionStore
from apps.accounts.models import Person
from apps.exports.models import public_key_of
from apps.exports.publication import publish, save_draft
from apps.exports.published import CHARTS
from apps.reports.models import Campaign, Membership
person = Person.objects.create_user("anna@example.org")
campaign = Campaign.objects.get()
Membership.objects.create(campaign=campaign, person=person, role="owner")
save_draft(campaign=campaign, person=person, title="Models", text="", charts=list(CHARTS), platforms="names",
           reports=True, items=True, dates="day")
publish(campaign=campaign, person=person)
public_key_of(campaign)
session = SessionStore()
session["_auth_user_id"] = str(person.pk)
session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
session["_auth_user_hash"] = person.get_session_auth_hash()
session.create()
print(session.session_key)
"""


# ----------------------------------------------------------------------------------------------------- killed


def test_a_web_server_that_is_killed_loses_only_what_was_not_answered(
    watching: Site, platform: Platform, tmp_path: Path
) -> None:
    """During an upload, and while it makes an edition."""
    site = watching
    site.must("import_reports", str(platform.list_in(tmp_path, SMALL)), "--campaign", "models", "--create")
    anna, large = Member(site), platform.list_in(tmp_path, 20_000)
    folder = tmp_path / "temporary"
    folder.mkdir()
    site.environment["TMPDIR"] = str(folder)
    upload, edition = (
        ("/workspace/models/imports/new/", *anna.file(large)),
        ("/workspace/models/editions/", *anna.form()),
    )
    with site.database() as ask:
        with web_server(site) as (server, port), anna.posting(port, *upload, part=0.5):
            kill(server)
        with web_server(site) as (server, port):
            assert ask("SELECT count(*) FROM reports_import") == [(0,)]
            with anna.posting(port, *upload) as answer:
                assert answer().startswith("HTTP/1.1 302")
            assert ask("SELECT state FROM reports_import") == [("mapping",)]
            ask("BEGIN IMMEDIATE" if connection_is_sqlite(site) else "BEGIN")
            if not connection_is_sqlite(site):
                ask("SELECT 1 FROM reports_campaign FOR UPDATE")
            with anna.posting(port, *edition):
                wait_for(lambda: list(folder.glob("still-up-edition-*/*trail*")))
                kill(server)
            ask("ROLLBACK")
        assert ask("SELECT count(*) FROM exports_edition") == [(0,)]
        with web_server(site) as (server, port), anna.posting(port, *edition) as answer:
            assert answer().startswith("HTTP/1.1 302")
        assert ask("SELECT number FROM exports_edition") == [(1,)]
    assert "holds" in site.must("verify_edition", "models", "1")


def connection_is_sqlite(site: Site) -> bool:
    return "DATABASE_URL" not in site.environment


def test_a_checker_that_is_killed_in_an_import_does_it_again_in_full(
    watching: Site, platform: Platform, tmp_path: Path
) -> None:
    killed_in_an_import(watching, platform, tmp_path, [("run_checker",)])


def test_a_tick_and_a_worker_that_are_killed_in_an_import_do_it_again_in_full(
    watching: Site, platform: Platform, valkey_url: str, tmp_path: Path
) -> None:
    url = f"{valkey_url.rstrip('/')}/{11 if 'DATABASE_URL' in watching.environment else 10}"
    redis.Redis.from_url(url).flushdb()
    watching.environment |= {"REDIS_URL": url, "CHECK_TICK_SECONDS": "1"}
    killed_in_an_import(watching, platform, tmp_path, [SCHEDULER, WORKER])


def killed_in_an_import(
    site: Site, platform: Platform, tmp_path: Path, parts: Sequence[tuple[str, ...]]
) -> None:
    """Kill all `parts` while they import a list, and see it imported by others, once."""
    many = 10_000
    site.must("import_reports", str(platform.list_in(tmp_path, SMALL)), "--campaign", "models", "--create")
    site.must("shell", "--no-imports", "-v", "0", "-c", IMPORT, LIST=str(platform.list_in(tmp_path, many)))
    with site.database() as ask:
        with ExitStack() as stack:
            running = [stack.enter_context(site.running(*part)) for part in parts]
            wait_for(lambda: ask("SELECT state FROM reports_import") != [("queued",)])
            for part in running:
                kill(part)
        state, attempts = ask("SELECT state, attempts FROM reports_import")[0]
        assert state in {"reading", "writing"}
        assert ask("SELECT count(*) FROM reports_item") == [(SMALL,)]
        ask("UPDATE reports_import SET lease_until = '2026-01-01 00:00:00'")  # two minutes later, at once
        with ExitStack() as stack:
            for part in parts:
                stack.enter_context(site.running(*part))
            wait_for(lambda: ask("SELECT state FROM reports_import") == [("done",)])
        assert ask("SELECT attempts, created_count, duplicate_count FROM reports_import") == [
            (attempts + 1, many - SMALL, SMALL)
        ]
        assert ask("SELECT count(*), count(DISTINCT target_id) FROM reports_item") == [(many, many)]


IMPORT = """
import os, pathlib
from apps.reports.models import Campaign, Import
content = pathlib.Path(os.environ["LIST"]).read_bytes()
Import.objects.create(campaign=Campaign.objects.get(), filename="list.csv", state="queued", content=content,
                      column_map={"url": "url", "reported_at": "reported_at"})
"""


# ----------------------------------------------------------------------------------------- without a database


class Line:
    """The way to the database, which can be cut: a port that hands everything on to its socket."""

    def __init__(self, url: str) -> None:
        import psycopg

        with psycopg.connect(url) as session:
            info = session.info
            self._there = (
                f"{info.host}/.s.PGSQL.{info.port}" if info.host.startswith("/") else (info.host, info.port)
            )
        self._up = threading.Event()
        self._up.set()
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        parts = urlsplit(url)
        self.url = urlunsplit(parts._replace(netloc=f"postgres@127.0.0.1:{self._server.getsockname()[1]}"))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """As if the database had been stopped."""
        self._up.clear()
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._up.set()

    def close(self) -> None:
        self.cut()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()
        for one in self._open:
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._server.accept()
                if not self._up.is_set():
                    here.close()
                    continue
                there = socket.socket(socket.AF_UNIX if isinstance(self._there, str) else socket.AF_INET)
                there.connect(self._there)
                self._open += [here, there]
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=self._hand_on, args=(one, other), daemon=True).start()

    @staticmethod
    def _hand_on(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while content := one.recv(1 << 16):
                other.sendall(content)
        for each in (one, other):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@pytest.mark.postgresql
def test_a_database_that_goes_away_is_waited_for(watching: Site, platform: Platform, tmp_path: Path) -> None:
    watching.must(
        "import_reports", str(platform.list_in(tmp_path, SMALL)), "--campaign", "models", "--create"
    )
    with watching.database() as ask, ExitStack() as stack:
        line = Line(watching.environment["DATABASE_URL"])
        stack.callback(line.close)
        watching.environment["DATABASE_URL"] = line.url
        platform.on_request = lambda number: line.cut() if number == SMALL // 2 else None
        _, port = stack.enter_context(web_server(watching))
        assert get(port, "/")[0] == 200
        checker = stack.enter_context(watching.running("run_checker"))
        platform.wait_for(SMALL // 2)
        for path, words in (
            ("/", "database of this site does not answer"),
            ("/workspace/", "database does not answer"),
        ):
            status, headers, page = get(port, path, Cookie="sessionid=" + "a" * 32)
            assert (status, headers["retry-after"]) == (503, "60")
            assert words in page
            assert "Traceback" not in page
        assert checker.poll() is None
        line.mend()
        wait_for(lambda: ask("SELECT count(*) FROM checks_target WHERE check_count = 0") == [(0,)])
        assert get(port, "/")[0] == 200
        assert ask("SELECT count(*) FROM checks_check") == ask("SELECT sum(check_count) FROM checks_target")
        assert "hold" in watching.must("verify_ledger")
