"""Roles: what each may do and see, as the documentation has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.accounts.roles import MAY, ROLES_IN_WORDS, Action, Audience, Role, audience_of, may


def test_the_documentation_has_what_each_role_may_do(repository: Path) -> None:
    text = (repository / "docs" / "design.md").read_text().partition("### Roles")[2]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert found[0] == ["role", *Action.values]
    assert found[2:] == [
        [str(role.label), *("yes" if may(role, action) else "no" for action in Action)] for role in Role
    ]


def test_each_role_is_said_in_words() -> None:
    assert list(ROLES_IN_WORDS) == list(MAY) == list(Role)


@pytest.mark.parametrize(
    ("role", "who"),
    [
        (Role.OWNER, Audience.OWNERS),
        (Role.EDITOR, Audience.MEMBERS),
        (Role.REVIEWER, Audience.MEMBERS),
        (Role.VIEWER, Audience.MEMBERS),
        (Role.FIGURES, Audience.FIGURES),
        (None, Audience.PUBLIC),
    ],
)
def test_a_role_sees_what_its_audience_sees(role: Role | None, who: Audience) -> None:
    assert audience_of(role) == who


def test_each_audience_sees_what_those_before_it_see() -> None:
    seen = [{meant for meant in Audience if who.may_see(meant)} for who in Audience]
    assert [len(each) for each in seen] == [1, 2, 3, 4]
    assert seen[0] < seen[1] < seen[2] < seen[3]
