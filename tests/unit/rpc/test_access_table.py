"""The table of access: each RPC of the contract is in it, and what changes something needs more than to look."""

import pytest

from greenroomd.domain.principal import Role
from greenroomd.rpc.access.access_table import ACCESS, Rule, rule_of
from unit.rpc.every_rpc import RPCS


def test_every_rpc_is_in_the_table_and_nothing_else() -> None:
    assert set(ACCESS) == set(RPCS)


@pytest.mark.parametrize("name", RPCS)
def test_only_who_may_change_something_reaches_an_rpc_that_does(name: str) -> None:
    changes = "request_id" in RPCS[name].input_type.fields_by_name
    role = ACCESS[name].role
    assert not changes or (role is not None and role > Role.VIEWER)


@pytest.mark.parametrize("name", RPCS)
def test_a_stream_is_looked_at_again_while_it_lasts(name: str) -> None:
    assert ACCESS[name].lasting or not RPCS[name].server_streaming


def test_an_rpc_that_is_missing_is_for_cluster_admins_alone() -> None:
    rule: Rule = rule_of("SessionService", "BrandNew")
    assert rule.role is Role.ADMIN
    assert [str(resource) for resource, _, _ in rule.names(None)] == ["cluster"]
