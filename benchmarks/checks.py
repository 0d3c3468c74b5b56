"""Checks per second, beside link checkers: `python benchmarks/checks.py [URLs] [setting ...]`.

A server on fifty loopback addresses answers in turn with a page of 30 kB, 404, 301 to such a page, 410 and
451. The settings: `instant`; `latency`, where each answer takes 100 ms; `tls`, with a new connection and a
whole handshake for each request; and `hanging`, which is `latency` with one of the fifty addresses that never
answers, and takes the time until all the others are done. Without arguments all four, with 1,500 URLs. All of
it happens on this machine: nothing else is asked.

"Still Up" is the whole of a check, by the runner that `serve` and `recheck` use: lease, gate, fetch,
comparison with an address that cannot exist, verdict, digest, record, status. It has a new SQLite database
and a new PostgreSQL (from the wheel that the tests use; or the empty one that DATABASE_URL names), and is run
in one process and in as many as there are cores. "Fetching only" is its fetcher with as many threads, and
nothing else.

Beside it, as far as they are found in PATH or in the folders that PEERS names (with ":" between them):
LinkChecker, lychee, linkinator, and `curl --parallel` as the ceiling; and requests with one Session. Needs
nginx. Prints tables in Markdown, of the medians of three runs. A peer's time is that of its run less that of
a run with one URL, and ours begins when its processes are ready: what it takes to start counts for nobody.
Where answers take a while, the server counts how many requests were under way at once: with N and answers
after t seconds, nobody can have more than N / t requests answered a second.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import multiprocessing
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TextIO, cast

from shared import Environment, again, databases, headings, machine, migrate, prepare, row, say

RUNS = 3
HOSTS = 50
HANGING = HOSTS  # the last of them, in the setting of that name
AT_ONCE_AT_A_HOST = 2  # CHECK_HOST_CONCURRENCY's usual value
LATENCY = 0.1  # seconds
BODY_BYTES = 30_000
KINDS = ("page", "missing", "moved", "gone", "legal")
STATUSES = {"page": "200 OK", "gone": "410 Gone", "legal": "451 Unavailable For Legal Reasons"}
SLOW_SHARE = 10  # a tool that manages little is given this part of the URLs
OF_CERTIFICATES = {"CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"}
"""Variables that say what is trusted, in place of the options."""
FEWEST = HOSTS * len(KINDS)  # URLs: every host has every kind
PATIENCE = 2.0  # seconds, for the server's log
LIMIT = 120.0  # seconds for one run of a tool
PROCESSES = max(os.cpu_count() or 1, 1)
SERVERS = 2  # processes of the server


@dataclass(frozen=True, slots=True)
class Setting:
    """How the server answers, and how many requests are under way at once, for everybody."""

    name: str
    at_once: int
    latency: float = 0.0
    tls: bool = False
    hangs: bool = False

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"


SETTINGS = (
    Setting("instant", at_once=16),
    Setting("latency", at_once=100, latency=LATENCY),
    Setting("tls", at_once=16, tls=True),
    Setting("hanging", at_once=100, latency=LATENCY, hangs=True),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One run: URLs a second, and the peak memory of its processes added up, in megabytes.

    `most` is how many requests were under way at once, where the server waits before it answers.
    """

    rate: float
    megabytes: float
    most: int = 0


# ----------------------------------------------------------------------------------------------------- server


def address(host: int) -> str:
    """The loopback address of the first, second, ... host."""
    return f"127.0.1.{host}"


def host_of(number: int) -> int:
    """Which host a URL is on, by its number."""
    return 1 + number % HOSTS


def url_of(number: int, place: Place) -> str:
    """The URL of a number: on each host all kinds take turns."""
    kind = KINDS[number // HOSTS % len(KINDS)]
    return f"{place.setting.scheme}://{address(host_of(number))}:{place.port}/{kind}/{number}"


def page() -> bytes:
    """A page of 30 kB such as sites have: headings, paragraphs with links, a menu, a style and a script."""
    chance = random.Random(6)  # noqa: S311 - the same page in every run
    words = ["".join(chance.choices("aeioubdlmnrst", k=chance.randint(2, 9))) for _ in range(2000)]

    def text(count: int) -> str:
        return " ".join(chance.choices(words, k=count))

    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>An example page</title>",
        f"<style>{' '.join(f'.{word}{{margin:0}}' for word in words[:150])}</style>",
        f"<script>const names={json.dumps(words[:300])};</script></head><body><nav><ul>",
        *(f'<li class="entry"><a href="/page/{n}">{text(2)}</a></li>' for n in range(60)),
        "</ul></nav><main><h1>An example page</h1>",
    ]
    size = sum(map(len, parts))
    while size < BODY_BYTES - 400:
        link = f'<a href="/page/1"><b>{text(3)}</b></a>'
        part = f'<h2>{text(4)}</h2><p class="text">{text(25)} {link}. {text(20)}</p>'
        parts.append(part)
        size += len(part)
    end = "</main></body></html>"
    return ("".join(parts) + " " * (BODY_BYTES - size - len(end)) + end).encode()


NGINX = """
{user}
daemon off;
worker_processes {servers};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    log_format number "$request_uri";
    access_log {folder}/asked.log number;
    keepalive_requests 1000000000;
    keepalive_timeout {keep}s;
    absolute_redirect off;
    open_file_cache max=10;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        {listen}
        {tls}
        root {folder}/files;
        default_type text/html;
        location ~ "^/page/[0-9]{{1,9}}$" {{ try_files /page.html =404; }}
        location ~ "^/moved/([0-9]{{1,9}})$" {{ return 301 /page/$1; }}
        location ~ "^/gone/[0-9]{{1,9}}$" {{ return 410; }}
        location ~ "^/legal/[0-9]{{1,9}}$" {{ return 451; }}
        location / {{ return 404; }}
    }}
}}
"""


@dataclass(frozen=True)
class Place:
    """Where a setting's server answers, and how it can be told which URLs it has answered."""

    setting: Setting
    port: int
    authority: str = ""  # the file of the certificate authority, for TLS
    seen: mmap.mmap | None = None  # a byte for each number of a URL
    waiting: memoryview | None = None  # how many requests each of the server's processes has; the most of all
    log: Path | None = None  # a line with the path for each answer

    def most_waiting(self) -> int:
        """How many requests waited for their answers at once since this was asked last, at most."""
        if self.waiting is None:
            return 0
        most, self.waiting[SERVERS] = self.waiting[SERVERS], 0
        return int(most)

    def answered(self, numbers: Sequence[int]) -> int:
        """How many of these URLs have been answered to their end."""
        if self.seen is not None:
            return sum(self.seen[number] for number in numbers)
        found = self.log.read_text().split() if self.log is not None else []
        paths = {path.rpartition("/")[2] for path in found}
        return sum(str(number) in paths for number in numbers)

    def has_answered(self, numbers: Sequence[int]) -> bool:
        """Whether all of them have been answered; what is written down may come a little after the answer."""
        until = time.monotonic() + PATIENCE
        while self.answered(numbers) < len(numbers):
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True


@contextmanager
def serving(setting: Setting, folder: Path, *, most: int) -> Iterator[Place]:
    """The setting's server while it runs, in processes of its own; `most` is the highest number of a URL."""
    if setting.latency:
        with asyncio_server(setting, most=most) as place:
            yield place
    else:
        with nginx(setting, folder) as place:
            yield place


@contextmanager
def nginx(setting: Setting, folder: Path) -> Iterator[Place]:
    """nginx, which answers at once."""
    port = free_port()
    files = folder / "files"
    files.mkdir(exist_ok=True)
    (files / "page.html").write_bytes(page())
    authority, tls = "", ""
    if setting.tls:
        authority, tls = certificate(folder)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        NGINX.format(
            user="user root;" if os.geteuid() == 0 else "",
            servers=SERVERS,
            folder=folder,
            keep=0 if setting.tls else 60,
            listen="\n".join(
                f"listen {address(host)}:{port}{' ssl' * setting.tls} backlog=4096;"
                for host in range(1, HOSTS + 1)
            ),
            tls=tls,
        )
    )
    process = subprocess.Popen(
        ["nginx", "-p", str(folder), "-c", str(configuration), "-e", str(folder / "error.log")]
    )
    try:
        wait_for(port)
        yield Place(setting, port, authority, log=folder / "asked.log")
    finally:
        process.terminate()
        process.wait()


def certificate(folder: Path) -> tuple[str, str]:
    """A certificate for all the addresses: the file of its authority, and nginx's lines."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    own = authority.issue_cert(*(address(host) for host in range(1, HOSTS + 1)))
    own.private_key_pem.write_to_path(str(folder / "key.pem"))
    for number, part in enumerate(own.cert_chain_pems):
        part.write_to_path(str(folder / "certificate.pem"), append=number > 0)
    lines = (
        f"ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;"
        " ssl_session_cache off; ssl_session_tickets off;"
    )
    return str(folder / "authority.pem"), lines


@contextmanager
def asyncio_server(setting: Setting, *, most: int) -> Iterator[Place]:
    """A server that answers after a while, or on one address not at all; its processes share its sockets."""
    port = free_port()
    seen = mmap.mmap(-1, most + 1)
    waiting = memoryview(mmap.mmap(-1, 4 * (SERVERS + 1))).cast("i")
    sockets = [socket.create_server((address(host), port), backlog=4096) for host in range(1, HOSTS + 1)]
    fork = multiprocessing.get_context("fork")
    processes = [
        fork.Process(target=answer_late, args=(sockets, setting, seen, waiting, place), daemon=True)
        for place in range(SERVERS)
    ]
    for process in processes:
        process.start()
    for one in sockets:
        one.close()
    try:
        yield Place(setting, port, seen=seen, waiting=waiting)
    finally:
        for process in processes:
            process.kill()
            process.join()


def answer_late(
    sockets: Sequence[socket.socket], setting: Setting, seen: mmap.mmap, waiting: memoryview, place: int
) -> None:
    """Serve until killed, as the process of a place among those that do."""
    body = page()

    class Late(asyncio.Protocol):
        transport: asyncio.Transport

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.Transport, transport)
            self.silent = setting.hangs and transport.get_extra_info("sockname")[0] == address(HANGING)
            self.unread = b""

        def data_received(self, data: bytes) -> None:
            self.unread += data
            while b"\r\n\r\n" in self.unread and not self.silent:
                head, _, self.unread = self.unread.partition(b"\r\n\r\n")
                method, target, _ = head.split(b" ", 2)
                waiting[place] += 1
                waiting[SERVERS] = max(waiting[SERVERS], sum(waiting[:SERVERS]))
                loop.call_later(setting.latency, self.answer, method == b"HEAD", target.decode())

        def answer(self, head_only: bool, target: str) -> None:
            waiting[place] -= 1
            kind, _, number = target.strip("/").partition("/")
            known = number.isdigit() and len(number) < 10
            location = f"Location: /page/{number}\r\n" if known and kind == "moved" else ""
            status = STATUSES.get(kind, "404 Not Found") if known else "404 Not Found"
            content = body if status.startswith("200") else b"<!doctype html><title>Nothing here</title>"
            head = (
                f"HTTP/1.1 {'301 Moved Permanently' if location else status}\r\nContent-Type: text/html\r\n"
                f"{location}Content-Length: {len(content)}\r\n\r\n"
            )
            self.transport.write(head.encode() + (b"" if head_only else content))
            if known and not location and int(number) < len(seen):
                seen[int(number)] = 1

    async def main() -> None:
        for one in sockets:
            await loop.create_server(Late, sock=one)
        await asyncio.Event().wait()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((address(1), 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Return once somebody listens there."""
    until = time.monotonic() + 30
    while True:
        with suppress(OSError), socket.create_connection((address(1), port), timeout=1):
            return
        if time.monotonic() > until:
            raise SystemExit("nginx did not start.")
        time.sleep(0.02)


# ------------------------------------------------------------------------------------------------------- ours


def checker(way: str) -> None:
    """A process of ours: says "ready", waits for a line, and prints how many it has done whenever it has.

    When it has nothing more to do it waits for the end of its input. `way` is "checks" for the runner on what
    is due, after it has begun to watch the URLs of a first line, or "fetching" for the fetcher on these URLs.
    """
    prepare()
    from django.conf import settings

    from apps.checks.answer import Ask
    from apps.checks.fetch import Fetcher
    from apps.checks.runner import Runner

    warm_up()
    stop = threading.Event()
    urls = sys.stdin.readline().split()
    if way == "checks":
        watch(urls)
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        runner = Runner(stop=stop, on_recorded=lambda outcomes: say(str(outcomes.total())))
        say("ready")
        sys.stdin.readline()
        runner.run_due()
    else:
        asks = [Ask("page", url) for url in urls]
        with Fetcher() as fetcher, ThreadPoolExecutor(settings.CHECK_CONCURRENCY) as pool:
            say("ready")
            sys.stdin.readline()
            for future in as_completed([pool.submit(fetcher, ask) for ask in asks]):
                say(str(int(future.result().status is not None)))
    sys.stdin.read()


def warm_up() -> None:
    """Read the definitions and rules, as the first check of a process does."""
    from apps.checks.answer import Answer, Ask
    from apps.checks.observe import observe
    from apps.checks.siblings import Siblings
    from apps.core import clock
    from apps.core.canonical import canonicalise

    def answer(ask: Ask) -> Answer:
        return Answer(ask, clock.now(), clock.now(), status=200, headers={"content-type": "text/html"})

    observe(canonicalise(f"http://{address(1)}/"), fetch=answer, seen_available=False, siblings=Siblings())


def watch(urls: Sequence[str]) -> None:
    """Watch these URLs; whatever was watched before is not due any more."""
    from apps.checks.models import Target
    from apps.checks.services import Wanted, watch_targets
    from apps.core import clock
    from apps.core.canonical import canonicalise
    from apps.platforms.matching import match

    if not urls:
        return
    Target.objects.update(next_check_at=None)
    watch_targets(Wanted(match(canonicalise(url)), clock.now()) for url in urls)


def settings_for(place: Place, environment: Environment) -> dict[str, str]:
    """The environment in which the checker may ask this machine, as fast as it can."""
    return {
        **environment,
        "CHECK_ALLOW_NETWORKS": "127.0.0.0/8",
        "CHECK_ALLOW_PORTS": str(place.port),
        "CHECK_HOST_INTERVAL": "0",
        "CHECK_HOST_CONCURRENCY": str(AT_ONCE_AT_A_HOST),
        **({"CHECK_CA_BUNDLE": place.authority} if place.authority else {}),
    }


@dataclass
class Process:
    """A process of ours, and the peak of its memory in megabytes."""

    process: subprocess.Popen[str]
    input: TextIO
    output: TextIO
    megabytes: float = 0.0

    @classmethod
    def start(cls, command: Sequence[str], environment: Environment) -> Process:
        """Started, but waiting for a line."""
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, env=environment, text=True, stdin=pipe, stdout=pipe)
        return cls(process, cast(TextIO, process.stdin), cast(TextIO, process.stdout))

    def say(self, line: str) -> None:
        self.input.write(f"{line}\n")
        self.input.flush()

    def end(self) -> None:
        """Ask it to stop, if it has not ended by itself, and wait for that."""
        self.megabytes = peak_of(self.process.pid)
        self.process.terminate()
        self.process.communicate()


def ours(way: str, processes: int, environment: Environment, place: Place, numbers: Sequence[int]) -> Run:
    """One run of the whole pipeline, or of the fetcher alone."""
    threads = -(-place.setting.at_once // processes)
    settings = {**settings_for(place, environment), "CHECK_CONCURRENCY": str(threads)}
    urls = [url_of(number, place) for number in numbers]
    expected = len(numbers)
    if place.setting.hangs:
        expected -= sum(host_of(number) == HANGING for number in numbers)
    command = [sys.executable, sys.argv[0], "--checker", way]
    started = [Process.start(command, settings) for _ in range(processes)]
    done, lock, finished = 0, threading.Lock(), threading.Event()

    def listen(process: Process) -> None:
        nonlocal done
        for line in process.output:
            with lock:
                done += int(line)
                if done >= expected:
                    finished.set()

    for number, process in enumerate(started):
        if way == "fetching":
            process.say(" ".join(urls[number::processes]))
        else:
            process.say(" ".join(urls) if number == 0 else "")  # the first watches them for all
    for process in started:
        process.output.readline()
    listeners = [threading.Thread(target=listen, args=(process,), daemon=True) for process in started]
    for listener in listeners:
        listener.start()
    begun = time.monotonic()
    for process in started:
        process.say("go")
    in_time = finished.wait(LIMIT)
    seconds = time.monotonic() - begun
    for process in started:
        process.end()
    if not in_time:
        raise SystemExit(f"Only {done} of {expected} were done within {LIMIT:.0f} s.")
    return Run(expected / seconds, sum(process.megabytes for process in started))


def peak_of(process: int) -> float:
    """What a running process had at most so far, in megabytes; 0 where it has ended."""
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


# ------------------------------------------------------------------------------------------------------ peers


@dataclass(frozen=True)
class Peer:
    """A tool that checks URLs: how it is called, and which part of the URLs it is given."""

    name: str
    program: str
    command: Callable[[str, Path, Place], list[str]]  # its path, a folder with urls.txt and urls.html
    share: int = 1
    environment: dict[str, str] = field(default_factory=dict)


def linkchecker(program: str, folder: Path, place: Place) -> list[str]:
    """LinkChecker with the threads, without its brake of ten requests a second, and without recursion."""
    configuration = folder / "linkchecker.ini"
    configuration.write_text(
        f"[checking]\nthreads={place.setting.at_once}\nmaxrequestspersecond=1000000\nrobotstxt=0\n"
        + (f"sslverify={place.authority}\n" if place.authority else "")
        + "[output]\nstatus=0\nlog=none\n"
    )
    urls = (folder / "urls.txt").read_text().split()
    return [program, "-f", str(configuration), "-r0", *urls]


def lychee(program: str, folder: Path, place: Place) -> list[str]:
    """lychee with that many requests at once, without its pause between requests, and without repeats."""
    at_once = str(place.setting.at_once)
    return [
        *(program, "--no-progress", "--quiet", "--quiet", "--max-retries", "0", "--format", "json"),
        *("--max-concurrency", at_once, "--host-concurrency", at_once, "--host-request-interval", "0ms"),
        *(["--insecure"] if place.setting.tls else []),
        str(folder / "urls.txt"),
    ]


def linkinator(program: str, folder: Path, place: Place) -> list[str]:
    """linkinator on a page of the URLs as links, which it asks with HEAD."""
    return [
        *(program, str(folder / "urls.html"), "--concurrency", str(place.setting.at_once)),
        *("--format", "json", "--verbosity", "none"),
        *(["--allow-insecure-certs"] if place.setting.tls else []),
    ]


def curl(program: str, folder: Path, place: Place) -> list[str]:
    """curl with that many transfers at once."""
    urls = (folder / "urls.txt").read_text().split()
    configuration = folder / "curl.txt"
    configuration.write_text("".join(f'url = "{url}"\noutput = /dev/null\n' for url in urls))
    return [
        *(program, "--silent", "--location", "--parallel", "--parallel-immediate"),
        *("--parallel-max", str(place.setting.at_once), "--config", str(configuration)),
        *(["--cacert", place.authority] if place.authority else []),
    ]


def plain_requests(program: str, folder: Path, place: Place) -> list[str]:
    """requests with one Session, as it comes."""
    at_once = str(place.setting.at_once)
    return [
        program,
        str(Path(__file__).resolve()),
        "--requests",
        str(folder / "urls.txt"),
        at_once,
        place.authority or "-",
    ]


def ask_with_requests(file: str, at_once: str, authority: str) -> None:
    """What `plain_requests` runs."""
    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.verify = authority if authority != "-" else True
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=HOSTS, pool_maxsize=int(at_once)))
    with ThreadPoolExecutor(int(at_once)) as pool:
        list(pool.map(lambda url: len(session.get(url, timeout=20).content), Path(file).read_text().split()))


PEERS = (
    Peer("LinkChecker", "linkchecker", linkchecker, share=SLOW_SHARE),
    Peer("linkinator", "linkinator", linkinator),
    Peer("lychee", "lychee", lychee),
    Peer("requests", sys.executable, plain_requests, share=4),
    Peer("curl --parallel", "curl", curl),
)


def where(peer: Peer) -> str | None:
    """The program of a peer, if it is there."""
    return shutil.which(peer.program, path=f"{os.environ.get('PEERS', '')}:{os.environ['PATH']}")


def theirs(
    peer: Peer, program: str, folder: Path, place: Place, numbers: Sequence[int]
) -> tuple[float, float]:
    """One run of a peer on these URLs: seconds, and megabytes."""
    urls = [url_of(number, place) for number in numbers]
    (folder / "urls.txt").write_text("\n".join(urls) + "\n")
    links = "".join(f'<li><a href="{url}">{url}</a></li>' for url in urls)
    (folder / "urls.html").write_text(f"<!doctype html><title>Links</title><ul>{links}</ul>")
    command = peer.command(program, folder, place)
    others = [number for number in numbers if host_of(number) != HANGING]
    begun = time.monotonic()
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in OF_CERTIFICATES},
    )
    megabytes = waited = 0.0
    while process.poll() is None and waited < LIMIT:
        if place.setting.hangs and place.answered(others) == len(others):
            break
        megabytes = max(megabytes, peak_of(process.pid))
        time.sleep(0.002)
        waited = time.monotonic() - begun
    seconds = time.monotonic() - begun
    process.kill()
    process.wait()
    if waited < LIMIT and not place.has_answered(others):
        raise SystemExit(f"{peer.name} did not ask for all {len(others)} URLs.")
    return (seconds if waited < LIMIT else float("inf")), megabytes


def run_of(peer: Peer, program: str, folder: Path, place: Place, numbers: Sequence[int]) -> Run:
    """One run of a peer, without what it takes to start."""
    first = next(number for number in numbers if host_of(number) != HANGING)
    numbers = numbers[: max(len(numbers) // peer.share, FEWEST)]
    start, _ = theirs(peer, program, folder, place, [first])
    if place.seen is not None:
        place.seen[:] = bytes(len(place.seen))
    seconds, megabytes = theirs(peer, program, folder, place, numbers)
    if place.setting.hangs:
        numbers = [number for number in numbers if host_of(number) != HANGING]
    return Run(len(numbers) / max(seconds - start, 0.001), megabytes)


# ---------------------------------------------------------------------------------------- the program itself


Way = Callable[[Place, Path, Sequence[int]], Run]


def ways(found: dict[str, Environment]) -> dict[str, Way]:
    """All that is measured, by name, in the order of the table."""

    def checks(processes: int, environment: Environment) -> Way:
        return lambda place, _, numbers: ours("checks", processes, environment, place, numbers)

    def fetching(processes: int) -> Way:
        return lambda place, _, numbers: ours("fetching", processes, os.environ, place, numbers)

    def peer(one: Peer, program: str) -> Way:
        return lambda place, folder, numbers: run_of(one, program, folder, place, numbers)

    named: dict[str, Way] = {}
    counts = sorted({1, PROCESSES})
    for database, environment in found.items():
        named |= {f"Still Up, {database}, {in_words(n)}": checks(n, environment) for n in counts}
    named |= {fetching_only(n): fetching(n) for n in counts}
    named |= {one.name: peer(one, program) for one in PEERS if (program := where(one))}
    return named


def in_words(processes: int) -> str:
    return "1 process" if processes == 1 else f"{processes} processes"


def fetching_only(processes: int) -> str:
    return f"Fetching only, {in_words(processes)}"


def measure(setting: Setting, named: dict[str, Way], folder: Path, count: int) -> dict[str, Run]:
    """The medians of the runs in one setting, by name."""
    runs: dict[str, list[Run]] = {name: [] for name in named}
    starts = range(0, RUNS * len(named) * count, count)  # no run meets a target of another
    with serving(setting, folder, most=starts.stop) as place:
        for start, (name, way) in zip(starts, [*named.items()] * RUNS, strict=True):
            place.most_waiting()
            run = way(place, folder, range(start, start + count))
            runs[name].append(replace(run, most=place.most_waiting()))
    return {
        name: Run(
            statistics.median(one.rate for one in some),
            statistics.median(one.megabytes for one in some),
            round(statistics.median(one.most for one in some)),
        )
        for name, some in runs.items()
    }


def show(setting: Setting, found: dict[str, Run]) -> None:
    """A table of one setting."""
    peers = [one.name for one in PEERS if one.name in found]
    say(f"\n### {setting.name}, {setting.at_once} at once\n")
    counted = ["most under way"] if setting.latency else []
    headings("tool", "URLs/s", *(f"/ {name}" for name in peers), "peak memory, MB", *counted)
    for name, run in found.items():
        ratios = (f"{run.rate / found[peer].rate:.2f}" for peer in peers)
        row(name, f"{run.rate:,.0f}", *ratios, f"{run.megabytes:.0f}", *(f"{run.most:,}" for _ in counted))


def conclude(found: dict[str, dict[str, Run]]) -> None:
    """What the pipeline costs beside the fetch, and what a host that hangs costs the others."""
    say("\n### The pipeline around the fetch, and one host that hangs\n")
    headings("Still Up", *(f"{name}: time beside fetching only" for name in found), "hanging / latency")
    for name in next(iter(found.values())):
        if not name.startswith("Still Up"):
            continue
        processes = int(re.findall(r"(\d+) process", name)[0])
        shares = (f"{one[fetching_only(processes)].rate / one[name].rate - 1:+.0%}" for one in found.values())
        both = found.keys() >= {"latency", "hanging"}
        beside = found["hanging"][name].rate / found["latency"][name].rate if both else 0
        row(name, *shares, f"{beside:.2f}" if both else "")


def versions() -> Iterator[str]:
    """What was measured."""
    import ssl

    for package in ("requests", "urllib3", "Django"):
        yield f"{package} {version(package)}"
    yield ssl.OPENSSL_VERSION
    for program, option in (("nginx", "-v"), *((one.program, "--version") for one in PEERS)):
        path = where(Peer("", program, curl))
        if path and program != sys.executable:
            said = subprocess.run([path, option], capture_output=True, text=True, check=False)
            found = re.search(r"\d+\.\d+\S*", said.stdout + said.stderr)
            yield f"{program} {found[0] if found else '?'}"
        elif not path:
            yield f"{program} is not there"


def main(*arguments: str) -> None:
    """Measure, in all settings or in those that are named."""
    if shutil.which("nginx") is None:
        raise SystemExit("Missing: nginx. On Debian: apt-get install nginx")
    count = next((int(one) for one in arguments if one.isdigit()), 1500)
    count += -count % FEWEST
    chosen = [one for one in SETTINGS if one.name in arguments] or SETTINGS
    say(f"{machine()}; {', '.join(versions())}.")
    say(f"Medians of {RUNS} runs of {count:,} URLs on {HOSTS} addresses.")
    found = {}
    with tempfile.TemporaryDirectory() as name, databases(name) as environments:
        folder = Path(name)
        folder.chmod(0o755)  # the servers and LinkChecker are other users where we are root
        for environment in environments.values():
            again("--migrate", environment=environment)
        named = ways(environments)
        for setting in chosen:
            found[setting.name] = measure(setting, named, folder, count)
            show(setting, found[setting.name])
    conclude(found)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--migrate"]:
            migrate()
        case ["--checker", way]:
            checker(way)
        case ["--requests", file, at_once, authority]:
            ask_with_requests(file, at_once, authority)
        case arguments:
            main(*arguments)
