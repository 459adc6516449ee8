"""Converts the limits of a subscription to messages."""

from __future__ import annotations

from collections.abc import Sequence

from greenroom.v1 import plan_limit_pb2 as pb
from greenroomd.domain.plan_limit import PlanLimit
from greenroomd.rpc.convert.enums import PLAN_LIMIT_KINDS, PLAN_LIMIT_STATES
from greenroomd.rpc.convert.structs import wire_text
from greenroomd.rpc.convert.times import maybe_timestamp


def plan_limit_messages(limits: Sequence[PlanLimit]) -> list[pb.PlanLimit]:
    """Return the limits as messages, in their order."""
    return [
        pb.PlanLimit(
            kind=PLAN_LIMIT_KINDS.number[limit.kind],
            name=wire_text(limit.name),
            state=PLAN_LIMIT_STATES.number[limit.state],
            used=limit.used,
            reset_time=maybe_timestamp(limit.reset_time),
        )
        for limit in limits
    ]
