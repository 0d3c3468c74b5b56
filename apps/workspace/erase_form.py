"""Why personal data is to be erased, and that it is meant."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.checks.outcomes import ErasedFor

THIS_ITEM, ALL_OF_ACCOUNT = "item", "account"


class EraseForm(forms.Form):
    """The reason is from a list: a text could hold what is to be erased."""

    scope = forms.ChoiceField(
        choices=(
            (THIS_ITEM, "This URL, with every item of the campaign that has it"),
            (ALL_OF_ACCOUNT, "The account behind it, with all items of the account"),
        ),
        initial=THIS_ITEM,
        widget=forms.RadioSelect,
        label="What",
    )
    why = forms.ChoiceField(choices=ErasedFor.choices, widget=forms.RadioSelect, label="Why")
    sure = forms.BooleanField(label="I know that nobody can bring it back")

    def __init__(self, *args: Any, may_choose_account: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_choose_account:
            del self.fields["scope"]
