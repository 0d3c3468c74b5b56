"""Rows for tests, made directly: a fictional campaign about fictional models on example.org."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from apps.accounts.models import Person
from apps.accounts.roles import Role
from apps.checks.models import Check, Host, Target, Transition
from apps.checks.outcomes import Outcome, Reason, Status
from apps.core import clock
from apps.reports.models import ApiToken, Campaign, Channel, Import, Item, Membership, Report
from apps.reports.tokens import make_token

START = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
_numbers = count(1)


def at(hours: float) -> datetime:
    """A moment so many hours after START, when reports are sent."""
    return START + timedelta(hours=hours)


def make_person(email: str = "", *, password: str | None = None, superuser: bool = False) -> Person:
    """Somebody; without a password they sign in by `force_login` or a link (hashing one takes its time)."""
    email = email or f"person{next(_numbers)}@example.org"
    make = Person.objects.create_superuser if superuser else Person.objects.create_user
    return make(email, password)


def make_campaign(slug: str = "example-models", **members: Person) -> Campaign:
    """A campaign; members are given by their role: `make_campaign(owner=anna)`."""
    campaign = Campaign.objects.create(slug=slug, name=slug.replace("-", " ").title())
    for role, person in members.items():
        Membership.objects.create(campaign=campaign, person=person, role=Role(role))
    return campaign


def make_report(campaign: Campaign, *, platform: str = "example.org", sent_at: datetime = START) -> Report:
    """A report by web form."""
    return Report.objects.create(
        campaign=campaign,
        number=campaign.reports.count() + 1,
        platform=platform,
        channel=Channel.WEB_FORM,
        sent_at=sent_at,
    )


def make_target(
    path: str = "",
    *,
    host: str = "models.example.org",
    platform: str = "example.org",
    kind: str = "model",
    **state: object,
) -> Target:
    """A watched URL; `state` sets what its checks add up to."""
    target = Target(
        key=f"https://{host}/{path or f'model-{next(_numbers)}'}",
        platform=platform,
        kind=kind,
        host=Host.objects.get_or_create(name=host)[0],
        **state,
    )
    target.commit_to_key()
    target.save()
    return target


def make_item(
    report: Report, target: Target | None = None, *, control: bool = False, **state: object
) -> Item:
    """An item of a report, of a new target in a given state unless one is given."""
    target = target or make_target(**state)  # type: ignore[arg-type]
    return Item.objects.create(
        report=report, target=target, submitted=target.key, reported_at=report.sent_at, control=control
    )


def make_items(report: Report, many: int, status: Status = Status.AVAILABLE) -> None:
    """Many items at once, of as many targets."""
    host = Host.objects.get_or_create(name="models.example.org")[0]
    targets = [
        Target(
            key=f"https://models.example.org/bulk/{number}",
            platform="example.org",
            kind="model",
            account=f"uploader-{number % 7}",
            host=host,
            status=status,
        )
        for number in range(many)
    ]
    for target in targets:
        target.commit_to_key()
    Target.objects.bulk_create(targets, batch_size=500)
    Item.objects.bulk_create(
        [
            Item(report=report, target=target, submitted=target.key, reported_at=report.sent_at)
            for target in targets
        ],
        batch_size=500,
    )


def make_check(
    target: Target,
    hours: float,
    outcome: Outcome = Outcome.AVAILABLE,
    reason: Reason = Reason.OK,
    *,
    person: Person | None = None,
    note: str = "",
) -> Check:
    """A check on record, so many hours after START; the target's status is left as it is."""
    Target.objects.filter(pk=target.pk).update(check_count=target.check_count + 1)
    target.check_count += 1
    return Check.objects.create(
        target=target,
        number=target.check_count,
        started_at=at(hours),
        finished_at=at(hours),
        recorded_at=at(hours),
        outcome=outcome,
        reason=reason,
        http_status=None if person else 200,
        signal="" if person else "generic:ok@1",
        manual=person is not None,
        person=person,
        note=note,
        digest="0" * 64,
    )


def make_transition(
    target: Target, from_status: Status, to_status: Status, *, after: float, by: float
) -> Transition:
    """A change of status on record, in (after, by] hours after START."""
    return Transition.objects.create(
        target=target,
        check_number=max(target.check_count, 1),
        from_status=from_status,
        to_status=to_status,
        reason=Reason.NOT_FOUND if to_status in {Status.SUSPECTED, Status.REMOVED} else Reason.OK,
        after=at(after),
        by=at(by),
        recorded_at=at(by),
    )


def make_import(campaign: Campaign, content: bytes = b"url\nhttps://models.example.org/a\n") -> Import:
    """A list that was handed in and waits for its columns to be confirmed."""
    return Import.objects.create(campaign=campaign, filename="list.csv", content=content)


def make_api_token(campaign: Campaign, *, name: str = "a program") -> ApiToken:
    """A token of an owner of the campaign, for figures only, that works for a day."""
    owner = Membership.objects.filter(campaign=campaign, role=Role.OWNER).select_related("person")[0].person
    until = clock.wall() + timedelta(days=1)
    made = make_token(campaign=campaign, person=owner, name=name, role=Role.FIGURES, expires_at=until)
    return made.token
