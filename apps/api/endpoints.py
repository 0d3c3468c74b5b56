"""The operations of `/api/v1/`: each finds out who asks, hands the question on, and shapes the answer."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from ninja import Body, Header, Path, Query
from ninja.errors import AuthenticationError, HttpError, ValidationError

from apps.accounts.roles import Action, may
from apps.exports.columns import CHECKS, ITEMS, REPLIES, REPORTS, TRANSITIONS, Table
from apps.exports.pages import Wanted, page_of
from apps.exports.report_rows import iso
from apps.metrics.summary_json import summary_json
from apps.reports.models import Delivery, Item, Report
from apps.reports.replies import UnusableReply, log_reply
from apps.reports.services import SubmitResult, SubmittedRow, UnusableReport, submit_rows
from apps.reports.tokens import TokenAccess
from apps.reports.writing import Details

from .access import Token, admitted, whose
from .cursors import cursor_to, row_of
from .document import DESCRIPTION, Documented, answers
from .idempotency import once
from .problems import INVALID, NOT_FOR_ROLE, Refused, problem, unusable
from .questions import narrowed, refuse_unknown, summary_of
from .requests import Key, ListQuestion, NewItem, NewReply, NewReport, SummaryQuestion, TargetQuestion

Json = dict[str, Any]

api = Documented(
    title="Still Up",
    version="1",
    description=DESCRIPTION,
    auth=Token(),
    openapi_url=None,  # urls.py has it
    docs_url=None,
    servers=[{"url": "/", "description": "This site"}],
    urls_namespace="api",
    openapi_extra={"info": {"license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}},
)

Slug = Annotated[
    str,
    Path(
        description="The campaign's short name.", pattern=r"^[A-Za-z0-9_-]{1,80}$", example="example-models"
    ),
]
Place = Annotated[int, Path(ge=1, le=2**63 - 1, description="Its number.")]
IdempotencyKey = Annotated[Key | None, Header(None, alias="Idempotency-Key")]


# ------------------------------------------------------------------------------------------------- refusals


@api.exception_handler(Refused)
def _refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return error.answer()


@api.exception_handler(PermissionDenied)
def _not_for_the_role(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return problem(403, str(error), type=NOT_FOR_ROLE)


@api.exception_handler(AuthenticationError)
def _no_token(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problem(
        401,
        "Send a token that works: Authorization: Bearer stillup_... It may have expired or been revoked, or "
        "its maker is no longer a member.",
        headers={"WWW-Authenticate": 'Bearer realm="Still Up"'},
    )


@api.exception_handler(ValidationError)
def _not_as_documented(request: HttpRequest, error: ValidationError) -> HttpResponse:
    found = [{"place": _place(each["loc"]), "reason": each["msg"][:200]} for each in error.errors[:50]]
    return problem(422, "The request is not as the document says: see errors.", type=INVALID, errors=found)


def _place(parts: tuple[str | int, ...]) -> str:
    """Where something is wrong, such as body.items.3.url. The second part is what our function calls it."""
    kept = parts[:1] + parts[2:] if len(parts) > 2 or parts[0] == "body" else parts
    return ".".join(map(str, kept))[:200]


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(error.status_code, "The body is no JSON that can be read.")


# ------------------------------------------------------------------------------------------------ campaigns


@api.get(
    "/campaigns",
    operation_id="list_campaigns",
    summary="The token's campaign, as a list",
    tags=["campaigns"],
    openapi_extra=answers({200: "CampaignPage"}),
)
def list_campaigns(request: HttpRequest) -> HttpResponse:
    """A token is for one campaign, so there is one row."""
    refuse_unknown(request)
    return _json({"data": [_campaign(whose(request))], "next_cursor": None})


@api.get(
    "/campaigns/{campaign}",
    operation_id="get_campaign",
    summary="A campaign",
    tags=["campaigns"],
    openapi_extra=answers({200: "Campaign"}, 404),
)
def get_campaign(request: HttpRequest, campaign: Slug) -> HttpResponse:
    """What it is called, how much is in it, and as what the token reads it."""
    refuse_unknown(request)
    return _json(_campaign(admitted(request, campaign, Action.COUNT)))


def _campaign(access: TokenAccess) -> Json:
    campaign = access.campaign
    said = {
        "campaign": campaign.slug,
        "name": campaign.name,
        "description": campaign.description,
        "role": access.role.value,
        "minimum_n": campaign.minimum_n,
        "reports": campaign.reports.count(),
        "items": Item.objects.filter(report__campaign=campaign, control=False).count(),
        "created_at": iso(campaign.created_at),
    }
    if not may(access.role, Action.VIEW):
        del said["description"]
    return said


# ----------------------------------------------------------------------------------------------------- rows


@api.get(
    "/campaigns/{campaign}/reports",
    operation_id="list_reports",
    summary="Reports",
    tags=["reports"],
    openapi_extra=answers({200: "ReportPage"}, 403, 404),
)
def list_reports(request: HttpRequest, campaign: Slug, asked: Query[ListQuestion]) -> HttpResponse:
    """With filters: the reports that have any of these items, with the counts of these items alone."""
    return _rows(request, campaign, REPORTS, asked)


@api.get(
    "/campaigns/{campaign}/reports/{int:number}",
    operation_id="get_report",
    summary="A report",
    tags=["reports"],
    openapi_extra=answers({200: "Report"}, 404),
)
def get_report(request: HttpRequest, campaign: Slug, number: Place) -> HttpResponse:
    """One report, with how its items stand."""
    refuse_unknown(request)
    access = admitted(request, campaign, Action.COUNT)
    found = _report(access, number)
    return _row(access, REPORTS, found.pk)


@api.get(
    "/campaigns/{campaign}/items",
    operation_id="list_items",
    summary="Items",
    tags=["items"],
    openapi_extra=answers({200: "ItemPage"}, 403, 404),
)
def list_items(request: HttpRequest, campaign: Slug, asked: Query[ListQuestion]) -> HttpResponse:
    """What was reported, with what is held of it now."""
    return _rows(request, campaign, ITEMS, asked)


@api.get(
    "/campaigns/{campaign}/items/{int:item}",
    operation_id="get_item",
    summary="An item",
    tags=["items"],
    openapi_extra=answers({200: "Item"}, 404),
)
def get_item(request: HttpRequest, campaign: Slug, item: Place) -> HttpResponse:
    """One item, with what is held of it now."""
    refuse_unknown(request)
    return _row(admitted(request, campaign, Action.COUNT), ITEMS, item)


@api.get(
    "/campaigns/{campaign}/checks",
    operation_id="list_checks",
    summary="Checks",
    tags=["checks"],
    openapi_extra=answers({200: "CheckPage"}, 403, 404),
)
def list_checks(request: HttpRequest, campaign: Slug, asked: Query[TargetQuestion]) -> HttpResponse:
    """The observations of the items' URLs, each once, in the order in which they were recorded."""
    return _rows(request, campaign, CHECKS, asked, target=asked.target)


@api.get(
    "/campaigns/{campaign}/transitions",
    operation_id="list_transitions",
    summary="Transitions",
    tags=["checks"],
    openapi_extra=answers({200: "TransitionPage"}, 403, 404),
)
def list_transitions(request: HttpRequest, campaign: Slug, asked: Query[TargetQuestion]) -> HttpResponse:
    """The changes of status of the items' URLs, with those that no longer hold."""
    return _rows(request, campaign, TRANSITIONS, asked, target=asked.target)


@api.get(
    "/campaigns/{campaign}/replies",
    operation_id="list_replies",
    summary="Replies",
    tags=["replies"],
    openapi_extra=answers({200: "ReplyPage"}, 403, 404),
)
def list_replies(request: HttpRequest, campaign: Slug, asked: Query[ListQuestion]) -> HttpResponse:
    """What platforms said to the reports that have any of these items, with what was taken back."""
    return _rows(request, campaign, REPLIES, asked)


def _rows(
    request: HttpRequest, campaign: str, table: Table, asked: ListQuestion, *, target: int | None = None
) -> HttpResponse:
    refuse_unknown(request, type(asked))
    access = admitted(request, campaign, Action.COUNT)
    chosen = narrowed(access, asked)
    of = f"{access.campaign.pk}/{table.name}/{target or ''}?{chosen.name}"
    page = page_of(
        table.name,
        Wanted(
            campaign=access.campaign,
            who=access.who,
            items=chosen.items,
            target=target,
            after=row_of(asked.cursor, of=of),
            size=asked.limit,
        ),
    )
    return _json(
        {"data": page.rows, "next_cursor": None if page.last is None else cursor_to(page.last, of=of)}
    )


def _row(access: TokenAccess, table: Table, pk: int) -> HttpResponse:
    """The one row of a table that has this primary key."""
    wanted = Wanted(campaign=access.campaign, who=access.who, only=pk)
    rows = page_of(table.name, wanted).rows
    if not rows:
        raise Refused(404, "There is nothing of that number in this campaign.")
    return _json(rows[0])


def _report(access: TokenAccess, number: int) -> Report:
    found = Report.objects.filter(campaign=access.campaign, number=number).first()
    if found is None:
        raise Refused(404, f"There is no report {number} in this campaign.")
    return found


# -------------------------------------------------------------------------------------------------- summary

ETAG: Json = {"schema": {"type": "string"}, "description": "Of the figures, whatever the time is."}
SUMMARY_ANSWERS = answers({200: "Summary"}, 403, 404, headers={"ETag": ETAG})
SUMMARY_ANSWERS["responses"]["304"] = {"description": "No figure has changed", "headers": {"ETag": ETAG}}
SUMMARY_ANSWERS["parameters"] = [
    {
        "in": "header",
        "name": "If-None-Match",
        "required": False,
        "schema": {"type": "string", "pattern": r'^W/"[0-9a-f]{32}"$'},
        "description": "The ETag of the answer before.",
    }
]


@api.get(
    "/campaigns/{campaign}/summary",
    operation_id="get_summary",
    summary="Removal shares and response times",
    tags=["summary"],
    openapi_extra=SUMMARY_ANSWERS,
)
def get_summary(
    request: HttpRequest,
    campaign: Slug,
    asked: Query[SummaryQuestion],
) -> HttpResponse:
    """The JSON of `manage.py summary`; with If-None-Match, 304 as long as no figure has changed."""
    refuse_unknown(request, SummaryQuestion)
    access = admitted(request, campaign, Action.COUNT)
    summary = summary_of(access, asked)
    said = {**summary_json(summary), "groups_left_out": summary.left_out}
    answer = _json(said)
    moving = {"generated_at"} if asked.as_of else {"generated_at", "as_of"}
    figures = json.dumps({name: value for name, value in said.items() if name not in moving})
    answer["ETag"] = f'W/"{hashlib.sha256(figures.encode()).hexdigest()[:32]}"'
    unchanged = get_conditional_response(request, etag=answer["ETag"], response=answer)
    return unchanged or answer


# -------------------------------------------------------------------------------------------------- writing


@api.post(
    "/campaigns/{campaign}/reports",
    operation_id="create_report",
    summary="Record a list that was sent",
    tags=["reports"],
    openapi_extra=answers({200: "Recorded", 201: "Recorded"}, 400, 403, 404, 413, 415),
)
def create_report(
    request: HttpRequest, campaign: Slug, sent: Body[NewReport], idempotency_key: IdempotencyKey = None
) -> HttpResponse:
    """Items that can be used are recorded in one transaction, the others come back with their place and a
    reason. 201: something is new. 200: all that can be used is on record already. 422: nothing can be used.
    Sent again with the same Idempotency-Key, within 48 hours, it gets the same answer."""
    refuse_unknown(request)
    access = admitted(request, campaign, Action.REPORT)
    return once(request, access, idempotency_key, lambda: _record(access, sent))


def _record(access: TokenAccess, sent: NewReport) -> HttpResponse:
    try:
        result = submit_rows(
            campaign=access.campaign,
            rows=[_submitted(sent, place, item) for place, item in enumerate(sent.items)],
            person=access.person,
            sent_at=sent.sent_at,
            details=Details(policy=sent.policy, delivery=Delivery(sent.delivery), note=sent.note),
            token=access.token.pk,
        )
    except UnusableReport as error:
        raise unusable(str(error)) from error
    rejected = [{"place": row.line, "reason": row.reason} for row in result.rejected]
    if not result.items and not result.duplicates:
        raise unusable("No item can be used: see rejected. Nothing was recorded.", rejected=rejected)
    return _json(_recorded(result, rejected), status=201 if result.items else 200)


def _submitted(sent: NewReport, place: int, item: NewItem) -> SubmittedRow:
    """An item as a row of a list, which every way into the record is read as."""
    cells = {
        "url": item.url,
        "reported_at": item.reported_at.isoformat() if item.reported_at else "",
        "platform": sent.platform,
        "channel": sent.channel,
        "standing": sent.standing,
        "category": sent.category,
        "reference": sent.reference,
        "labels": ";".join(item.labels),
        "note": item.note,
        "control": "yes" if item.control else "no",
        "attested": "yes" if item.attested else "no",
    }
    return SubmittedRow(place, item.url, cells)


def _recorded(result: SubmitResult, rejected: list[Json]) -> Json:
    return {
        "reports": sorted(report.number for report in result.reports),
        "items": [
            {"place": place, "item": item.pk, "report": item.report.number}
            for place, item in sorted(zip(result.lines, result.items, strict=True), key=lambda pair: pair[0])
        ],
        "duplicates": sorted(place for place, _ in result.duplicates),
        "rejected": rejected,
    }


@api.post(
    "/campaigns/{campaign}/reports/{int:number}/replies",
    operation_id="create_reply",
    summary="Log what a platform replied",
    tags=["replies"],
    openapi_extra=answers({201: "Reply"}, 400, 403, 404, 413, 415),
)
def create_reply(
    request: HttpRequest,
    campaign: Slug,
    number: Place,
    said: Body[NewReply],
    idempotency_key: IdempotencyKey = None,
) -> HttpResponse:
    """What was said of the report, and what it claims of single items. It is never edited: on the report's
    page it can be taken back."""
    refuse_unknown(request)
    access = admitted(request, campaign, Action.REPORT)
    report = _report(access, number)
    return once(request, access, idempotency_key, lambda: _log(access, report, said))


def _log(access: TokenAccess, report: Report, said: NewReply) -> HttpResponse:
    claims = {claim.item: claim.claim for claim in said.claims}
    if len(claims) != len(said.claims):
        raise unusable("An item has more than one claim: a reply says one thing of it.")
    try:
        reply = log_reply(
            report=report,
            kind=said.kind,
            decision=said.decision or "",
            received_at=said.received_at,
            claims=claims,
            text=said.text,
            reference=said.reference,
            person=access.person,
            token=access.token.pk,
        )
    except UnusableReply as error:
        raise unusable(str(error)) from error
    answer = _row(access, REPLIES, reply.pk)
    answer.status_code = 201
    return answer


def _json(said: Json, *, status: int = 200) -> HttpResponse:
    return HttpResponse(json.dumps(said, ensure_ascii=False), status=status, content_type="application/json")
