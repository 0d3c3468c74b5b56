"""A definition that read a platform otherwise than a person did: a report of it, without what it is about."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods

from apps.accounts.roles import Action
from apps.checks.asking import NotNow
from apps.checks.classification import classify
from apps.checks.models import Target
from apps.checks.outcomes import Outcome, Reason
from apps.checks.problem_report import problem_of, problem_zip, reason_for
from apps.checks.reduction import CannotReduce
from apps.core.canonical import canonicalise
from apps.platforms.matching import match
from apps.platforms.registry import platform_name
from apps.reports.models import Item
from apps.reports.observations import note_look
from apps.reports.selectors import Overruling, checks_of, items_of

from ..access import Access, campaign_page
from ..forms import ProblemForm
from ..looks import look_for
from ..problems import CHECKS_READ, overruling_to_report


class NothingToReport(Exception):
    """The checker says by now what the person said. `str()` is a sentence for them."""


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.REVIEW)
def item_problem(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """What such a report is; on POST, look again and send it as a file. Nothing of it is kept."""
    found = get_object_or_404(items_of(access.campaign), pk=pk)
    overruled = overruling_to_report(
        found.target, checks_of(access.campaign, found.target, who=access.who, limit=CHECKS_READ)
    )
    if overruled is None:
        messages.info(request, "Nobody has said otherwise than the checker of this item.")
        return redirect("workspace:item", slug=access.campaign.slug, pk=pk)
    outcome = overruled.person.outcome
    initial = {"reason": reason_for(outcome, overruled.person.reason)}
    form = ProblemForm(request.POST or None, outcome=outcome, initial=initial)
    problem = ""
    if request.method == "POST" and form.is_valid():
        try:
            content = _report(access, found, outcome, Reason(form.cleaned_data["reason"]))
        except (NotNow, CannotReduce, NothingToReport) as error:
            problem = str(error)
        else:
            return _file(content, found.target)
    return render(
        request, "workspace/problem.html", _facts(access, pk, found.target, overruled, form, problem)
    )


def _report(access: Access, item: Item, outcome: Outcome, reason: Reason) -> bytes:
    """Look once more and make the file. Raises NotNow, NothingToReport and CannotReduce."""
    found = match(canonicalise(item.target.key))
    with look_for(access.person, found) as fetch:
        note_look(campaign=access.campaign, item=item, person=access.person)
        told = classify(found, fetch, seen=item.target.present_at is not None)
    if told.observation.verdict.outcome == outcome:
        raise NothingToReport(
            f"The checker says {outcome.label} now, as you did. So the definition reads the platform rightly "
            "today, and there is nothing to report."
        )
    return problem_zip(problem_of(told, outcome=outcome, reason=reason))


def _file(content: bytes, target: Target) -> HttpResponse:
    answer = HttpResponse(content, content_type="application/zip")
    name = f"definition-problem-{match(canonicalise(target.key)).definition or 'any-site'}.zip"
    answer["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return answer


def _facts(
    access: Access, pk: int, target: Target, overruled: Overruling, form: ProblemForm, problem: str
) -> dict[str, object]:
    return {
        "access": access,
        "pk": pk,
        "key": target.key,
        "platform": platform_name(target.platform),
        "definition": match(canonicalise(target.key)).definition,
        "overruled": overruled,
        "form": form,
        "problem": problem,
    }
