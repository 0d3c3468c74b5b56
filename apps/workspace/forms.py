"""What people enter in the workspace."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import available_timezones

from django import forms
from django.utils.text import slugify

from apps.accounts.roles import Role, roles_up_to
from apps.checks.outcomes import REASONS_OF, Outcome, Reason
from apps.core import clock
from apps.reports.campaigns import ADDRESS_WORDS
from apps.reports.models import Campaign, Category, Channel, Delivery, Standing

REASONS_OF_PERSONS = {
    **{outcome: (Reason.PERSON, *reasons) for outcome, reasons in REASONS_OF.items()},
    Outcome.INCONCLUSIVE: (
        Reason.PERSON,
        Reason.MISSING_OR_PRIVATE,
        Reason.LOGIN_WALL,
        Reason.CONSENT_WALL,
        Reason.BOT_WALL,
        Reason.SERVER_ERROR,
        Reason.TIMEOUT,
        Reason.NETWORK_BLOCK,
    ),
}
"""What a person can give as the reason of each outcome; the rest only a machine can see."""

OUTCOME_CHOICES = (
    (Outcome.AVAILABLE.value, "available: it opens as itself"),
    (Outcome.RESTRICTED.value, "restricted: it is there, but not for everyone"),
    (Outcome.REMOVED.value, "removed: it does not open any more"),
    (Outcome.INCONCLUSIVE.value, "could not tell"),
)

CLOCK_TOLERANCE = timedelta(minutes=2)


class UTCMoment(forms.DateTimeField):
    """A moment in UTC to the minute, by the browser's own picker where there is one, else typed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            input_formats=[
                "%Y-%m-%dT%H:%M",
                "%Y-%m-%dT%H:%M:%S",
                "%Y-%m-%d %H:%M",
                "%Y-%m-%d %H:%M UTC",
                "%Y-%m-%d",
            ],
            widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            error_messages={"invalid": "Write the moment as 2026-03-01 14:05, in UTC."},
            **kwargs,
        )


def not_in_the_future(moment: datetime) -> datetime:
    """Refuse a moment that has not come; one just ahead, from a clock a little fast, is taken as now."""
    now = clock.now()
    if moment > now + CLOCK_TOLERANCE:
        raise forms.ValidationError(
            f"This is in the future: it is now {now:%Y-%m-%d %H:%M} UTC. Give a moment that has passed."
        )
    return min(moment, now)


class CampaignForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new campaign."""

    slug = forms.SlugField(
        max_length=80,
        required=False,
        label="Short name",
        help_text="For addresses and commands: letters, digits, hyphens. Left empty: made from the name.",
    )

    class Meta:
        model = Campaign
        fields = ["name", "slug", "description"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "description": "What was reported, by whom, and what the record is for. Members read it."
        }

    def clean(self) -> dict[str, Any]:
        """Make the short name where none was given, and refuse one that is taken or that is an address."""
        cleaned = super().clean() or {}
        slug = cleaned.get("slug") or slugify(cleaned.get("name", ""))[:80]
        if not slug:
            if "slug" not in self.errors and "name" not in self.errors:
                self.add_error("slug", "No short name can be made from this name. Write one.")
        elif slug in ADDRESS_WORDS:
            self.add_error("slug", "This word is an address of the site. Write another short name.")
        elif Campaign.objects.filter(slug=slug).exists():
            self.add_error("slug", f"There is a campaign called {slug} already. Write another short name.")
        cleaned["slug"] = slug
        return cleaned


class ManualCheckForm(forms.Form):
    """What a person saw."""

    outcome = forms.ChoiceField(choices=OUTCOME_CHOICES, widget=forms.RadioSelect, label="What you saw")
    reason = forms.ChoiceField(
        choices=[
            (Reason.PERSON.value, "no particular reason"),
            *[
                (
                    outcome.label,
                    [(reason.value, reason.label) for reason in reasons if reason != Reason.PERSON],
                )
                for outcome, reasons in REASONS_OF_PERSONS.items()
            ],
        ],
        label="Why",
        required=False,
    )
    observed_at = UTCMoment(
        required=False, label="When you looked (UTC)", help_text="Left empty: now.", validators=[]
    )
    note = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
        max_length=5000,
        label="Note",
        help_text="For the members of this campaign. Say what you saw, without describing content.",
    )

    def clean_observed_at(self) -> datetime:
        """Now, where nothing was given."""
        moment = self.cleaned_data["observed_at"]
        return not_in_the_future(moment) if moment else clock.now()

    def clean(self) -> dict[str, Any]:
        """The reason has to be one of the outcome's."""
        cleaned = super().clean() or {}
        outcome = cleaned.get("outcome")
        reason = Reason(cleaned.get("reason") or Reason.PERSON)
        cleaned["reason"] = reason
        if outcome and reason not in REASONS_OF_PERSONS[Outcome(outcome)]:
            self.add_error(
                "reason", f"“{reason.label}” is no reason for “{Outcome(outcome).label}”. Choose another."
            )
        return cleaned


class ReviewForm(forms.Form):
    """A person's decision about a target that the checker is not sure of."""

    outcome = forms.ChoiceField(
        choices=(
            (Outcome.REMOVED.value, "It is gone"),
            (Outcome.AVAILABLE.value, "It is still there"),
            (Outcome.RESTRICTED.value, "It is there, but not for everyone"),
            (Outcome.INCONCLUSIVE.value, "I could not tell either"),
        ),
        widget=forms.RadioSelect,
        label="What you saw",
    )
    note = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 1}), required=False, max_length=5000, label="Note"
    )

    def clean(self) -> dict[str, Any]:
        """Whoever says other than the checker says why."""
        cleaned = super().clean() or {}
        if (
            cleaned.get("outcome") in {Outcome.AVAILABLE, Outcome.RESTRICTED}
            and not cleaned.get("note", "").strip()
        ):
            self.add_error("note", "Say in a few words what you saw: this overrules the checker.")
        return cleaned


class LookForm(forms.Form):
    """What a person found who looked at a definition that has gone stale."""

    right = forms.TypedChoiceField(
        choices=(("right", "It is right: its canary is what changed"), ("stale", "It is stale: keep it so")),
        coerce=lambda chosen: chosen == "right",
        widget=forms.RadioSelect,
        label="What you found",
    )
    note = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 1}),
        required=False,
        max_length=5000,
        label="Note",
        help_text="Read by everybody who signs in here.",
    )


class ProblemForm(forms.Form):
    """What a definition should have said."""

    def __init__(self, *args: Any, outcome: Outcome, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"] = forms.ChoiceField(
            choices=[(reason.value, reason.label) for reason in REASONS_OF[outcome]],
            label="Why",
            help_text="What the definition should have given as its reason.",
        )


class ReportForm(forms.Form):
    """A list that was sent to a platform."""

    urls = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 12, "class": "lines", "spellcheck": "false"}),
        label="Reported URLs",
        help_text="One a line, as they were sent; defanged spellings such as hxxps://example[.]org are "
        "understood. A list that spans platforms becomes one report for each.",
        max_length=5_000_000,
        strip=False,
    )
    sent_at = UTCMoment(label="Sent (UTC)", help_text="The clock of every item starts here.")
    channel = forms.ChoiceField(choices=Channel.choices, initial=Channel.UNKNOWN, label="Channel")
    standing = forms.ChoiceField(
        choices=Standing.choices,
        initial=Standing.UNKNOWN,
        label="Standing",
        help_text="Who the reporter is to the content.",
    )
    category = forms.ChoiceField(
        choices=Category.choices,
        initial=Category.UNKNOWN,
        label="Category",
        help_text="What the report alleges.",
    )
    policy = forms.CharField(max_length=500, required=False, label="Policy cited")
    reference = forms.CharField(
        max_length=200,
        required=False,
        label="Reference",
        help_text="The platform’s case number, or your own.",
    )
    labels = forms.CharField(
        max_length=500, required=False, label="Labels", help_text="Words of your own, separated by commas."
    )
    delivery = forms.ChoiceField(choices=Delivery.choices, initial=Delivery.SENT, label="Delivery")
    attested = forms.BooleanField(
        required=False,
        initial=True,
        label="They were accessible when they were reported",
        help_text="Your word for it, where the checker did not see them itself. Figures show both apart.",
    )
    note = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}), max_length=5000, required=False, label="Note"
    )

    def clean_labels(self) -> list[str]:
        """The words, one by one."""
        return [word.strip() for word in self.cleaned_data["labels"].split(",") if word.strip()]

    def clean_sent_at(self) -> datetime:
        """A moment that has passed."""
        moment: datetime = self.cleaned_data["sent_at"]
        return not_in_the_future(moment)


class TimeZoneField(forms.CharField):
    """An IANA time zone; the browser offers the names."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=64,
            initial="UTC",
            label="Time zone",
            help_text="Of dates in the file that do not name one, for example Europe/Berlin.",
            widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
            **kwargs,
        )


def time_zones() -> list[str]:
    """Names to offer: UTC, then regions and cities."""
    regions = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ["UTC", *sorted(name for name in available_timezones() if name.startswith(regions))]


class UploadForm(forms.Form):
    """A list in a file."""

    file = forms.FileField(
        label="File",
        help_text="CSV with a header, semicolons and tabs too; or plain text with a URL a line.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv,text/plain"}),
        max_length=255,
    )
    timezone = TimeZoneField()


class ColumnsForm(forms.Form):
    """Which of the file's columns is which of ours."""

    def __init__(self, *args: Any, headers: tuple[str, ...], columns: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "(none)"), *((header, header) for header in dict.fromkeys(headers) if header)]
        for column, meaning in columns.items():
            self.fields[f"map_{column}"] = forms.ChoiceField(
                choices=choices, required=False, label=column, help_text=meaning
            )
        self.fields["timezone"] = TimeZoneField()

    def column_map(self) -> dict[str, str]:
        """Our columns to the file's headers, as chosen."""
        return {
            name.removeprefix("map_"): header
            for name, header in self.cleaned_data.items()
            if name.startswith("map_")
        }


class MemberForm(forms.Form):
    """Somebody to invite, or a member's other role."""

    email = forms.EmailField(label="E-mail address", max_length=254)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.VIEWER, label="Role")


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(
        max_length=100, label="What it is for", help_text="A program or a machine, so that you know it again."
    )
    role = forms.ChoiceField(label="Role", help_text="The least that is enough.")
    days = forms.ChoiceField(
        choices=(("1", "1 day"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "365 days")),
        initial="90",
        label="Works for",
    )

    def __init__(self, *args: Any, own: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = [(role.value, role.label) for role in reversed(roles_up_to(own))]
        cast(forms.ChoiceField, self.fields["role"]).choices = roles
