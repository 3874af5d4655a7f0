"""The authorization rule."""

import pytest

from domain.errors import Forbidden
from domain.policy import ALLOWED, Permission, Principal, Role, can, check


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_a_role_may_what_is_listed_for_it_and_nothing_else(role: Role, permission: Permission) -> None:
    principal = Principal("k", role, tutor_id="ada" if role is Role.TUTOR else None)
    assert can(principal, permission, "ada") is (permission in ALLOWED[role])


def test_only_the_admin_may_everything_and_only_admin_may_admin() -> None:
    assert ALLOWED[Role.ADMIN] == frozenset(Permission)
    assert [role for role in Role if Permission.ADMIN in ALLOWED[role]] == [Role.ADMIN]


@pytest.mark.parametrize(("about", "allowed"), [("ada", True), ("ben", False), (None, False), ("", False)])
def test_a_tutor_sees_nobody_but_themself(about: str | None, allowed: bool) -> None:
    assert can(Principal("k", Role.TUTOR, tutor_id="ada"), Permission.SCORES_READ, about) is allowed


def test_a_tutor_without_an_id_sees_nobody() -> None:
    assert not can(Principal("k", Role.TUTOR), Permission.SCORES_READ, None)


def test_scopes_narrow_a_role_and_never_widen_it() -> None:
    narrow = Principal("k", Role.READ, frozenset({Permission.SCORES_READ, Permission.ADMIN}))
    assert can(narrow, Permission.SCORES_READ)
    assert not can(narrow, Permission.PREDICTIONS_MAKE)
    assert not can(narrow, Permission.ADMIN)
    assert not can(Principal("k", Role.ADMIN, frozenset()), Permission.ADMIN)


def test_a_refusal_says_what_is_missing() -> None:
    with pytest.raises(Forbidden, match="requires admin, which read k does not have"):
        check(Principal("k", Role.READ), Permission.ADMIN)
    with pytest.raises(Forbidden, match="access to their own data only"):
        check(Principal("k", Role.TUTOR, tutor_id="ada"), Permission.SCORES_READ, "ben")
    check(Principal("k", Role.READ), Permission.SCORES_READ, "ben")
