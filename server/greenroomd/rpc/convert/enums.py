"""Pairs the domain's enumerations with the contract's by name, so that neither can drift."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Generic, TypeVar

from greenroom.v1 import (
    config_pb2,
    event_pb2,
    mcp_pb2,
    plan_limit_pb2,
    session_pb2,
    session_service_pb2,
    task_pb2,
    turn_pb2,
    turn_service_pb2,
)
from greenroomd.app.commands import IfBusy
from greenroomd.domain.approval import ApprovalState
from greenroomd.domain.config import (
    ApprovalPolicy,
    Effort,
    HomeScope,
    OnIdle,
    PermissionMode,
    ProjectContext,
    RecoveryMode,
)
from greenroomd.domain.enforcement import Enforcement
from greenroomd.domain.errors import Violation
from greenroomd.domain.events import EventType
from greenroomd.domain.lifecycle.reconfiguration import Apply
from greenroomd.domain.mcp import McpStatus
from greenroomd.domain.plan_limit import LimitKind, LimitState
from greenroomd.domain.session import StartMode
from greenroomd.domain.states import State
from greenroomd.domain.task import TaskKind, TaskState
from greenroomd.domain.turn import CauseKind, TurnKind, TurnState

if TYPE_CHECKING:  # generic only in the types, where each enumeration of the contract has its own kind of int
    from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper

MAX_NUMBERS = 128

E = TypeVar("E", bound=Enum)
N = TypeVar("N", bound=int)


class EnumPair(Generic[E, N]):
    """Maps a domain enumeration to one of the contract: member `X` to the value `<prefix>_X`.

    0 (UNSPECIFIED) has no member: the caller decides what it means.
    """

    def __init__(self, members: type[E], values: _EnumTypeWrapper[N], prefix: str) -> None:
        self.number: dict[E, N] = {m: values.Value(f"{prefix}_{m.name}") for m in members}
        """The contract's number of each member."""
        self._members: dict[int, E] = {number: member for member, number in self.number.items()}
        self._name = values.DESCRIPTOR.name

    def member(self, number: int, default: E, field: str, problems: list[Violation]) -> E:
        """Return the member for a number, `default` for 0; an unknown number becomes a problem of `field`."""
        if number == 0:
            return default
        found = self._members.get(number)
        if found is None:
            problems.append(Violation(field, f"{number} is no {self._name} that this server knows"))
            return default
        return found

    def optional(self, number: int, field: str, problems: list[Violation]) -> E | None:
        """Return the member for a number, None for 0; an unknown number becomes a problem of `field`."""
        found = self._members.get(number)
        if found is None and number != 0:
            problems.append(Violation(field, f"{number} is no {self._name} that this server knows"))
        return found

    def members(self, numbers: Sequence[int], field: str, problems: list[Violation]) -> frozenset[E]:
        """Return the members for a list of numbers; 0 and unknown numbers become problems of their element.

        Numbers beyond MAX_NUMBERS are counted, not judged.
        """
        if len(numbers) > MAX_NUMBERS:
            problems.append(Violation(field, f"must have at most {MAX_NUMBERS} entries, has {len(numbers)}"))
        found = set()
        for index, number in enumerate(numbers[:MAX_NUMBERS]):
            member = self._members.get(number)
            if member is None:
                what = "must not be unspecified" if number == 0 else f"{number} is no known {self._name}"
                problems.append(Violation(f"{field}[{index}]", what))
            else:
                found.add(member)
        return frozenset(found)


SESSION_STATES = EnumPair(State, session_pb2.SessionState, "SESSION_STATE")
CONFIG_APPLY = EnumPair(Apply, session_service_pb2.ConfigApply, "CONFIG_APPLY")
START_MODES = EnumPair(StartMode, session_service_pb2.StartMode, "START_MODE")
PERMISSION_MODES = EnumPair(PermissionMode, config_pb2.PermissionMode, "PERMISSION_MODE")
EFFORTS = EnumPair(Effort, config_pb2.Effort, "EFFORT")
PROJECT_CONTEXTS = EnumPair(ProjectContext, config_pb2.ProjectContext, "PROJECT_CONTEXT")
HOME_SCOPES = EnumPair(HomeScope, config_pb2.HomeScope, "HOME_SCOPE")
RECOVERY_MODES = EnumPair(RecoveryMode, config_pb2.RecoveryMode, "RECOVERY_MODE")
ON_IDLE = EnumPair(OnIdle, config_pb2.OnIdle, "ON_IDLE")
APPROVAL_POLICIES = EnumPair(ApprovalPolicy, config_pb2.ApprovalPolicy, "APPROVAL_POLICY")
TURN_STATES = EnumPair(TurnState, turn_pb2.TurnState, "TURN_STATE")
TURN_KINDS = EnumPair(TurnKind, turn_pb2.TurnKind, "TURN_KIND")
TURN_CAUSES = EnumPair(CauseKind, turn_pb2.TurnCauseKind, "TURN_CAUSE_KIND")
APPROVAL_STATES = EnumPair(ApprovalState, turn_pb2.ApprovalState, "APPROVAL_STATE")
TASK_KINDS = EnumPair(TaskKind, task_pb2.TaskKind, "TASK_KIND")
TASK_STATES = EnumPair(TaskState, task_pb2.TaskState, "TASK_STATE")
IF_BUSY = EnumPair(IfBusy, turn_service_pb2.IfBusy, "IF_BUSY")
EVENT_TYPES = EnumPair(EventType, event_pb2.EventType, "EVENT_TYPE")
PLAN_LIMIT_KINDS = EnumPair(LimitKind, plan_limit_pb2.PlanLimitKind, "PLAN_LIMIT_KIND")
PLAN_LIMIT_STATES = EnumPair(LimitState, plan_limit_pb2.PlanLimitState, "PLAN_LIMIT_STATE")
MCP_SERVER_STATUSES = EnumPair(McpStatus, mcp_pb2.McpServerStatus, "MCP_SERVER_STATUS")
ENFORCEMENT = EnumPair(Enforcement, config_pb2.Enforcement, "ENFORCEMENT")


def permission_mode_number(mode: PermissionMode | None) -> config_pb2.PermissionMode.ValueType:
    """Return the contract's number of a permission mode; 0 for None."""
    return config_pb2.PERMISSION_MODE_UNSPECIFIED if mode is None else PERMISSION_MODES.number[mode]
