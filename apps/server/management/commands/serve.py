"""`manage.py serve`: everything that a running site needs, started and stopped together."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from apps.accounts.models import Person
from apps.accounts.services import create_first_administrator
from apps.accounts.sign_in import sign_in_link
from apps.reports.models import Campaign
from apps.server import demo_mode, parts
from apps.server.supervisor import Part, PartEnded, Supervisor

READY_SECONDS = 30.0


class Command(BaseCommand):
    help = (
        "Run the site: the web server and the checker, on SQLite in var/ unless DATABASE_URL and REDIS_URL "
        "say otherwise. Ctrl-C stops it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: 8000)")
        parser.add_argument(
            "--demo",
            action="store_true",
            help="play a story of 30 days in 3 minutes, with a simulated platform and a database of its own",
        )
        parser.add_argument(
            "--demo-port",
            type=int,
            default=8765,
            help="port of the simulated platform; the next one is used, too (default: 8765)",
        )

    def handle(self, *args: Any, host: str, port: int, demo: bool, demo_port: int, **options: Any) -> None:
        """Run until stopped.

        1. See that everything can run; say in one sentence what cannot.
        2. Bring the database up to date, and make the first administrator.
        3. Start the parts, and say on one screen what runs.
        4. Wait for Ctrl-C, SIGTERM or the end of a part; then stop them all.
        """
        if demo and not settings.DEMO:
            self._start_again_as_demo()
        try:
            self._require_all(host, port, demo_port)
            self._prepare()
            administrator = self._administrator()
        except parts.CannotServe as error:
            raise CommandError(str(error)) from error
        self._run(host, port, demo_port, administrator)

    def _start_again_as_demo(self) -> None:
        """Settings are read once, at the start: so start again, with the demo on."""
        if settings.PRODUCTION:
            raise CommandError("The demo cannot run in production. Unset PRODUCTION.")
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "DEMO": "1"})  # noqa: S606

    def _require_all(self, host: str, port: int, demo_port: int) -> None:
        if settings.DEMO and port in (demo_port, demo_port + 1):
            raise parts.CannotServe(
                f"--demo-port {demo_port} takes the ports {demo_port} and {demo_port + 1}, and --port is "
                f"one of them. Choose another with --demo-port {demo_port + 10}."
            )
        parts.require_clock()
        parts.require_free_port(host, port, option="--port")
        if settings.DEMO:
            for one in (demo_port, demo_port + 1):
                parts.require_free_port("127.0.0.1", one, option="--demo-port")
        parts.require_writable(settings.VAR_DIR)
        parts.require_redis()
        if settings.DEMO:
            self._lock = demo_mode.lock()
            if connection.vendor == "sqlite":
                demo_mode.put_previous_database_aside()
        parts.require_database()

    def _prepare(self) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        if settings.DEMO and Campaign.objects.exists():
            raise parts.CannotServe(
                "The demo needs an empty database, and the one of DATABASE_URL holds campaigns. Unset "
                "DATABASE_URL: the demo then makes a database of its own."
            )
        if settings.PRODUCTION:
            call_command("collectstatic", interactive=False, verbosity=0)

    def _administrator(self) -> Person | None:
        """The administrator who needs a link to sign in: new, or never signed in yet."""
        create_first_administrator()
        administrators = Person.objects.filter(is_superuser=True, is_active=True).order_by("pk")
        return administrators.filter(last_login=None).first()

    def _run(self, host: str, port: int, demo_port: int, administrator: Person | None) -> None:
        name = parts.reachable(host)
        address = os.environ.get("SITE_URL") or f"http://{f'[{name}]' if ':' in name else name}:{port}"
        link = f"{address}{sign_in_link(administrator)}" if administrator else ""
        connection.close()
        supervisor = Supervisor()
        supervisor.listen_to_signals()
        ended = ""
        try:
            for part in self._parts(host, port, demo_port, address):
                supervisor.start(part)
            places = [(host, port), *([("127.0.0.1", demo_port)] if settings.DEMO else [])]
            if supervisor.wait_until(
                lambda: all(parts.is_listening(*place) for place in places), seconds=READY_SECONDS
            ):
                self._say_what_runs(address, f"{host} port {port}", link, demo_port)
                supervisor.watch()
            elif not supervisor.stop_asked:
                ended = f"The site did not answer within {READY_SECONDS:.0f} seconds."
        except PartEnded as error:
            ended = str(error)
        finally:
            self.stdout.write("\nStopping ...")
            killed = supervisor.stop()
        if killed:
            raise CommandError(f"Had to be killed: {', '.join(killed)}. Nothing recorded was lost.")
        if ended:
            raise CommandError(ended)
        self.stdout.write("Stopped.")

    def _parts(self, host: str, port: int, demo_port: int, address: str) -> list[Part]:
        common = {
            "PYTHONPATH": os.pathsep.join(
                filter(None, [str(settings.BASE_DIR), os.environ.get("PYTHONPATH")])
            ),
            "SITE_URL": address,
            "ALLOWED_HOSTS": ",".join([*settings.ALLOWED_HOSTS, *([] if settings.PRODUCTION else [host])]),
        }
        wanted = list(parts.parts(host=host, port=port))
        if settings.DEMO:
            common |= demo_mode.environment(port=demo_port)
            wanted.insert(0, parts.demo_part(port=demo_port))
        return [replace(part, environment={**common, **part.environment}) for part in wanted]

    def _say_what_runs(self, address: str, listening: str, link: str, demo_port: int) -> None:
        lines = {
            "address": f"{address}/",
            "listening": f"on {listening}" if "SITE_URL" in os.environ else "",
            "sign in": f"{link}  (works once)" if link else "",
            "database": parts.database_words(),
            "checker": parts.checker_words(),
            "demo": (
                f"30 simulated days of a fictional platform at http://127.0.0.1:{demo_port}/"
                if settings.DEMO
                else ""
            ),
        }
        self.stdout.write(self.style.SUCCESS("\nStill Up is running.\n"))
        for name, value in lines.items():
            if value:
                self.stdout.write(f"  {name:<10}{value}")
        self.stdout.write("\nStop it with Ctrl-C.\n")
        self.stdout.flush()
