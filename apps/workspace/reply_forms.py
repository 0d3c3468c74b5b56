"""What people enter about a report after it was sent, and a campaign's settings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.forms.boundfield import BoundField

from apps.core import clock
from apps.reports.campaigns import HIGHEST_MINIMUM_N, LOWEST_MINIMUM_N, MAX_NAME
from apps.reports.models import Campaign, ClaimWord, Decision, ReplyKind, Report
from apps.reports.replies import MAX_REASON, MAX_REFERENCE, UnusableLine, read_claims
from apps.reports.reply_selectors import ClaimableItem

from .forms import UTCMoment, not_in_the_future

LISTS = {
    ClaimWord.REMOVED: "Items said to be removed",
    ClaimWord.RESTRICTED: "Items said to be restricted or labelled",
    ClaimWord.REFUSED: "Items said to be left as they are",
}


class OfReportForm(forms.Form):
    """Something that happened to a report at a moment after it was sent."""

    def __init__(self, *args: Any, report: Report, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.report = report

    def not_before_the_report(self, moment: datetime) -> datetime:
        """The moment, which a form gives to the minute; in the report's own minute, the report's moment."""
        moment = not_in_the_future(moment)
        in_its_minute = moment == self.report.sent_at.replace(second=0, microsecond=0)
        return self.report.sent_at if in_its_minute else moment


class ReplyForm(OfReportForm):
    """What the platform said. `items` are offered one by one; a longer report has lists only."""

    kind = forms.ChoiceField(choices=ReplyKind.choices, label="What it is", initial=ReplyKind.ACKNOWLEDGEMENT)
    decision = forms.ChoiceField(
        choices=[("", "nothing was decided"), *Decision.choices],
        required=False,
        label="What was decided",
        help_text="With nothing said of single items it holds for all reported by then; “partly” needs to "
        "know which.",
    )
    received_at = UTCMoment(label="Received (UTC)")
    reference = forms.CharField(
        max_length=MAX_REFERENCE, required=False, label="Reference", help_text="The platform’s case number."
    )
    text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=50_000,
        required=False,
        label="What it says",
        help_text="Its words, or the part that matters. For the members of this campaign.",
    )

    def __init__(self, *args: Any, items: Sequence[ClaimableItem] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.items = items
        self.unusable: list[UnusableLine] = []
        for item in items:
            self.fields[f"claim_{item.pk}"] = forms.ChoiceField(
                choices=[("", "nothing"), *ClaimWord.choices],
                required=False,
                label=f"What it says of item {item.pk}",
            )
        for word, label in LISTS.items():
            self.fields[f"list_{word}"] = forms.CharField(
                widget=forms.Textarea(attrs={"rows": 4, "class": "lines", "spellcheck": "false"}),
                max_length=5_000_000,
                required=False,
                strip=False,
                label=label,
                help_text="One URL a line, in any spelling." if word == ClaimWord.REMOVED else "",
            )

    def clean_received_at(self) -> datetime:
        """A moment that has passed, not before the report."""
        return self.not_before_the_report(self.cleaned_data["received_at"])

    def clean(self) -> dict[str, Any]:
        """Gather the claims of both sorts as `claims`. A line that fits no item keeps all unsaved."""
        cleaned = super().clean() or {}
        lists = {word: cleaned.get(f"list_{word}", "") for word in LISTS}
        pasted = read_claims(report=self.report, lists=lists, received_at=cleaned.get("received_at"))
        self.unusable = pasted.unusable
        for word in {line.word for line in pasted.unusable}:
            self.add_error(f"list_{word}", "Lines of this list cannot be used; the reasons stand above.")
        claims = dict(pasted.claims)
        for item in self.items:
            said = cleaned.get(f"claim_{item.pk}")
            if said and claims.get(item.pk, said) != said:
                other = ClaimWord(claims[item.pk]).label
                self.add_error(f"claim_{item.pk}", f"A list below says “{other}”. Correct one of them.")
            elif said:
                claims[item.pk] = said
        cleaned["claims"] = claims
        return cleaned

    def item_rows(self) -> list[tuple[ClaimableItem, BoundField]]:
        """The items that are offered one by one, each with its field."""
        return [(item, self[f"claim_{item.pk}"]) for item in self.items]

    def lists(self) -> list[BoundField]:
        """The fields for pasted lists."""
        return [self[f"list_{word}"] for word in LISTS]

    def lists_in_use(self) -> bool:
        """Whether something stands in a list, so that it has to be seen."""
        return any(field.value() for field in self.lists())


class ReminderForm(OfReportForm):
    """A reminder that was sent."""

    sent_at = UTCMoment(required=False, label="Sent (UTC)", help_text="Left empty: now.")
    note = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}), max_length=5000, required=False, label="Note"
    )

    def clean_sent_at(self) -> datetime:
        """Now, where nothing was given."""
        moment = self.cleaned_data["sent_at"]
        return self.not_before_the_report(moment) if moment else clock.now()


class ErrorForm(forms.Form):
    """Why something was reported in error."""

    reason = forms.CharField(
        max_length=MAX_REASON,
        label="Why",
        help_text="It leaves the figures, is counted apart, and is watched as before. Nothing is deleted.",
    )


class SettingsForm(forms.Form):
    """What a campaign is called, and from how many items on it gives estimates."""

    name = forms.CharField(max_length=MAX_NAME, label="Name")
    description = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=20_000,
        required=False,
        label="Description",
        help_text="What was reported, by whom, and what the record is for. Members read it.",
    )
    minimum_n = forms.IntegerField(
        min_value=LOWEST_MINIMUM_N,
        max_value=HIGHEST_MINIMUM_N,
        label="Smallest group with estimates",
        help_text="In items. A smaller group shows its counts and “too few to estimate”.",
    )

    @classmethod
    def of(cls, campaign: Campaign) -> SettingsForm:
        """The form with what is set now."""
        return cls(
            initial={
                "name": campaign.name,
                "description": campaign.description,
                "minimum_n": campaign.minimum_n,
            }
        )
