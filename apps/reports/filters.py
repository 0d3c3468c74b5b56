"""The one filter of a campaign's items. The page uses it; so does every export of what the page shows."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from apps.checks.outcomes import STATUS_ORDER, Status
from apps.core.defanging import refang
from apps.platforms.registry import platform_name

from .models import Campaign, Item

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
        field_name="target__platform", label="Platform", empty_label="all platforms"
    )
    report = django_filters.ChoiceFilter(
        field_name="report__number", label="Report", empty_label="all reports"
    )
    account = django_filters.CharFilter(
        field_name="target__account", lookup_expr="iexact", label="Account", max_length=255
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

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reports = list(campaign.reports.order_by("number").values_list("number", "platform"))
        self.filters["report"].extra["choices"] = [
            (number, f"{number}: {platform_name(platform)}") for number, platform in reports
        ]
        self.filters["platform"].extra["choices"] = sorted(
            ((platform, platform_name(platform)) for platform in {platform for _, platform in reports}),
            key=lambda choice: choice[1].lower(),
        )

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

    def that_came_back(self, queryset: QuerySet[Item], name: str, value: bool) -> QuerySet[Item]:
        """With the box ticked, items that are up again after a removal; else no restriction."""
        if not value:
            return queryset
        return queryset.filter(
            target__reinstated_at__isnull=False, target__status__in=[Status.AVAILABLE, Status.RESTRICTED]
        )
