"""Who gets to which pages. What each role may do is decided in accounts.roles, only asked here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from apps.accounts.models import Person
from apps.accounts.permissions import Gate, Permission, lets_in
from apps.accounts.roles import Action, Audience, Role, audience_of, may
from apps.reports.models import Campaign
from apps.reports.selectors import may_anywhere, role_in

Parameters = ParamSpec("Parameters")


@dataclass(frozen=True, slots=True)
class Access:
    """A signed-in member at a campaign."""

    person: Person
    campaign: Campaign
    role: Role

    @property
    def who(self) -> Audience:
        """What the member may see."""
        return audience_of(self.role)

    @property
    def may_view(self) -> bool:
        """May see URLs, accounts and what people wrote."""
        return may(self.role, Action.VIEW)

    @property
    def may_review(self) -> bool:
        """May confirm or overrule what the checker saw."""
        return may(self.role, Action.REVIEW)

    @property
    def may_report(self) -> bool:
        """May add reports and items."""
        return may(self.role, Action.REPORT)

    @property
    def may_manage(self) -> bool:
        """May change the campaign and its members."""
        return may(self.role, Action.MANAGE)


CampaignView = Callable[Concatenate[HttpRequest, Access, Parameters], HttpResponse]
SlugView = Callable[Concatenate[HttpRequest, str, Parameters], HttpResponse]
PersonView = Callable[Concatenate[HttpRequest, Person, Parameters], HttpResponse]
PlainView = Callable[Concatenate[HttpRequest, Parameters], HttpResponse]


def site_page(action: Action) -> Callable[[PersonView[Parameters]], PlainView[Parameters]]:
    """Make a view of a page that is of no campaign out of a view of a person.

    Anonymous people are sent to sign in. Whoever has a role with `action` in no campaign gets 403.
    """

    def decorate(view: PersonView[Parameters]) -> PlainView[Parameters]:
        @lets_in(Permission(Gate.SOMEWHERE, action, action))
        @wraps(view)
        def with_person(
            request: HttpRequest, *args: Parameters.args, **kwargs: Parameters.kwargs
        ) -> HttpResponse:
            person = cast(Person, request.user)
            if not may_anywhere(person, action):
                raise PermissionDenied(f"Your role in no campaign lets you {action.label}.")
            return view(request, person, *args, **kwargs)

        return cast("PlainView[Parameters]", never_cache(login_required(with_person)))

    return decorate


def campaign_page(
    to_read: Action, to_change: Action | None = None
) -> Callable[[CampaignView[Parameters]], SlugView[Parameters]]:
    """Make a view of a campaign out of a view of an `Access`.

    Anonymous people are sent to sign in. Strangers get 404, so that an address does not tell whether a
    campaign exists. Members whose role lacks the action get 403. `to_change` is what sending a form needs,
    where that is more.
    """
    permission = Permission(Gate.CAMPAIGN, to_read, to_change or to_read)

    def decorate(view: CampaignView[Parameters]) -> SlugView[Parameters]:
        @lets_in(permission)
        @wraps(view)
        def with_access(
            request: HttpRequest, slug: str, *args: Parameters.args, **kwargs: Parameters.kwargs
        ) -> HttpResponse:
            person = cast(Person, request.user)
            campaign = Campaign.objects.filter(slug=slug).first()
            role = role_in(campaign, person) if campaign else None
            if campaign is None or role is None:
                raise Http404("There is no such campaign, or you are not a member of it.")
            action = to_read if request.method in {"GET", "HEAD"} else to_change or to_read
            if not may(role, action):
                raise PermissionDenied(
                    f"Your role here is {Role(role).label}. It does not let you {action.label}."
                )
            return view(request, Access(person, campaign, role), *args, **kwargs)

        return cast("SlugView[Parameters]", never_cache(login_required(with_access)))

    return decorate
