"""The activity log as owners read it: which rows, who is behind each number, and what changed in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from apps.accounts.models import Person

from .models import Activity, Campaign, Deed, Subject

AT_THE_COMMAND_LINE = "at the command line"
COMMAND = "command"  # stands for nobody in the filter
NOT_SAID = "changed"


@dataclass(frozen=True, slots=True)
class ChangeOf:
    """One thing that was set: from what to what, in words; both empty where it is only said that it was."""

    name: str
    was: str
    became: str


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """One thing that somebody did. `person` is their number, None for what was done at the command line."""

    pk: int
    at: datetime
    person: int | None
    who: str
    deed: Deed
    subject: str  # a word of Subject, or ""
    number: int | None
    about: str  # the subject in words: "report 3"; of a person, who it is
    changes: tuple[ChangeOf, ...]
    site_wide: bool


def activity_of(campaign: Campaign) -> QuerySet[Activity]:
    """What was done in a campaign, and what its members did that concerns the whole site; newest first."""
    members = campaign.memberships.values("person_id")
    return Activity.objects.filter(Q(campaign=campaign) | Q(campaign=None, person_id__in=members)).order_by(
        "-pk"
    )


def last_deed(campaign: Campaign) -> int:
    """The number of the latest row about a change in a campaign, 0 without any; each adds one. One query."""
    changes = Activity.objects.filter(campaign=campaign).exclude(deed=Deed.FILE_TAKEN)
    return changes.order_by("-pk").values_list("pk", flat=True).first() or 0


def activity_rows(activities: Iterable[Activity]) -> list[ActivityRow]:
    """The rows of a page or a part of a file. One query, for the people in them."""
    activities = list(activities)
    numbers = {row.person_id for row in activities} | {
        row.number for row in activities if row.subject == Subject.PERSON
    }
    people = Person.objects.in_bulk([number for number in numbers if number is not None])
    return [_row(activity, people) for activity in activities]


def _row(activity: Activity, people: Mapping[int, Person]) -> ActivityRow:
    return ActivityRow(
        pk=activity.pk,
        at=activity.at,
        person=activity.person_id,
        who=_who(activity.person_id, people),
        deed=Deed(activity.deed),
        subject=activity.subject,
        number=activity.number,
        about=_about(activity, people),
        changes=tuple(_change(name, values) for name, values in activity.changes.items()),
        site_wide=activity.campaign_id is None,
    )


def _who(number: int | None, people: Mapping[int, Person]) -> str:
    if number is None:
        return AT_THE_COMMAND_LINE
    return str(people[number]) if number in people else f"person {number}, who is gone"


def _about(activity: Activity, people: Mapping[int, Person]) -> str:
    if not activity.subject:
        return ""
    if activity.subject == Subject.PERSON:
        return _who(activity.number, people)
    return f"{Subject(activity.subject).label} {activity.number}"


def _change(name: str, values: Mapping[str, Any]) -> ChangeOf:
    told = {key: _said(value) for key, value in values.items()}
    return ChangeOf(name.replace("_", " "), told.get("was", ""), told.get("became", ""))


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "none"
    return "none" if value is None else str(value)


class ActivityFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Which rows of the log: whose, of what kind, on which days."""

    person = django_filters.ChoiceFilter(method="by_person", label="Who", empty_label="everybody")
    deed = django_filters.ChoiceFilter(choices=Deed.choices, label="What", empty_label="everything")
    first = django_filters.DateFilter(
        method="since",
        label="From (UTC)",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    last = django_filters.DateFilter(
        method="until",
        label="To (UTC)",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    class Meta:
        model = Activity
        fields: list[str] = []

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, queryset=activity_of(campaign), **kwargs)
        numbers = set(activity_of(campaign).order_by().values_list("person_id", flat=True).distinct())
        people = Person.objects.in_bulk([number for number in numbers if number is not None])
        self.filters["person"].extra["choices"] = sorted(
            ((COMMAND if number is None else str(number), _who(number, people)) for number in numbers),
            key=lambda choice: choice[1].lower(),
        )

    @property
    def narrows(self) -> bool:
        """Whether any part of it leaves rows out."""
        self.form.is_valid()
        return any(self.form.cleaned_data.values())

    def by_person(self, queryset: QuerySet[Activity], name: str, value: str) -> QuerySet[Activity]:
        """What somebody did, or what was done at the command line."""
        if value == COMMAND:
            return queryset.filter(person=None)
        return queryset.filter(person=int(value))

    def since(self, queryset: QuerySet[Activity], name: str, value: date) -> QuerySet[Activity]:
        """What was done on that day or later, days counted in UTC."""
        return queryset.filter(at__gte=datetime.combine(value, time(), UTC))

    def until(self, queryset: QuerySet[Activity], name: str, value: date) -> QuerySet[Activity]:
        """What was done on that day or earlier."""
        if value == date.max:
            return queryset
        return queryset.filter(at__lt=datetime.combine(value, time(), UTC) + timedelta(days=1))
