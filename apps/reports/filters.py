"""The one filter of a campaign's items. Its pages, figures, charts and exports all narrow by it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value

from apps.checks.outcomes import STATUS_ORDER, Status
from apps.core.defanging import refang
from apps.platforms.registry import platform_name

from .models import Campaign, Category, Channel, Item, Standing, word_label

DAY = timedelta(days=1)
LABEL_LENGTH = 200
MOST_CHOICES = 200  # platforms, or reports, to choose one of; where there are more, it is typed
FURTHER = ("account", "channel", "category", "standing", "label", "reported_from", "reported_to")
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


class HasLabel(Func):
    """Whether a label, whole and spelt the same, is among an item's labels."""

    function = "jsonb_exists"
    output_field = BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        """SQLite goes through the list."""
        template = "EXISTS (SELECT 1 FROM json_each(%(expressions)s)"
        joiner = ") WHERE json_each.value = "
        return self.as_sql(compiler, connection, template=template, arg_joiner=joiner, **context)


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
    platform = django_filters.ChoiceFilter(
        field_name="report__platform", label="Platform", empty_label="all platforms"
    )
    report = django_filters.ChoiceFilter(
        field_name="report__number", label="Report", empty_label="all reports"
    )
    account = django_filters.CharFilter(
        field_name="target__account", lookup_expr="iexact", label="Account", max_length=255
    )
    channel = django_filters.ChoiceFilter(
        field_name="report__channel", label="Channel", empty_label="all channels"
    )
    category = django_filters.ChoiceFilter(
        field_name="report__category", label="Category", empty_label="all categories"
    )
    standing = django_filters.ChoiceFilter(
        field_name="report__standing", label="Standing", empty_label="all standings"
    )
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
    sort = StableOrder(
        fields=[(path, name) for path, name, _ in SORTS],
        field_labels={path: label for path, _, label in SORTS},
        label="Sort by",
        empty_label=None,
    )

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
    def further(self) -> list[forms.BoundField]:
        """The fields of the form that a page shows on demand."""
        return [self.form[name] for name in FURTHER]

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reports = list(
            campaign.reports.order_by("number").values_list(
                "number", "platform", "channel", "category", "standing"
            )
        )
        if len(reports) > MOST_CHOICES:
            self._type_in("report", django_filters.NumberFilter(field_name="report__number", min_value=1))
        else:
            self.filters["report"].extra["choices"] = [
                (number, f"{number}: {platform_name(platform)}") for number, platform, *_ in reports
            ]
        _, platforms, channels, categories, standings = zip(*reports, strict=True) if reports else [()] * 5
        for name, values, words in (
            ("platform", platforms, platform_name),
            ("channel", channels, lambda word: word_label(Channel, word)),
            ("category", categories, lambda word: word_label(Category, word)),
            ("standing", standings, lambda word: word_label(Standing, word)),
        ):
            if name == "platform" and len(set(values)) > MOST_CHOICES:
                self._type_in(name, django_filters.CharFilter(field_name="report__platform"))
                continue
            self.filters[name].extra["choices"] = sorted(
                ((value, words(value)) for value in set(values)), key=lambda choice: choice[1].lower()
            )

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
