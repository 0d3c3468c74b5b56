"""The one filter of a campaign's items. Its pages, figures, charts and exports all narrow by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value

from apps.accounts.roles import Audience
from apps.checks.outcomes import STATUS_ORDER, Status
from apps.core.defanging import refang
from apps.platforms.registry import OTHER, platform_name

from .models import Campaign, Category, Channel, Item, Standing, word_label
from .visibility import COARSE, refuse, told

DAY = timedelta(days=1)
LABEL_LENGTH = 200
MOST_CHOICES = 200  # platforms, or reports, to choose one of; where there are more, it is typed
FURTHER = ("account", "channel", "category", "standing", "label", "reported_from", "reported_to")
FOR_MEMBERS = ("q", "account", "label")
"""Filters whose answer tells of a URL, an account or a text: whoever tries long enough has it."""
SORTS_FOR_MEMBERS = ("platform", "account")  # an order tells of a name, too
OF_NOW = ("status", "came_back")  # they look at the record as it is now, and at no earlier moment
SORTS = (
    ("report__number", "report", "Report"),
    ("reported_at", "reported", "Reported"),
    ("target__status", "status", "Status"),
    ("target__platform", "platform", "Platform"),
    ("target__account", "account", "Account"),
    ("target__present_at", "seen", "Last seen up"),
    ("target__removed_by", "removed", "Gone by"),
    ("target__last_check_at", "checked", "Last check"),
    ("target__next_check_at", "next", "Next check"),
)


class StableOrder(django_filters.OrderingFilter):  # type: ignore[misc]
    """Sorts, with the item's number last, so that rows with equal values never swap between two pages."""

    def filter(self, qs: QuerySet[Item], value: list[str] | None) -> QuerySet[Item]:
        """Order by the chosen columns, then by item."""
        ordering = [self.get_ordering_value(each) for each in value or ["report"]]
        return qs.order_by(*ordering, "pk")


class WordFilter(django_filters.ChoiceFilter):  # type: ignore[misc]
    """Chooses by a word. OTHER stands for all that `told` tells so."""

    def filter(self, qs: QuerySet[Item], value: str | None) -> QuerySet[Item]:
        """Those whose word reads so."""
        if value != OTHER or self.parent.who.may_see(Audience.MEMBERS):
            return super().filter(qs, value)  # type: ignore[no-any-return]
        known = set(COARSE[self.field_name.removeprefix("report__")]()) - {OTHER}
        return qs.exclude(**{f"{self.field_name}__in": known})


class HasLabel(Func):
    """Whether a label, whole and spelt the same, is among an item's labels."""

    function = "jsonb_exists"
    output_field = BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        """SQLite goes through the list."""
        template = "EXISTS (SELECT 1 FROM json_each(%(expressions)s)"
        joiner = ") WHERE json_each.value = "
        return self.as_sql(compiler, connection, template=template, arg_joiner=joiner, **context)


def _ordering(sorts: Sequence[tuple[str, str, str]]) -> StableOrder:
    return StableOrder(
        fields=[(path, name) for path, name, _ in sorts],
        field_labels={path: label for path, _, label in sorts},
        label="Sort by",
        empty_label=None,
    )


class ItemFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Which of a campaign's items to show, and in what order."""

    q = django_filters.CharFilter(method="having_text", label="Text", max_length=2048)
    status = django_filters.MultipleChoiceFilter(
        field_name="target__status",
        choices=[(status.value, status.label) for status in STATUS_ORDER],
        label="Status",
        widget=forms.CheckboxSelectMultiple,
    )
    came_back = django_filters.BooleanFilter(
        method="that_came_back", label="came back after removal", widget=forms.CheckboxInput
    )
    platform = WordFilter(field_name="report__platform", label="Platform", empty_label="all platforms")
    report = django_filters.ChoiceFilter(
        field_name="report__number", label="Report", empty_label="all reports"
    )
    account = django_filters.CharFilter(
        field_name="target__account", lookup_expr="iexact", label="Account", max_length=255
    )
    channel = django_filters.ChoiceFilter(
        field_name="report__channel", label="Channel", empty_label="all channels"
    )
    category = WordFilter(field_name="report__category", label="Category", empty_label="all categories")
    standing = WordFilter(field_name="report__standing", label="Standing", empty_label="all standings")
    label = django_filters.CharFilter(method="having_label", label="Label", max_length=LABEL_LENGTH)
    reported_from = django_filters.DateFilter(
        method="reported_since",
        label="Reported from (UTC)",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    reported_to = django_filters.DateFilter(
        method="reported_until",
        label="Reported to (UTC)",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    sort = _ordering(SORTS)

    class Meta:
        model = Item
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[Item]) -> QuerySet[Item]:
        """The items that fit, in a stable order even where the one that was asked for is not understood."""
        found: QuerySet[Item] = super().filter_queryset(queryset)
        return found if found.ordered else found.order_by("report__number", "pk")

    def narrows_by(self, *names: str) -> bool:
        """Whether any of the filters that are named, or any at all, leaves items out."""
        chosen = names or tuple(name for name in self.base_filters if name != "sort")
        self.form.is_valid()  # what is not understood is not among the cleaned data
        return any(self.form.cleaned_data.get(name) for name in chosen)

    @property
    def sorts(self) -> dict[str, str]:
        """What items can be sorted by, by the word of the address, with its label."""
        hidden: tuple[str, ...] = () if self.who.may_see(Audience.MEMBERS) else SORTS_FOR_MEMBERS
        return {name: label for _, name, label in SORTS if name not in hidden}

    @property
    def further(self) -> list[forms.BoundField]:
        """The fields of the form that a page shows on demand."""
        return [self.form[name] for name in FURTHER if name in self.filters]

    def __init__(self, *args: Any, campaign: Campaign, who: Audience, **kwargs: Any) -> None:
        """The filter of a campaign's items as `who` may ask. Raises PermissionDenied for what tells more."""
        super().__init__(*args, **kwargs)
        self.who = who
        if not who.may_see(Audience.MEMBERS):
            self._leave_to_members()
        reports = list(
            campaign.reports.order_by("number").values_list(
                "number", "platform", "channel", "category", "standing"
            )
        )
        if len(reports) > MOST_CHOICES:
            self._type_in("report", django_filters.NumberFilter(field_name="report__number", min_value=1))
        else:
            self.filters["report"].extra["choices"] = [
                (number, f"{number}: {platform_name(told(who, 'platform', platform))}")
                for number, platform, *_ in reports
            ]
        _, platforms, channels, categories, standings = zip(*reports, strict=True) if reports else [()] * 5
        for name, values, words in (
            ("platform", platforms, platform_name),
            ("channel", channels, lambda word: word_label(Channel, word)),
            ("category", categories, lambda word: word_label(Category, word)),
            ("standing", standings, lambda word: word_label(Standing, word)),
        ):
            if name in COARSE:
                values = tuple(told(who, name, value) for value in values)
            if name == "platform" and len(set(values)) > MOST_CHOICES:
                self._type_in(name, django_filters.CharFilter(field_name="report__platform"))
                continue
            self.filters[name].extra["choices"] = sorted(
                ((value, words(value)) for value in set(values)), key=lambda choice: choice[1].lower()
            )

    def _leave_to_members(self) -> None:
        """Take out what only members may ask by, and refuse it where it is asked for all the same."""
        for name in FOR_MEMBERS:
            if str(self.data.get(name, "")).strip():
                raise refuse(str(self.filters[name].label).lower())
            del self.filters[name]
        for asked in str(self.data.get("sort", "")).split(","):
            if (name := asked.strip().removeprefix("-")) in SORTS_FOR_MEMBERS:
                raise refuse(f"the order of {name}s")
        self.filters["sort"] = _ordering([sort for sort in SORTS if sort[1] in self.sorts])

    def _type_in(self, name: str, typed: django_filters.Filter) -> None:
        """Let a value be typed that would be one of too many choices for a page."""
        chosen = self.filters[name]
        typed.label, typed.parent, typed.model = chosen.label, self, chosen.model
        self.filters[name] = typed

    def having_text(self, queryset: QuerySet[Item], name: str, value: str) -> QuerySet[Item]:
        """Items whose URL (defanged or not), account, note, labels or reference have the text."""
        text = value.strip()
        spelled_out = refang(text)
        return queryset.filter(
            Q(submitted__icontains=text)
            | Q(target__key__icontains=spelled_out)
            | Q(target__account__icontains=text)
            | Q(note__icontains=text)
            | Q(labels__icontains=text)
            | Q(report__reference__icontains=text)
        )

    def having_label(self, queryset: QuerySet[Item], name: str, value: str) -> QuerySet[Item]:
        """Items that carry the label."""
        return queryset.filter(HasLabel(F("labels"), Value(value)))

    def reported_since(self, queryset: QuerySet[Item], name: str, value: date) -> QuerySet[Item]:
        """Items whose clock started on that day or later, days counted in UTC."""
        return queryset.filter(reported_at__gte=_midnight(value))

    def reported_until(self, queryset: QuerySet[Item], name: str, value: date) -> QuerySet[Item]:
        """Items whose clock started on that day or earlier."""
        return queryset if value == date.max else queryset.filter(reported_at__lt=_midnight(value) + DAY)

    def that_came_back(self, queryset: QuerySet[Item], name: str, value: bool) -> QuerySet[Item]:
        """With the box ticked, items that are up again after a removal; else no restriction."""
        if not value:
            return queryset
        return queryset.filter(
            target__reinstated_at__isnull=False, target__status__in=[Status.AVAILABLE, Status.RESTRICTED]
        )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
