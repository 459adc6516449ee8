"""The rules of the contract that buf cannot know, read from the generated descriptors."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FileDescriptor, ServiceDescriptor

from greenroom.v1 import (
    error_reason_pb2,
    event_pb2,
    event_service_pb2,
    node_service_pb2,
    profile_service_pb2,
    session_pb2,
    session_service_pb2,
    turn_service_pb2,
)
from greenroomd.domain.events import EventType
from greenroomd.domain.states import State

PROTOS = Path(__file__).parents[2] / "protos"
SERVICE_FILES: tuple[FileDescriptor, ...] = tuple(
    module.DESCRIPTOR
    for module in (
        event_service_pb2,
        node_service_pb2,
        profile_service_pb2,
        session_service_pb2,
        turn_service_pb2,
    )
)


def services() -> Iterator[ServiceDescriptor]:
    """Every service of the contract."""
    for file in SERVICE_FILES:
        yield from file.services_by_name.values()


def files() -> list[FileDescriptor]:
    """Return every file of the contract that a service can reach, and the error reasons."""
    found: dict[str, FileDescriptor] = {}
    waiting = [*SERVICE_FILES, error_reason_pb2.DESCRIPTOR]
    while waiting:
        file = waiting.pop()
        if file.package == "greenroom.v1" and file.name not in found:
            found[file.name] = file
            waiting.extend(file.dependencies)
    return list(found.values())


def messages() -> Iterator[Descriptor]:
    """Every message of the contract that a service can reach."""
    for file in files():
        yield from file.message_types_by_name.values()


@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
def test_every_file_names_its_java_classes(file: FileDescriptor) -> None:
    """Without these options, protoc would choose other names than those of the published Java client."""
    stem = file.name.removeprefix("greenroom/v1/").removesuffix(".proto")
    options = file.GetOptions()
    assert options.java_package == "io.github.greenroomdev.v1"
    assert options.java_multiple_files
    assert options.java_outer_classname == "".join(part.title() for part in stem.split("_")) + "Proto"


def test_every_file_of_the_contract_is_looked_at() -> None:
    assert {file.name for file in files()} == {
        str(path.relative_to(PROTOS)) for path in PROTOS.glob("greenroom/**/*.proto")
    }


def test_every_event_type_has_the_payload_of_its_name_and_number() -> None:
    payloads = event_pb2.Event.DESCRIPTOR.oneofs_by_name["payload"].fields
    types = {event_pb2.EventType.Name(number): number for number in event_pb2.EventType.values() if number}
    assert {f"EVENT_TYPE_{field.name.upper()}": field.number - 100 for field in payloads} == types


@pytest.mark.parametrize(
    "frame",
    [
        event_service_pb2.WatchEventsResponse,
        event_service_pb2.ListEventsResponse,
        turn_service_pb2.RunTurnResponse,
    ],
)
def test_events_are_field_one_of_every_frame(frame: Any) -> None:
    """The server joins frames from records that it serialized once, so the record must be the same in each."""
    assert frame.DESCRIPTOR.fields_by_number[1].name == "events"


def test_what_the_commit_decides_can_be_appended_to_a_serialized_event() -> None:
    event = event_pb2.Event(event_id="e", session_id="s", type=event_pb2.EVENT_TYPE_TURN_STARTED)
    decided = event_pb2.Event(sequence=7, revision=9, cursor="c")
    joined = event_pb2.Event.FromString(event.SerializeToString() + decided.SerializeToString())
    event.MergeFrom(decided)
    assert joined == event
    assert (joined.sequence, joined.revision, joined.cursor) == (7, 9, "c")


def test_the_only_secrets_are_marked_and_stand_in_one_message() -> None:
    """The mark is a comment: it is read by the generator of the Rust client."""
    marked = [
        (path.name, field)
        for path in sorted(PROTOS.glob("greenroom/v1/*.proto"))
        for field in re.findall(r"// Secret\.[^;]*?^ +[\w.]+ (\w+) = \d+", path.read_text(), re.MULTILINE)
    ]
    assert marked == [("config.proto", "oauth_token"), ("config.proto", "api_key")]
    holders = [
        field.full_name
        for message in messages()
        for field in message.fields
        if field.name in ("oauth_token", "api_key")
    ]
    assert holders == ["greenroom.v1.SessionConfig.oauth_token", "greenroom.v1.SessionConfig.api_key"]


def test_no_call_streams_requests_so_that_grpcurl_can_make_each() -> None:
    assert [
        method.full_name for service in services() for method in service.methods if method.client_streaming
    ] == []


def test_calls_that_change_something_can_be_repeated_safely() -> None:
    reading = ("Get", "List", "Watch", "Wait")
    without = [
        method.full_name
        for service in services()
        for method in service.methods
        if not method.name.startswith(reading) and "request_id" not in method.input_type.fields_by_name
    ]
    assert without == []


def test_every_list_call_is_paged() -> None:
    paged = {"page_size", "page_token"}
    without = [
        method.full_name
        for service in services()
        for method in service.methods
        if method.name.startswith("List") and not paged <= set(method.input_type.fields_by_name)
    ]
    assert without == []


def test_session_states_are_the_nine_of_the_state_table() -> None:
    names = {
        name.removeprefix("SESSION_STATE_") for name in session_pb2.SessionState.DESCRIPTOR.values_by_name
    }
    assert names == {state.name for state in State} | {"UNSPECIFIED"}


def test_event_types_are_those_of_the_log() -> None:
    names = {name.removeprefix("EVENT_TYPE_") for name in event_pb2.EventType.DESCRIPTOR.values_by_name}
    assert names == {type_.name for type_ in EventType} | {"UNSPECIFIED"}
