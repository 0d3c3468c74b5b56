"""`serve` as its users meet it: real processes, a real database, HTTP."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.end_to_end.site import asking
from tests.migrated import Migrated
from tests.test_headers import faults

SECONDS = 120.0  # the longest that a start or a stop is waited for, on a machine that is busy


def free_port(count: int = 1) -> int:
    """A port that is free, with the `count` - 1 ports after it."""
    for port in range(20_000 + os.getpid() % 10_000, 60_000, count):
        probes = []
        try:
            for one in range(port, port + count):
                probe = socket.socket()
                probes.append(probe)
                probe.bind(("127.0.0.1", one))
        except OSError:
            continue
        else:
            return port
        finally:
            for probe in probes:
                probe.close()
    raise AssertionError("no free port")


def descendants(process_id: int) -> list[int]:
    """Every process that descends from one, by the system's table of processes."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state != "Z":
                parents[int(folder.name)] = int(parent)
    found = [process_id]
    for one in found:
        found.extend(child for child, parent in parents.items() if parent == one)
    return found[1:]


def alive(process_ids: list[int]) -> list[int]:
    """Those that still run; one that only waits to be reaped does not."""
    found = []
    for one in process_ids:
        try:
            if Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(one)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


class Serve:
    """One `manage.py serve` and what it says."""

    def __init__(
        self, repository: Path, output: Path, arguments: list[str], environment: dict[str, str]
    ) -> None:
        self._output = output
        with output.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", *arguments],
                cwd=repository,
                env=environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def until_running(self) -> None:
        self.until(lambda: "Stop it with Ctrl-C." in self.output)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


def wrong_password_at(port: int) -> str:
    """The page that answers a wrong password, over a new connection."""
    with requests.Session() as reader:
        page = reader.get(f"http://127.0.0.1:{port}/sign-in/", timeout=10)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token
        form = {"csrfmiddlewaretoken": token[1], "login": "nobody@example.org", "password": "not it"}
        return reader.post(page.url, form, headers={"Referer": page.url}, timeout=10).text


def serving(repository: Path, folder: Path, database_url: str) -> Iterator[Callable[..., Serve]]:
    """Starts `serve` on a database, with `folder`/var for its var/; leaves nothing running."""
    started: list[Serve] = []

    def start(*arguments: str, **environment: str) -> Serve:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(
                ("CLOCK_", "CHECK_", "WEB_", "DEMO", "DJANGO_", "REDIS_URL", "DATABASE_URL")
            )
        }
        own = {"VAR_DIR": str(folder / "var"), "DATABASE_URL": database_url}
        one = Serve(
            repository, folder / f"output-{len(started)}", list(arguments), {**kept, **own, **environment}
        )
        started.append(one)
        return one

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()


@pytest.fixture
def serve(repository: Path, tmp_path: Path, migrated: Migrated) -> Iterator[Callable[..., Serve]]:
    """Starts `serve` on a migrated database of its own without a record."""
    with migrated.copied_to(tmp_path / "var" / "stillup.sqlite3") as url:
        yield from serving(repository, tmp_path, url)


@pytest.fixture
def no_tables(migrated: Migrated) -> Iterator[str]:
    """The DATABASE_URL of a database without tables; an empty text for SQLite."""
    with migrated.new_database() as url:
        yield url


@pytest.fixture
def serve_anew(repository: Path, tmp_path: Path, no_tables: str) -> Iterator[Callable[..., Serve]]:
    """Starts `serve` as somebody does for the first time: there are no tables yet."""
    yield from serving(repository, tmp_path, no_tables)


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.database
def test_it_says_what_runs_answers_and_stops_without_a_trace(serve_anew: Callable[..., Serve]) -> None:
    port = free_port()
    site = serve_anew("--port", str(port))
    site.until_running()
    parts = descendants(site.process.pid)
    assert len(parts) >= 4
    assert f"http://127.0.0.1:{port}/\n" in site.output
    assert re.search(r"database +(SQLite, .*var/stillup\.sqlite3|PostgreSQL, site_)", site.output)

    assert get(f"http://127.0.0.1:{port}/")[0] == 200
    link = re.search(r"http://\S+/sign-in/\S+", site.output)
    assert link is not None
    assert get(link[0])[0] == 200

    assert site.stop() == 0
    assert site.output.rstrip().endswith("Stopped.")
    assert alive(parts) == []
    assert "Traceback" not in site.output


@pytest.mark.database
def test_ctrl_c_stops_it_and_an_unused_link_is_offered_again(
    serve: Callable[..., Serve],
) -> None:
    for _ in range(2):
        site = serve("--port", str(free_port()))
        site.until_running()
        assert "/sign-in/" in site.output
        assert site.stop(signal.SIGINT) == 0


@pytest.mark.database
def test_with_a_queue_it_runs_a_scheduler_and_workers(serve: Callable[..., Serve], valkey_url: str) -> None:
    port = free_port()
    site = serve("--port", str(port), REDIS_URL=valkey_url)
    site.until_running()
    assert "a scheduler and 2 workers" in site.output
    commands = [
        Path(f"/proc/{one}/cmdline").read_text().replace("\0", " ") for one in descendants(site.process.pid)
    ]
    assert any("rqcron" in command for command in commands)
    assert any("rqworker-pool" in command for command in commands)
    assert any("--workers 2" in command for command in commands), "of the web server"
    refused = ["Too many attempts" in wrong_password_at(port) for _ in range(6)]
    assert refused == [False] * 5 + [True], "they count attempts together"
    parts = descendants(site.process.pid)
    assert site.stop() == 0, site.output
    assert alive(parts) == []


def test_in_production_it_sits_behind_a_proxy_that_ends_tls(serve: Callable[..., Serve]) -> None:
    port = free_port()
    site = serve(
        *("--port", str(port)),
        PRODUCTION="1",
        SECRET_KEY="x" * 50,
        ALLOWED_HOSTS="still-up.example.org",
        SITE_URL="https://still-up.example.org",
        BEHIND_PROXY="1",
    )
    site.until_running()
    assert "https://still-up.example.org/sign-in/" in site.output

    def ask(path: str = "/", **headers: str) -> tuple[http.client.HTTPResponse, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers={"Host": "still-up.example.org", **names})
        response = connection.getresponse()
        page = response.read().decode()
        connection.close()
        return response, page

    plain, _ = ask()
    assert (plain.status, plain.getheader("Location")) == (301, "https://still-up.example.org/")
    secure, page = ask(X_Forwarded_Proto="https")
    assert secure.status == 200
    assert "max-age=31536000" in (secure.getheader("Strict-Transport-Security") or "")
    style = re.search(r"/static/still-up\.[0-9a-f]{12}\.css", page)
    assert style
    sheet, _ = ask(style[0], X_Forwarded_Proto="https")
    door, _ = ask("/sign-in/", X_Forwarded_Proto="https")
    for answer, status in ((sheet, 200), (door, 200), (ask("/no", X_Forwarded_Proto="https")[0], 404)):
        assert (answer.status, list(faults("/static/", answer.status, answer.headers))) == (status, [])
    cookie = door.getheader("Set-Cookie") or ""
    assert cookie.startswith("__Host-csrf=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))

    # An upload that no form takes is refused before it is sent.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("POST", "/sign-in/", skip_host=True)
    for name, value in (("Host", "still-up.example.org"), ("X-Forwarded-Proto", "https")):
        connection.putheader(name, value)
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()

    # Nothing that a visitor asks for is in the log.
    ask("/zq-path/anna@example.org?zq-query=1", X_Forwarded_Proto="https", Referer="https://zq-site.example/")
    assert site.stop() == 0
    assert "zq-" not in site.output
    assert "anna@" not in site.output


def test_nothing_is_left_when_it_is_killed_hard(serve: Callable[..., Serve]) -> None:
    site = serve("--port", str(free_port()))
    site.until_running()
    parts = descendants(site.process.pid)
    site.process.kill()
    site.process.wait()
    deadline = time.monotonic() + SECONDS
    while alive(parts) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(parts) == []


def test_a_part_that_dies_ends_it_with_a_sentence(serve: Callable[..., Serve]) -> None:
    site = serve("--port", str(free_port()))
    site.until_running()
    (checker,) = [
        one
        for one in descendants(site.process.pid)
        if Path(f"/proc/{one}/cmdline").read_text().split("\0")[-2:] == ["run_checker", ""]
        and "lifeline" not in Path(f"/proc/{one}/cmdline").read_text()
    ]
    os.kill(checker, signal.SIGKILL)
    assert site.process.wait(SECONDS) == 1
    assert "The checker ended by itself (exit code 137)." in site.output


def sentence(site: Serve) -> str:
    assert site.process.wait(SECONDS) == 1, site.output
    assert "Traceback" not in site.output
    return site.output.strip()


def test_a_port_in_use_is_one_sentence(serve: Callable[..., Serve]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = f"CommandError: Port {port} on 127.0.0.1 is in use. Stop what uses it, or choose another with"
        said = sentence(serve("--port", str(port)))
        assert said.startswith(f"{words} --port ")
        said = sentence(serve("--port", str(free_port()), "--demo", "--demo-port", str(port)))
        assert said.startswith(f"{words} --demo-port ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "0"], "--port is 0. Write a port from 1 to 65535."),
        (["--host", "no such host"], "--host is 'no such host', which is no address."),
        (["--host", "192.0.2.1"], "192.0.2.1 is not an address of this machine."),
        (["--demo", "--port", "8766"], "--demo-port 8765 takes the ports 8765 and 8766, and --port is"),
    ],
)
def test_a_wrong_address_is_one_sentence(
    serve: Callable[..., Serve], arguments: list[str], words: str
) -> None:
    assert words in sentence(serve(*arguments))


def test_a_folder_that_cannot_be_written_is_one_sentence(serve: Callable[..., Serve], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "var"
    said = sentence(serve("--port", str(free_port()), VAR_DIR=str(folder), SECRET_KEY="x" * 50))
    assert said == (
        f"CommandError: Cannot write to {folder} (Not a directory). Make it writable for this user, or set "
        "VAR_DIR to a folder that is."
    )


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "The database does not answer: "),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "Redis does not answer: "),
    ],
)
def test_a_service_that_does_not_answer_is_one_sentence(
    serve: Callable[..., Serve], setting: dict[str, str], words: str
) -> None:
    said = sentence(serve("--port", str(free_port()), **setting))
    assert said.startswith(f"CommandError: {words}")
    assert len(said.splitlines()) == 1


def test_a_demo_in_production_is_one_sentence(serve: Callable[..., Serve]) -> None:
    said = sentence(
        serve("--demo", PRODUCTION="1", SECRET_KEY="x" * 50, ALLOWED_HOSTS="still-up.example.org")
    )
    assert said == "CommandError: The demo cannot run in production. Unset PRODUCTION."


@pytest.mark.database
def test_the_demo_plays_and_keeps_the_database_of_the_last_one(
    serve_anew: Callable[..., Serve], tmp_path: Path, no_tables: str
) -> None:
    port = free_port(6)
    demo_port = port + 1
    ports = ["--port", str(port), "--demo-port", str(demo_port)]
    site = serve_anew(*ports, "--demo", CLOCK_SPEED="60000")
    site.until_running()
    # There are hours in the story, a moment long, in which the platform turns everybody away.
    site.until(lambda: get(f"http://127.0.0.1:{demo_port}/example-models/welcome")[0] == 200)
    shown = {**os.environ, "DEMO": "1", "VAR_DIR": str(tmp_path / "var"), "DATABASE_URL": no_tables}

    def status() -> str:
        finished = subprocess.run(
            [sys.executable, "manage.py", "status", "example-models", "--jsonl"],
            cwd=Path(__file__).resolve().parents[2],
            env=shown,
            capture_output=True,
            text=True,
            check=False,
        )
        return finished.stdout

    with asking(no_tables, tmp_path / "var" / "demo.sqlite3") as ask:
        site.until(lambda: ask("SELECT count(*) FROM checks_target WHERE status = 'removed'") != [(0,)])
    assert '"status": "removed"' in status()
    assert site.stop() == 0, site.output
    assert "Traceback" not in site.output
    if no_tables:
        said = sentence(serve_anew(*ports, "--demo"))
        assert "The demo needs an empty database" in said
    else:
        kept = tmp_path / "var" / "demo.sqlite3"
        shutil.copy(kept, tmp_path / "copy")
        again = serve_anew(*ports, "--demo")
        again.until_running()
        beside = serve_anew("--port", str(port + 3), "--demo-port", str(port + 4), "--demo")
        assert sentence(beside).startswith("CommandError: Another demo runs with the files in ")
        assert kept.with_suffix(".previous.sqlite3").read_bytes() == (tmp_path / "copy").read_bytes()
