"""Addresses for signing in and for one's own account. Of allauth's own only those that a closed site uses."""

from __future__ import annotations

from allauth.account import views as allauth_views
from allauth.mfa.base import views as mfa_views
from allauth.mfa.recovery_codes import views as code_views
from allauth.mfa.totp import views as app_views
from allauth.mfa.webauthn import views as passkey_views
from allauth.usersessions import views as session_views
from django.urls import path, re_path, reverse_lazy
from django.views.decorators.cache import never_cache

from . import views

SECOND_FACTORS = reverse_lazy("mfa_index")

urlpatterns = [
    path("sign-in/<uidb64>/<token>/", views.sign_in_link, name="sign_in_link"),
    path("sign-in/", allauth_views.login, name="account_login"),
    path("sign-in/passkey/", passkey_views.login_webauthn, name="mfa_login_webauthn"),
    path("sign-in/second-factor/", views.EnterSecondFactor.as_view(), name="mfa_authenticate"),
    path("sign-out/", allauth_views.logout, name="account_logout"),
    path("account/", views.account, name="account"),
    path("account/inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("account/closed/", allauth_views.signup, name="account_signup"),
    path("account/confirm/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path("account/confirm/code/", never_cache(mfa_views.reauthenticate), name="mfa_reauthenticate"),
    path("account/confirm/passkey/", views.ConfirmByPasskey.as_view(), name="mfa_reauthenticate_webauthn"),
    path("account/password/change/", allauth_views.password_change, name="account_change_password"),
    path("account/password/set/", views.SetPassword.as_view(), name="account_set_password"),
    path("account/password/reset/", views.ResetPassword.as_view(), name="account_reset_password"),
    path(
        "account/password/reset/sent/",
        allauth_views.password_reset_done,
        name="account_reset_password_done",
    ),
    re_path(
        r"^account/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        allauth_views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "account/password/reset/done/",
        allauth_views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("account/sessions/", never_cache(session_views.list_usersessions), name="usersessions_list"),
    path("account/second-factors/", never_cache(views.SecondFactors.as_view()), name="mfa_index"),
    path("account/second-factors/app/", never_cache(views.SetUpApp.as_view()), name="mfa_activate_totp"),
    path("account/second-factors/app/remove/", app_views.deactivate_totp, name="mfa_deactivate_totp"),
    path(
        "account/second-factors/passkeys/add/",
        never_cache(views.AddPasskey.as_view()),
        name="mfa_add_webauthn",
    ),
    path(
        "account/second-factors/passkeys/<int:pk>/",
        passkey_views.EditWebAuthnView.as_view(success_url=SECOND_FACTORS),
        name="mfa_edit_webauthn",
    ),
    path(
        "account/second-factors/passkeys/<int:pk>/remove/",
        views.RemovePasskey.as_view(success_url=SECOND_FACTORS),
        name="mfa_remove_webauthn",
    ),
    path(
        "account/second-factors/recovery-codes/",
        never_cache(code_views.view_recovery_codes),
        name="mfa_view_recovery_codes",
    ),
    path(
        "account/second-factors/recovery-codes/new/",
        never_cache(code_views.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "account/second-factors/recovery-codes/download/",
        code_views.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
]
