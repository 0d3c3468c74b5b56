"""What an edition says about itself, in each language: how the record was made, and what its columns hold.

The sentences are those of the page about the method, with the numbers of the code of that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC

from django.utils import formats, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.templatetags.show import day_words

from .codebook import table_lines, word_lines
from .columns import Table
from .figure_paths import NOT_FROM_ROWS, REPLY_CLOCKS
from .published import LANGUAGES, PlatformMethod, Snapshot
from .publishing import withheld_words


def edition_texts(snapshot: Snapshot, tables: Sequence[Table]) -> Iterator[tuple[str, bytes]]:
    """Each text's name and its bytes: `method.en.md` and the like. `tables` are those of the edition."""
    for language in LANGUAGES:
        short = language.split("-")[0]
        with translation.override(language):
            yield f"method.{short}.md", _text(method_lines(snapshot, language))
            yield f"codebook.{short}.md", _text(codebook_lines(snapshot, tables, language))


def _text(lines: Iterable[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def method_lines(snapshot: Snapshot, language: str) -> Iterator[str]:
    """How the record was made and what its figures mean. `language` is the one that is active."""
    words = snapshot.said(language)
    yield from (f"# {_('Method')}", "", _of(snapshot), "")
    yield from (f"## {_('What is looked at, and how often')}", "", *_looking(snapshot), "")
    yield from (f"## {_('When an item counts as removed')}", "", *_removed(snapshot), "")
    yield from (f"## {_('What could not be told')}", "", _unclear(snapshot), "")
    yield from (
        f"## {_('How platforms are probed, and what counts as removed there')}",
        "",
        " ".join(_known()),
        "",
    )
    for platform in words.methods:
        yield from _method(platform)
    yield from (f"## {_('What is public, and what is not')}", "", " ".join(_public(snapshot)), "")
    yield from (f"## {_('Limits')}", "", *(f"- {limit}" for limit in _limits()), "")
    yield from (f"## {_('What the figures mean')}", "")
    for each in words.meanings:
        yield f"- {each.title} (`{each.name}`). {each.meaning}"
        yield f"  {_('Formula')}: {each.formula}. {_('Unit')}: {each.unit}."
        yield f"  {_('Population')}: {each.population}. {_('Left out')}: {each.exclusions}."
        if each.source:
            yield f"  {_('Source')}: {each.source}."
    yield from ("", f"## {_('Why an item is left out')}", "")
    for name, said in words.exclusions.items():
        yield f"- `{name}`: {said}"


def _of(snapshot: Snapshot) -> str:
    utc = snapshot.as_of.astimezone(UTC)
    moment = f"{formats.date_format(utc, _('j F Y, H:i'))} UTC"
    return f"{snapshot.title.rstrip('.')}. {_('As of %(day)s') % {'day': moment}}."


def _looking(snapshot: Snapshot) -> Iterator[str]:
    how = snapshot.method
    yield _(
        "Each reported address is asked for again on a schedule, and only facts about the answer are kept: "
        "no page, no picture, no file. An answer is available, restricted, removed or inconclusive, each "
        "with a reason from a closed list."
    )
    yield ""
    gap = _(
        "The gap to the next look is one part in %(share)s of the report’s age, at least %(minutes)s minutes "
        "and at most %(days)s days. So a fast removal is known to within minutes, a slow one to within days, "
        "and the time of each to about the same share of it."
    ) % {"share": how.age_share, "minutes": how.shortest_gap_minutes, "days": how.longest_gap_days}
    marks = _("At these ages an item is looked at exactly on time:")
    tolerance = _("A look that ended within %(minutes)s minutes after such a mark answers for the mark.") % {
        "minutes": how.mark_tolerance_minutes
    }
    yield f"{gap} {marks} {_hours(how.marks_hours)}. {tolerance}"


def _removed(snapshot: Snapshot) -> Iterator[str]:
    how = snapshot.method
    yield _("An answer that says that an item is gone makes it suspected. It counts as removed")
    yield ""
    several = _("after %(count)s such answers that span %(hours)s hours, with none between that saw it;")
    yield "- " + several % {"count": how.confirm_count, "hours": how.confirm_hours}
    definitive = ngettext(
        "after %(count)s that span %(hours)s hour, where the platform itself says so;",
        "after %(count)s that span %(hours)s hours, where the platform itself says so;",
        how.definitive_hours,
    )
    yield "- " + definitive % {"count": how.definitive_count, "hours": how.definitive_hours}
    yield "- " + _("at once, when a person has looked.")
    yield ""
    again, after = _("A suspected item is looked at again"), _("after it was first seen gone.")
    dated = _(
        "The removal is dated from the evidence, as an interval: later than the item was last seen, no later "
        "than it was first seen gone. Who took it down is not known from that."
    )
    yield f"{again} {_hours(how.confirmation_hours)} {after} {dated}"


def _unclear(snapshot: Snapshot) -> str:
    how = snapshot.method
    return _(
        "An inconclusive answer neither counts as a removal nor undoes one. After %(count)s of them in a row "
        "over %(days)s days, an item is unverifiable. Suspected, unverifiable and waiting items are shown as "
        "such, and stay in every denominator."
    ) % {"count": how.unverifiable_count, "days": how.unverifiable_days}


def _known() -> Iterator[str]:
    yield _(
        "What a platform’s answers mean is written down in rules, each with its source. The first rule that "
        "fits decides, and is recorded with the check. Before all others come those for walls, which say "
        "nothing of what is behind them."
    )
    yield _(
        "A page that answers is compared with the answer for an address beside it that cannot exist. Where "
        "both say alike that there is nothing, it is gone if it was seen before; where both are the same "
        "page otherwise, it cannot be told."
    )


def _method(platform: PlatformMethod) -> Iterator[str]:
    yield from (f"### {platform.name}", "")
    for kind in platform.kinds:
        shapes = ", ".join(f"`{shape}`" for shape in kind.shapes)
        yield f"- {kind.name} ({shapes}): {kind.asked}. {kind.needs_person}".rstrip()
    yield ""
    for rule in platform.rules:
        when = _("When: %(conditions)s.") % {"conditions": "; ".join(rule.conditions)}
        yield f"- `{rule.signal}`: {rule.reason}. {when}"
        source = f": `{rule.source}`" if rule.source else ""
        known = f"{rule.known}, {day_words(rule.verified)}{source}"
        yield f"  {' '.join(f'{limit}.' for limit in (*rule.limits, known))}"
    if not platform.rules:
        yield _("No answer of this platform counts as a removal by a rule of its own.")
    yield ""


def _public(snapshot: Snapshot) -> Iterator[str]:
    yield _(
        "A list of addresses that are still up would be a directory of abuse. Nothing public holds an "
        "address, an account, a label, a note, or a word of a report or reply."
    )
    yield withheld_words(snapshot.minimum_n)
    if snapshot.choices.platforms == "letters":
        yield _("Platforms are shown as letters, in the order in which they were first reported to.")
    else:
        yield _("Sites that are known by their domain alone are shown together, as other sites.")
    if snapshot.choices.dates == "month":
        yield _(
            "Dates are shown as months. So that nothing tells the day, each item is shown as if it had been "
            "reported on the last day of its month, with all that followed as many days later."
        )
    if snapshot.choices.items:
        yield _(
            "Rows of items that agree in all that they tell of their platform, kind, date, channel and "
            "category are of at least %(n)s eligible items. What would let a smaller group be counted is "
            "left empty, or told more coarsely (a quarter, a year)."
        ) % {"n": snapshot.minimum_n}


def _limits() -> Iterator[str]:
    yield _(
        "An item that disappears for other reasons than the report counts as removed, too. Where controls "
        "are watched, they show how much disappears by itself."
    )
    yield _(
        "The checker sees what a reader without an account sees, from where it stands. Another country or a "
        "signed-in reader may see something else."
    )
    yield _(
        "What was reported is what its reporters chose. A share says nothing about all the content of a "
        "platform."
    )
    yield _("A category is what the report alleges. Nobody here has judged it.")


def _hours(hours: Iterable[int]) -> str:
    return ", ".join(f"{hour} h" for hour in hours)


def codebook_lines(snapshot: Snapshot, tables: Sequence[Table], language: str) -> Iterator[str]:
    """What each column of the edition's files holds. `language` is the one that is active."""
    yield from (f"# {_('Codebook')}", "", _of(snapshot), "")
    yield _(
        "All files are UTF-8, CSV as in RFC 4180. A cell that a spreadsheet would take for a formula begins "
        "with an apostrophe. An empty cell is a value that there is none of, or that is withheld."
    )
    for table in tables:
        yield from table_lines(table, f"{table.name}.csv: {_(table.title)}")
        if table.name.startswith("chart-"):
            yield from _words_in(table.name.removeprefix("chart-"), snapshot, language)
    yield from word_lines(snapshot.said(language))
    yield from _again(snapshot)


def _again(snapshot: Snapshot) -> Iterator[str]:
    """What of the figures can be computed again from the edition's rows, and what cannot, and why."""
    choices = snapshot.choices
    yield from ("", f"## {_('What can be computed again')}", "")
    if not choices.items:
        yield _("This edition has no rows of items, so its figures cannot be computed again from it.")
        return
    yield _(
        "Every number of figures.csv and of the charts’ files can be computed again from items.csv and "
        "reports.csv, by the formulas of the method. The figures of a group are those of the rows that tell "
        "it. The 95% bands follow from the same rows, by the method that their formula names. This cannot:"
    )
    yield ""
    for name, why in NOT_FROM_ROWS.items():
        yield f"- `{name}`: {_(why)}"
    if not choices.reports:
        for name in REPLY_CLOCKS:
            yield f"- `{name}`: {_('reports are not listed in this edition')}"


def _words_in(chart: str, snapshot: Snapshot, language: str) -> Iterator[str]:
    """The words that stand in a chart's file, which has those of the first language."""
    written, said = (snapshot.said(one).whole.charts[chart] for one in (LANGUAGES[0], language))
    pairs = {
        (one.value, other.value): None
        for row, translated in zip(written.rows, said.rows, strict=True)
        for one, other in zip(row, translated, strict=True)
        if one.value != other.value
    }
    if pairs:
        yield from ("", _("The words in this file:"), "")
        yield from (f"- `{word}`: {meaning}" for word, meaning in pairs)
