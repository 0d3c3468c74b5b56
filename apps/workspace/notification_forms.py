"""What people choose to be told of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms.boundfield import BoundField

from apps.notifications.kinds import CHOSEN, Kind, Mails
from apps.notifications.services import MAX_URL


class PreferencesForm(forms.Form):
    """How a member wants to hear of each kind."""

    def __init__(self, *args: Any, preferences: Mapping[Kind, tuple[bool, Mails]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, (in_workspace, mails) in preferences.items():
            self.fields[f"{kind}_in_workspace"] = forms.BooleanField(
                label="A notice in the workspace", required=False, initial=in_workspace
            )
            self.fields[f"{kind}_mails"] = forms.ChoiceField(
                label="E-mail", choices=Mails.choices, initial=mails
            )

    def rows(self) -> list[tuple[Kind, BoundField, BoundField]]:
        """Each kind with its two fields."""
        return [(kind, self[f"{kind}_in_workspace"], self[f"{kind}_mails"]) for kind in CHOSEN]

    def wishes(self) -> dict[Kind, tuple[bool, Mails]]:
        """What was chosen, once the form is valid."""
        data = self.cleaned_data
        return {kind: (data[f"{kind}_in_workspace"], Mails(data[f"{kind}_mails"])) for kind in CHOSEN}


class WebhookForm(forms.Form):
    """A new webhook."""

    url = forms.CharField(
        label="Address",
        max_length=MAX_URL,
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
        help_text="Of your own program, on the public internet: https://host/path. It gets ids and counts.",
    )
    kinds = forms.MultipleChoiceField(
        label="What it is told",
        choices=[(kind.value, kind.label) for kind in CHOSEN],
        initial=[kind.value for kind in CHOSEN],
        widget=forms.CheckboxSelectMultiple,
    )
