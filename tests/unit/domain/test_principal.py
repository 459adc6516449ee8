"""Grants: what is written, what it allows, and what is seen with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroomd.domain.principal import LOCAL, MAX_GRANTS, NOWHERE, Grants, InvalidGrant, Principal, Role

WORKSPACES = st.sampled_from(["lab", "den", "a-1", "*"])
ROLES = st.sampled_from(list(Role))


@given(st.dictionaries(WORKSPACES, ROLES), st.sampled_from(["lab", "den", "nowhere"]), ROLES)
def test_a_role_includes_those_below_it_and_holds_where_it_is_granted(
    roles: dict[str, Role], workspace_id: str, role: Role
) -> None:
    grants = Grants(roles)
    held = max((roles[name] for name in (workspace_id, "*") if name in roles), default=None)
    assert grants.allow(role, workspace_id) == (held is not None and held >= role)
    assert grants.sees(workspace_id) == (held is not None)
    assert grants.everywhere(role) == ("*" in roles and roles["*"] >= role)
    if "*" in roles:
        assert grants.visible is None
    else:
        assert grants.visible == (frozenset(roles) or NOWHERE)


@given(st.dictionaries(WORKSPACES, ROLES))
def test_grants_read_back_as_they_are_written(roles: dict[str, Role]) -> None:
    grants = Grants(roles)
    assert Grants.of(grants.spelled()) == grants


def test_the_higher_of_two_roles_counts() -> None:
    assert Grants.of(["lab=admin", "lab=viewer"]) == Grants({"lab": Role.ADMIN})


@pytest.mark.parametrize(
    "text", ["lab", "lab=", "lab=root", "=viewer", "Lab=viewer", "-=viewer", "a b=viewer"]
)
def test_what_is_no_grant_is_refused(text: str) -> None:
    with pytest.raises(InvalidGrant):
        Grants.of([text])


def test_grants_are_bounded() -> None:
    with pytest.raises(InvalidGrant):
        Grants.of(f"w{number}=viewer" for number in range(MAX_GRANTS + 1))


def test_nobody_without_a_grant_sees_anything() -> None:
    assert not Grants({}).sees("lab")
    assert not Grants({}).sees("default")
    assert not Grants({}).everywhere(Role.VIEWER)


def test_the_name_of_a_principal_tells_how_it_was_proven() -> None:
    assert LOCAL.name == "local:anonymous"
    assert LOCAL.grants.everywhere(Role.ADMIN)
    assert Principal(kind=LOCAL.kind, subject="x", grants=Grants({})).name == "local:x"
