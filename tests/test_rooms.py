"""The rooms of the house: each may import from those before it, never from those after it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
ROOMS = (
    "core",
    "accounts",
    "platforms",
    "checks",
    "reports",
    "metrics",
    "exports",
    "notifications",
    "health",
    "workspace",
    "public",
    "api",
    "demo",
    "server",
)
DOMAIN_ROOMS = ("platforms", "checks", "reports", "metrics", "exports", "notifications")
NETWORK_MODULES = {
    "socket",
    "ssl",
    "http.client",
    "http.server",
    "socketserver",
    "requests",
    "urllib3",
    "urllib.request",
    "httpx",
    "aiohttp",
    "dns",
}
MAY_OPEN_A_SOCKET = {
    "apps/checks/fetch.py",  # the one gate to reported URLs
    "apps/checks/cores.py",  # claims a name inside this machine, and connects to nobody
    "apps/checks/names.py",  # asks the operator's name servers, and nobody that a name leads to
    "apps/demo/platform.py",  # the simulated platform listens on loopback
    "apps/server/parts.py",  # asks whether a port is free before something listens on it
}
MODEL_REFERENCE = re.compile(rf"({'|'.join(ROOMS)})\.[A-Z]\w*")
MODULE_REFERENCE = re.compile(rf"apps\.({'|'.join(ROOMS)})\b[\w.]*")


class Import(NamedTuple):
    """One use of a module: by an import statement, or by its name in a string."""

    module: str
    line: int


def modules_of(room: str) -> list[Path]:
    return sorted((REPOSITORY / "apps" / room).rglob("*.py"))


def imports(path: Path, source: str | None = None) -> Iterator[Import]:
    """Everything that a file imports, relative imports resolved, and what it names in strings."""
    package = path.relative_to(REPOSITORY).with_suffix("").parts[:-1]
    tree = ast.parse(path.read_text() if source is None else source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (Import(alias.name, node.lineno) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                start = ".".join(package[: len(package) - level + 1]) if level else ""
                name = ".".join(filter(None, [start, module]))
                yield Import(name, node.lineno)
                yield from (Import(f"{name}.{alias.name}", node.lineno) for alias in names)
            case ast.Call(func=ast.Attribute(attr="get_model"), args=[ast.Constant(value=str(label)), _]):
                yield Import(f"apps.{label}.models", node.lineno)
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                if found := MODEL_REFERENCE.fullmatch(text):
                    yield Import(f"apps.{found[1]}.models", node.lineno)
                elif MODULE_REFERENCE.fullmatch(text):
                    yield Import(text, node.lineno)


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "apps" and len(parts) > 1 else None


def where(path: Path, found: Import) -> str:
    return f"{path.relative_to(REPOSITORY)}:{found.line} imports {found.module}"


def test_every_folder_of_apps_is_a_room() -> None:
    folders = {path.parent.name for path in (REPOSITORY / "apps").glob("*/__init__.py")}
    assert folders == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_the_rooms_before_it(room: str) -> None:
    allowed = ROOMS[: ROOMS.index(room) + 1]
    assert [
        where(path, found)
        for path in modules_of(room)
        for found in imports(path)
        if (other := room_of(found.module)) is not None and other not in allowed
    ] == []


def test_settings_import_no_room() -> None:
    modules = [
        path for path in (REPOSITORY / "config").glob("*.py") if path.name not in {"urls.py", "cron.py"}
    ]
    statements = (ast.Import, ast.ImportFrom)
    assert [
        path.name
        for path in modules
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, statements) and "apps" in ast.unparse(node)
    ] == []


@pytest.mark.parametrize("room", DOMAIN_ROOMS)
def test_a_domain_room_holds_no_pages(room: str) -> None:
    names = {
        path.relative_to(REPOSITORY / "apps" / room).parts[0].removesuffix(".py") for path in modules_of(room)
    }
    assert names.isdisjoint({"views", "urls", "forms", "templatetags"})
    assert [
        where(path, found)
        for path in modules_of(room)
        for found in imports(path)
        if found.module.startswith(("django.shortcuts", "django.views", "django.http"))
    ] == []


def test_public_pages_cannot_reach_the_reports_themselves() -> None:
    assert [
        where(path, found)
        for path in modules_of("public")
        for found in imports(path)
        if found.module.startswith(("apps.reports.models", "apps.checks.models"))
    ] == []


def test_only_one_module_opens_a_socket_to_a_reported_url() -> None:
    opens = {
        str(path.relative_to(REPOSITORY))
        for room in ROOMS
        for path in modules_of(room)
        for found in imports(path)
        if any(found.module == name or found.module.startswith(name + ".") for name in NETWORK_MODULES)
    }
    assert opens - MAY_OPEN_A_SOCKET == set()


def test_no_module_is_named_for_being_useful() -> None:
    assert [
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "apps").rglob("*.py")
        if path.stem in {"utils", "helpers", "misc", "common"}
    ] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from apps.reports.models import Item", {"apps.reports.models", "apps.reports.models.Item"}),
        ("from ..reports import models", {"apps.reports", "apps.reports.models"}),
        ("from . import services", {"apps.checks", "apps.checks.services"}),
        ("import apps.server.parts", {"apps.server.parts"}),
        ('ForeignKey("reports.Report")', {"apps.reports.models"}),
        ('apps.get_model("reports", "Report")', {"apps.reports.models"}),
        ('import_module("apps.workspace.forms")', {"apps.workspace.forms"}),
        ('"""apps.workspace is another room."""', set()),
    ],
)
def test_the_rule_sees_every_way_to_import(source: str, found: set[str]) -> None:
    file = REPOSITORY / "apps" / "checks" / "example.py"
    assert {use.module for use in imports(file, source)} == found
