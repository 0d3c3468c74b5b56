"""Trees of dataclasses as JSON and back, by their types."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar

Tree = TypeVar("Tree")


def to_json(value: Any) -> Any:
    """Dicts, lists, texts, numbers, truth values and None. Moments are ISO 8601 in UTC."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(one) for one in value]
    return value


def from_json(kind: type[Tree], value: Any) -> Tree:
    """The tree of that type that `to_json` was given."""
    tree: Tree = _read(kind, value)
    return tree


@lru_cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _read(kind: Any, value: Any) -> Any:
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if value is None or kind is Any:
        return value
    if origin in {typing.Union, types.UnionType}:
        (only,) = (one for one in inside if one is not types.NoneType)
        return _read(only, value)
    if origin is tuple:
        if inside[-1] is Ellipsis:
            return tuple(_read(inside[0], one) for one in value)
        return tuple(_read(one, part) for one, part in zip(inside, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {_read(inside[0], key): _read(inside[1], one) for key, one in value.items()}
    if is_dataclass(kind):
        made: Any = kind
        return made(**{name: _read(hint, value[name]) for name, hint in _hints(made).items()})
    if kind is datetime:
        return datetime.fromisoformat(value)
    return kind(value) if isinstance(kind, type) and issubclass(kind, Enum) else value
