"""The pages of published campaigns, and what members see of them before."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from csp.decorators import csp_replace
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from apps.accounts.permissions import for_everyone
from apps.accounts.roles import Action
from apps.exports.publication import draft_of
from apps.exports.snapshots import made_from
from apps.workspace.access import Access, campaign_page

from .addresses import Addresses, path_of
from .answers import campaign_answer, file_answer, language_at, simulated
from .pages import UnknownPage, document

View = Callable[..., HttpResponseBase]
FOR_OTHER_SITES = frozenset({"badge", "card", "embed"})  # what they may load into their pages


def page(route: str) -> View:
    """The view of one route of published campaigns."""

    @for_everyone
    @require_safe
    def view(request: HttpRequest, slug: str, **parts: object) -> HttpResponseBase:
        return campaign_answer(request, slug, route, *map(str, parts.values()))

    if route not in FOR_OTHER_SITES:
        return view

    @wraps(view)
    def loadable(request: HttpRequest, slug: str, **parts: object) -> HttpResponseBase:
        answer = view(request, slug, **parts)
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer

    if route != "embed":
        return loadable
    # Only a chart by itself may stand in a frame of other sites' pages.
    framable: View = csp_replace({"frame-ancestors": ["*"]})(xframe_options_exempt(loadable))  # type: ignore[arg-type]
    return framable


def preview(route: str) -> View:
    """The view of one route as the public would see it with the choices that were saved last."""

    @require_safe
    @campaign_page(Action.MANAGE)
    def view(request: HttpRequest, access: Access, /, **parts: object) -> HttpResponse:
        draft = draft_of(access.campaign)
        here = (route, *map(str, parts.values()))
        base = request.path.removesuffix(path_of(*here))
        addresses = Addresses(language_at(request, here), access.campaign.slug, base, here)
        back = reverse("workspace:publication", args=[access.campaign.slug])
        try:
            made = document(made_from(draft), addresses, preview=back, extra=simulated())
        except UnknownPage:
            raise Http404("There is nothing here.") from None
        return file_answer(made)

    return view
