"""A URL or a recording that somebody wants to know the verdict on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.files import File

from apps.checks import address
from apps.checks.har import HarFetch, UnusableRecording
from apps.core.canonical import UnusableURL, canonicalise
from apps.platforms.matching import Match, match

MAX_RECORDING_BYTES = 20_000_000
MAX_PASTED_CHARACTERS = 5_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be classified. Without a recording the network is asked."""

    found: Match
    recording: HarFetch | None
    seen: bool


class ClassifyForm(forms.Form):
    """The URL may be left out of a recording whose first entry is it."""

    url = forms.CharField(
        required=False,
        max_length=4096,
        label="URL",
        help_text="Defanged spellings are understood. Left empty: the first address in the recording.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    file = forms.FileField(
        required=False,
        label="Recording (HAR file)",
        help_text="What a browser exports from its network tools, up to "
        f"{MAX_RECORDING_BYTES // 1_000_000} MB. With it nothing is asked of the network. Record in a "
        "private window: signed in, a platform answers otherwise.",
        widget=forms.FileInput(attrs={"accept": ".har,.json,application/json"}),
    )
    pasted = forms.CharField(
        required=False,
        max_length=MAX_PASTED_CHARACTERS,
        label="Or its text, pasted",
        widget=forms.Textarea(attrs={"rows": 4, "class": "lines", "spellcheck": "false"}),
        error_messages={
            "max_length": "The text is longer than five million characters. Upload it as a file instead."
        },
    )
    seen = forms.BooleanField(
        required=False,
        label="It was seen available before",
        help_text="An answer that means “missing or private” counts as removed only of what was seen. What "
        "the record of your campaigns says of the URL is taken into account anyway.",
    )

    def clean(self) -> dict[str, Any]:
        """Read the recording, and find out what the URL is. The result is under `asked`."""
        cleaned = super().clean() or {}
        recording = self._recording(cleaned.get("file"), cleaned.get("pasted", ""))
        if self.errors:
            return cleaned
        url = cleaned.get("url", "").strip() or (recording.first_url if recording is not None else "")
        if not url:
            self.add_error("url", "Write a URL, or give a recording.")
            return cleaned
        try:
            found = match(canonicalise(url))
        except UnusableURL as error:
            self.add_error("url", str(error))
            return cleaned
        refusal = address.refusal(found.key)
        if refusal is not None:
            self.add_error("url", refusal)
            return cleaned
        cleaned["asked"] = Asked(found, recording, cleaned.get("seen", False))
        return cleaned

    def _recording(self, file: File[bytes] | None, pasted: str) -> HarFetch | None:
        if file and pasted.strip():
            self.add_error("pasted", "Give one recording: the file, or its text.")
            return None
        try:
            if file:
                return HarFetch.from_text(_text_of(file), name="The file")
            return HarFetch.from_text(pasted, name="The text") if pasted.strip() else None
        except UnusableRecording as error:
            self.add_error("file" if file else "pasted", str(error))
            return None


def _text_of(file: File[bytes]) -> str:
    """The text of an uploaded recording. Raises UnusableRecording."""
    if (file.size or 0) > MAX_RECORDING_BYTES:
        raise UnusableRecording(
            f"The file is over {MAX_RECORDING_BYTES // 1_000_000} MB: export fewer entries, without pictures."
        )
    try:
        return str(file.read(), "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusableRecording("The file is not UTF-8 text, as a HAR file must be.") from error
