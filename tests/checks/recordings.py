"""Recordings as browsers export them, and a small real site to look at."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any


class Recorder:
    """Writes recordings as a browser exports them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: list[dict[str, Any]] = []

    def add(self, url: str, status: int, body: str = "", headers: dict[str, str] | None = None) -> Recorder:
        headers = headers or {"Content-Type": "text/html"}
        self.entries.append(
            {
                "startedDateTime": "2026-03-01T12:00:00.000Z",
                "time": 80,
                "request": {"method": "GET", "url": url, "httpVersion": "h2", "headers": []},
                "response": {
                    "status": status,
                    "headers": [{"name": name, "value": value} for name, value in headers.items()],
                    "content": {"size": len(body), "mimeType": headers["Content-Type"], "text": body},
                    "redirectURL": "",
                },
            }
        )
        return self

    def write(self) -> str:
        log = {
            "log": {
                "version": "1.2",
                "creator": {"name": "a browser", "version": "1"},
                "entries": self.entries,
            }
        }
        self.path.write_text(json.dumps(log), encoding="utf-8")
        return str(self.path)


@contextmanager
def one_page_site(settings: Any) -> Iterator[str]:
    """A real server on loopback that knows one page, /list/an-item."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<title>A fine thing</title><h1>A fine thing</h1>"
            status = 200 if self.path == "/list/an-item" else 404
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        settings.CHECK_ALLOW_NETWORKS = [ip_network("127.0.0.1/32")]
        settings.CHECK_ALLOW_PORTS = [server.server_port]
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
