"""Items with what the figures know of them, some thousand at a time.

What is worked out (who counts, removal times, claims) comes from the very code that the figures are made of,
`metrics.population`. It is asked for parts of the items, so that a million need no more memory than ten
thousand: only their numbers, 8 bytes each, the campaign's claims, and what is judged together are held in
full. An item that repeats another of its report, or a control of what was reported, too, is judged beside it,
wherever in the order the two stand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count, QuerySet

from apps.accounts.roles import Audience
from apps.checks.accounts import Fate
from apps.core import clock
from apps.core.bulk import among
from apps.core.pseudonyms import pseudonyms
from apps.metrics.definitions import EXCLUSIONS
from apps.metrics.population import Exclusion, Population, population
from apps.metrics.reading import Whole
from apps.metrics.records import ALONE, NEVER, STATUS_CODES, WITH_ACCOUNT, read_items, seconds
from apps.metrics.responses import (
    CLAIM_CODES,
    NO_CLAIMS,
    Claims,
    ReportRecord,
    claims_of,
    read_claims,
    read_reports,
)
from apps.reports.models import Campaign, Item

from .columns import ITEMS, Column
from .sources import ITEM_VALUES
from .sql import Block, Value

CHUNK = 20_000  # items
HOUR_PLACES = 4  # of an hour: whole seconds come back

_EXCLUSION_WORDS: Mapping[int, str | None] = {
    Exclusion.NONE: None,
    **{exclusion: name for exclusion, (name, _) in EXCLUSIONS.items()},
}
_CLAIM_WORDS: Mapping[int, str | None] = {0: None, **{code: word for word, code in CLAIM_CODES.items()}}
_FATE_WORDS: Mapping[int, str | None] = {
    0: None,
    WITH_ACCOUNT: Fate.WITH_ACCOUNT.value,
    ALONE: Fate.ALONE.value,
}
_STATUS_WORDS = {code: word for word, code in STATUS_CODES.items()}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some items: their numbers in the order of the rows, and the query that finds them."""

    pks: Whole
    rows: QuerySet[Item]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the figures know of a chunk's items: where each of them stands in `population`, by their order.

    `claim` and `claimed` are of all that `population` has, which may be more.
    """

    population: Population
    places: Whole
    claim: Whole
    claimed: Whole


@dataclass(frozen=True, slots=True)
class Items:
    """A campaign's items, or those of a filter, as they stand at one moment.

    What is judged together with one of them is looked for among `beside`.
    """

    items: QuerySet[Item]
    beside: QuerySet[Item]
    reports: Mapping[int, ReportRecord]
    claims: Claims
    together: Mapping[int, Sequence[int]]
    key: str  # of the public names
    now: int

    @classmethod
    def read(cls, campaign: Campaign, items: QuerySet[Item], *, key: str) -> Items:
        """What is needed of the whole campaign. `key` is that of its public names."""
        return cls(
            items=items,
            beside=items,
            reports=read_reports(campaign),
            claims=read_claims(campaign),
            together=judged_together(items),
            key=key,
            now=seconds(clock.now()),
        )

    @classmethod
    def read_some(cls, campaign: Campaign, items: QuerySet[Item], pks: Whole, *, key: str) -> Items:
        """What is needed of the `items` with the numbers `pks`, which are few: nothing of all the others."""
        few = items.filter(pk__in=among(pks)).order_by()
        return cls(
            items=few,
            beside=items,
            reports={},
            claims=read_claims(campaign, only=pks),
            together=judged_together(items.filter(target__in=few.values("target"))),
            key=key,
            now=seconds(clock.now()),
        )

    @classmethod
    def read_of_reports(
        cls, campaign: Campaign, items: QuerySet[Item], reports: Collection[int], *, key: str = ""
    ) -> Items:
        """What is needed of the `items` that stand in some `reports`, and of these."""
        of_reports = items.filter(report__in=reports)
        return cls(
            items=of_reports,
            beside=items,
            reports=read_reports(campaign, only=reports),
            claims=NO_CLAIMS,
            together=judged_together(items.filter(target__in=of_reports.order_by().values("target"))),
            key=key,
            now=seconds(clock.now()),
        )

    def numbers(self) -> Whole:
        """The items' numbers, ascending: the order in which they were recorded."""
        pks = self.items.order_by("pk").values_list("pk", flat=True)
        return np.fromiter(pks.iterator(chunk_size=CHUNK), np.int64)

    def chunks(self, pks: Whole) -> Iterator[Chunk]:
        """Items of these ascending numbers, a chunk at a time."""
        for start in range(0, len(pks), CHUNK):
            some = pks[start : start + CHUNK]
            yield Chunk(some, self.items.filter(pk__range=(int(some[0]), int(some[-1]))))

    def facts(self, chunk: Chunk) -> Facts:
        """What the figures know of a chunk's items."""
        rows = chunk.rows
        needed = with_what_is_beside(chunk.pks, self.together)
        if len(needed) > len(chunk.pks):
            rows = self.beside.filter(pk__in=among(needed))
        found = population(read_items(rows), now=self.now)
        claim, claimed = claims_of(self.claims, found.records.pk)
        return Facts(found, np.searchsorted(found.records.pk, chunk.pks), claim, claimed)


def judged_together(items: QuerySet[Item]) -> dict[int, list[int]]:
    """Items of which one decides whether another counts, by the number of each: all of them, itself too.

    They are those that have report and target in common, and controls with what was reported of their target.
    """
    in_order = items.order_by()
    pairs = set(
        in_order.values_list("report_id", "target_id")
        .annotate(many=Count("pk"))
        .filter(many__gt=1)
        .values_list("report_id", "target_id")
    )
    controls = in_order.filter(control=True).values("target")
    both = set(in_order.filter(control=False, target__in=controls).values_list("target_id", flat=True))
    targets = np.array(sorted({target for _, target in pairs} | both), np.int64)
    together: dict[tuple[int, int], list[int]] = {}
    if not len(targets):
        return {}
    for pk, report, target in in_order.filter(target__in=among(targets)).values_list(
        "pk", "report_id", "target_id"
    ):
        if target in both or (report, target) in pairs:
            together.setdefault((0 if target in both else report, target), []).append(pk)
    return {pk: pks for pks in together.values() for pk in pks}


def with_what_is_beside(pks: Whole, together: Mapping[int, Sequence[int]]) -> Whole:
    """Some items' numbers and those of the items that are judged with them, in order."""
    beside = [pk for one in pks.tolist() if one in together for pk in together[one]]
    return np.union1d(pks, np.array(beside, np.int64))


def worked_out_columns(who: Audience) -> tuple[Column, ...]:
    """The columns for `who` that do not stand in the record; they are the last ones of the table."""
    return tuple(column for column in ITEMS.seen_by(who).columns if column.name not in ITEM_VALUES)


def worked_out(items: Items, chunk: Chunk, who: Audience) -> Block:
    """The values of `worked_out_columns` for a chunk."""
    facts = items.facts(chunk)
    found, at = facts.population, facts.places
    excluded = found.excluded[at]
    counts = (excluded == Exclusion.NONE) | found.controls[at]
    values: dict[str, Sequence[Value]] = {
        "observed": found.observed[at].tolist(),
        "in_error": found.records.error[at].tolist(),
        "eligible": (excluded == Exclusion.NONE).tolist(),
        "excluded": exclusion_words(excluded),
        "removal_hours_after": hour_cells(found.times.left[at], counts),
        "removal_hours_by": hour_cells(found.times.right[at], counts),
        "claim": claim_words(facts.claim[at]),
        "claimed_at": _moments(facts.claimed[at]),
        "gone_with": list(map(_FATE_WORDS.__getitem__, found.records.fate[at].tolist())),
        "public_id": pseudonyms(items.key, chunk.pks.tolist()),
    }
    return [values[column.name] for column in worked_out_columns(who)]


# ---------------------------------------------------------------------------------------------- whole columns


def exclusion_words(codes: Any) -> list[Value]:
    """Why items are left out."""
    return list(map(_EXCLUSION_WORDS.__getitem__, codes.tolist()))


def claim_words(codes: Any) -> list[Value]:
    """What was claimed of items."""
    return list(map(_CLAIM_WORDS.__getitem__, codes.tolist()))


def status_words(codes: Any) -> list[Value]:
    """Statuses."""
    return list(map(_STATUS_WORDS.__getitem__, codes.tolist()))


def hour_cells(hours: Any, shown: Any) -> list[Value]:
    """Hours to four places; None where there is no end, or where they are not to be shown."""
    rounded = np.where(shown & np.isfinite(hours), np.round(hours, HOUR_PLACES), -1).tolist()
    return [None if value < 0 else value for value in rounded]


def _moments(moments: Whole) -> list[Value]:
    texts = np.datetime_as_string(moments.astype("datetime64[s]")).tolist()
    return [None if at == NEVER else f"{text}Z" for at, text in zip(moments.tolist(), texts, strict=True)]
