"""The one filter of a campaign's items."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from apps.accounts.roles import Audience
from apps.checks.outcomes import Status
from apps.reports import filters
from apps.reports.filters import ItemFilter
from apps.reports.models import Campaign
from apps.reports.selectors import items_of
from tests.factories import at, make_campaign, make_item, make_report, make_target

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    """Two reports, five items."""
    campaign = make_campaign()
    first, second = make_report(campaign), make_report(campaign, platform="example.net", sent_at=at(48))
    second.channel, second.category, second.standing = "email", "fraud", "our own word"
    second.save()
    labelled = make_item(
        first, make_target("alpha", account="Uploader-1", status=Status.REMOVED, removed_by=at(3))
    )
    labelled.labels = ["Zürich", 'say "x"']
    labelled.save()
    make_item(first, make_target("beta", account="uploader-2", status=Status.AVAILABLE))
    make_item(first, make_target("gamma", status=Status.AVAILABLE, reinstated_at=at(9)))
    noted = make_item(second, make_target("delta", platform="example.net", status=Status.WAITING))
    noted.note, noted.labels = "sent twice", ["second list"]
    noted.save()
    make_item(second, make_target("100%25_off", platform="example.net", status=Status.SUSPECTED))
    make_item(make_report(make_campaign("another")), make_target("alpha-of-another-campaign"))
    return campaign


def asked(campaign: Campaign, query: str = "", who: Audience = Audience.MEMBERS) -> ItemFilter:
    return ItemFilter(QueryDict(query), queryset=items_of(campaign), campaign=campaign, who=who)


def found(campaign: Campaign, query: str) -> list[str]:
    chosen = ItemFilter(
        QueryDict(query), queryset=items_of(campaign), campaign=campaign, who=Audience.MEMBERS
    )
    return [item.target.key.rsplit("/", 1)[1] for item in chosen.qs]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["alpha", "beta", "gamma", "delta", "100%25_off"]),
        ("status=removed", ["alpha"]),
        ("status=removed&status=waiting", ["alpha", "delta"]),
        ("platform=example.net", ["delta", "100%25_off"]),
        ("report=2&status=suspected", ["100%25_off"]),
        ("account=uploader-1", ["alpha"]),
        ("came_back=on", ["gamma"]),
        ("q=ALPHA", ["alpha"]),
        ("q=hxxps%3A%2F%2Fmodels%5B.%5Dexample%5B.%5Dorg%2Fbeta", ["beta"]),
        ("q=sent+twice", ["delta"]),
        ("q=second+list", ["delta"]),
        ("q=%25", ["100%25_off"]),
        ("q=_", ["100%25_off"]),
        ("q=nothing+like+it", []),
        ("channel=email", ["delta", "100%25_off"]),
        ("channel=web_form&category=unknown", ["alpha", "beta", "gamma"]),
        ("category=fraud&standing=our+own+word", ["delta", "100%25_off"]),
        ("label=second+list", ["delta"]),
        ("label=second", []),
        ("label=Second+list", []),
        ("label=Z%C3%BCrich", ["alpha"]),
        ('label=say+"x"', ["alpha"]),
        ('label=x"', []),
        ("reported_from=2026-03-03", ["delta", "100%25_off"]),
        ("reported_to=2026-03-02", ["alpha", "beta", "gamma"]),
        ("reported_to=2026-03-01", ["alpha", "beta", "gamma"]),
        ("reported_from=2026-03-02&reported_to=2026-03-02", []),
        ("reported_to=9999-12-31", ["alpha", "beta", "gamma", "delta", "100%25_off"]),
        ("sort=-report", ["delta", "100%25_off", "alpha", "beta", "gamma"]),
        ("sort=status&status=available&status=removed", ["beta", "gamma", "alpha"]),
    ],
)
def test_a_filter_finds(campaign: Campaign, query: str, expected: list[str]) -> None:
    assert found(campaign, query) == expected


@pytest.mark.parametrize(
    "query",
    [
        "status=lost",
        "report=ninety",
        "sort=password",
        "platform=elsewhere.example",
        "channel=pigeon",
        "category=terrorism",
        "standing=user",
        "reported_from=yesterday",
        "reported_to=2026-02-30",
    ],
)
def test_what_is_not_understood_is_said(campaign: Campaign, query: str) -> None:
    chosen = ItemFilter(
        QueryDict(query), queryset=items_of(campaign), campaign=campaign, who=Audience.MEMBERS
    )
    assert len(chosen.qs) == 5
    assert list(chosen.form.errors) == [query.split("=")[0]]


def test_rows_with_equal_values_keep_their_order(campaign: Campaign) -> None:
    assert found(campaign, "sort=reported") == found(campaign, "")


@pytest.mark.parametrize(
    ("query", "narrows"),
    [
        ("", False),
        ("sort=-report", False),
        ("as_of=2026-03-01&by=platform", False),
        ("q=+", False),
        ("status=lost", False),  # not understood, so it leaves nothing out
        ("status=removed", True),
        ("reported_to=2026-03-02", True),
        ("came_back=on", True),
    ],
)
def test_a_page_can_say_whether_items_are_left_out(campaign: Campaign, query: str, narrows: bool) -> None:
    chosen = ItemFilter(
        QueryDict(query), queryset=items_of(campaign), campaign=campaign, who=Audience.MEMBERS
    )
    assert chosen.narrows_by() == narrows
    assert not chosen.narrows_by("platform")


def test_the_platform_is_whom_it_was_reported_to(campaign: Campaign) -> None:
    moved = make_target("moved", platform="elsewhere.example")
    make_item(campaign.reports.get(number=2), moved)
    assert "moved" in found(campaign, "platform=example.net")


def test_where_there_are_too_many_reports_or_platforms_to_choose_from_they_are_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    campaign = make_campaign()
    items = [make_item(make_report(campaign, platform=f"{name}.example")) for name in ("one", "two", "three")]
    monkeypatch.setattr(filters, "MOST_CHOICES", 2)

    def found(query: str = "") -> list[int]:
        chosen = ItemFilter(
            QueryDict(query), queryset=items_of(campaign), campaign=campaign, who=Audience.MEMBERS
        )
        assert chosen.form.is_valid()
        return [item.pk for item in chosen.qs]

    assert found("report=2") == [items[1].pk]
    assert found("platform=three.example") == [items[2].pk]
    assert found() == [item.pk for item in items]
    form = asked(campaign).form
    assert 'type="number"' in str(form["report"])
    assert 'type="text"' in str(form["platform"])
    assert [form[name].label for name in ("report", "platform")] == ["Report", "Platform"]
