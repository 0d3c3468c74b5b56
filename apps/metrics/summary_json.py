"""A summary as JSON: a stable shape with a version, described in docs/summary.md.

A figure that cannot be estimated is null, and `problem` beside it says why. Shares are from 0 to 1, rounded
to four places; hours to two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from . import comparison
from .deadlines import DeadlineFigures
from .definitions import DEFINITIONS, EXCLUSIONS, Definition
from .figures import (
    BAND_METHOD,
    METHOD,
    TOO_FEW,
    AccountFigures,
    ClaimFigures,
    ControlFigures,
    GroupFigures,
    ReplyFigures,
    ReturnFigures,
    TimeFigures,
    Within,
)
from .shares import Share
from .summary import ComparedGroups, Summary

VERSION = 1
Json = dict[str, Any]


def summary_json(summary: Summary) -> Json:
    """The whole summary. The total group comes first and is always there."""
    return {
        "version": VERSION,
        "campaign": summary.campaign,
        "as_of": _iso(summary.as_of),
        "generated_at": _iso(summary.generated_at),
        "unit": "item",
        "minimum_n": summary.minimum_n,
        "groups": [_group(group) for group in summary.all_groups],
        "comparison": _comparison(summary.compared),
        "definitions": {each.name: _definition(each, summary.minimum_n) for each in DEFINITIONS.values()},
    }


def _definition(definition: Definition, minimum_n: int) -> Json:
    return {
        "title": definition.title,
        "meaning": definition.meaning,
        "formula": definition.formula,
        "unit": definition.unit,
        "population": definition.population,
        "exclusions": definition.exclusions,
        "minimum_n": minimum_n if definition.withheld_below_minimum_n else None,
        "source": definition.source or None,
    }


def _group(group: GroupFigures) -> Json:
    return {
        "by": dict(group.by),
        "reported": group.reported,
        "excluded": {name: group.excluded[one] for one, (name, _) in EXCLUSIONS.items()},
        "eligible": group.eligible,
        "targets": group.targets,
        "observed": group.observed,
        "attested": group.attested,
        "status": {status.value: count for status, count in group.status.items()},
        "share_removed": _share(group.removed),
        "share_acted_on": _share(group.acted_on),
        "share_inconclusive": _share(group.inconclusive),
        "removed_within": _within(group.within),
        "removal_time_hours": _times(group.removal),
        "first_reply_hours": _reply(group.first_reply),
        "first_answer_hours": _reply(group.first_answer),
        "decision_hours": _reply(group.decision),
        "deadlines": [_deadline(each) for each in group.deadlines],
        "claims": _claims(group.claims),
        "returns": _returns(group.returns),
        "accounts": _accounts(group.accounts),
        "controls": _controls(group.controls),
        "problem": TOO_FEW if group.too_few else None,
    }


def _share(share: Share) -> Json:
    return {
        "n": share.n,
        "of": share.of,
        "value": _rounded(share.value, 4),
        "low": _rounded(share.low, 4),
        "high": _rounded(share.high, 4),
    }


def _within(marks: Sequence[Within]) -> Json:
    return {
        mark.name: {
            "surely": mark.surely,
            "possibly": mark.possibly,
            "of": mark.of,
            "low": _rounded(mark.low, 4),
            "high": _rounded(mark.high, 4),
            "estimate": _rounded(mark.estimate, 4),
            "band": _pair(mark.band, 4),
            "problem": mark.problem or None,
        }
        for mark in marks
    }


def _times(times: TimeFigures) -> Json:
    names = ("p25", "p50", "p75", "p90")
    quantiles = times.quantiles or (None,) * len(names)
    return {
        "n": times.n,
        "of": times.of,
        "horizon": _rounded(times.horizon, 2) if math.isfinite(times.horizon) else None,
        **{
            name: _pair(each.interval if each else None, 2)
            for name, each in zip(names, quantiles, strict=True)
        },
        "band": {
            name: _pair(each.band if each else None, 2) for name, each in zip(names, quantiles, strict=True)
        },
        "method": METHOD,
        "band_method": BAND_METHOD,
        "problem": times.problem or None,
    }


def _reply(reply: ReplyFigures) -> Json:
    return {"unit": "report", "reports": reply.reports, "bounced": reply.bounced, **_times(reply.times)}


def _deadline(deadline: DeadlineFigures) -> Json:
    rule = deadline.rule
    counts = {
        "met": deadline.met,
        "missed": deadline.missed,
        "running": deadline.running,
        "indeterminate": deadline.indeterminate,
    }
    return {
        "rule": rule.slug,
        "name": rule.name,
        "jurisdiction": rule.jurisdiction,
        "citation": rule.citation,
        "binding": rule.binding,
        "hours": rule.hours,
        "stops_at": rule.stops_at.value,
        "of": deadline.of,
        **{name: None if rule.hours is None else count for name, count in counts.items()},
        "undelivered": deadline.undelivered,
        "does_not_apply": [{"why": why, "n": count} for why, count in deadline.refusals],
    }


def _claims(claims: ClaimFigures) -> Json:
    return {
        "removed": claims.removed,
        "still_up": _share(claims.still_up),
        "seen_after_claim": _share(claims.seen_after),
        "hours_up_after_claim": _times(claims.contradicted),
        "restricted": claims.restricted,
        "refused": claims.refused,
        "gone": _share(claims.gone),
    }


def _returns(returns: ReturnFigures) -> Json:
    return {"share": _share(returns.share), "up_now": returns.up_now, "hours_gone": _times(returns.times)}


def _accounts(accounts: AccountFigures) -> Json:
    return {
        "accounts": accounts.accounts,
        "unknown_items": accounts.unknown_items,
        "items_per_account": {"median": accounts.items_median, "most": accounts.items_most},
        "gone": accounts.gone,
        "up": accounts.up,
        "up_with_removed_items": accounts.up_with_removed,
        "removed_items": {
            "with_account": accounts.items_with,
            "alone": accounts.items_alone,
            "unknown": accounts.items_untold,
        },
    }


def _controls(controls: ControlFigures | None) -> Json | None:
    if controls is None:
        return None
    return {
        "of": controls.of,
        "removed": controls.removed,
        "removed_within": _within(controls.within),
        "removal_time_hours": _times(controls.times),
        "difference": {
            each.name: {
                "value": _rounded(each.difference.value, 4),
                "low": _rounded(each.difference.low, 4),
                "high": _rounded(each.difference.high, 4),
            }
            for each in controls.differences
        },
    }


def _comparison(compared: ComparedGroups | None) -> Json | None:
    if compared is None:
        return None
    return {
        "first": {"by": dict(compared.first), "n": compared.n_first},
        "second": {"by": dict(compared.second), "n": compared.n_second},
        "test": comparison.TEST,
        "source": comparison.SOURCE,
        "statistic": _rounded(compared.statistic, 4),
        "p": compared.p if compared.p is None else float(f"{compared.p:.4g}"),
        "problem": compared.reason or None,
    }


def _pair(pair: tuple[float, float | None] | None, places: int) -> list[float | None] | None:
    return None if pair is None else [_rounded(end, places) for end in pair]


def _rounded(value: float | None, places: int) -> float | None:
    return None if value is None else round(value, places)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
