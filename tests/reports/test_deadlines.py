"""Deadlines: whose report starts which, and met, missed, running or indeterminate, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from apps.checks.cadence import MARK_TOLERANCE, MARKS
from apps.platforms.schema import DefinitionError
from apps.reports import deadlines
from apps.reports.deadlines import applies, covers, deadline, fits, judge, load_rules, rules
from apps.reports.models import Category, Channel, Standing

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def after_start(hours: float | None) -> datetime | None:
    return None if hours is None else START + timedelta(hours=hours)


# Hours after the start. The deadline is at 48; the tolerance of a check at it ends at 48 + 5/60 = 48.083.
VERDICTS = [
    # after, by, now, verdict: why
    (0.0, 10.0, 100, "met"),  # gone by 10, and 10 <= 48
    (47.0, 48.0, 100, "met"),  # gone by the very deadline
    (47.0, 48.08, 100, "met"),  # the check at the mark ended 4.8 minutes after it
    (47.0, 48.09, 100, "indeterminate"),  # 5.4 minutes: between 47 and 48.09 lies the deadline
    (None, 10.0, 100, "met"),  # never seen, gone by 10
    (None, 60.0, 100, "indeterminate"),  # never seen, gone by 60: it may have gone at any time
    (48.0, 60.0, 100, "missed"),  # still there at the deadline itself
    (48.01, 48.05, 100, "missed"),  # still there 36 seconds after it, however soon it went then
    (50.0, 60.0, 100, "missed"),
    (24.0, 60.0, 100, "indeterminate"),  # gone somewhere between 24 and 60
    (10.0, None, 20, "running"),  # still up, 28 hours left
    (None, None, 20, "running"),  # not looked at yet
    (0.0, None, 47.99, "running"),
    (47.0, None, 48.0, "indeterminate"),  # the deadline is now, and the last look was before it
    (47.0, None, 100, "indeterminate"),  # no look since
    (48.0, None, 100, "missed"),  # seen at the deadline
    (90.0, None, 100, "missed"),
    # A moment that is known exactly, as a reply's: no tolerance, since nothing was looked for.
    (48.0, 48.0, 100, "met"),
    (48.01, 48.01, 100, "missed"),
    (1.0, 1.0, 100, "met"),
    # No reply: it had not come by now.
    (20.0, None, 20, "running"),
    (100.0, None, 100, "missed"),
]


@pytest.mark.parametrize(("after", "by", "now", "verdict"), VERDICTS)
def test_a_deadline_is_met_missed_running_or_open(
    after: float | None, by: float | None, now: float, verdict: str
) -> None:
    found = judge(
        start=START,
        hours=48,
        after=after_start(after),
        by=after_start(by),
        now=START + timedelta(hours=now),
    )
    assert found == verdict


def test_a_deadline_counts_from_its_start() -> None:
    assert deadline(START, 48) == datetime(2026, 6, 3, 12, 0, tzinfo=UTC)
    assert timedelta(minutes=5) == MARK_TOLERANCE


def test_every_deadline_has_a_check_at_its_very_moment() -> None:
    for rule in rules().values():
        assert rule.hours is None or timedelta(hours=rule.hours) in MARKS, rule.slug


def test_no_rule_speaks_of_a_breach() -> None:
    for rule in rules().values():
        assert "breach" not in repr(rule).lower()


# ------------------------------------------------------------------------------------------ whose clock it is

INTIMATE = Category.SYNTHETIC_INTIMATE_IMAGES
DOES_NOT = "does not apply: the clock starts with "


@pytest.mark.parametrize(
    ("slug", "standing", "channel", "sentence"),
    [
        ("us-take-it-down", Standing.DEPICTED_PERSON, Channel.WEB_FORM, None),
        ("us-take-it-down", Standing.AUTHORISED_AGENT, Channel.EMAIL, None),
        (
            "us-take-it-down",
            Standing.JOURNALIST,
            Channel.EMAIL,
            f"{DOES_NOT}a valid removal request from the depicted person or somebody authorised to act for "
            "them; this was sent by a journalist",
        ),
        (
            "in-it-rules-3-2-b",
            Standing.ORGANISATION,
            Channel.EMAIL,
            f"{DOES_NOT}a complaint by the depicted person or somebody on their behalf; this was sent by an "
            "organisation",
        ),
        (
            "in-it-rules-3-2-b",
            Standing.UNKNOWN,
            Channel.EMAIL,
            f"{DOES_NOT}a complaint by the depicted person or somebody on their behalf; who sent this is not "
            "recorded",
        ),
        (
            "in-it-rules-3-2-b",
            "her school",
            Channel.EMAIL,
            f"{DOES_NOT}a complaint by the depicted person or somebody on their behalf; this was sent by "
            "“her school”",
        ),
        ("eu-tco-3", Standing.AUTHORITY, Channel.LEGAL, None),
        (
            "eu-tco-3",
            Standing.AUTHORITY,
            Channel.WEB_FORM,
            f"{DOES_NOT}a removal order from a competent authority; this was sent by web form",
        ),
        (
            "eu-tco-3",
            Standing.AUTHORITY,
            Channel.UNKNOWN,
            f"{DOES_NOT}a removal order from a competent authority; how this was sent is not recorded",
        ),
        (
            "au-online-safety-77",
            Standing.DEPICTED_PERSON,
            Channel.LEGAL,
            f"{DOES_NOT}a removal notice from the eSafety Commissioner; this was sent by the depicted person",
        ),
        (
            "au-online-safety-77",
            Standing.USER,
            Channel.IN_APP,
            f"{DOES_NOT}a removal notice from the eSafety Commissioner; this was sent by a user of the "
            "platform",
        ),
        ("eu-dsa-16", Standing.UNKNOWN, Channel.UNKNOWN, None),
        ("de-netzdg-24h", Standing.USER, Channel.IN_APP, None),
        ("eu-hate-speech-code", Standing.USER, Channel.IN_APP, None),
        ("eu-hate-speech-code-plus", Standing.ORGANISATION, Channel.IN_APP, None),
        (
            "eu-hate-speech-code-plus",
            Standing.USER,
            Channel.IN_APP,
            f"{DOES_NOT}a notice from a Monitoring Reporter, which is a not-for-profit or public body; this "
            "was sent by a user of the platform",
        ),
    ],
)
def test_a_clock_that_the_standing_does_not_start_says_why(
    slug: str, standing: str, channel: str, sentence: str | None
) -> None:
    assert applies(rules()[slug], standing=standing, channel=channel) == sentence


@pytest.mark.parametrize(
    ("category", "day", "slugs"),
    [
        (Category.FRAUD, "2024-02-16", []),
        (Category.FRAUD, "2024-02-17", ["eu-dsa-16"]),
        ("a word of their own", "2026-06-01", ["eu-dsa-16"]),
        (INTIMATE, "2026-02-19", ["au-online-safety-77", "eu-dsa-16"]),
        (INTIMATE, "2026-02-20", ["au-online-safety-77", "eu-dsa-16", "in-it-rules-3-2-b"]),
        (INTIMATE, "2026-05-18", ["au-online-safety-77", "eu-dsa-16", "in-it-rules-3-2-b"]),
        (
            INTIMATE,
            "2026-05-19",
            ["au-online-safety-77", "eu-dsa-16", "in-it-rules-3-2-b", "us-take-it-down"],
        ),
        (Category.TERRORISM, "2022-06-06", ["de-netzdg-24h", "de-netzdg-7d"]),
        (Category.TERRORISM, "2022-06-07", ["eu-tco-3", "de-netzdg-24h", "de-netzdg-7d"]),
        (
            Category.HATE_SPEECH,
            "2024-05-13",
            ["eu-hate-speech-code", "eu-dsa-16", "de-netzdg-24h", "de-netzdg-7d"],
        ),
        (Category.HATE_SPEECH, "2024-05-14", ["eu-hate-speech-code", "eu-dsa-16"]),
        (Category.HATE_SPEECH, "2025-01-20", ["eu-hate-speech-code-plus", "eu-dsa-16"]),
        (Category.HATE_SPEECH, "2016-05-30", []),
    ],
)
def test_a_rule_is_shown_for_its_categories_on_the_days_that_it_covers(
    category: str, day: str, slugs: list[str]
) -> None:
    moment = datetime.fromisoformat(f"{day}T12:00+00:00")
    found = fits(category=category, standing=Standing.JOURNALIST, channel=Channel.WEB_FORM)
    assert sorted(fit.rule.slug for fit in found if covers(fit.rule, moment)) == sorted(slugs)


def test_days_are_counted_in_utc() -> None:
    rule = rules()["us-take-it-down"]
    west = datetime.fromisoformat("2026-05-18T20:00-04:00")  # 2026-05-19 00:00 UTC
    assert covers(rule, west)
    assert not covers(rule, west - timedelta(seconds=1))


def test_a_rule_without_hours_stands_beside_those_that_have_some() -> None:
    assert {rule.slug: rule.hours for rule in rules().values()} == {
        "us-take-it-down": 48,
        "eu-hate-speech-code": 24,
        "eu-hate-speech-code-plus": 24,
        "eu-dsa-16": None,
        "de-netzdg-24h": 24,
        "de-netzdg-7d": 168,
        "au-online-safety-77": 24,
        "eu-tco-3": 1,
        "in-it-rules-3-2-b": 2,
    }


# ------------------------------------------------------------------------------------------------- the reader

GOOD = """
slug = "zz-example"
name = "Example Act"
jurisdiction = "Exampleland"
citation = "Section 1"
binding = true
starts_with = "a notice"
stops_at = "removal"
hours = 24
valid_from = 2026-01-01
source = "https://law.example.org/1"
verified = 2026-01-01
confidence = "verified"
notes = "None."
"""


def loaded(folder: Path, text: str, name: str = "zz-example.toml") -> object:
    (folder / name).write_text(text)
    return load_rules(folder)["zz-example"]


def test_a_rule_that_says_little_holds_for_all(tmp_path: Path) -> None:
    rule = loaded(tmp_path, GOOD)
    assert rule.categories == rule.standings == rule.channels == ()  # type: ignore[attr-defined]
    assert rule.valid_until is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("instead_of", "written", "sentence"),
    [
        ('name = "Example Act"', "", r'zz-example.toml: name: is missing. Write name = "..."'),
        ("binding = true", "", r"zz-example.toml: binding: is missing. Write binding = true, or false"),
        ("hours = 24", "hours = 1.5", r"zz-example.toml, line 9: hours: is 1.5"),
        ("hours = 24", "hours = 0", "hours: is 0. Write a number of at least 1"),
        ("hours = 24", "hour = 24", 'hour: is not a key that is known here. Did you mean "hours"'),
        ('stops_at = "removal"', 'stops_at = "reply"', 'is "reply". Write one of: removal, decision, either'),
        (
            "valid_from = 2026-01-01",
            'valid_from = "2026"',
            "valid_from: is '2026'. Write the day without quotes",
        ),
        ('confidence = "verified"', 'confidence = "sure"', 'is "sure". Write one of: verified, remembered'),
        (
            "hours = 24",
            'hours = 24\ncategories = ["hate"]',
            'categories: has "hate". Write words of: intimate',
        ),
        (
            "hours = 24",
            'hours = 24\nstandings = ["victim"]',
            'standings: has "victim". Write words of: depicted',
        ),
        ("hours = 24", 'hours = 24\nchannels = ["fax"]', 'channels: has "fax". Write words of: web_form'),
        (
            'slug = "zz-example"',
            'slug = "zz-other"',
            'is "zz-other". Give the file and the rule the same name',
        ),
        (
            'notes = "None."',
            'notes = "None."\n[ended]\non = 2025-01-01\nby = "Section 2"',
            r"line 16: ended.on: is 2025-01-01, not after valid_from \(2026-01-01\)",
        ),
        ('notes = "None."', 'notes = "None."\n[ended]\non = 2027-01-01', "ended.by: is missing"),
        ("hours = 24", "hours 24", "zz-example.toml: is not TOML"),
    ],
)
def test_a_rule_that_cannot_be_used_names_its_file_and_key(
    instead_of: str, written: str, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(DefinitionError, match=sentence):
        loaded(tmp_path, GOOD.replace(instead_of, written))


def test_a_rule_that_cannot_be_used_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "example.toml").write_text('slug = "example"\n')
    monkeypatch.setattr(deadlines, "OWN_RULES", tmp_path)
    with pytest.raises(SystemCheckError, match=r"reports.E001.*example.toml"):
        call_command("check")
