"""What of a campaign is to be public."""

from __future__ import annotations

from django import forms

from apps.exports.models import Publication
from apps.exports.publication import MAX_TEXT, MAX_TITLE
from apps.exports.published import CHARTS


class PublicationForm(forms.Form):
    """The choices behind the public pages."""

    title = forms.CharField(max_length=MAX_TITLE, label="Title for the public")
    text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=MAX_TEXT,
        required=False,
        label="Text for the public",
        help_text="Who reported what to whom, and why. No address, no account, no name of anybody concerned: "
        "this text is shown as it is.",
    )
    charts = forms.MultipleChoiceField(
        choices=[(name, choice.label) for name, choice in CHARTS.items()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="Charts and tables",
    )
    platforms = forms.ChoiceField(
        choices=Publication.Platforms.choices,
        widget=forms.RadioSelect,
        label="Platforms are shown",
        help_text="A site without a definition of its own is never named: its domain is a part of what was "
        "reported. By name, such sites are shown together as other sites.",
    )
    reports = forms.BooleanField(
        required=False,
        label="Counts of each report",
        help_text="With its number, date, channel and category. Its reference and its words stay private. "
        "Where many reports have few items each, little else can be shown beside their list.",
    )
    items = forms.BooleanField(
        required=False,
        label="A row for each item, to download",
        help_text="Under a random name, with platform, kind, date, channel, category and what was seen. What "
        "would let a small group be counted is left empty.",
    )
    dates = forms.ChoiceField(
        choices=Publication.Dates.choices,
        widget=forms.RadioSelect,
        label="Of dates are shown",
        help_text="By month, nothing tells the day: the public sees each item as if it had been reported on "
        "the last day of its month, with all that followed as many days later. So everything is shown up to "
        "a month late, and nothing of a report before its month is over.",
    )

    @classmethod
    def of(cls, draft: Publication) -> PublicationForm:
        """The form with what was saved last."""
        names = ("title", "text", "charts", "platforms", "reports", "items", "dates")
        return cls(initial={name: getattr(draft, name) for name in names})
