"""A wrong setting stops the start with a sentence that says what to write instead."""

from __future__ import annotations

import ast
import importlib.util
import logging
import os
import re
import subprocess
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.views.debug import get_exception_reporter_filter

from apps.checks.answer import Ask
from config.logs import RouteInsteadOfPath, WithoutAddresses

REPOSITORY = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "PRODUCTION": "1",
    "SECRET_KEY": "example-key-of-the-tests-" + "0123456789abcdef" * 3,
    "ALLOWED_HOSTS": "still-up.example.org",
    "SITE_URL": "https://still-up.example.org",
    "BEHIND_PROXY": "1",
}


def names_read(file: Path = REPOSITORY / "config" / "settings.py") -> set[str]:
    """The environment variables that the settings read: the first argument of each call to `environment`."""
    return {
        node.args[0].value
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "environment"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


@pytest.fixture
def load_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Reads config/settings.py anew, in an environment that holds only what a test sets."""
    for name in list(os.environ):
        if name.removesuffix("_FILE") in names_read() or name.startswith("PLATFORM_TOKEN_"):
            monkeypatch.delenv(name)

    def load(**variables: str) -> ModuleType:
        monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        file = REPOSITORY / "config" / "settings.py"
        spec = importlib.util.spec_from_file_location("settings_under_test", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PRODUCTION", "maybe", "PRODUCTION is 'maybe'. Write 1 for on or 0 for off."),
        ("CHECK_TIMEOUT", "abc", "Write a number of seconds from 0.1 to 600, for example 20."),
        ("CHECK_TIMEOUT", "0", "Write a number of seconds from 0.1 to 600, for example 20."),
        ("CHECK_TIMEOUT", "nan", "Write a number of seconds from 0.1 to 600, for example 20."),
        ("CHECK_MAX_BYTES", "1.5", "a whole number of bytes from 1000 to 100000000, for example 1000000."),
        ("CHECK_HOST_INTERVAL", "-1", "Write a number of seconds from 0 to 3600, for example 1."),
        ("CHECK_HOST_CONCURRENCY", "0", "a whole number of requests from 1 to 100, for example 2."),
        ("CHECK_CONCURRENCY", "many", "a whole number of threads from 1 to 500, for example 16."),
        ("CHECK_PROCESSES", "0", "a whole number of processes from 1 to 64, for example 1."),
        ("WEB_PROCESSES", "0", "a whole number of processes from 1 to 64, for example 1."),
        ("CHECK_ALLOW_NETWORKS", "localhost", "Write networks separated by commas, for example"),
        ("CHECK_ALLOW_NETWORKS", "10.0.0.1/8", "Write networks separated by commas, for example"),
        ("CHECK_ALLOW_PORTS", "http", "Write ports from 1 to 65535 separated by commas"),
        ("CHECK_ALLOW_PORTS", "0", "Write ports from 1 to 65535 separated by commas"),
        ("CHECK_PROXY", "socks5://127.0.0.1:9050", "Write http://proxy.example.org:3128, or leave it out"),
        (
            "CHECK_NAME_SERVERS",
            "ns.example.org",
            "Write addresses separated by commas, for example 192.0.2.53",
        ),
        ("CHECK_NAME_SERVERS", "192.0.2.53:0", "Write addresses separated by commas, for example 192.0.2.53"),
        ("CHECK_NAME_SERVERS", "192.0.2.53/x", "Write addresses separated by commas, for example 192.0.2.53"),
        ("CHECK_CA_BUNDLE", "/no/such/file", "Write the path of a file that exists."),
        ("CHECK_CONTACT_URL", "us", "Write a web address, for example https:"),
        ("SITE_URL", "still-up.example.org", "Write a web address, for example https:"),
        ("CLOCK_ORIGIN", "tomorrow", "for example 2026-01-31T12:00:00+00:00."),
        ("CLOCK_ORIGIN", "2026-01-31T12:00:00", "Write a time with its UTC offset"),
        ("CLOCK_SPEED", "fast", "Write a number of simulated seconds in a real second from 1 to 100000"),
        ("CLOCK_SPEED", "0.5", "Write a number of simulated seconds in a real second from 1 to 100000"),
        ("DATABASE_URL", "mysql://localhost/x", "Write postgresql://user:password@host:5432/name, or"),
        ("DATABASE_URL", "postgresql://h:port/x", "Write postgresql://user:password@host:5432/name"),
        ("REDIS_URL", "http://localhost", "Write redis://host:6379/0, or leave it out"),
        ("EMAIL_URL", "mail.example.org", "Write smtp+tls://user:password@mail.example.org:587"),
        ("PLATFORM_DEFINITION_DIRS", "/no/such/folder", "Write folders that exist, separated by ':'."),
        (
            "ALLOWED_HOSTS",
            "example.org,https://www.example.org",
            "ALLOWED_HOSTS has 'https://www.example.org'",
        ),
        ("ALLOWED_HOSTS", "example.org:443", "Write the name alone"),
        ("ALLOWED_HOSTS", "[::1]:8000", "Write the name alone"),
        ("CSRF_TRUSTED_ORIGINS", "example.org", "Write it with its scheme: https://example.org."),
        ("SECRET_KEY_FILE", "/no/such/file", "cannot be read (No such file or directory)"),
        ("METRICS_TOKEN", "short", "METRICS_TOKEN is too short. Write 20 or more random characters."),
        ("LOG_FORMAT", "xml", "LOG_FORMAT is 'xml'. Write line or json."),
    ],
)
def test_a_wrong_value_says_what_to_write(load_settings: Any, name: str, value: str, sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        load_settings(**{name: value})
    assert str(caught.value).startswith(name)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing. Write 50 or more random characters."),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too short. Write 50 or more random characters."),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is missing."),
        ({"DEBUG": "1"}, "DEBUG cannot be on in production"),
        ({"DEMO": "1"}, "DEMO cannot be on in production"),
        ({"CLOCK_SPEED": "2"}, "CLOCK_SPEED must be 1 in production"),
    ],
)
def test_production_refuses_what_is_unsafe(
    load_settings: Any, changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=re.escape(sentence)):
        load_settings(**{**PRODUCTION, **changes})


def test_a_fast_clock_must_not_have_started_long_ago(load_settings: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="CLOCK_ORIGIN is too far away"):
        load_settings(CLOCK_ORIGIN="2020-01-01T00:00:00Z", CLOCK_SPEED="14400")
    load_settings(CLOCK_ORIGIN="2020-01-01T00:00:00Z", CLOCK_SPEED="1")


def test_several_web_servers_need_a_place_to_count_in_together(load_settings: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"WEB_PROCESSES is 2, .*Set REDIS_URL as well, or leave"):
        load_settings(WEB_PROCESSES="2")
    assert load_settings(WEB_PROCESSES="").WEB_PROCESSES == 1
    with_queue = load_settings(REDIS_URL="redis://queue.example.org/0")
    assert with_queue.WEB_PROCESSES == 2
    assert with_queue.CACHES["default"]["LOCATION"] == with_queue.REDIS_URL


SECRETS = {  # each in a form that its setting cannot use
    "DATABASE_URL": ["mysql://user:correct-horse@db.example.org/x", "postgresql://u:12/correct-horse@db/x"],
    "REDIS_URL": ["http://:correct-horse@queue.example.org", "redis://:correct-horse[@queue.example.org"],
    "EMAIL_URL": ["mail://user:correct-horse@mail.example.org", "smtp://user:correct-horse@mail:x"],
    "CHECK_PROXY": ["socks5://user:correct-horse@proxy.example.org", "http://user:correct#horse@proxy"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in SECRETS for value in SECRETS[name]])
def test_a_password_is_not_repeated_in_a_message(
    load_settings: Any, name: str, value: str, tmp_path: Path
) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name} cannot be used. Write ") as caught:
        load_settings(**{name: value})
    assert "correct" not in "".join(traceback.format_exception(caught.value))
    (tmp_path / "file").write_text(value)
    with pytest.raises(ImproperlyConfigured, match=f"^{name} cannot be used. Write ") as caught:
        load_settings(**{name: "", f"{name}_FILE": str(tmp_path / "file")})
    assert "correct" not in "".join(traceback.format_exception(caught.value))


NAMES = ["SECRET_KEY", *SECRETS, "PLATFORM_TOKEN_EXAMPLE_MODELS"]


@pytest.mark.parametrize("name", NAMES)
def test_every_secret_can_come_from_a_file_and_a_wrong_file_is_a_sentence(
    load_settings: Any, name: str, tmp_path: Path
) -> None:
    value = {
        "DATABASE_URL": "postgresql://user:word@db.example.org/still_up",
        "REDIS_URL": "redis://:word@queue.example.org/1",
        "EMAIL_URL": "smtp+tls://user:word@mail.example.org",
        "CHECK_PROXY": "http://user:word@proxy.example.org:3128",
    }.get(name, "correct-horse-battery-staple-" * 3)
    file = tmp_path / "secret"
    file.write_text(f"  {value}\n")
    settings = load_settings(**{f"{name}_FILE": str(file)})
    found = settings.PLATFORM_TOKENS["example-models"] if name.startswith("PLATFORM") else None
    if name == "EMAIL_URL":
        assert settings.EMAIL_HOST_PASSWORD == "word"
    else:
        assert (found or getattr(settings, name)) == value
    file.write_text("\n")
    with pytest.raises(ImproperlyConfigured, match=f"^{name}_FILE is empty. Write the value of {name}"):
        load_settings()
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ImproperlyConfigured, match="it is not text"):
        load_settings()
    # Somebody writes the secret where its file belongs.
    with pytest.raises(ImproperlyConfigured, match=f"^{name}_FILE cannot be read ") as caught:
        load_settings(**{f"{name}_FILE": value})
    assert "word" not in "".join(traceback.format_exception(caught.value))
    assert "correct-horse" not in "".join(traceback.format_exception(caught.value))


def test_no_secret_stands_in_what_django_shows_of_the_settings(load_settings: Any) -> None:
    secret = "correct-horse-battery-staple-"
    loaded = load_settings(
        SECRET_KEY=secret * 3,
        DATABASE_URL=f"postgresql://user:{secret}@db.example.org/x",
        REDIS_URL=f"redis://:{secret}@queue.example.org",
        EMAIL_URL=f"smtp://user:{secret}@mail.example.org",
        CHECK_PROXY=f"http://user:{secret}@proxy.example.org:3128",
        PLATFORM_TOKEN_GITHUB=secret,
    )
    shown = get_exception_reporter_filter(None)
    values = {name: value for name, value in vars(loaded).items() if name.isupper()}
    assert loaded.DEFAULT_EXCEPTION_REPORTER_FILTER == "config.logs.HiddenSettings"
    assert secret in repr(values)
    assert secret not in repr({name: shown.cleanse_setting(name, value) for name, value in values.items()})
    assert secret not in repr(Ask("api", "https://example.org/", headers={"Authorization": secret}))


def test_a_secret_can_come_from_a_file(load_settings: Any, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://user:word@db.example.org:5433/still_up\n")
    (tmp_path / "token").write_text("example-token\n")
    settings = load_settings(
        DATABASE_URL_FILE=str(tmp_path / "url"),
        PLATFORM_TOKEN_EXAMPLE_MODELS_FILE=str(tmp_path / "token"),
        PLATFORM_TOKEN_GITHUB="another-token",
    )
    assert settings.DATABASES["default"]["PORT"] == 5433
    assert settings.PLATFORM_TOKENS == {"example-models": "example-token", "github": "another-token"}


def test_a_secret_that_is_given_twice_is_refused(load_settings: Any, tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY and SECRET_KEY_FILE are both set"):
        load_settings(SECRET_KEY="a", SECRET_KEY_FILE=str(tmp_path / "key"))


def test_a_laptop_keeps_one_key_for_itself(load_settings: Any, tmp_path: Path) -> None:
    first, second = load_settings(), load_settings()
    assert first.SECRET_KEY == second.SECRET_KEY
    assert (tmp_path / "var" / "secret_key").stat().st_mode & 0o077 == 0
    assert (tmp_path / "var").stat().st_mode & 0o077 == 0


def test_the_demo_is_installed_only_where_it_is_on(load_settings: Any) -> None:
    assert "apps.demo" in load_settings(DEMO="1").INSTALLED_APPS
    assert "apps.demo" not in load_settings(DEMO="0").INSTALLED_APPS
    production = load_settings(**PRODUCTION)
    assert "apps.demo" not in production.INSTALLED_APPS
    assert production.PLATFORM_DEFINITION_DIRS == []


def test_values_are_typed(load_settings: Any) -> None:
    settings = load_settings(
        CHECK_ALLOW_NETWORKS="127.0.0.0/8, ::1/128",
        CHECK_ALLOW_PORTS="8765,8766",
        CHECK_NAME_SERVERS="192.0.2.53, 2001:db8::53, [2001:db8::53]:5353",
        CLOCK_ORIGIN="2026-03-01T00:00:00Z",
        EMAIL_URL="smtp+tls://us%40example.org:pass%2Fword@mail.example.org",
    )
    assert [str(network) for network in settings.CHECK_ALLOW_NETWORKS] == ["127.0.0.0/8", "::1/128"]
    assert settings.CHECK_ALLOW_PORTS == [8765, 8766]
    assert settings.CHECK_NAME_SERVERS == [("192.0.2.53", 53), ("2001:db8::53", 53), ("2001:db8::53", 5353)]
    assert load_settings(CHECK_NAME_SERVERS="none").CHECK_NAME_SERVERS == []
    assert load_settings(CHECK_NAME_SERVERS="").CHECK_NAME_SERVERS is None
    assert datetime(2026, 3, 1, tzinfo=UTC) == settings.CLOCK_ORIGIN
    assert (settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD) == ("us@example.org", "pass/word")
    assert (settings.EMAIL_PORT, settings.EMAIL_USE_TLS) == (587, True)
    assert settings.SENDS_MAIL
    assert settings.ACCOUNT_EMAIL_NOTIFICATIONS
    assert not load_settings(EMAIL_URL="").ACCOUNT_EMAIL_NOTIFICATIONS


def test_a_command_prints_a_wrong_setting_as_one_sentence(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=REPOSITORY,
        env={**os.environ, "CHECK_TIMEOUT": "abc", "VAR_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1
    assert finished.stderr == (
        "Wrong setting: CHECK_TIMEOUT is 'abc'. Write a number of seconds from 0.1 to 600, for example 20.\n"
    )


def test_the_documented_production_settings_pass_djangos_own_inspection(tmp_path: Path) -> None:
    readme = " ".join((REPOSITORY / "README.md").read_text().split())
    (sentence,) = re.findall(r"set at least (.+?)\. `manage\.py check --deploy`", readme)
    names = [word.partition("=")[0] for word in re.findall(r"`([A-Z_]+(?:=1)?)`", sentence)]
    (tmp_path / "key").write_text(PRODUCTION["SECRET_KEY"])
    known = {**PRODUCTION, "SECRET_KEY_FILE": str(tmp_path / "key")}
    documented = {name: known[name] for name in names}
    assert len(documented) == len(PRODUCTION)
    # Browser tests of this process set a variable of Django's own.
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("DJANGO_") and name.removesuffix("_FILE") not in names_read()
    }

    def check(**environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
            cwd=REPOSITORY,
            env={**plain, **environment, "VAR_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    finished = check(**documented)
    assert (finished.returncode, "no issues" in finished.stdout) == (0, True), finished.stderr
    without_key = check(**{name: value for name, value in documented.items() if "KEY" not in name})
    assert without_key.returncode == 1
    assert without_key.stderr == (
        "Wrong setting: SECRET_KEY is missing. Write 50 or more random characters.\n"
    )


def test_a_log_line_holds_no_address() -> None:
    try:
        raise ValueError("cannot read https://models.example.org/owner/name?x=1")
    except ValueError:
        record = logging.LogRecord(
            "apps.checks", logging.ERROR, "", 0, "failed: %s", ("http://example.org/a",), sys.exc_info()
        )
    line = WithoutAddresses().format(record)
    assert "example.org" not in line
    assert "failed: [address]" in line
    assert "ValueError: cannot read [address]" in line


@pytest.mark.parametrize(
    ("message", "written"),
    [
        ("no such person: Anna.Example+x@mail.example.org", "no such person: [e-mail]"),
        ("'anna@example.org', <anna@example.org>;anna@example.org", "'[e-mail]', <[e-mail]>;[e-mail]"),
        ("to=anna@example.org", "to=[e-mail]"),
        (
            'duplicate key value violates "u"\nDETAIL:  Key (email)=(a note) already exists.\n',
            'duplicate key value violates "u"\nDETAIL: [a row]\n',
        ),
        ('x\nCONTEXT:  COPY items, line 3, column note: "words"', "x\nCONTEXT: [a row]"),
        ("a @ b, 3@4, @media", "a @ b, 3@4, @media"),
    ],
)
def test_a_log_line_holds_nobodys_name_and_nobodys_words(message: str, written: str) -> None:
    record = logging.LogRecord("django.request", logging.ERROR, "", 0, "%s", (message,), None)
    assert WithoutAddresses("%(message)s").format(record) == written


def test_a_log_line_names_the_route_and_not_the_path_of_a_request() -> None:
    path = "/sign-in/MQ/one-time-token/"
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "%s: %s", ("Gone", path), None)
    record.request = SimpleNamespace(
        path=path, resolver_match=SimpleNamespace(route="sign-in/<uid>/<token>/")
    )
    assert RouteInsteadOfPath().filter(record)
    assert record.getMessage() == "Gone: /sign-in/<uid>/<token>/"


def test_every_setting_is_in_the_readme_and_the_other_way_round() -> None:
    listed = re.findall(r"^\| `([A-Z_<>]+)`", (REPOSITORY / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(
        name + "<SLUG>" if name == "PLATFORM_TOKEN_" else name for name in names_read()
    )
