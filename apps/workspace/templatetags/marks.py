"""Marks of a status or an outcome: a shape and a word, with colour only as a third sign."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.checks import stalled
from apps.checks.outcomes import Outcome, Status
from apps.checks.selectors import stale_definitions
from apps.metrics.counts import percent

register = template.Library()

OUTCOME_WORDS = {Outcome.INCONCLUSIVE: "could not tell"}


@register.filter
def status_mark(status: Status) -> SafeString:
    """A status as shape and word."""
    return format_html('<span class="mark mark-{}">{}</span>', status.value, status.label)


@register.filter
def outcome_mark(outcome: Outcome) -> SafeString:
    """An outcome as shape and word."""
    return format_html('<span class="mark mark-{}">{}</span>', outcome.value, outcome_word(outcome))


@register.filter
def outcome_word(outcome: Outcome) -> str:
    """An outcome in a page's words."""
    return OUTCOME_WORDS.get(outcome, str(outcome.label))


@register.simple_tag
def share(count: int, of: int) -> str:
    """`count` of `of` in percent."""
    return percent(count, of)


@register.simple_tag
def stall() -> stalled.Stall | None:
    """Why nothing is checked although there is work, if so. At most five queries."""
    return stalled.stall()


@register.simple_tag
def stale_platforms() -> list[str]:
    """The names of the platforms whose definition has gone stale. One query."""
    return [one.name for one in stale_definitions()]
