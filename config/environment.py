"""Typed values from environment variables; a wrong one becomes a sentence that says what to write instead."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Value = TypeVar("Value")
SWITCH = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


def _read(name: str, parse: Callable[[str], Value], default: Value, instead: str) -> Value:
    """`name` parsed, or `default` when it is unset or empty. `instead` completes "Write ..."."""
    written = os.environ.get(name, "").strip()
    if not written:
        return default
    try:
        return parse(written)
    except (ValueError, KeyError) as error:
        raise ImproperlyConfigured(f"{name} is '{written}'. Write {instead}.") from error


def text(name: str, default: str = "") -> str:
    """Any text."""
    return _read(name, str, default, "a text")


def switch(name: str, default: bool = False) -> bool:
    """On or off."""
    return _read(name, lambda written: SWITCH[written.lower()], default, "1 for on or 0 for off")


def number(name: str, default: float, *, least: float, most: float, unit: str) -> float:
    """A number between two limits, which may have a fraction."""

    def parse(written: str) -> float:
        value = float(written)
        if not least <= value <= most:
            raise ValueError(written)
        return value

    return _read(
        name, parse, default, f"a number of {unit} from {least:g} to {most:g}, for example {default:g}"
    )


def whole_number(name: str, default: int, *, least: int, most: int, unit: str) -> int:
    """A number between two limits, without a fraction."""

    def parse(written: str) -> int:
        value = int(written)
        if not least <= value <= most:
            raise ValueError(written)
        return value

    return _read(
        name, parse, default, f"a whole number of {unit} from {least} to {most}, for example {default}"
    )


def choice(name: str, default: str, *, among: tuple[str, ...]) -> str:
    """One of a few words."""

    def parse(written: str) -> str:
        if written.lower() not in among:
            raise ValueError(written)
        return written.lower()

    return _read(name, parse, default, " or ".join(among))


def moment(name: str, default: datetime) -> datetime:
    """A time with its UTC offset."""

    def parse(written: str) -> datetime:
        value = datetime.fromisoformat(written)
        if value.tzinfo is None:
            raise ValueError(written)
        return value

    return _read(name, parse, default, "a time with its UTC offset, for example 2026-01-31T12:00:00+00:00")


def words(name: str, default: list[str], *, example: str) -> list[str]:
    """A list separated by commas."""

    def parse(written: str) -> list[str]:
        return [word for part in written.split(",") if (word := part.strip())]

    return _read(name, parse, default, f"a list separated by commas, for example {example}")


def networks(name: str) -> list[Network]:
    """A list of IP networks."""

    def parse(written: str) -> list[Network]:
        return [ipaddress.ip_network(part.strip()) for part in written.split(",") if part.strip()]

    return _read(name, parse, [], "networks separated by commas, for example 192.0.2.0/24,2001:db8::/32")


def ports(name: str) -> list[int]:
    """A list of TCP ports."""

    def parse(written: str) -> list[int]:
        values = [int(part) for part in written.split(",") if part.strip()]
        if not all(1 <= value <= 65535 for value in values):
            raise ValueError(written)
        return values

    return _read(name, parse, [], "ports from 1 to 65535 separated by commas, for example 8080,8443")


def name_servers(name: str) -> list[tuple[str, int]] | None:
    """A list of name servers as address and port; None when it is unset, which is not the same as none."""

    def parse(written: str) -> list[tuple[str, int]]:
        if written.lower() == "none":
            return []
        found = []
        for part in filter(None, (part.strip() for part in written.split(","))):
            parts = urlsplit(f"//[{part}]" if part.count(":") > 1 and "[" not in part else f"//{part}")
            address = str(ipaddress.ip_address(parts.hostname or ""))
            if parts.path or parts.username is not None or parts.port == 0:
                raise ValueError(written)
            found.append((address, parts.port or 53))
        return found

    example = "addresses separated by commas, for example 192.0.2.53,[2001:db8::53]:5353, or none"
    return _read(name, parse, None, example)


def folders(name: str) -> list[Path]:
    """A list of folders that exist, separated as in PATH."""

    def parse(written: str) -> list[Path]:
        paths = [Path(part) for part in written.split(os.pathsep) if part]
        if not all(path.is_dir() for path in paths):
            raise ValueError(written)
        return paths

    return _read(name, parse, [], f"folders that exist, separated by {os.pathsep!r}")


def existing_file(name: str) -> str:
    """The path of a file that exists, or an empty text."""

    def parse(written: str) -> str:
        if not Path(written).is_file():
            raise ValueError(written)
        return written

    return _read(name, parse, "", "the path of a file that exists")


def web_address(name: str, default: str) -> str:
    """An http or https URL, without a slash at its end."""

    def parse(written: str) -> str:
        parts = urlsplit(written)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(written)
        return written.rstrip("/")

    return _read(name, parse, default, "a web address, for example https://still-up.example.org")


def secret(name: str) -> str:
    """The value of `name`, or the content of the file that `name`_FILE names.

    Neither is repeated in a message: who confuses the two has written the secret where its file belongs.
    """
    value, file = os.environ.get(name, ""), os.environ.get(f"{name}_FILE", "")
    if value and file:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Set one of them.")
    if not file:
        return value.strip()
    try:
        content = Path(file).read_text().strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ImproperlyConfigured(
            f"{name}_FILE cannot be read ({reason}). Write the path of a file that holds the value of {name}."
        ) from None
    if not content:
        raise ImproperlyConfigured(f"{name}_FILE is empty. Write the value of {name} into the file.")
    return content


def secrets_by_slug(prefix: str) -> dict[str, str]:
    """Secrets by the rest of their variable's name, written as a slug: EXAMPLE_MODELS is example-models."""
    names = {name.removesuffix("_FILE") for name in os.environ if name.startswith(prefix)}
    found = {name.removeprefix(prefix).lower().replace("_", "-"): secret(name) for name in sorted(names)}
    return {slug: value for slug, value in found.items() if slug and value}


def address_of_service(name: str, *, schemes: set[str], example: str, without: str) -> str:
    """A secret that is the URL of another service: a database, a queue, a proxy.

    Its value is not repeated in a message, because it may hold a password.
    """
    url = secret(name)
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        # A "/" in a password ends the host early: what follows would be taken for a name, and be shown.
        usable = parts.scheme in schemes and (parts.port or True) and "@" not in parts.path + parts.query
    except ValueError:
        usable = False
    if not usable:
        raise ImproperlyConfigured(
            f"{name} cannot be used. Write {example}, or leave it out {without}. In a password, write signs "
            "other than letters, digits and - . _ ~ by their codes: / is %2F."
        )
    return url


def mail_settings(name: str) -> dict[str, object]:
    """Django's e-mail settings from smtp:// (plain), smtp+tls:// (STARTTLS) or smtps:// (TLS).

    Without a mail server there is no EMAIL_HOST, and mails are printed.
    """
    url = address_of_service(
        name,
        schemes={"smtp", "smtp+tls", "smtps"},
        example="smtp+tls://user:password@mail.example.org:587",
        without="to have mails printed to the log",
    )
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    parts = urlsplit(url)
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or {"smtp": 25, "smtp+tls": 587, "smtps": 465}[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": 20,
    }
