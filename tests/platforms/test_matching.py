"""A URL is recognised as what it is, and each thing has one key however it is spelt."""

# ruff: noqa: E501  (a row of a table stays on its line)
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.core.canonical import UnusableURL, canonicalise
from apps.platforms import registry
from apps.platforms.matching import match, registrable_domain

HF = "https://huggingface.co"


@pytest.mark.parametrize(
    ("url", "kind", "account", "key"),
    [
        (f"{HF}/example-user/example-model", "model", "example-user", None),
        (f"{HF}/example-user/example-model/", "model", "example-user", f"{HF}/example-user/example-model"),
        (f"{HF}/example-user/example-model?x=1#card", "model", "example-user", f"{HF}/example-user/example-model"),
        ("http://www.hf.co/example-user/m/tree/main", "model", "example-user", f"{HF}/example-user/m"),
        (f"{HF}/datasets/example-user/example-data", "dataset", "example-user", None),
        (f"{HF}/spaces/example-user/example-space", "space", "example-user", None),
        (
            f"{HF}/example-user/m/blob/main/weights/a%20b.bin",
            "file",
            "example-user",
            f"{HF}/example-user/m/resolve/main/weights/a%20b.bin",
        ),
        (f"{HF}/datasets/example-user/d/raw/v1/a.csv", "file", "example-user", f"{HF}/datasets/example-user/d/resolve/v1/a.csv"),
        (f"{HF}/spaces/example-user/s/resolve/main/app.py?download=true", "file", "example-user", f"{HF}/spaces/example-user/s/resolve/main/app.py"),
        (f"{HF}/example-user/m/tree/main/weights", "folder", "example-user", None),
        (f"{HF}/example-user/m/tree/v2", "folder", "example-user", None),
        (f"{HF}/datasets/example-user/d/tree/main/a/b/", "folder", "example-user", f"{HF}/datasets/example-user/d/tree/main/a/b"),
        (f"{HF}/example-user", "account", "example-user", None),
        (f"{HF}/organizations/example-group", "account", "example-group", f"{HF}/example-group"),
        (f"{HF}/docs/hub", "page", "", None),
        (f"{HF}/pricing", "page", "", None),
        (f"{HF}/example-user/m/discussions/3", "discussion", "example-user", None),
        (f"{HF}/datasets/example-user/d/discussions/3", "discussion", "example-user", None),
        (f"{HF}/collections/example-user/some-0123456789abcdef01234567", "collection", "example-user", None),
        (f"{HF}/papers/2401.00001", "page", "", None),
    ],
)  # fmt: skip
def test_hugging_face(url: str, kind: str, account: str, key: str | None) -> None:
    found = match(canonicalise(url))
    assert (found.platform, found.kind, found.account, found.host) == (
        "huggingface",
        kind,
        account,
        "huggingface.co",
    )
    assert found.key == (key or url)


@pytest.mark.parametrize(
    ("url", "kind", "account", "key"),
    [
        ("https://civitai.com/models/100000001/example-lora?modelVersionId=2", "model", "", "https://civitai.com/models/100000001"),
        ("https://www.civitai.red/models/100000001", "model", "", "https://civitai.com/models/100000001"),
        ("https://civitai.green/images/30000001", "image", "", "https://civitai.com/images/30000001"),
        ("https://civitai.com/user/exampleuser/models", "account", "exampleuser", "https://civitai.com/user/exampleuser"),
        ("https://civitai.com/articles/5/x", "article", "", "https://civitai.com/articles/5"),
        ("https://civitai.com/api/download/models/5?type=Model", "download", "", "https://civitai.com/api/download/models/5"),
        ("https://civitai.com/tag/x", "page", "", "https://civitai.com/tag/x"),
    ],
)  # fmt: skip
def test_civitai(url: str, kind: str, account: str, key: str) -> None:
    found = match(canonicalise(url))
    assert (found.platform, found.kind, found.account, found.key) == ("civitai", kind, account, key)


@pytest.mark.parametrize(
    ("url", "kind", "account", "key"),
    [
        ("https://github.com/example-owner/example-repo.git", "repository", "example-owner", "https://github.com/example-owner/example-repo"),
        ("https://www.github.com/example-owner/example-repo/", "repository", "example-owner", "https://github.com/example-owner/example-repo"),
        ("https://github.com/example-owner/r/raw/main/a/b.bin", "file", "example-owner", "https://github.com/example-owner/r/blob/main/a/b.bin"),
        ("https://raw.githubusercontent.com/example-owner/r/main/b.bin", "file", "example-owner", "https://github.com/example-owner/r/blob/main/b.bin"),
        ("https://raw.githubusercontent.com/example-owner/r/refs/heads/main/b.bin", "file", "example-owner", "https://github.com/example-owner/r/blob/main/b.bin"),
        ("https://gist.github.com/example-user/0123456789abcdef0123", "gist", "example-user", "https://gist.github.com/example-user/0123456789abcdef0123"),
        ("https://gist.github.com/0123456789abcdef0123", "gist", "", "https://gist.github.com/0123456789abcdef0123"),
        ("https://github.com/example-user", "account", "example-user", "https://github.com/example-user"),
        ("https://someone.github.io/a?b=1", "site", "", "https://someone.github.io/a?b=1"),
        ("https://github.com/features", "page", "", "https://github.com/features"),
        ("https://github.com/example-owner/r/issues/1", "page", "", "https://github.com/example-owner/r/issues/1"),
    ],
)  # fmt: skip
def test_github(url: str, kind: str, account: str, key: str) -> None:
    found = match(canonicalise(url))
    assert (found.platform, found.kind, found.account, found.key) == ("github", kind, account, key)


@pytest.mark.parametrize(
    ("url", "platform", "host"),
    [
        ("https://www.example.co.uk/a", "example.co.uk", "www.example.co.uk"),
        ("https://someone.netlify.app/a", "someone.netlify.app", "someone.netlify.app"),
        ("http://127.0.0.1:8001/a", "127.0.0.1", "127.0.0.1:8001"),
        ("http://[2001:db8::1]:8001/a", "2001:db8::1", "[2001:db8::1]:8001"),
        ("http://localhost/a", "localhost", "localhost"),
    ],
)
def test_an_unknown_host_is_a_platform_by_its_registrable_domain(url: str, platform: str, host: str) -> None:
    found = match(canonicalise(url))
    assert (found.platform, found.kind, found.account, found.host) == (platform, "page", "", host)
    assert found.key == url


SEGMENT = st.sampled_from(
    ["example-user", "m", "datasets", "spaces", "tree", "main", "blob", "resolve", "raw", "a%20b", "models", "7",
     "user", "images", "0123456789abcdef0123", "x.git", "organizations", "docs", "", "refs", "heads", "%7E", "é",
     "@Example", "@example@social.example", "status", "post", "posts", "video", "watch", "p", "r", "comments", "profile",
     "channel", "invite", "s", "t", "-", "groups", "playlist", "shorts", "aaaaaaaaaaa", "statuses", "users", "i"]
)  # fmt: skip
URLS = st.builds(
    lambda scheme, host, segments, query: f"{scheme}://{host}/{'/'.join(segments)}{query}",
    st.sampled_from(["http", "https"]),
    st.sampled_from(
        [
            *sorted({host for one in registry.definitions().values() for host in one.hosts if "*" not in host}),
            "someone.github.io",
            "someone.github.io:8080",
            "old.reddit.com",
            "www.example.org",
            "127.0.0.1:8001",
        ]
    ),
    st.lists(SEGMENT, max_size=7),
    st.sampled_from(["", "?a=1", "?modelVersionId=3", "?", "?v=aaaaaaaaaaa", "?x=1&list=PLx&y=2", "?id=7&fbid=8"]),
)  # fmt: skip


@given(URLS)
@example("https://raw.githubusercontent.com/organizations/example-user/example/example")
@example("https://raw.githubusercontent.com/example-user/r/refs/heads/refs/heads/main/example")
def test_matching_the_key_again_gives_the_same_match(url: str) -> None:
    try:
        found = match(canonicalise(url))
    except UnusableURL:
        return
    assert canonicalise(found.key).key == found.key
    assert match(canonicalise(found.key)) == found


@given(st.text(alphabet="ab.-0123456789xn[]:", min_size=1, max_size=40))
def test_any_host_has_a_registrable_domain(host: str) -> None:
    assert registrable_domain(host)


def test_a_part_of_the_host_can_name_the_account(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "example.toml").write_text(
        """
        slug = "example-blogs"
        name = "Example Blogs"
        hosts = ["www.blogs.example.org", "*.blogs.example.org"]
        [[probes]]
        name = "page"
        url = "{url}"
        [[kinds]]
        name = "post"
        host = '(?!www\\.)(?P<blog>[a-z-]+)\\.blogs\\.example\\.org'
        path = '/p/(?P<id>\\d+)'
        key = "https://{blog}.blogs.example.org/p/{id}"
        account = "{blog}"
        probes = ["page"]
        """
    )
    settings.PLATFORM_DEFINITION_DIRS = [tmp_path]
    found = match(canonicalise("http://ann.blogs.example.org/p/7?x=1"))
    assert (found.kind, found.account) == ("post", "ann")
    assert found.key == "https://ann.blogs.example.org/p/7"
    assert found.host == "www.blogs.example.org"
    assert match(canonicalise(found.key)) == found
    assert match(canonicalise("https://www.blogs.example.org/p/7")).kind == "page"


def test_a_platform_can_be_added_without_python(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "example.toml").write_text(
        """
        slug = "example-models"
        name = "Example Models"
        hosts = ["127.0.0.1:*"]
        [[probes]]
        name = "page"
        url = "{url}"
        [[kinds]]
        name = "model"
        path = '/(?P<owner>[^/]+)/models/(?P<id>\\d+)(?:/.*)?'
        key = "{scheme}://{authority}/{owner}/models/{id}"
        account = "{owner|lower}"
        probes = ["page"]
        """
    )
    settings.PLATFORM_DEFINITION_DIRS = [tmp_path]
    found = match(canonicalise("http://127.0.0.1:8001/Ann/models/7/fine-name?x=1"))
    assert (found.platform, found.kind, found.account) == ("example-models", "model", "ann")
    assert found.key == "http://127.0.0.1:8001/Ann/models/7"
    assert found.host == "127.0.0.1:8001"
    assert match(canonicalise(found.key)) == found
