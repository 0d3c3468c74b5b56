"""What pages and commands read of campaigns, as named rows. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from django.db.models import Count, Exists, IntegerField, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.accounts.models import Person
from apps.accounts.roles import Action, Audience, Role, may
from apps.checks.accounts import AccountPage, Fate, fate, page_of
from apps.checks.models import Check, Target, Transition
from apps.checks.observe import UNNAMED_PLACE
from apps.checks.outcomes import Outcome, Reason, Status
from apps.core.defanging import defang
from apps.platforms.accounts import ACCOUNT
from apps.platforms.registry import platform_name

from .models import (
    Campaign,
    Category,
    Channel,
    Delivery,
    ErrorMark,
    Import,
    Item,
    Membership,
    Report,
    Standing,
    word_label,
)
from .visibility import MEMBERS_ONLY, row_for, told

STILL_UP = (Status.AVAILABLE, Status.RESTRICTED)
NEEDS_A_PERSON = Q(status__in=[Status.SUSPECTED, Status.UNVERIFIABLE]) | Q(
    status=Status.WAITING, last_reason__in=[Reason.LOGIN_WALL, Reason.BLOCKED_ADDRESS]
)
"""Targets for the review list: also those that only a person can see, as soon as that is known."""


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign in the list of those that a person may see."""

    slug: str
    name: str
    description: str
    created_at: datetime
    reports: int
    items: int
    role: Role


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report with how its items stand. Controls are counted apart, in no other figure."""

    number: int
    platform: str
    platform_name: str
    channel: str
    standing: str
    category: str
    policy: Annotated[str, MEMBERS_ONLY]
    reference: Annotated[str, MEMBERS_ONLY]
    sent_at: datetime
    delivery: str
    note: Annotated[str, MEMBERS_ONLY]
    items: int
    still_up: int
    removed: int
    undecided: int  # suspected, unverifiable or waiting
    controls: int

    @property
    def alleges(self) -> bool:
        """Whether what it alleges is on record."""
        return self.category != Category.UNKNOWN.label

    @property
    def way(self) -> str:
        """How it was sent, as it stands after "sent": by e-mail."""
        match self.channel:
            case Channel.UNKNOWN.label:
                return "by a channel that is not recorded"
            case Channel.OTHER.label:
                return "by another channel"
            case channel:
                return f"by {channel}"


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item with what is held of its target."""

    pk: int
    target_id: int
    submitted: Annotated[str, MEMBERS_ONLY]
    defanged: Annotated[str, MEMBERS_ONLY]
    erased_at: datetime | None
    key: Annotated[str, MEMBERS_ONLY]
    platform: str
    platform_name: str
    kind: str
    account: Annotated[str, MEMBERS_ONLY]
    report: int
    reported_at: datetime
    dated: bool
    labels: Annotated[Sequence[str], MEMBERS_ONLY]
    note: Annotated[str, MEMBERS_ONLY]
    control: bool
    attested: bool  # the reporter says that it was up when it was reported
    in_error: bool  # reported in error; false where it was not asked
    error: Annotated[str, MEMBERS_ONLY]  # why it was
    status: Status
    reason: Reason | None
    definitive: bool
    by_person: bool
    available_at: datetime | None
    present_at: datetime | None
    suspected_by: datetime | None
    removed_after: datetime | None
    removed_by: datetime | None
    confirmed_at: datetime | None
    reinstated_at: datetime | None
    inconclusive_since: datetime | None
    checks: int
    last_outcome: Outcome | None
    last_reason: Reason | None
    last_check_at: datetime | None
    next_check_at: datetime | None

    @property
    def came_back(self) -> bool:
        """Up again after a removal."""
        return self.reinstated_at is not None and self.status in STILL_UP

    @property
    def gone_before_report(self) -> bool:
        """Seen to be gone already at the moment when it was reported."""
        return (
            self.status == Status.REMOVED
            and self.removed_by is not None
            and self.removed_by <= self.reported_at
        )

    @property
    def removal_time(self) -> tuple[timedelta, timedelta] | None:
        """Removed more than the first and at most the second duration after the report; None if it is up."""
        if self.status != Status.REMOVED or self.removed_by is None or self.gone_before_report:
            return None
        after = max(self.removed_after or self.reported_at, self.reported_at)
        return after - self.reported_at, self.removed_by - self.reported_at


@dataclass(frozen=True, slots=True)
class AccountRow:
    """How the account behind an item stands, by its page; and, of an item that is gone, its `fate`."""

    page: AccountPage | None
    fate: Fate | None


@dataclass(frozen=True, slots=True)
class ImportRow:
    """An uploaded list and how far it is, without its content. Numbers are rows of the file."""

    pk: int
    filename: str
    created_at: datetime
    state: Import.State
    problem: str
    rows_total: int | None
    rows_read: int
    created: int
    duplicates: int
    rejected: int
    observations: int

    @property
    def under_way(self) -> bool:
        """Handed to the checker, and neither done nor failed yet."""
        return self.state in {Import.State.QUEUED, Import.State.READING, Import.State.WRITING}


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One transition of a target, beside the campaign's first item of that target."""

    item: int
    defanged: Annotated[str, MEMBERS_ONLY]
    platform_name: str
    from_status: Status
    to_status: Status
    reason: Reason
    after: datetime | None
    by: datetime
    by_person: bool
    superseded_at: datetime | None


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check for a member's eyes. Person and note are empty for a person of another campaign.

    `place` is where it was asked from ("" for a person's, and where the place has no name); `blocked_by` is
    the address of who says that it blocks the item (RFC 7725).
    """

    number: int
    started_at: datetime
    outcome: Outcome
    reason: Reason
    definitive: bool
    signal: str
    http_status: int | None
    manual: bool
    person: Annotated[str, MEMBERS_ONLY]
    note: Annotated[str, MEMBERS_ONLY]
    place: str = ""
    blocked_by: Annotated[str, MEMBERS_ONLY] = ""


@dataclass(frozen=True, slots=True)
class Overruling:
    """A person's word that differs from what the checker read last."""

    checker: CheckRow
    person: CheckRow


@dataclass(frozen=True, slots=True)
class Watched:
    """How many targets there are, since when, and when one of them was last checked."""

    targets: int
    since: datetime
    last_check_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A target that needs a person, with the campaign's items that point at it and its latest checks."""

    item: ItemRow
    also_reported: int  # further items of the same target in this campaign
    checks: tuple[CheckRow, ...]


def role_in(campaign: Campaign, person: Person) -> Role | None:
    """A person's role in a campaign; an administrator has the owner's everywhere; None for a stranger."""
    if person.is_superuser:
        return Role.OWNER
    role = Membership.objects.filter(campaign=campaign, person=person).values_list("role", flat=True).first()
    return Role(role) if role else None


def may_anywhere(person: Person, action: Action) -> bool:
    """Whether a person's role in any campaign includes `action`. For pages that are of no campaign."""
    return person.is_superuser or any(
        may(role, action) for role in person.memberships.values_list("role", flat=True)
    )


class UnknownCampaign(LookupError):
    """There is no campaign of that slug. `str()` is a sentence that names those that there are."""


def campaign_called(slug: str) -> Campaign:
    """The campaign of a slug that somebody typed. Raises UnknownCampaign."""
    campaign = Campaign.objects.filter(slug=slug).first()
    if campaign is None:
        known = ", ".join(Campaign.objects.order_by("slug").values_list("slug", flat=True)[:10])
        raise UnknownCampaign(f"There is no campaign {slug!r}. Campaigns: {known or 'none yet'}.")
    return campaign


def campaigns_of(person: Person) -> list[CampaignRow]:
    """The campaigns that a person may see, by name. Two queries."""
    roles = dict(person.memberships.values_list("campaign_id", "role"))
    campaigns = Campaign.objects.all() if person.is_superuser else Campaign.objects.filter(pk__in=roles)
    items = Item.objects.filter(report__campaign=OuterRef("pk"), control=False).order_by()
    reports = Report.objects.filter(campaign=OuterRef("pk")).order_by()

    def number_of(rows: QuerySet[Item] | QuerySet[Report], group: str) -> Coalesce:
        counted = rows.values(group).annotate(count=Count("pk")).values("count")
        return Coalesce(Subquery(counted, output_field=IntegerField()), 0)

    campaigns = campaigns.annotate(
        report_count=number_of(reports, "campaign"), item_count=number_of(items, "report__campaign")
    ).order_by("name", "pk")
    return [
        CampaignRow(
            slug=campaign.slug,
            name=campaign.name,
            description=campaign.description,
            created_at=campaign.created_at,
            reports=campaign.report_count,
            items=campaign.item_count,
            role=Role.OWNER if person.is_superuser else Role(roles[campaign.pk]),
        )
        for campaign in campaigns
    ]


def targets_for(person: Person, action: Action) -> QuerySet[Target]:
    """The targets of the campaigns in which a person's role includes `action`."""
    if person.is_superuser:
        return Target.objects.all()
    roles = [role for role in Role if may(role, action)]
    memberships = Membership.objects.filter(person=person, role__in=roles)
    items = Item.objects.filter(report__campaign__in=memberships.values("campaign"))
    return Target.objects.filter(pk__in=items.values("target_id"))


def was_seen(person: Person, key: str) -> bool:
    """Whether a canonical URL was seen to be there, as a target of campaigns whose URLs a person sees."""
    found = targets_for(person, Action.VIEW).filter(key_digest=Target.digest_of(key))
    return found.exclude(present_at=None).exists()


def watched_platforms(person: Person, *, platform: str = "") -> dict[str, Watched]:
    """What of each platform (or of one) a person's campaigns watch, by its slug or domain. One query."""
    targets = targets_for(person, Action.COUNT)
    if platform:
        targets = targets.filter(platform=platform)
    by_platform = targets.order_by().values_list("platform")
    counted = by_platform.annotate(Count("pk"), Min("created_at"), Max("last_check_at"))
    return {platform: Watched(*figures) for platform, *figures in counted}


def reports_of(campaign: Campaign, *, who: Audience, latest: int | None = None) -> list[ReportRow]:
    """The campaign's reports, or those with the last numbers, in the order of their numbers. One query."""
    if latest is None:
        return _report_rows(campaign.reports.order_by("number"), who)
    last = campaign.reports.order_by("-number").values("pk")[:latest]  # before their items are counted
    return _report_rows(Report.objects.filter(pk__in=last).order_by("number"), who)


def report_row(report: Report, *, who: Audience) -> ReportRow:
    """One report with how its items stand. One query."""
    (row,) = _report_rows(Report.objects.filter(pk=report.pk), who)
    return row


def items_of(campaign: Campaign) -> QuerySet[Item]:
    """The campaign's items with reports and targets: what `ItemFilter` narrows and `item_rows` reads."""
    return Item.objects.filter(report__campaign=campaign).select_related("report", "target")


def shown_url(item: Item) -> str:
    """An item's URL as pages show it: defanged, or that it was erased."""
    return defang(item.submitted) if item.erased_at is None else "(erased)"


def countable(items: QuerySet[Item]) -> QuerySet[Item]:
    """Those of the items that figures may count: no controls, none reported in error."""
    in_error = ErrorMark.objects.filter(item=OuterRef("pk"), taken_back_at=None)
    return items.filter(~Exists(in_error), control=False)


def item_rows(
    items: Iterable[Item], *, who: Audience, errors: Mapping[int, str] | None = None
) -> list[ItemRow]:
    """Named rows of items that came with their report and target, as `who` may read them.

    `errors` are the reasons of those that were reported in error, as `reply_selectors.error_reasons` gives
    them.
    """
    return [_item_row(item, who, (errors or {}).get(item.pk)) for item in items]


def changes_of(campaign: Campaign, *, who: Audience, limit: int) -> list[ChangeRow]:
    """The latest transitions that still hold, newest first. Two queries.

    Left out are those that only say "first seen up", and suspicions that have been settled since: what they
    led to is the news.
    """
    of_campaign = Item.objects.filter(report__campaign=campaign, target=OuterRef("target"))
    transitions = list(
        Transition.objects.filter(Exists(of_campaign), superseded_at=None)
        .exclude(from_status=Status.WAITING, to_status__in=STILL_UP)
        .exclude(Q(to_status=Status.SUSPECTED) & ~Q(target__status=Status.SUSPECTED))
        .order_by("-by", "-pk")[:limit]
    )
    shown = {transition.target_id for transition in transitions}
    first: dict[int, Item] = {}
    for item in items_of(campaign).filter(target_id__in=shown).order_by("pk"):
        first.setdefault(item.target_id, item)
    return [_change_row(transition, first[transition.target_id], who) for transition in transitions]


def transitions_of(item: Item, *, who: Audience) -> list[ChangeRow]:
    """All transitions of the item's target, newest first; those that no longer hold say since when."""
    rows = item.target.transitions.order_by("-by", "-pk")
    return [_change_row(transition, item, who) for transition in rows]


def checks_of(campaign: Campaign, target: Target, *, who: Audience, limit: int) -> list[CheckRow]:
    """A target's latest checks as `who` of `campaign` may read them, newest first. Two queries.

    A target is watched once for all campaigns, so a check may be another campaign's: its facts are shared,
    its author and note are not.
    """
    checks = target.checks.select_related("person").order_by("-started_at", "-number")[:limit]
    return _check_rows(checks, who, readable=_readable_people(campaign))


def overruling(checks: Iterable[CheckRow]) -> Overruling | None:
    """Where a person and the checker differ, by the last check of each among `checks`, newest first.

    None where they agree, where one of them has not looked, and where the person could not tell either.
    """
    last: dict[bool, CheckRow] = {}
    for check in checks:
        last.setdefault(check.manual, check)
    person, checker = last.get(True), last.get(False)
    if person is None or checker is None or person.outcome in {Outcome.INCONCLUSIVE, checker.outcome}:
        return None
    return Overruling(checker, person)


def account_of(target: Target) -> AccountRow:
    """How the account behind a target stands, and whether the target went with it. One query."""
    page = page_of(target)
    went = None
    if target.status == Status.REMOVED and target.removed_by is not None and target.kind != ACCOUNT:
        went = fate(
            removed_after=target.removed_after,
            removed_by=target.removed_by,
            suspended_at=target.account_suspended_at,
            page=page,
        )
    return AccountRow(page, went)


def check_moments(target: Target) -> list[tuple[datetime, Outcome, bool]]:
    """(when, outcome, whether a person made it) of all checks of a target, oldest first. One query."""
    rows = target.checks.order_by("started_at", "number").values_list("started_at", "outcome", "manual")
    return [(started_at, Outcome(outcome), manual) for started_at, outcome, manual in rows.iterator()]


def imports_of(campaign: Campaign, *, pk: int | None = None, limit: int = 20) -> list[ImportRow]:
    """The campaign's latest uploaded lists (or the one with that `pk`), newest first. One query.

    Contents stay in the database: a page that follows an import asks for it every second.
    """
    imports = campaign.imports.order_by("-pk").defer("content", "rejected_csv")
    if pk is not None:
        imports = imports.filter(pk=pk)
    return [
        ImportRow(
            pk=each.pk,
            filename=each.filename,
            created_at=each.created_at,
            state=Import.State(each.state),
            problem=each.problem,
            rows_total=each.rows_total,
            rows_read=each.rows_read,
            created=each.created_count,
            duplicates=each.duplicate_count,
            rejected=each.rejected_count,
            observations=each.observation_count,
        )
        for each in imports[:limit]
    ]


def review_targets(campaign: Campaign) -> QuerySet[Target]:
    """The campaign's targets that need a person, those that have waited longest first."""
    items = Item.objects.filter(report__campaign=campaign)
    found = Target.objects.filter(NEEDS_A_PERSON, pk__in=items.values("target_id")).exclude(key="")
    return found.order_by(Coalesce("run_started_at", "inconclusive_since"), "pk")


def review_count(campaign: Campaign, *, at_most: int) -> int:
    """How many targets need a person, counted as far as `at_most`. One query."""
    return review_targets(campaign).order_by()[:at_most].count()


def review_rows(
    campaign: Campaign, targets: Sequence[Target], *, who: Audience, checks: int
) -> list[ReviewRow]:
    """Rows of the review list, in the order of `targets`, each with its latest checks. Three queries."""
    by_target: dict[int, list[Item]] = {}
    for item in items_of(campaign).filter(target__in=targets).order_by("pk"):
        by_target.setdefault(item.target_id, []).append(item)
    readable = _readable_people(campaign)
    latest: dict[int, list[Check]] = {}
    # A check is appended with the next number, so the last numbers are the last recorded.
    recent = Q(pk__in=[])
    for target in targets:
        recent |= Q(target=target, number__gt=target.check_count - checks)
    for check in Check.objects.filter(recent).select_related("person").order_by("-number"):
        latest.setdefault(check.target_id, []).append(check)
    return [
        ReviewRow(
            item=_item_row(by_target[target.pk][0], who),
            also_reported=len(by_target[target.pk]) - 1,
            checks=tuple(_check_rows(latest.get(target.pk, []), who, readable=readable)),
        )
        for target in targets
    ]


def _report_rows(reports: QuerySet[Report], who: Audience) -> list[ReportRow]:
    item = Q(items__control=False)
    counted = reports.annotate(
        item_count=Count("items", filter=item),
        up_count=Count("items", filter=item & Q(items__target__status__in=STILL_UP)),
        removed_count=Count("items", filter=item & Q(items__target__status=Status.REMOVED)),
        control_count=Count("items", filter=Q(items__control=True)),
    )
    rows = (
        ReportRow(
            number=report.number,
            platform=told(who, "platform", report.platform),
            platform_name=platform_name(told(who, "platform", report.platform)),
            channel=Channel(report.channel).label,
            standing=word_label(Standing, told(who, "standing", report.standing)),
            category=word_label(Category, told(who, "category", report.category)),
            policy=report.policy,
            reference=report.reference,
            sent_at=report.sent_at,
            delivery=Delivery(report.delivery).label,
            note=report.note,
            items=report.item_count,
            still_up=report.up_count,
            removed=report.removed_count,
            undecided=report.item_count - report.up_count - report.removed_count,
            controls=report.control_count,
        )
        for report in counted
    )
    return [row_for(who, row) for row in rows]


def _readable_people(campaign: Campaign) -> set[int]:
    people = Person.objects.filter(Q(memberships__campaign=campaign) | Q(is_superuser=True))
    return set(people.values_list("pk", flat=True))


def _check_rows(checks: Iterable[Check], who: Audience, *, readable: set[int]) -> list[CheckRow]:
    rows = (
        CheckRow(
            number=check.number,
            started_at=check.started_at,
            outcome=Outcome(check.outcome),
            reason=Reason(check.reason),
            definitive=check.definitive,
            signal=check.signal,
            http_status=check.http_status,
            manual=check.manual,
            person=str(check.person) if check.person_id in readable else "",
            note=check.note if check.person_id in readable else "",
            place=_place(check),
            blocked_by=_blocked_by(check),
        )
        for check in checks
    )
    return [row_for(who, row) for row in rows]


def _place(check: Check) -> str:
    place = str(check.evidence.get("place", ""))
    return "" if place == UNNAMED_PLACE else place


def _blocked_by(check: Check) -> str:
    told = (answer.get("blocked_by", "") for answer in check.evidence.get("answers", []))
    return next((str(url) for url in told if url), "")


def _change_row(transition: Transition, item: Item, who: Audience) -> ChangeRow:
    row = ChangeRow(
        item=item.pk,
        defanged=shown_url(item),
        platform_name=platform_name(told(who, "platform", item.target.platform)),
        from_status=Status(transition.from_status),
        to_status=Status(transition.to_status),
        reason=Reason(transition.reason),
        after=transition.after,
        by=transition.by,
        by_person=transition.by_person,
        superseded_at=transition.superseded_at,
    )
    return row_for(who, row)


def _item_row(item: Item, who: Audience, error: str | None = None) -> ItemRow:
    target = item.target
    platform = told(who, "platform", target.platform)
    row = ItemRow(
        pk=item.pk,
        target_id=target.pk,
        submitted=item.submitted,
        defanged=shown_url(item),
        erased_at=item.erased_at,
        key=target.key,
        platform=platform,
        platform_name=platform_name(platform),
        kind=target.kind,
        account=target.account,
        report=item.report.number,
        reported_at=item.reported_at,
        dated=item.dated,
        labels=tuple(item.labels),
        note=item.note,
        control=item.control,
        attested=item.attested,
        in_error=error is not None,
        error=error or "",
        status=Status(target.status),
        reason=Reason(target.reason) if target.reason else None,
        definitive=target.definitive,
        by_person=target.by_person,
        available_at=target.available_at,
        present_at=target.present_at,
        suspected_by=target.run_started_at,
        removed_after=target.removed_after,
        removed_by=target.removed_by,
        confirmed_at=target.confirmed_at,
        reinstated_at=target.reinstated_at,
        inconclusive_since=target.inconclusive_since,
        checks=target.check_count,
        last_outcome=Outcome(target.last_outcome) if target.last_outcome else None,
        last_reason=Reason(target.last_reason) if target.last_reason else None,
        last_check_at=target.last_check_at,
        next_check_at=target.next_check_at,
    )
    return row_for(who, row)
