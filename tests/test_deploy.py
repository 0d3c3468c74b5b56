"""systemd and nginx take the files of the deployment guides, and the guides name what there is."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from apps.core import request_ids

REPOSITORY = Path(__file__).resolve().parent.parent
DEPLOY = REPOSITORY / "docs" / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
GUIDES = (REPOSITORY / "docs" / "deploy-one-server.md", REPOSITORY / "docs" / "deploy-several-machines.md")


def unit(path: Path) -> configparser.ConfigParser:
    """A unit's settings. Raises where one is named twice."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=["="])
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text())
    return parser


def settings() -> dict[str, str]:
    """What settings.env sets, as systemd reads it."""
    lines = (DEPLOY / "settings.env").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def test_the_documented_settings_start_a_site_in_production(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("not a secret, but long enough to be one: " + "0123456789" * 3)
    changed = {"VAR_DIR": str(tmp_path), "SECRET_KEY_FILE": str(tmp_path / "secret_key")}
    (tmp_path / "static").mkdir()
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], **settings(), **changed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "path", [path for path in UNITS if path.suffix == ".service"], ids=lambda path: path.name
)
def test_each_service_runs_unprivileged_with_the_settings_of_this_machine(path: Path) -> None:
    service = unit(path)["Service"]
    assert (service["User"], service["Group"]) == ("still-up", "still-up")
    assert service["EnvironmentFile"] == "/etc/still-up/settings.env"
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["WorkingDirectory"] == "/opt/still-up"
    assert service["UMask"] == "0077"


def test_the_target_wants_each_part_and_takes_each_along() -> None:
    parts = {path.name for path in UNITS if path.suffix == ".service"} - {"still-up-backup.service"}
    assert set(unit(DEPLOY / "systemd" / "still-up.target")["Unit"]["Wants"].split()) == parts
    for name in parts:
        assert unit(DEPLOY / "systemd" / name)["Unit"]["PartOf"] == "still-up.target"


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """With programs in place of those that the guide installs."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("There is no systemd-analyze on this machine.")
    program = tmp_path / "program"
    for name in ("python", "granian"):
        file = program / ".venv" / "bin" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
    for path in UNITS:
        (tmp_path / path.name).write_text(path.read_text().replace("/opt/still-up", str(program)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / path.name) for path in UNITS)],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "still-up" in line]
    assert (done.returncode, said) == (0, []), done.stderr


def test_nginx_sets_each_header_that_the_site_believes_of_a_proxy() -> None:
    """What it does not set, it hands on as the visitor sent it."""
    believed = {"X-Forwarded-For", "X-Forwarded-Proto", request_ids.HEADER}
    assert believed <= set(re.findall(r"proxy_set_header (\S+) \$", (DEPLOY / "nginx.conf").read_text()))


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        pytest.skip("There is no nginx on this machine.")
    issued = trustme.CA().issue_cert("still-up.example.org")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    site = (DEPLOY / "nginx.conf").read_text()
    site = re.sub(r"/etc/letsencrypt/\S+\.pem", str(tmp_path / "both.pem"), site)
    site = re.sub(r"listen (\[::\]:|)(80|443)", lambda found: f"listen {found[1]}1{found[2]:0>3}", site)
    folders = " ".join(
        f"{kind}_temp_path {tmp_path / kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ {folders} access_log off;\n{site}\n}}"
    (tmp_path / "nginx.conf").write_text(whole)
    done = subprocess.run(
        [nginx, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_guides_name_files_that_are_there_and_commands_that_exist() -> None:
    from django.core.management import get_commands

    files = {path.name for path in DEPLOY.rglob("*") if path.is_file()}
    for guide in GUIDES:
        text = guide.read_text()
        named = re.findall(r"/opt/still-up/docs/deploy/(\S+)", text)
        assert {Path(name).name for name in named} - {"*", "systemd`."} <= files | {"systemd"}
        commands = set(re.findall(r"^ {4}still-up (\w+)", text, re.MULTILINE))
        assert commands <= set(get_commands())
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
            assert (guide.parent / link).exists(), link


def test_the_program_that_root_runs_is_executable() -> None:
    assert (DEPLOY / "still-up").stat().st_mode & stat.S_IXUSR


def _run_as_root(tmp_path: Path, settings: str | None) -> subprocess.CompletedProcess[str]:
    """What `still-up one "two three"` runs, on a machine where manage.py says what it was given."""
    program = tmp_path / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        "print(json.dumps([sys.argv[1:], dict(os.environ), sys.stdin.read()]))"
    )
    program.chmod(0o755)
    if settings is not None:
        (tmp_path / "settings.env").write_text(settings)
    text = (DEPLOY / "still-up").read_text().replace("runuser -u still-up -- ", "")
    text = text.replace("/opt/still-up", str(tmp_path)).replace("/etc/still-up", str(tmp_path))
    return subprocess.run(
        ["/bin/sh", "-c", text, "still-up", "one", "two three"],
        env={"PATH": os.environ["PATH"]},
        input="a backup",
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_program_that_root_runs_has_the_settings_that_the_services_have(tmp_path: Path) -> None:
    """The expected values are what systemd.exec(5) says that EnvironmentFile= makes of these lines."""
    meant = {
        "DATABASE_URL": "postgresql://still-up@db.example.org/still-up?sslmode=require&connect_timeout=5",
        "CHECK_PLACE": "New York",
        "DEFAULT_FROM_EMAIL": "Still Up <still-up@example.org>",
        "METRICS_TOKEN": "a$HOME`b`;c#d*",
        "CHECK_CONTACT_EMAIL": "still-up@example.org",
        "REDIS_URL": "redis://127.0.0.1:6379/0",
    }
    quoted = {"CHECK_CONTACT_EMAIL": '"', "REDIS_URL": "'"}
    lines = [f"{name}={quoted.get(name, '')}{value}{quoted.get(name, '')}" for name, value in meant.items()]
    done = _run_as_root(tmp_path, "\n".join(["# CHECK_PROXY=http://proxy.example.org", "", *lines]))
    arguments, environment, given = json.loads(done.stdout)
    assert arguments == ["manage.py", "one", "two three"]
    assert {name: environment.get(name) for name in meant} == meant
    assert "CHECK_PROXY" not in environment
    assert given == "a backup"


def test_the_program_that_root_runs_does_nothing_without_its_settings(tmp_path: Path) -> None:
    done = _run_as_root(tmp_path, None)
    assert done.returncode != 0
    assert done.stdout == ""
