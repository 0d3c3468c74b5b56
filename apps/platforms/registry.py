"""The definitions that are in force: those of the project, and those of `PLATFORM_DEFINITION_DIRS`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from django.conf import settings

from .cases import Case, load_cases
from .schema import ANY_HOST, Definition, DefinitionError, Politeness, host_matches, load_definition

OTHER = "other"
"""Stands for a platform that is known by its domain, or a reporter's own word, where these are not told."""

CASES = "cases"  # the folder of the cases, inside a folder of definitions
OWN_DEFINITIONS = Path(__file__).resolve().parent / "definitions"


def definitions() -> Mapping[str, Definition]:
    """Every definition by its slug. Raises DefinitionError if one of them cannot be used."""
    return _load(directories())


def directories() -> tuple[str, ...]:
    """The folders whose definitions are in force."""
    return (str(OWN_DEFINITIONS), *map(str, settings.PLATFORM_DEFINITION_DIRS))


@lru_cache(maxsize=8)
def _load(directories: tuple[str, ...]) -> Mapping[str, Definition]:
    found: dict[str, Definition] = {}
    for directory in map(Path, directories):
        if not directory.is_dir():
            raise DefinitionError(
                f"PLATFORM_DEFINITION_DIRS names {directory}, which is no folder. "
                "Name folders of .toml files."
            )
        for path in sorted(directory.glob("*.toml")):
            definition = load_definition(path)
            other = found.get(definition.slug)
            if other is not None:
                raise DefinitionError(
                    f'{path.name}: slug: "{definition.slug}" is that of {other.file}, too. Choose another.'
                )
            for other in found.values():
                shared = set(definition.hosts) & set(other.hosts) - {ANY_HOST}
                if shared:
                    raise DefinitionError(
                        f"{path.name}: hosts: {', '.join(sorted(shared))} belongs to {other.file} already. "
                        "Name each host in one definition."
                    )
            found[definition.slug] = definition
    return MappingProxyType(found)


def definition(slug: str) -> Definition | None:
    """The definition of a platform; None for a platform that is only a domain."""
    return definitions().get(slug)


def software() -> tuple[Definition, ...]:
    """The definitions of software that any unknown host may run, in the order of their slugs."""
    return _software(directories())


@lru_cache(maxsize=8)
def _software(directories: tuple[str, ...]) -> tuple[Definition, ...]:
    found = _load(directories)
    return tuple(found[slug] for slug in sorted(found) if found[slug].is_software)


def cases(slug: str) -> tuple[Case, ...]:
    """The cases of a definition: the file of its name in the folder `cases` beside it; () if there is none.

    Raises DefinitionError if the file cannot be used.
    """
    for directory in map(Path, directories()):
        path = directory / CASES / f"{slug}.toml"
        if path.is_file():
            return load_cases(path)
    return ()


def stray_cases() -> tuple[Path, ...]:
    """Files of cases that belong to no definition: misspelt, or left over."""
    known = definitions()
    paths = (path for folder in map(Path, directories()) for path in sorted((folder / CASES).glob("*.toml")))
    return tuple(path for path in paths if path.stem not in known)


def platform_name(slug: str) -> str:
    """What people call the platform: the definition's name, or the domain itself."""
    if slug == OTHER:
        return "other sites"
    known = definition(slug)
    return known.name if known is not None else slug


def definition_for_host(host: str, port: int | None) -> Definition | None:
    """The definition that covers a host: an exact pattern before `*.suffix`, a longer before a shorter."""
    return _covering(directories(), host, port)


@lru_cache(maxsize=4096)
def _covering(directories: tuple[str, ...], host: str, port: int | None) -> Definition | None:
    best: tuple[bool, int] | None = None
    chosen: Definition | None = None
    for candidate in _load(directories).values():
        for pattern in candidate.hosts:
            if host_matches(pattern, host, port):
                rank = (not pattern.startswith("*."), len(pattern))
                if best is None or rank > best:
                    best, chosen = rank, candidate
    return chosen


def politeness(host: str) -> Politeness:
    """How to ask a host, written as `host` or `host:port`.

    The definition that names the host decides (its own line for the host, then its general one), also for the
    hosts that only its probes ask; else `CHECK_HOST_INTERVAL` and `CHECK_HOST_CONCURRENCY`.
    """
    return _politeness(directories(), host) or Politeness(
        interval_seconds=settings.CHECK_HOST_INTERVAL, concurrency=settings.CHECK_HOST_CONCURRENCY
    )


@lru_cache(maxsize=4096)
def _politeness(directories: tuple[str, ...], host: str) -> Politeness | None:
    found = _load(directories).values()
    for candidate in found:
        if host in candidate.host_politeness:
            return candidate.host_politeness[host]
    known = _covering(directories, *split_authority(host)) or next(
        (
            candidate
            for candidate in found
            if any(urlsplit(probe.url).netloc == host for probe in candidate.probes.values())
        ),
        None,
    )
    return known.politeness if known is not None else None


def asked_hosts(group: str) -> set[str]:
    """All hosts whose pace counts for a pace group (`Match.host`): itself, and those its definition paces."""
    known = definition_for_host(*split_authority(group))
    return {group, *(known.host_politeness if known is not None else ())}


def token(slug: str) -> str:
    """The token for a platform whose API tells a signed-in reader more: PLATFORM_TOKEN_<SLUG>; or ""."""
    return settings.PLATFORM_TOKENS.get(slug, "")


def split_authority(authority: str) -> tuple[str, int | None]:
    """`host:port` as its parts; the port is None where none is written."""
    name, separator, port = authority.rpartition(":")
    if separator and port.isdigit() and (":" not in name or name.endswith("]")):
        return name, int(port)
    return authority, None
