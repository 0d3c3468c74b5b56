"""How many notices the signed-in person has not read."""

from __future__ import annotations

from django import template

from apps.accounts.models import Person
from apps.notifications.selectors import MOST_COUNTED, unread_count

register = template.Library()


@register.simple_tag
def unread_notices(person: Person) -> str:
    """The number, "99+" where there are more; "" for none. One query, by an index."""
    count = unread_count(person)
    return f"{MOST_COUNTED - 1}+" if count >= MOST_COUNTED else str(count or "")
