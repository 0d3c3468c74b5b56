"""A researcher who writes a definition is told what is wrong with it, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.platforms.schema import DefinitionError, expand, host_matches, load_definition

GOOD = """\
slug = "example"
name = "Example Models"
hosts = ["models.example.org"]
canary = "https://models.example.org/m/1"

[politeness]
interval_seconds = 2
concurrency = 1

[[politeness.hosts]]
host = "api.example.org"
interval_seconds = 5
concurrency = 1

[[channels]]
name = "web form"
url = "https://models.example.org/report"

[[probes]]
name = "api"
url = "https://api.example.org/{id}"
format = "json"

[[probes]]
name = "page"
url = "{url}"

[[kinds]]
name = "model"
path = '/m/(?P<id>\\d+)'
key = "https://models.example.org/m/{id}"
probes = ["api", "page"]

[[signals]]
id = "up"
version = 2
probes = ["api"]
outcome = "available"
reason = "ok"
source = "the fiction of this test"
verified = 2026-01-31
confidence = "verified"
[signals.when]
status = [200, "202-203"]
json = [{ path = "$.id", equals = "{id}" }]

[[signals]]
id = "missing"
version = 1
probes = ["api"]
ask = "page"
source = "the fiction of this test"
verified = 2026-01-31
confidence = "reported"
[signals.when]
status = 404
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "example.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_it_works(tmp_path: Path) -> None:
    definition = load_definition(write(tmp_path, GOOD))
    assert definition.slug == "example"
    assert definition.politeness is not None
    assert definition.politeness.interval_seconds == 2.0
    assert definition.host_politeness["api.example.org"].interval_seconds == 5.0
    assert [channel.name for channel in definition.channels] == ["web form"]
    assert definition.probes["page"].generic
    assert not definition.probes["api"].generic
    up, missing = definition.signals
    assert up.name == "up@2"
    assert up.when.status == ((200, 200), (202, 203))
    assert missing.ask == "page"


@pytest.mark.parametrize(
    ("replace", "by", "where", "hint"),
    [
        ('slug = "example"', 'slug = "Example"', "line 1: slug", "small letters"),
        ('slug = "example"', 'slug = "generic"', "line 1: slug", "means something else"),
        ('name = "Example Models"\n', "", "name", "is missing"),
        ("interval_seconds = 2\n", "", "line 6: politeness", "interval_seconds = 1.0"),
        (
            "concurrency = 1\n\n[[ch",
            "concurrency = 0\n\n[[ch",
            "line 13: politeness.hosts[1].concurrency",
            "1",
        ),
        ('hosts = ["models', 'hosts = ["https://models', "line 3: hosts", "*.example.org"),
        ('canary = "https://', 'canary = "', "line 4: canary", "https://"),
        ('hosts = ["models.example.org"]', 'hosts = ["*"]', "hosts", "a pace says nothing"),
        (
            'hosts = ["models.example.org"]',
            'hosts = ["*", "a.example.org"]',
            "line 3: hosts",
            "*.example.org",
        ),
        (
            "path = '/m/(?P<id>",
            'hosts = ["*"]\npath = \'/m/(?P<id>',
            "line 30: kinds[1].hosts",
            "*.example.org",
        ),
        (
            'format = "json"',
            'format = "json"\njson_after = "data = "',
            "line 23: probes[1].json_after",
            "is for pages",
        ),
        ('format = "json"', 'format = "file"\nidentity = "$.id"', "line 23: probes[1].identity", "from JSON"),
        (
            'format = "json"',
            'format = "json"\nidentity = "id"',
            "line 23: probes[1].identity",
            "$.items[0].id",
        ),
        (
            'probes = ["api", "page"]',
            'probes = ["api", "page"]\nknown_good = "models.example.org/m/1"',
            "line 33: kinds[1].known_good",
            "https://",
        ),
        (
            'name = "page"\nurl = "{url}"',
            'name = "page"\nurl = "{url}"\npost = "[]"',
            "probes[2].post",
            "json",
        ),
        (
            'format = "json"',
            'format = "json"\npost = \'["{nr}"]\'',
            "kinds[1].probes",
            "{nr}",
        ),
        (
            'format = "json"',
            'format = "json"\npost = "[]"\nfollow_redirects = true',
            "line 23: probes[1].post",
            "redirects",
        ),
        ('probes = ["api", "page"]\n', "", "kinds[1].probes", "needs_person"),
        (
            "status = 404",
            'block = [{ says = ["gone"] }]',
            "line 56: signals[2].when.block[1].class",
            "which element",
        ),
        ('format = "json"', 'format = "xml"', "line 22: probes[1].format", "page, json, file"),
        ("(?P<id>\\d+)", "(?P<id>\\d+", "line 30: kinds[1].path", "regular expression"),
        ("/m/{id}", "/m/{number}", "line 31: kinds[1].key", "Known here: authority, host, id"),
        ('probes = ["api", "page"]', 'probes = ["api", "pgae"]', "line 32: kinds[1].probes", "api, page"),
        ("version = 2", 'version = "2"', "line 36: signals[1].version", "number"),
        ('reason = "ok"\n', "", "line 34: signals[1].reason", "is missing"),
        ('reason = "ok"', 'reson = "ok"', "line 39: signals[1].reson", 'Did you mean "reason"?'),
        (
            "verified = 2026-01-31",
            'verified = "2026-01-31"',
            "line 41: signals[1].verified",
            "without quotes",
        ),
        ('confidence = "verified"', 'confidence = "sure"', "line 42: signals[1].confidence", "reported"),
        ('status = [200, "202-203"]', 'status = "20x"', "line 44: signals[1].when.status", "500-599"),
        ("$.id", ".id", "line 45: signals[1].when.json[1].path", "$.items[0].id"),
        (', equals = "{id}"', "", "line 45: signals[1].when.json[1].path", "one_of"),
        ('equals = "{id}"', 'equals = "{nr}"', "signals[1].when", "{nr}"),
        ("json = [{", "jsn = [{", "line 45: signals[1].when.jsn", 'Did you mean "json"?'),
        ('id = "missing"', 'id = "up"', "line 48: signals[2].id", "twice"),
        ('ask = "page"', 'ask = "pag"', "line 51: signals[2].ask", "api, page"),
        ('ask = "page"', 'ask = "page"\noutcome = "removed"', "signals[2].outcome", "one of the two"),
        ('ask = "page"', 'ask = "page"\nneeds_seen = true', "line 51: signals[2].ask", "stands alone"),
        ("[signals.when]\nstatus = 404\n", "", "line 47: signals[2].when", "at least one condition"),
        ("\nstatus = 404", "", "line 55: signals[2].when", "no condition"),
        ("status = 404", 'text = "gone"', "line 56: signals[2].when.text", "Add text_under"),
        ("status = 404", 'detail = "NXDOMAIN"', "line 56: signals[2].when.detail", "belongs to a failure"),
        ("status = 404", 'blocked_by = "us"', "line 56: signals[2].when.blocked_by", "any, another_site"),
        ('ask = "page"', 'ask = "page"\nwhole_site = true', "line 51: signals[2].ask", "stands alone"),
        (
            'outcome = "available"',
            'outcome = "available"\nwhole_site = true',
            "signals[1].whole_site",
            "removed and restricted",
        ),
    ],
)
def test_a_mistake_is_named_with_its_file_line_and_key(
    tmp_path: Path, replace: str, by: str, where: str, hint: str
) -> None:
    assert replace in GOOD
    with pytest.raises(DefinitionError) as caught:
        load_definition(write(tmp_path, GOOD.replace(replace, by, 1)))
    message = str(caught.value)
    assert message.startswith("example.toml")
    assert where in message
    assert hint in message


def test_what_is_said_of_a_kind_stands_with_its_first_entry(tmp_path: Path) -> None:
    second = """
[[kinds]]
name = "model"
path = '/old/(?P<id>\\d+)'
key = "https://models.example.org/m/{id}"
probes = ["api", "page"]
needs_person = "Only people who are signed in see it."
"""
    with pytest.raises(DefinitionError, match=r'kinds\[2\].needs_person: belongs to the first "model"'):
        load_definition(write(tmp_path, GOOD + second))


def test_a_software_names_its_own_paths(tmp_path: Path) -> None:
    text = """
slug = "example"
name = "Example"
hosts = ["*"]
[[probes]]
name = "page"
url = "{url}"
[[kinds]]
name = "page"
path = '/.*'
key = "{url}"
probes = ["page"]
"""
    with pytest.raises(DefinitionError, match=r"kinds\[1\].path: matches most pages of any site"):
        load_definition(write(tmp_path, text))


def test_what_rests_on_memory_cannot_say_removed(tmp_path: Path) -> None:
    text = GOOD.replace('outcome = "available"\nreason = "ok"', 'outcome = "removed"\nreason = "not_found"')
    with pytest.raises(DefinitionError, match="remembered, which cannot carry removed"):
        load_definition(write(tmp_path, text.replace('confidence = "verified"', 'confidence = "remembered"')))


def test_a_definitive_available_is_refused(tmp_path: Path) -> None:
    text = GOOD.replace('reason = "ok"', 'reason = "ok"\ndefinitive = true')
    with pytest.raises(DefinitionError, match="is not removed, so definitive and needs_seen say nothing"):
        load_definition(write(tmp_path, text))


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"example.toml: is not TOML: .*line 1"):
        load_definition(write(tmp_path, "slug = = 1"))


@pytest.mark.parametrize(
    ("pattern", "host", "port", "covers"),
    [
        ("example.org", "example.org", None, True),
        ("example.org", "example.org", 8080, False),
        ("example.org", "www.example.org", None, False),
        ("example.org:8080", "example.org", 8080, True),
        ("example.org:8080", "example.org", None, False),
        ("example.org:*", "example.org", 8080, True),
        ("example.org:*", "example.org", None, True),
        ("*.example.org", "a.example.org", None, True),
        ("*.example.org", "a.b.example.org", None, True),
        ("*.example.org", "example.org", None, False),
        ("*.example.org", "badexample.org", None, False),
        ("127.0.0.1:*", "127.0.0.1", 8001, True),
        ("[::1]:*", "[::1]", 8001, True),
    ],
)
def test_a_host_pattern_covers_what_it_says(pattern: str, host: str, port: int | None, covers: bool) -> None:
    assert host_matches(pattern, host, port) is covers


def test_templates_are_filled_and_filtered() -> None:
    params = {"path": "a%20B", "empty": ""}
    assert expand("/{path}/{path|decoded}/{path|lower}/{empty}/{absent}!", params) == "/a%20B/a B/a%20b//!"
    assert (
        expand("?url={url|encoded}", {"url": "https://x/a%20b?c=1"})
        == "?url=https%3A%2F%2Fx%2Fa%2520b%3Fc%3D1"
    )
