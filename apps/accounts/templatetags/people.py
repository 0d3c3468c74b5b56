"""What pages about people say of sessions."""

from __future__ import annotations

from django import template

from ..browsers import browser_words

register = template.Library()
register.filter("browser", browser_words)
