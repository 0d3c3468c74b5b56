"""The one-time sign-in link, and a person's own account. The rest is allauth's, with our templates."""

from __future__ import annotations

import logging
from typing import Any, cast

from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.account.utils import perform_login
from allauth.account.views import PasswordResetView, PasswordSetView
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.views import AuthenticateView, IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, ReauthenticateWebAuthnView, RemoveWebAuthnView
from allauth.usersessions.internal.flows.sessions import end_other_sessions
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from .adapter import NOT_SENT
from .models import Person
from .permissions import for_everyone, for_signed_in
from .second_factors import factors_of, has_second_factor, recovery_codes_left
from .services import use_sign_in_link
from .sign_in import has_run_out, person_of_link

log = logging.getLogger(__name__)

RETRY_AFTER = 60  # seconds; all limits that answer with this page are by the minute


@for_everyone
@never_cache
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest, uidb64: str, token: str) -> HttpResponseBase:
    """Show a button; sign in when it is pressed, so that a mail scanner's prefetch cannot use the link up."""
    person = person_of_link(uidb64, token)
    if person is None:
        return _dead_link(request, ran_out=has_run_out(uidb64, token))
    if request.method != "POST":
        return render(request, "accounts/link.html", {"person": person})
    if not use_sign_in_link(person=person):
        return _dead_link(request, ran_out=False)
    # Somebody else may be signed in here, and would stay so while a second factor is asked for.
    logout(request)
    record_authentication(request, person, "one_time_link")
    needs_password = not person.has_usable_password() and not has_second_factor(person)
    answer: HttpResponseBase = perform_login(
        request, person, redirect_url=reverse("account_set_password") if needs_password else None
    )
    return answer


def _dead_link(request: HttpRequest, *, ran_out: bool) -> HttpResponse:
    return render(request, "accounts/link_used.html", {"ran_out": ran_out}, status=410)


@for_signed_in
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """What a person can see and change of their own account."""
    person = cast(Person, request.user)
    types = list(factors_of(person).values_list("type", flat=True))
    known = {
        "has_app": Authenticator.Type.TOTP in types,
        "passkeys": types.count(Authenticator.Type.WEBAUTHN),
        "must_set_up": settings.REQUIRE_MFA and not types,
        "sessions": len(UserSession.objects.purge_and_list(person)),
    }
    return render(request, "accounts/account.html", known)


def too_many_attempts(request: HttpRequest) -> HttpResponse:
    """In place of a page that somebody asked for too often."""
    answer = render(request, "429.html", status=429)
    answer["Retry-After"] = str(RETRY_AFTER)
    return answer


@method_decorator(login_required, name="dispatch")
class SetPassword(PasswordSetView):  # type: ignore[misc]
    """Setting the first password. Who has a passkey or an app shows it before.

    From then on the password confirms that it is still the owner of the account. Else whoever finds a browser
    signed in could set one, and by it add a passkey of their own.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The page, or the way to confirm who it is."""
        person = cast(Person, request.user)
        if not person.has_usable_password() and not did_recently_reauthenticate(request):
            if request.method == "POST":  # it would be kept until then, and the password in it
                return redirect("account_set_password")
            raise ReauthenticationRequired
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return answer


class ResetPassword(PasswordResetView):  # type: ignore[misc]
    """Asking for a link by mail, to choose a new password."""

    def form_valid(self, form: BaseForm) -> HttpResponse:
        """Send it; where the mail server takes nothing, say what else there is."""
        try:
            answer: HttpResponse = super().form_valid(form)
        except NOT_SENT as error:
            log.warning("A mail for a new password could not be sent: %s.", type(error).__name__)
            form.add_error(
                None,
                "The mail server takes no mail just now, so nothing was sent. Try again in some minutes, or "
                "ask whoever runs the site for a one-time sign-in link.",
            )
            return self.form_invalid(form)  # type: ignore[no-any-return]
        return answer

    def get_context_data(self, **known: Any) -> dict[str, Any]:
        """Whether mails go anywhere."""
        return {**super().get_context_data(**known), "sends_mail": settings.SENDS_MAIL}


class SecondFactors(IndexView):  # type: ignore[misc]
    """A person's second factors."""

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Beside what allauth says: recovery codes that are left, and whether nothing else is open yet."""
        context: dict[str, Any] = super().get_context_data(**more)
        owned = context["authenticators"]
        codes = owned.get(Authenticator.Type.RECOVERY_CODES)
        return {
            **context,
            "codes_left": recovery_codes_left(codes.instance) if codes else None,
            "must_set_up": settings.REQUIRE_MFA and not owned,
        }


class EnterSecondFactor(AuthenticateView):  # type: ignore[misc]
    """The second step of signing in."""

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Beside what allauth says: which ways there are for this person."""
        owned = Authenticator.objects.filter(user=self.stage.login.user).values_list("type", flat=True)
        types = set(owned)
        return {
            **super().get_context_data(**more),
            "has_codes": bool(types - {Authenticator.Type.WEBAUTHN}),
            "has_passkeys": Authenticator.Type.WEBAUTHN in types,
        }


class SetUpApp(ActivateTOTPView):  # type: ignore[misc]
    """Setting up an app that shows codes."""

    def form_valid(self, form: BaseForm) -> HttpResponse:
        """Keep its secret."""
        answer: HttpResponse = super().form_valid(form)
        _count_as_shown(self.request, Authenticator.Type.TOTP)
        return answer


class AddPasskey(AddWebAuthnView):  # type: ignore[misc]
    """Adding a passkey."""

    def form_valid(self, form: BaseForm) -> HttpResponse:
        """Keep its public half."""
        answer: HttpResponse = super().form_valid(form)
        _count_as_shown(self.request, Authenticator.Type.WEBAUTHN)
        return answer


def _count_as_shown(request: HttpRequest, factor: Authenticator.Type) -> None:
    """Who has just set up a second factor has shown it in this session. The first one ends all others.

    A session from before has shown a password only. If a stranger had learned that, they would else stay in.
    """
    person = cast(Person, request.user)
    record_authentication(request, person, "mfa", type=factor, reauthenticated=True)
    if factors_of(person).count() == 1:
        end_other_sessions(request, person)
        messages.info(request, "You are signed out everywhere else.")
        if person.working_api_tokens.exists():
            messages.info(
                request,
                "Your API tokens go on working: “Account” lists them. Revoke any that you do not know.",
            )


class RemovePasskey(RemoveWebAuthnView):  # type: ignore[misc]
    """Taking away a passkey, unless it is the last factor where one is compulsory."""

    def form_valid(self, form: BaseForm) -> HttpResponse:
        """Remove it, or say why not."""
        adapter = get_adapter()
        if not adapter.can_delete_authenticator(self.object):
            messages.error(self.request, adapter.error_messages["cannot_delete_authenticator"])
            return redirect("mfa_index")
        answer: HttpResponse = super().form_valid(form)
        return answer


class ConfirmByPasskey(ReauthenticateWebAuthnView):  # type: ignore[misc]
    """Confirming by passkey that it is still the owner of the account."""

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        """Back to this page, where allauth would lead to the page for signing in."""
        super().form_invalid(form)
        return redirect(self.request.get_full_path())
