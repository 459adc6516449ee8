"""What is handed to clients to come back with: page tokens, cursors, event ids; and what makes requests the same."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.v1.session_service_pb2 import CreateSessionRequest, ListSessionsRequest, ListSessionsResponse
from greenroomd.app.ports.storage import Page, Position
from greenroomd.domain.errors import EventNotFound, InvalidPageToken, Violation
from greenroomd.rpc.convert.session_proto import session_message
from greenroomd.rpc.fingerprint import fingerprint
from greenroomd.rpc.page_answer import MAX_PAGE_BYTES, page_answer
from greenroomd.rpc.page_token import page_size, page_token, position_of
from greenroomd.rpc.stream.cursor_codec import MAX_REVISION, CursorCodec, InvalidCursor
from unit.rpc.samples import REQUEST_ID, SESSION, STORE_ID

PLACES = CursorCodec(STORE_ID)
OTHERS = CursorCodec(REQUEST_ID)
QUERY = ListSessionsRequest(workspace_id="team-a", order_by="create_time")
QUERY.filter.labels.update({"a": "1", "b": "2"})

revisions = st.integers(0, MAX_REVISION)


@given(revisions)
def test_a_cursor_comes_back(revision: int) -> None:
    assert PLACES.revision_of_cursor(PLACES.cursor(revision).decode()) == revision


@given(revisions)
def test_a_cursor_of_another_store_is_refused(revision: int) -> None:
    with pytest.raises(InvalidCursor, match="another store"):
        PLACES.revision_of_cursor(OTHERS.cursor(revision).decode())


@given(st.text(max_size=40) | st.sampled_from(["", "-", "0", f"{PLACES.cursor(1).decode()} "]))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor) as raised:
        PLACES.revision_of_cursor(text)
    assert raised.value.violations[0].field == "after"


@given(revisions)
def test_an_event_id_is_a_uuid_and_comes_back(revision: int) -> None:
    event_id = PLACES.event_id(revision).decode()
    assert str(uuid.UUID(event_id)) == event_id
    assert uuid.UUID(event_id).version == 8
    assert uuid.UUID(event_id).variant == uuid.RFC_4122
    assert PLACES.revision_of_event(event_id) == revision


@pytest.mark.parametrize(
    "text", ["", "x", "919108f7-52d1-4320-9bac-f847db4148a8", OTHERS.event_id(7).decode(), "é" * 36]
)
def test_no_event_has_another_id(text: str) -> None:
    with pytest.raises(EventNotFound):
        PLACES.revision_of_event(text)


@given(st.builds(Position, st.integers(-(2**63), 2**63 - 1), st.text()))
def test_a_page_token_comes_back(position: Position) -> None:
    assert position_of(page_token(position, QUERY), QUERY) == position


def test_a_page_token_does_not_depend_on_the_size_of_pages() -> None:
    token = page_token(Position(1, "x"), QUERY)
    again = ListSessionsRequest(page_size=7, page_token=token)
    again.MergeFrom(QUERY)
    assert position_of(token, again) == Position(1, "x")
    assert position_of("", again) is None


@pytest.mark.parametrize(
    "other",
    [
        {"workspace_id": "team-b"},
        {"order_by": "create_time desc"},
        {"filter": {"labels": {"a": "2"}}},
        {"view": 2},
    ],
    ids=str,
)
def test_a_page_token_of_another_query_is_refused(other: dict[str, object]) -> None:
    request = ListSessionsRequest()
    request.CopyFrom(QUERY)
    request.MergeFrom(ListSessionsRequest(**other))  # type: ignore[arg-type]
    with pytest.raises(InvalidPageToken):
        position_of(page_token(Position(1, "x"), QUERY), request)


@given(st.text(min_size=1, max_size=60))
def test_what_is_no_page_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidPageToken):
        position_of(text, QUERY)


def test_a_tampered_page_token_is_refused() -> None:
    token = page_token(Position(1, "x"), QUERY)
    with pytest.raises(InvalidPageToken):
        position_of(("B" if token[0] == "A" else "A") + token[1:], QUERY)


def test_page_sizes() -> None:
    problems: list[Violation] = []
    assert [page_size(asked, problems) for asked in (0, 1, 1000, 1001, 2**31 - 1)] == [
        50,
        1,
        1000,
        1000,
        1000,
    ]
    assert problems == []
    page_size(-1, problems)
    assert [problem.field for problem in problems] == ["page_size"]


def paged(sizes: list[int], following: Position | None = None) -> ListSessionsResponse:
    """Return the answer for sessions with display names of these sizes."""
    sessions = [replace(SESSION, display_name="x" * size, version=n) for n, size in enumerate(sizes)]
    answer = page_answer(
        Page(sessions, following, 9),
        QUERY,
        lambda session: session_message(session, full=False),
        lambda session: Position(session.version, session.session_id),
    )
    return ListSessionsResponse.FromString(answer)


def test_a_page_ends_before_it_is_too_large() -> None:
    answer = paged([300_000] * 20)
    assert answer.ByteSize() <= MAX_PAGE_BYTES
    assert len(answer.sessions) == 6
    assert position_of(answer.next_page_token, QUERY) == Position(5, SESSION.session_id)


def test_a_page_holds_at_least_one_item() -> None:
    answer = paged([3_000_000])
    assert len(answer.sessions) == 1
    assert answer.next_page_token == ""


def test_a_page_that_fits_goes_on_where_the_store_says() -> None:
    assert position_of(paged([1, 2], Position(5, "y")).next_page_token, QUERY) == Position(5, "y")


def test_the_same_request_has_the_same_fingerprint() -> None:
    one, other = CreateSessionRequest(request_id="1"), CreateSessionRequest(request_id="2")
    one.labels.update({"a": "1", "b": "2"})
    other.labels.update({"b": "2", "a": "1"})
    assert fingerprint(one, "request_id") == fingerprint(other, "request_id")
    assert one.request_id == "1"
    other.labels["b"] = "3"
    assert fingerprint(one, "request_id") != fingerprint(other, "request_id")


def test_requests_of_two_types_differ() -> None:
    assert fingerprint(CreateSessionRequest()) != fingerprint(ListSessionsRequest())
