"""A row says what it says, or comes back with a reason that tells what to write instead."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.checks.address import refusal
from apps.checks.outcomes import Outcome, Reason
from apps.core.csv_cells import safe_cell
from apps.reports.models import Category, Channel, Standing
from apps.reports.rows import COLUMNS, AcceptedRow, Group, Observed, RejectedRow, RowContext, read_row

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "https://models.example.org/a"


def context(zone: str = "UTC", **more: object) -> RowContext:
    return RowContext(zone=ZoneInfo(zone), now=NOW, refusal=refusal, **more)  # type: ignore[arg-type]


def accepted(zone: str = "UTC", **cells: str) -> AcceptedRow:
    row = read_row({"url": URL, **cells}, context(zone))
    assert isinstance(row, AcceptedRow), row
    return row


def rejected(**cells: str) -> str:
    row = read_row({"url": URL, **cells}, context())
    assert isinstance(row, RejectedRow), row
    return row.reason


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_url_alone_is_a_row() -> None:
    row = accepted(url=" hxxps://Models.example[.]org/a?utm_source=x#top ")
    assert row.submitted == "hxxps://Models.example[.]org/a?utm_source=x#top"
    assert row.match.key == URL
    assert row.group == Group("example.org", "unknown", "unknown", "unknown", "")
    assert row.reported_at is None
    assert row.observations == ()
    assert not row.control


def test_every_column_is_read() -> None:
    row = accepted(
        "Europe/Berlin",
        url="https://huggingface.co/example-user/example-model",
        reported_at="31.12.2025 14:00",
        platform="Hugging Face",
        channel="web form",
        standing="Trusted flagger",
        category="intimate-images",
        reference=" T-7 ",
        labels="first list; urgent, first list;;",
        note="two\nlines",
        control="X",
    )
    assert row.reported_at == utc("2025-12-31T13:00")
    assert row.group == Group("huggingface", "web_form", "trusted_flagger", "intimate_images", "T-7")
    assert row.labels == ("first list", "urgent")
    assert row.note == "two\nlines"
    assert row.control


@pytest.mark.parametrize("words", [Channel, Standing, Category])
def test_a_word_is_taken_by_its_value_or_its_label_in_any_case(words: type[Channel]) -> None:
    column = words.__name__.lower()
    for word in words:
        for text in (
            word.value,
            word.label,
            word.value.upper(),
            word.value.replace("_", " "),
            f" {word.label} ",
        ):
            assert word.value in accepted(**{column: text}).group


def test_other_words_for_category_and_standing_are_understood_or_kept() -> None:
    row = accepted(url=URL, category="NCII", standing="NGO")
    assert (row.group.category, row.group.standing) == ("intimate_images", "organisation")
    own = accepted(url=URL, category="  Stolen   pictures ", standing="Hotline")
    assert (own.group.category, own.group.standing) == ("Stolen pictures", "Hotline")


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("huggingface", "huggingface"),
        ("Hugging Face", "huggingface"),
        ("HUGGINGFACE.CO", "huggingface"),
        ("https://huggingface.co/", "huggingface"),
        ("hf.co", "huggingface"),
    ],
)
def test_a_platform_is_taken_by_slug_name_or_domain(text: str, platform: str) -> None:
    url = "https://huggingface.co/example-user/example-model"
    assert accepted(url=url, platform=text).group.platform == platform


def test_a_platform_is_taken_by_another_name_that_people_use() -> None:
    assert accepted(url="https://x.com/exampleuser", platform="Twitter").group.platform == "x"


def test_the_name_of_a_software_stands_for_the_site_that_runs_it() -> None:
    url = "https://social.example/@exampleuser/110000000000000001"
    assert accepted(url=url, platform="Mastodon").group.platform == "social.example"
    assert accepted(url=url).group.platform == "social.example"


def test_an_unknown_platform_is_its_registrable_domain() -> None:
    assert accepted(platform="www.example.org").group.platform == "example.org"
    assert (
        accepted(url="https://a.example.co.uk/x", platform="example.co.uk").group.platform == "example.co.uk"
    )


@pytest.mark.parametrize("text", ["yes", "Y", "true", "1", "x"])
def test_a_control_is_marked(text: str) -> None:
    assert accepted(control=text).control


@pytest.mark.parametrize("text", ["", "no", "N", "false", "0"])
def test_what_is_no_control_is_not(text: str) -> None:
    assert not accepted(control=text).control


@pytest.mark.parametrize(
    ("text", "attested"), [("", True), ("yes", True), ("attested", True), ("no", False), ("0", False)]
)
def test_an_item_is_attested_unless_it_is_said_otherwise(text: str, attested: bool) -> None:
    assert accepted(attested=text).attested == attested


@pytest.mark.parametrize(
    ("cells", "seen"),
    [
        (
            {"available_at": "2026-01-02 10:00"},
            [(Outcome.AVAILABLE, Reason.PERSON, "2026-01-02T10:00")],
        ),
        ({"removed_at": "2026-01-05 10:00"}, [(Outcome.REMOVED, Reason.PERSON, "2026-01-05T10:00")]),
        (
            {"removed_at": "2026-01-05 10:00", "reason": "gone"},
            [(Outcome.REMOVED, Reason.GONE, "2026-01-05T10:00")],
        ),
        (
            {"available_at": "2026-01-02", "removed_at": "2026-01-05 10:00", "outcome": "REMOVED"}
            | {"reason": "legal"},
            [
                (Outcome.AVAILABLE, Reason.PERSON, "2026-01-02T00:00"),
                (Outcome.REMOVED, Reason.LEGAL, "2026-01-05T10:00"),
            ],
        ),
        (
            {"outcome": "restricted", "reason": "age wall", "observed_at": "2026-01-05 10:00"},
            [(Outcome.RESTRICTED, Reason.AGE_WALL, "2026-01-05T10:00")],
        ),
        ({"outcome": "removed"}, [(Outcome.REMOVED, Reason.PERSON, None)]),
        ({"outcome": "inconclusive", "reason": "bot_wall"}, [(Outcome.INCONCLUSIVE, Reason.BOT_WALL, None)]),
        (
            {"outcome": "available", "reason": "ok", "available_at": "2026-01-05 10:00"},
            [(Outcome.AVAILABLE, Reason.OK, "2026-01-05T10:00")],
        ),
        (  # it was gone and is back
            {"removed_at": "2026-01-05 10:00", "outcome": "available", "observed_at": "2026-01-09 10:00"},
            [
                (Outcome.REMOVED, Reason.PERSON, "2026-01-05T10:00"),
                (Outcome.AVAILABLE, Reason.PERSON, "2026-01-09T10:00"),
            ],
        ),
        (  # told twice
            {"removed_at": "2026-01-05 10:00", "outcome": "removed", "observed_at": "2026-01-05 10:00"},
            [(Outcome.REMOVED, Reason.PERSON, "2026-01-05T10:00")],
        ),
    ],
)  # fmt: skip
def test_what_a_person_saw_is_told_in_columns(
    cells: dict[str, str], seen: list[tuple[Outcome, Reason, str | None]]
) -> None:
    row = accepted(reported_at="2026-01-01", **cells)
    assert list(row.observations) == [
        Observed(outcome, reason, None if moment is None else utc(moment)) for outcome, reason, moment in seen
    ]


def test_a_date_without_a_time_claims_the_least() -> None:
    row = accepted(
        "Europe/Berlin", reported_at="2026-01-05", available_at="2026-01-05", removed_at="2026-01-05"
    )
    assert row.reported_at == utc("2026-01-04T23:00")
    assert [seen.observed_at for seen in row.observations] == [
        utc("2026-01-04T23:00"),
        utc("2026-01-05T22:59:59"),
    ]


def test_a_removal_today_is_not_in_the_future() -> None:
    assert (
        accepted(removed_at="2026-03-01", reported_at="2026-03-01 11:59").observations[0].observed_at == NOW
    )


@pytest.mark.parametrize(
    ("cells", "part_of_the_sentence"),
    [
        ({"url": ""}, "There is no URL"),
        ({"url": "   "}, "There is no URL"),
        ({"url": "https://someone:secret@example.org/"}, "user name or password"),
        ({"url": "javascript:alert(1)"}, "not javascript:"),
        ({"url": "data:text/html,x"}, "not data:"),
        ({"url": "file:///etc/hosts"}, "not file:"),
        ({"url": "http://127.0.0.1/"}, "CHECK_ALLOW_NETWORKS"),
        ({"url": "http://[::1]/"}, "CHECK_ALLOW_NETWORKS"),
        ({"url": "http://0x7f.1/"}, "CHECK_ALLOW_NETWORKS"),
        ({"url": "http://192.168.0.1/"}, "CHECK_ALLOW_NETWORKS"),
        ({"url": "http://169.254.169.254/latest/"}, "CHECK_ALLOW_NETWORKS"),
        ({"url": "http://localhost/"}, "."),
        ({"url": f"https://{'a.' * 123}example:8443/"}, "longer than 253"),
        ({"url": "https://huggingface.co/" + "a" * 256}, "longer than 255"),
        ({"url": "https://example.org/" + "a" * 2048}, "2,048"),
        ({"url": "https://example.org/a\x00"}, "control character"),
        ({"url": "https://example.org/\u202egpj"}, "RIGHT-TO-LEFT OVERRIDE"),
        ({"url": "https://example.org/\u2067"}, "U+2067"),
        ({"url": f"{URL}#top;hxxps://files[.]example[.]org/b"}, "more than one URL"),
        ({"url": f"https://www.youtube.com/watch?v=a,{URL}"}, "%2C for a comma"),
        ({"reported_at": "2026-03-01 12:01"}, "is in the future; it is now 2026-03-01 12:00 UTC"),
        ({"reported_at": "2026-03-02"}, "is in the future"),
        ({"available_at": "2027-01-01"}, "available_at: “2027-01-01” is in the future"),
        ({"removed_at": "2027-01-01"}, "removed_at: “2027-01-01” is in the future"),
        ({"outcome": "removed", "observed_at": "2027-01-01"}, "observed_at: “2027-01-01” is in the future"),
        ({"reported_at": "31/12/2025"}, "reported_at: “31/12/2025” has slashes"),
        (
            {"reported_at": "2026-01-05 10:00", "removed_at": "2026-01-05 09:59"},
            "removed (2026-01-05 09:59 UTC) before it was reported (2026-01-05 10:00 UTC)",
        ),
        ({"reported_at": "2026-01-05", "removed_at": "2026-01-04"}, "before it was reported"),
        ({"reported_at": "2026-01-05", "outcome": "removed", "observed_at": "2026-01-04"}, "before it was"),
        ({"channel": "pigeon"}, "channel: “pigeon” is not one of its words. Write one of: web_form, in_app"),
        ({"standing": "k" * 61}, "standing: “kkkk"),
        ({"category": "c" * 61}, "is longer than 60 characters"),
        ({"outcome": "deleted"}, "Write one of: available, restricted, removed, inconclusive."),
        ({"outcome": "removed", "reason": "because"}, "reason: “because”"),
        ({"outcome": "available", "reason": "gone"}, "contradicts the outcome “available”"),
        ({"outcome": "removed", "reason": "ok"}, "contradicts the outcome “removed”"),
        ({"reason": "gone"}, "there is no outcome to it"),
        ({"observed_at": "2026-01-01"}, "there is no outcome to it"),
        ({"available_at": "2026-01-05 10:00", "removed_at": "2026-01-05 10:00"}, "the same moment"),
        ({"control": "maybe"}, "neither yes nor no"),
        ({"attested": "control"}, "attested: “control” is neither yes nor no"),
        ({"platform": "Example Models"}, "neither a platform that is known here nor a domain"),
        ({"platform": "huggingface"}, "Hugging Face is given, but the URL is on example.org"),
        ({"reference": "R" * 201}, "longer than 200"),
        # 123456789012 and 123456712345, as a spreadsheet exports both, and in the spelling of other countries
        ({"reference": "1.23457E+11"}, "“1.23457E+11” is what a spreadsheet makes of a long number"),
        ({"reference": "1,23457E+11"}, "whose last digits are lost"),
        ({"reference": "1E+15"}, "whose last digits are lost"),
        ({"labels": "L" * 101}, "longer than 100"),
        ({"note": "a\x00b"}, "note: holds a control character"),
        ({"reference": "a\x1bb"}, "reference: holds a control character"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_used_says_why(cells: dict[str, str], part_of_the_sentence: str) -> None:
    reason = rejected(**cells)
    assert part_of_the_sentence in reason
    assert reason.endswith(".")


@pytest.mark.parametrize("reference", ["123456789012", "E+11", "1.5E", "CASE-1E+11", "1E5", "12E+11"])
def test_a_reference_that_only_resembles_a_shortened_number_is_taken(reference: str) -> None:
    assert accepted(reference=reference).group.reference == reference


@pytest.mark.parametrize(
    "inner", ["/https://example.com/b", "?to=https://example.com/b", "?to=a%2Chttps://b.example"]
)
def test_an_address_inside_an_address_is_one_url(inner: str) -> None:
    assert accepted(url=f"{URL}{inner}").match.key == f"{URL}{inner}"


def test_an_address_on_an_allowed_network_is_taken(settings: object) -> None:
    from ipaddress import ip_network

    settings.CHECK_ALLOW_NETWORKS = [ip_network("127.0.0.0/8")]  # type: ignore[attr-defined]
    assert accepted(url="http://127.0.0.1/").group.platform == "127.0.0.1"


def test_a_date_can_stand_in_for_the_rows_without_one() -> None:
    default = utc("2026-02-01T10:00")
    row = read_row({"url": URL}, context(default_reported_at=default))
    assert isinstance(row, AcceptedRow)
    assert row.reported_at == default
    early = read_row({"url": URL, "removed_at": "2026-01-05"}, context(default_reported_at=default))
    assert isinstance(early, RejectedRow)


def test_a_cell_that_was_made_safe_for_a_spreadsheet_means_what_it_meant() -> None:
    assert accepted(note=safe_cell("=1+1"), reference=safe_cell("-7")).note == "=1+1"


@given(
    st.dictionaries(
        st.sampled_from(sorted(COLUMNS)),
        st.text(max_size=20)
        | st.sampled_from(["removed", "2026-01-05", "2025-13-01", URL, "yes", "gone", "email"]),
    )
)
def test_any_row_is_accepted_or_rejected_with_a_sentence(cells: dict[str, str]) -> None:
    row = read_row(cells, context())
    if isinstance(row, RejectedRow):
        assert row.reason.endswith(".")
    else:
        assert all(seen.observed_at is None or seen.observed_at <= NOW for seen in row.observations)
        assert row.reported_at is None or row.first_removal is None or row.first_removal >= row.reported_at
