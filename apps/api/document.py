"""The OpenAPI document: what ninja reads from the code, and what only we know of the answers.

Rows are described by the codebook, of which they are made, so their names, types and meanings cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponse
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from apps.accounts.roles import Audience, Role
from apps.exports.columns import (
    CHECKS,
    COARSE_WORDS,
    ITEMS,
    REPLIES,
    REPORTS,
    TRANSITIONS,
    Column,
    Table,
    Type,
)

from .problems import MEDIA_TYPE, TYPES
from .requests import MOST_ITEMS, MOST_ROWS

Json = dict[str, Any]

PREFIX = "api/v1/"
DESCRIPTION = f"""The record of one campaign, for programs.

A token (`Authorization: Bearer stillup_...`) is made by a member on the campaign's page "API tokens", or with
`manage.py api_token`. It is for that campaign, has a role and an end, and never does more than its maker may.
With the role "figures only", rows have no URL, account or word that somebody wrote, and filters that tell of
them are refused. Names, types and meanings of rows are those of the codebook.

Lists have at most {MOST_ROWS} rows a page, in the order in which rows were recorded; `next_cursor` leads to
the next page and is null on the last. A report takes at most {MOST_ITEMS:,} items at a time. Errors are
problem details (RFC 9457).
"""

_JSON_TYPES: Mapping[Type, Json] = {
    Type.STRING: {"type": "string"},
    Type.INTEGER: {"type": "integer"},
    Type.NUMBER: {"type": "number"},
    Type.BOOLEAN: {"type": "boolean"},
    Type.DATETIME: {"type": "string", "format": "date-time"},
    Type.DATE: {"type": "string", "format": "date"},
    Type.LIST: {"type": "array", "items": {"type": "string"}},
}
_ROWS: Mapping[str, Table] = {
    "Item": ITEMS,
    "Check": CHECKS,
    "Transition": TRANSITIONS,
    "Report": REPORTS,
    "Reply": REPLIES,
}


def answers(statuses: Mapping[int, str], *refusals: int, headers: Mapping[str, Json] | None = None) -> Json:
    """What an operation answers: a component's name by status, and which problems beside 401, 422 and 429."""
    said: Json = {}
    for status, name in statuses.items():
        said[str(status)] = {
            "description": _DESCRIPTIONS[status],
            "content": {"application/json": {"schema": _ref("schemas", name)}},
            **({"headers": dict(headers)} if headers else {}),
        }
    for status in sorted({401, 422, 429, *refusals}):
        said[str(status)] = _ref("responses", _PROBLEMS[status][0])
    return {"responses": said}


_DESCRIPTIONS = {200: "OK", 201: "Recorded"}
_PROBLEMS: Mapping[int, tuple[str, str, Mapping[str, Json]]] = {
    400: ("Unreadable", "The body is no JSON.", {}),
    401: (
        "Unauthorised",
        "There is no token that works.",
        {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}},
    ),
    403: ("Forbidden", "The token's role does not include this.", {}),
    404: ("NotFound", "It is not there, or not for this token.", {}),
    413: ("TooLarge", "The body is too large.", {}),
    415: ("NotJson", "The body is not said to be JSON.", {}),
    422: ("Refused", "The request is not as this document says, or the record cannot take it.", {}),
    429: (
        "TooMany",
        "The token has made too many requests in this minute.",
        {"Retry-After": {"schema": {"type": "integer"}, "required": True}},
    ),
}


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


class Documented(NinjaAPI):
    """The API with its own document."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Ninja's document with our components, each answer by status as the operation says."""
        document = super().get_openapi_schema(**{"path_prefix": PREFIX, **options})
        components = document["components"]
        asked_in_addresses = {name for name in components["schemas"] if name.endswith("Question")}
        components["schemas"] = {
            name: schema for name, schema in components["schemas"].items() if name not in asked_in_addresses
        } | _schemas()
        components["responses"] = {
            name: {
                "description": description,
                "content": {MEDIA_TYPE: {"schema": _ref("schemas", "Problem")}},
                **({"headers": dict(headers)} if headers else {}),
            }
            for name, description, headers in _PROBLEMS.values()
        }
        for path in document["paths"].values():
            for operation in path.values():
                operation["responses"] = {
                    status: said for status, said in operation["responses"].items() if isinstance(status, str)
                }
                operation["parameters"] = list(map(_parameter, operation["parameters"]))
        return document

    def create_response(self, *arguments: Any, **options: Any) -> HttpResponse:
        """Every operation makes its own answer."""
        raise NotImplementedError


def _parameter(parameter: Json) -> Json:
    """A parameter that may be left out, but has no null: an address cannot say it."""
    schema = dict(parameter["schema"])
    if "anyOf" in schema:
        schema |= next(each for each in schema.pop("anyOf") if each != {"type": "null"})
    description = schema.pop("description", None) or parameter.get("description")
    schema = {name: value for name, value in schema.items() if name not in {"title", "example"}}
    return parameter | {"schema": schema} | ({"description": description} if description else {})


def _schemas() -> Json:
    found: Json = {
        "Problem": {
            "type": "object",
            "description": "Problem details (RFC 9457). `type` is one of: "
            + "; ".join(f"`{name}`: {meaning}" for name, meaning in TYPES.items()),
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string", "enum": list(TYPES)},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "errors": _array(
                    _object(
                        {
                            "place": {
                                "type": "string",
                                "description": "such as query.limit or body.items.3.url",
                            },
                            "reason": {"type": "string"},
                        }
                    )
                ),
                "rejected": _array(_ref("schemas", "Rejected")),
            },
        },
        "Rejected": _object(
            {
                "place": {"type": "integer", "description": "The place in `items`, from 0."},
                "reason": {"type": "string"},
            }
        ),
        "Recorded": _object(
            {
                "reports": {
                    **_array({"type": "integer"}),
                    "description": "The numbers of the reports in which the new items stand.",
                },
                "items": {
                    **_array(
                        _object(
                            {
                                "place": {"type": "integer", "description": "The place in `items`, from 0."},
                                "item": {"type": "integer", "description": "The new item's number."},
                                "report": {"type": "integer"},
                            }
                        )
                    ),
                    "description": "What is new.",
                },
                "duplicates": {
                    **_array({"type": "integer"}),
                    "description": "The places of items that are on record already.",
                },
                "rejected": {
                    **_array(_ref("schemas", "Rejected")),
                    "description": "What cannot be used, and why. All else was recorded.",
                },
            }
        ),
        "Campaign": _object(
            {
                "campaign": {"type": "string", "description": "Its short name, as in addresses."},
                "name": {"type": "string"},
                "description": {"type": "string", "description": "Not for the role figures only."},
                "role": {"type": "string", "enum": Role.values, "description": "The token's role, now."},
                "minimum_n": {"type": "integer", "description": "Smaller groups have no estimates."},
                "reports": {"type": "integer", "description": "How many there are."},
                "items": {"type": "integer", "description": "How many there are, without controls."},
                "created_at": {"type": "string", "format": "date-time"},
            },
            optional=["description"],
        ),
        "Summary": {
            **_object(
                {
                    "version": {"type": "integer"},
                    "campaign": {"type": "string"},
                    "as_of": {"type": "string", "format": "date-time"},
                    "generated_at": {"type": "string", "format": "date-time"},
                    "unit": {"type": "string"},
                    "minimum_n": {"type": "integer"},
                    "groups": _array({"type": "object", "required": ["by", "reported", "eligible"]}),
                    "groups_left_out": {
                        "type": "integer",
                        "description": "Smaller groups that are not listed.",
                    },
                    "comparison": {"type": ["object", "null"]},
                    "definitions": {"type": "object", "additionalProperties": {"type": "object"}},
                }
            ),
            "description": "The JSON of `manage.py summary`; docs/summary.md describes its shape.",
        },
    }
    for name, table in _ROWS.items():
        found[name] = _row(table)
    for name in (*_ROWS, "Campaign"):
        found[f"{name}Page"] = _object(
            {
                "data": _array(_ref("schemas", name)),
                "next_cursor": {"type": ["string", "null"], "description": "Null on the last page."},
            }
        )
    return found


def _row(table: Table) -> Json:
    hidden = [column.name for column in table.columns if column.who == Audience.MEMBERS]
    properties = {column.name: _value(column, key=column.name in table.key) for column in table.columns}
    return {**_object(properties, optional=hidden), "description": f"One row is {table.row}."}


def _value(column: Column, *, key: bool) -> Json:
    """A column's JSON Schema. Words, numbers and moments can be missing; texts are empty instead."""
    said = dict(_JSON_TYPES[column.type])
    if column.words:
        said["enum"] = list(column.words)
    can_be_null = not key and (
        column.words or column.type in {Type.INTEGER, Type.NUMBER, Type.DATETIME, Type.DATE}
    )
    if can_be_null:
        said["type"] = [said["type"], "null"]
        if "enum" in said:
            said["enum"] = [*said["enum"], None]
    unit = f" Unit: {column.unit}." if column.unit else ""
    who = " Not for the role figures only." if column.who == Audience.MEMBERS else ""
    coarse = f" {COARSE_WORDS}" if column.is_coarse else ""
    return {**said, "description": f"{column.meaning}{unit}{who}{coarse}"}


def _object(properties: Json, *, optional: Sequence[str] = ()) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _array(items: Json) -> Json:
    return {"type": "array", "items": items}
