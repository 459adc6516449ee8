"""What was stored comes back as it was: every field, after a restart, and by every way to ask for it."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from contract.conftest import Opening
from contract.sample import (
    NOON,
    creation,
    full_limit,
    full_problem,
    full_session,
    message,
    new_approval,
    new_session,
    new_task,
    new_turn,
)
from greenroomd.app.ports.storage import Position, SessionQuery, Store, Unit
from greenroomd.domain.approval import Approval, ApprovalState
from greenroomd.domain.config import RecoveryMode, RecoveryPolicy, Secret, SessionConfig
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.errors import ApprovalNotFound, SessionNotFound, TaskNotFound, TurnNotFound
from greenroomd.domain.session import StartMode
from greenroomd.domain.states import LIVE, State
from greenroomd.domain.task import Task, TaskKind, TaskState
from greenroomd.domain.turn import Problem, Turn, TurnState


async def test_every_field_of_a_session_comes_back(store: Store) -> None:
    session = full_session()
    plain = new_session()
    unset = [f.name for f in fields(session) if getattr(session, f.name) == getattr(plain, f.name)]
    assert unset == ["config_generation", "version", "last_sequence", "revision"]
    stored = await store.commit(creation(session))
    assert await store.session(session.session_id) == stored
    assert stored == replace(session, revision=1, last_sequence=1)


async def test_an_update_replaces_every_field_that_can_change(store: Store) -> None:
    first = await store.commit(creation(new_session()))
    fixed = {name: getattr(first, name) for name in ("session_id", "workspace_id", "user_id", "profile_id")}
    fixed |= {"create_time": first.create_time, "revision": 1, "last_sequence": 1, "config": first.config}
    changed = await store.commit(Unit(session=full_session(**fixed), events=[message()]))
    assert await store.session(first.session_id) == changed
    assert changed.revision == 2


async def test_the_config_is_that_of_its_generation(store: Store) -> None:
    session = await store.commit(creation(new_session()))
    second = SessionConfig(
        working_dir="/srv/work", model="opus", recovery=RecoveryPolicy(mode=RecoveryMode.ON_CRASH)
    )
    changed = replace(session, config=second, config_generation=2)
    changed = await store.commit(Unit(session=changed, events=[message()], configures=True))
    assert (await store.session(session.session_id)).config == second
    page = await store.sessions(SessionQuery(workspace_id=None), after=None, limit=1)  # past any cache
    assert page.items[0].config == second


@pytest.mark.parametrize("text", ["", "a\0b", "\ud800", "ünïcode 🎭", 'back\\slash "quote" \'n %s ?\n\t'])
async def test_any_text_of_the_model_comes_back(store: Store, text: str) -> None:
    session = new_session(
        display_name="plain", metadata={"said": text}, error=Problem(reason="X", message=text)
    )
    turn = new_turn(session, 1, prompt=text, result_text=text, content=({"type": "text", "text": text},))
    approval = new_approval(session, tool_input={"command": text}, message=text)
    await store.commit(creation(session, turns=[turn], approvals=[approval]))
    assert (await store.session(session.session_id)).metadata == {"said": text}
    assert (await store.session(session.session_id)).error == session.error
    assert await store.turn(turn.turn_id) == turn
    assert await store.approval(approval.approval_id) == approval


async def test_a_turn_is_replaced_by_its_later_form(store: Store) -> None:
    session = new_session()
    turn = new_turn(session, 1, timeout=timedelta(seconds=90), request_id="r", actor="ann", rounds=3)
    session = await store.commit(creation(session, turns=[turn]))
    done = replace(
        turn,
        state=TurnState.FAILED,
        result_text="almost",
        stop_reason="end_turn",
        usage=Usage(
            turns=1,
            input_tokens=2,
            output_tokens=3,
            cache_creation_tokens=4,
            cache_read_tokens=5,
            cost_usd=0.25,
            requests=6,
            estimated_cost_usd=0.125,
            incomplete=True,
        ),
        error=full_problem(),
        side_effects_unknown=True,
        plan_limits=(full_limit(),),
        models=("claude-opus-5-5", "claude-haiku-5-5"),
        start_time=NOON + timedelta(seconds=1),
        end_time=NOON + timedelta(seconds=2),
    )
    await store.commit(Unit(session=session, events=[message()], turns=[done]))
    assert await store.turn(turn.turn_id) == done


async def test_turns_are_paged_by_number(store: Store) -> None:
    session, other = new_session(), new_session()
    turns = [new_turn(session, number) for number in range(1, 8)]
    await store.commit(creation(session, turns=turns[::-1]))
    await store.commit(creation(other, turns=[new_turn(other, 1)]))
    seen: list[list[Turn]] = []
    after = None
    while True:
        page = await store.turns(session.session_id, after=after, limit=3)
        assert page.revision == 2
        seen.append(list(page.items))
        if page.next is None:
            break
        after = page.next
    assert seen == [turns[:3], turns[3:6], turns[6:]]
    assert (await store.turns("nobody", after=None, limit=3)).items == []


async def test_a_page_that_ends_with_the_list_has_no_next(store: Store) -> None:
    session = new_session()
    await store.commit(creation(session, turns=[new_turn(session, number) for number in (1, 2)]))
    assert (await store.turns(session.session_id, after=None, limit=2)).next is None


async def test_open_turns_are_those_that_are_not_final(store: Store) -> None:
    session = new_session()
    turns = [new_turn(session, number, state) for number, state in enumerate(TurnState, start=1)]
    await store.commit(creation(session, turns=turns))
    assert await store.open_turns(session.session_id) == [turn for turn in turns if not turn.state.final]


async def test_approvals_are_paged_oldest_first_and_the_decision_is_kept(store: Store) -> None:
    session = new_session()
    asked = [new_approval(session, create_time=NOON + timedelta(seconds=n % 3)) for n in range(7)]
    session = await store.commit(creation(session, approvals=asked))
    decided = replace(
        asked[0],
        state=ApprovalState.ALLOWED,
        decide_time=NOON,
        decided_by="ann",
        message="fine",
        updated_input={"command": "ls"},
    )
    await store.commit(Unit(session=session, events=[message()], approvals=[decided]))
    found: list[Approval] = []
    after = None
    for _ in range(4):
        page = await store.approvals(session.session_id, after=after, limit=2)
        found += page.items
        after = page.next
    assert after is None
    wanted = [decided, *asked[1:]]
    assert found == sorted(wanted, key=lambda approval: (approval.create_time, approval.approval_id))


async def test_tasks_are_paged_oldest_first_and_the_open_ones_are_found(store: Store) -> None:
    session, other = new_session(), new_session()
    begun = [new_task(session, f"b{n}", create_time=NOON + timedelta(seconds=n % 3)) for n in range(7)]
    session = await store.commit(creation(session, tasks=begun))
    theirs = new_task(other, "b0", kind=TaskKind.SHELL)
    await store.commit(creation(other, tasks=[theirs]))
    ended = replace(begun[0], state=TaskState.LOST, summary="gone", end_time=NOON)
    await store.commit(Unit(session=session, events=[message()], tasks=[ended]))
    found: list[Task] = []
    after = None
    for _ in range(4):
        page = await store.tasks(session.session_id, after=after, limit=2)
        found += page.items
        after = page.next
    assert after is None
    wanted = [ended, *begun[1:]]
    assert found == sorted(wanted, key=lambda task: (task.create_time, task.task_id))
    assert {task.task_id for task in await store.open_tasks(session.session_id)} == {
        f"b{n}" for n in range(1, 7)
    }
    assert await store.task(session.session_id, "b0") == ended
    assert await store.task(other.session_id, "b0") == theirs
    with pytest.raises(TaskNotFound):
        await store.task(other.session_id, "b1")


async def test_what_is_not_there_is_named_in_the_error(store: Store) -> None:
    for ask, error in (
        (store.session, SessionNotFound),
        (store.turn, TurnNotFound),
        (store.approval, ApprovalNotFound),
    ):
        with pytest.raises(error, match="'missing'"):
            await ask("missing")


async def test_unsettled_are_the_live_and_those_that_wait_for_their_first_start(store: Store) -> None:
    wanted = set()
    for state in State:
        for mode in StartMode:
            session = new_session(state=state, start_mode=mode)
            await store.commit(creation(session))
            if state in LIVE or (state is State.CREATED and mode is StartMode.AUTO):
                wanted.add(session.session_id)
    assert {session.session_id for session in await store.unsettled()} == wanted


async def test_a_session_becomes_settled_and_unsettled(store: Store) -> None:
    session = await store.commit(creation(new_session(state=State.READY)))
    session = await store.commit(Unit(session=replace(session, state=State.SUSPENDED), events=[message()]))
    assert await store.unsettled() == []
    session = await store.commit(Unit(session=replace(session, state=State.ACTIVE), events=[message()]))
    assert await store.unsettled() == [session]


async def test_everything_is_there_after_a_restart(opening: Opening) -> None:
    session = full_session()
    turn, approval = new_turn(session, 1), new_approval(session)
    unit = creation(session, turns=[turn], approvals=[approval], oauth_token=Secret("sk-1"))
    async with opening() as store:
        name = store.store_id
        stored = await store.commit(unit)
    async with opening() as store:
        assert (store.store_id, store.head) == (name, 1)
        assert await store.session(session.session_id) == stored
        assert await store.turn(turn.turn_id) == turn
        assert (await store.approvals(session.session_id, after=None, limit=9)).items == [approval]
        assert await store.oauth_token(session.session_id) == Secret("sk-1")
        again = await store.commit(Unit(session=stored, events=[message()]))
        assert (again.revision, again.last_sequence) == (2, 2)


async def test_a_position_of_another_list_is_no_mistake_of_ours(store: Store) -> None:
    session = new_session()
    await store.commit(creation(session, turns=[new_turn(session, 1)]))
    assert (await store.turns(session.session_id, after=Position(99, ""), limit=5)).items == []
