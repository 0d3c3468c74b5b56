"""What changes people."""

from __future__ import annotations

from apps.core import clock

from .models import Person

FIRST_ADMINISTRATOR = "admin@localhost"


def create_first_administrator(*, email: str = FIRST_ADMINISTRATOR) -> Person | None:
    """Make an administrator without a password, who signs in by a one-time link.

    Returns None, and changes nothing, when some active administrator is there already.
    """
    if Person.objects.filter(is_superuser=True, is_active=True).exists():
        return None
    return Person.objects.create_superuser(email)


def use_sign_in_link(*, person: Person) -> bool:
    """Spend the link that `person` was read from. False if it was spent since they were read.

    Two requests with the same link can both have found it good; only one of them changes the row.
    """
    spent = Person.objects.filter(
        pk=person.pk, last_login=person.last_login, password=person.password, is_active=True
    ).update(last_login=clock.wall())
    return spent == 1
