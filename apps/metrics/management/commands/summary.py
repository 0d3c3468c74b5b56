"""A campaign's figures: what share was removed, how long it took, and all that stands beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import CommandError, CommandParser

from apps.accounts.role_option import add_role_option, audience_asked
from apps.core import clock
from apps.core.commands import RecordCommand
from apps.metrics.deadlines import DeadlineFigures
from apps.metrics.figures import GroupFigures, ReplyFigures, TimeFigures
from apps.metrics.grouping import GroupKey, UnusableGrouping, group_keys, grouping_words
from apps.metrics.summary import Summary, UnknownGroup, UnusableMoment, summarise
from apps.metrics.summary_json import summary_json
from apps.metrics.words import hours_words, interval_words, quantile_words, share_words
from apps.reports.selectors import UnknownCampaign, campaign_called

WIDTH = 22


class Command(RecordCommand):
    """`manage.py summary CAMPAIGN`, in all and by group; `--help` lists its options."""

    help = "Print a campaign's removal shares and response times, for people or with --json for programs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("campaign", metavar="CAMPAIGN", help="the campaign's slug")
        parser.add_argument(
            "--by",
            action="append",
            default=[],
            metavar="KEY",
            help=f"group by {', '.join(GroupKey)}; may be given twice",
        )
        parser.add_argument(
            "--compare",
            nargs=2,
            metavar=("A", "B"),
            help="two groups whose removal times are compared; needed where there are more than two",
        )
        parser.add_argument(
            "--as-of",
            metavar="ISO",
            help="the record as it stood then, for example 2026-03-01 or 2026-03-01T14:05Z; UTC if not said",
        )
        add_role_option(parser)
        parser.add_argument(
            "--json", action="store_true", help="one JSON object; docs/summary.md describes its shape"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the total and the groups."""
        try:
            campaign = campaign_called(options["campaign"])
            keys = group_keys(options["by"])
            if options["compare"] and not keys:
                raise CommandError(
                    "--compare needs groups: say by what with --by, for example --by platform."
                )
            summary = summarise(
                campaign,
                by=keys,
                as_of=_moment(options["as_of"]) if options["as_of"] else None,
                compare=tuple(options["compare"]) if options["compare"] else None,
                who=audience_asked(options),
            )
        except (UnknownCampaign, UnusableGrouping, UnusableMoment, UnknownGroup, PermissionDenied) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(summary_json(summary), ensure_ascii=False, indent=2))
            return
        for line in _text(summary):
            self.stdout.write(line)


def _moment(text: str) -> datetime:
    """The moment that was typed. A day without a time is its last moment, today's is now."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise CommandError(
            f"--as-of {text!r} is no moment. Write it as 2026-03-01 or 2026-03-01T14:05Z."
        ) from error
    if len(text.strip()) > len("2026-03-01"):
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    end = moment.replace(hour=23, minute=59, second=59, microsecond=999_999, tzinfo=UTC)
    now = clock.now()
    return now if moment.date() == now.date() else end


def _text(summary: Summary) -> Iterator[str]:
    yield f"{summary.name}, as of {summary.as_of:%Y-%m-%d %H:%M:%S} UTC. Unit: items."
    for group in summary.all_groups:
        yield ""
        yield from _group(group)
    if compared := summary.compared:
        yield ""
        one, other = grouping_words(compared.first), grouping_words(compared.second)
        found = compared.reason or f"chi-squared {compared.statistic:.2f}, p = {compared.p:.3g}"
        yield f"{one} (n = {compared.n_first}) beside {other} (n = {compared.n_second}): {found}"


def _group(group: GroupFigures) -> Iterator[str]:
    left_out = ", ".join(f"{count} {each.name.lower()}" for each, count in group.excluded.items() if count)
    yield f"{grouping_words(group.by)}: {group.reported} reported, {group.eligible} eligible" + (
        f" ({group.observed} observed, {group.attested} attested)"
        + (f"; left out: {left_out}" if left_out else "")
    )
    yield _line(
        "status", ", ".join(f"{count} {status.label}" for status, count in group.status.items() if count)
    )
    yield _line("removed", share_words(group.removed))
    yield _line("acted on", share_words(group.acted_on))
    yield _line("inconclusive", share_words(group.inconclusive))
    if group.removal.fit is not None:
        for within in group.within:
            yield _line(f"removed within {within.name}", interval_words(within))
    yield _line("removal time", f"{group.removal.n} of {group.removal.of} removed; {_times(group.removal)}")
    for name, reply in (
        ("first reply", group.first_reply),
        ("first answer", group.first_answer),
        ("decision", group.decision),
    ):
        yield _line(name, _reply(reply))
    if group.claims.removed or group.claims.refused:
        yield _line(
            "claimed removed", f"{group.claims.removed}; still up: {share_words(group.claims.still_up)}"
        )
        yield _line("claimed left", f"{group.claims.refused}; gone: {share_words(group.claims.gone)}")
    if group.returns.share.of:
        yield _line("came back", f"{share_words(group.returns.share)}; {group.returns.up_now} up now")
    for deadline in group.deadlines:
        yield _line("deadline", f"{deadline.rule.name}: {_deadline(deadline)}")
        for why, count in deadline.refusals:
            yield _line("", f"{count}: {why}")
        if deadline.undelivered:
            yield _line("", f"{deadline.undelivered}: the report could not be delivered")
    if group.controls:
        yield _line("controls", f"{group.controls.removed} of {group.controls.of} removed")


def _deadline(deadline: DeadlineFigures) -> str:
    if deadline.rule.hours is None:
        return "names no hours; see first reply and decision"
    hours = hours_words(deadline.rule.hours)
    if not deadline.of:
        return f"{hours}, starts for no item"
    return (
        f"{hours}: {deadline.met} met, {deadline.missed} missed, {deadline.running} running, "
        f"{deadline.indeterminate} indeterminate"
    )


def _line(name: str, value: str) -> str:
    return f"  {name:<{WIDTH}}{value}"


def _times(times: TimeFigures) -> str:
    if times.problem:
        return times.problem
    return "; ".join(f"{100 * each.p:.0f}%: {quantile_words(times, each.p)}" for each in times.quantiles)


def _reply(reply: ReplyFigures) -> str:
    bounced = f", {reply.bounced} bounced" if reply.bounced else ""
    return f"{reply.times.n} of {reply.times.of} reports{bounced}; {_times(reply.times)}"
