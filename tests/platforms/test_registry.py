"""Every definition of the project loads, and tells how its platform wants to be asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.checks.signals import check_reasons
from apps.core.canonical import canonicalise
from apps.platforms import registry
from apps.platforms.matching import match
from apps.platforms.schema import DefinitionError

OWN = sorted(path.stem for path in registry.OWN_DEFINITIONS.glob("*.toml"))


@pytest.mark.parametrize("slug", OWN)
def test_a_definition_loads_and_has_sources(slug: str) -> None:
    definition = registry.definition(slug)
    assert definition is not None
    check_reasons(definition)
    assert definition.is_software or definition.politeness is not None
    assert all(signal.source for signal in definition.signals)


CANARIES = [
    (slug, kind.name, url)
    for slug in OWN
    for kind in registry.definitions()[slug].kinds
    for url in (kind.known_good, kind.known_missing)
    if url
] + [(slug, "", canary) for slug in OWN if (canary := registry.definitions()[slug].canary)]


@pytest.mark.parametrize(("slug", "kind", "url"), CANARIES)
def test_a_canary_is_of_its_own_platform_and_kind_and_written_as_its_key(
    slug: str, kind: str, url: str
) -> None:
    found = match(canonicalise(url))
    definition = registry.definition(slug)
    assert definition is not None
    assert found.definition == slug
    assert found.kind == kind if kind else definition.kind(found.kind) is not None
    assert found.key == url


def test_names_for_people() -> None:
    assert registry.platform_name("huggingface") == "Hugging Face"
    assert registry.platform_name("example.org") == "example.org"
    assert registry.definition("example.org") is None


def test_politeness_comes_from_the_definition_else_from_the_settings(settings: Any) -> None:
    settings.CHECK_HOST_INTERVAL = 3.5
    settings.CHECK_HOST_CONCURRENCY = 7
    assert registry.politeness("huggingface.co").interval_seconds == 1.5
    assert registry.politeness("hf.co").interval_seconds == 1.5
    assert registry.politeness("api.github.com").concurrency == 1
    assert registry.politeness("civitai.red").concurrency == 1
    unknown = registry.politeness("example.org:8080")
    assert (unknown.interval_seconds, unknown.concurrency) == (3.5, 7)


def test_a_token_comes_from_the_settings(settings: Any) -> None:
    settings.PLATFORM_TOKENS = {"huggingface": "example-token"}
    assert registry.token("huggingface") == "example-token"
    assert registry.token("github") == ""


def test_two_definitions_cannot_claim_one_host(tmp_path: Path, settings: Any) -> None:
    text = (registry.OWN_DEFINITIONS / "github.toml").read_text()
    (tmp_path / "other.toml").write_text(text.replace('slug = "github"', 'slug = "other"'))
    settings.PLATFORM_DEFINITION_DIRS = [tmp_path]
    with pytest.raises(DefinitionError, match=r"other.toml: hosts: .*github.com.* belongs to github.toml"):
        registry.definitions()


def test_two_softwares_may_both_be_anywhere(tmp_path: Path, settings: Any) -> None:
    for slug in ("one", "other"):
        (tmp_path / f"{slug}.toml").write_text(
            f"""
            slug = "{slug}"
            name = "{slug}"
            hosts = ["*"]
            [[probes]]
            name = "page"
            url = "{{url}}"
            [[kinds]]
            name = "post"
            path = '/{slug}-post/(?P<id>\\d+)'
            key = "{{scheme}}://{{authority}}/{slug}-post/{{id}}"
            probes = ["page"]
            """
        )
    settings.PLATFORM_DEFINITION_DIRS = [tmp_path]
    assert {"one", "other"} <= {definition.slug for definition in registry.software()}
    found = match(canonicalise("https://www.example.org/other-post/7?x=1"))
    assert (found.definition, found.platform, found.kind) == ("other", "example.org", "post")
    assert (found.key, found.host) == ("https://www.example.org/other-post/7", "www.example.org")
    assert match(canonicalise("https://www.example.org/another/7")).definition == ""
    assert match(canonicalise("https://github.com/other-post/7")).definition == "github"


def test_a_folder_of_definitions_that_does_not_exist_is_named(settings: Any, tmp_path: Path) -> None:
    settings.PLATFORM_DEFINITION_DIRS = [tmp_path / "absent"]
    with pytest.raises(DefinitionError, match=r"PLATFORM_DEFINITION_DIRS names .*absent"):
        registry.definitions()
