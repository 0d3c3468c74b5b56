"""Every address of the site, as its URL map has it, and rows made once for the tests of a module."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from apps.accounts.permissions import Gate, Permission
from apps.notifications.models import Webhook
from apps.reports.models import ApiToken, Campaign, Import, Item, Membership, Reminder, Reply, Report

EVERYONE, SIGNED_IN = Permission(Gate.EVERYONE), Permission(Gate.SIGNED_IN)
OF_OTHERS: Mapping[str, Permission] = {
    "account_login": EVERYONE,
    "account_logout": EVERYONE,
    "account_inactive": EVERYONE,
    "account_signup": EVERYONE,
    "account_reauthenticate": SIGNED_IN,
    "account_change_password": SIGNED_IN,
    "account_set_password": SIGNED_IN,
    "account_reset_password": EVERYONE,
    "account_reset_password_done": EVERYONE,
    "account_reset_password_from_key": EVERYONE,
    "account_reset_password_from_key_done": EVERYONE,
    "mfa_login_webauthn": EVERYONE,
    "mfa_authenticate": EVERYONE,
    "mfa_reauthenticate": SIGNED_IN,
    "mfa_reauthenticate_webauthn": SIGNED_IN,
    "usersessions_list": SIGNED_IN,
    "mfa_index": SIGNED_IN,
    "mfa_activate_totp": SIGNED_IN,
    "mfa_deactivate_totp": SIGNED_IN,
    "mfa_add_webauthn": SIGNED_IN,
    "mfa_edit_webauthn": SIGNED_IN,
    "mfa_remove_webauthn": SIGNED_IN,
    "mfa_view_recovery_codes": SIGNED_IN,
    "mfa_generate_recovery_codes": SIGNED_IN,
    "mfa_download_recovery_codes": SIGNED_IN,
}
"""Whom views of other packages let in, by their names: these cannot say it themselves."""

_PARAMETER = re.compile(r"(?:([\w.-]+)/)?(?:[\w.-]+-)?<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Route:
    """One address of the URL map: its name, how Django writes its pattern, its view."""

    name: str
    pattern: str
    view: Callable[..., Any]

    @property
    def permission(self) -> Permission | None:
        """Whom it lets in; None where nobody has said it."""
        return getattr(self.view, "permission", None) or OF_OTHERS.get(self.name)

    def address(self, values: Mapping[str, object]) -> str:
        """An address of it. `values` are by parameter, or by the word before it: "slug", "items/pk"."""

        def value(found: re.Match[str]) -> str:
            before, parameter = found.groups()
            known = values.get(f"{before}/{parameter}", values.get(parameter))
            assert known is not None, f"{self.name}: say in tests/routes.py what {found[0]} can be"
            return found[0].replace(found[0][found[0].index("<") :], str(known))

        return "/" + _PARAMETER.sub(value, self.pattern)


def routes() -> list[Route]:
    """Every address of the site."""
    return list(_walk(get_resolver().url_patterns, "", ""))


def _walk(patterns: list[Any], before: str, namespace: str) -> Iterator[Route]:
    for each in patterns:
        pattern = before + str(each.pattern)
        if isinstance(each, URLResolver):
            inner = f"{namespace}{each.namespace}:" if each.namespace else namespace
            yield from _walk(each.url_patterns, pattern, inner)
        else:
            assert isinstance(each, URLPattern)
            if not isinstance(each.pattern, RoutePattern):  # a regular expression: an example of it
                pattern = before + _EXAMPLES[str(each.name)]
            yield Route(f"{namespace}{each.name or each.callback.__name__}", pattern, each.callback)


_EXAMPLES = {"account_reset_password_from_key": "account/password/reset/key/1-used-up/"}


def examples(campaign: Campaign) -> dict[str, object]:
    """What the parameters of addresses can be, from what there is in a campaign."""
    item = Item.objects.filter(report__campaign=campaign).order_by("pk").first()
    report = Report.objects.filter(campaign=campaign).order_by("number").first()
    rows = {
        "imports/pk": Import.objects.filter(campaign=campaign).first(),
        "replies/pk": Reply.objects.filter(report=report).first(),
        "reminders/pk": Reminder.objects.filter(report=report).first(),
        "tokens/pk": ApiToken.objects.filter(campaign=campaign).first(),
        "members/pk": Membership.objects.filter(campaign=campaign, role="owner").first(),
        "webhooks/pk": Webhook.objects.filter(campaign=campaign).first(),
    }
    assert item is not None
    assert report is not None
    return {
        "slug": campaign.slug,
        "items/pk": item.pk,
        "review/pk": item.pk,
        "reports/number": report.number,
        "editions/number": 1,
        "compare/other": 2,
        "charts/chart": "removed",
        "embed/chart": "removed",
        "language": "en",
        "platform": "github",
        "key": "huggingface",
        "table": "items",
        "format": "csv",
        "name": "items.csv",
        "passkeys/pk": 1,
        "uidb64": "MQ",
        "token": "used-up",
        "campaign": campaign.slug,
        "items/item": item.pk,
        "rest": "v2/nothing",
        **{name: row.pk for name, row in rows.items() if row is not None},
    }


@contextmanager
def for_a_module(django_db_blocker: Any) -> Iterator[None]:
    """Rows that all tests of a module find, and that are gone after it; each test's own go with the test."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)
