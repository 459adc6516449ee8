"""The webhook of a running server: what a receiver gets, whatever happens to it or to the server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from fake_cli.installed import install
from greenroom.v1 import event_pb2
from greenroom.v1.event_service_pb2 import WatchEventsRequest, WatchStart
from greenroom.v1.session_pb2 import SESSION_STATE_CLOSED, Session
from greenroom.v1.session_service_pb2 import START_MODE_MANUAL, CloseSessionRequest
from greenroom_server import GreenroomServer
from greenroomd.domain.events import EventType
from greenroomd.webhook.sender import NotDelivered, Webhook, payload
from receiver import Receiver
from story import create, history, run_turn

HOUR = timedelta(hours=1)
SECRET = "the-receiver-knows-this-text-too"
PATH = "/hooks/a-key-in-the-url"


def a_server(directory: Path, receiver: Receiver, **settings: str) -> GreenroomServer:
    """Return a server that posts to a receiver and logs all that it can."""
    ours = {
        "webhook_url": f"http://127.0.0.1:{receiver.port}{PATH}",
        "webhook_secret": SECRET,
        "claude_path": str(install(directory)),
        "log_level": "debug",
    }
    return GreenroomServer(directory / "server", {}, **(ours | settings))


@asynccontextmanager
async def receiving(directory: Path, **settings: str) -> AsyncIterator[tuple[GreenroomServer, Receiver]]:
    """Run a server that posts to a receiver; afterwards, no log of it may hold a secret."""
    receiver = Receiver()
    async with receiver.open(), a_server(directory, receiver, **settings) as server:
        yield server, receiver
    log = server.log.read_text()
    assert SECRET not in log
    assert PATH not in log


async def a_session(server: GreenroomServer) -> Session:
    """Create a session that rests."""
    return await create(server, start_mode=START_MODE_MANUAL)


async def close(server: GreenroomServer, session: Session) -> None:
    request = CloseSessionRequest(session_id=session.session_id)
    closed = (await server.sessions.CloseSession(request)).session
    assert closed.state == SESSION_STATE_CLOSED


def delivered(receiver: Receiver, session: Session) -> list[int]:
    """The sequence numbers of a session's events in the order in which they were taken, repetitions left out."""
    events = [delivery.event for delivery in receiver.deliveries]
    mine = [int(event["sequence"]) for event in events if event["sessionId"] == session.session_id]
    return list(dict.fromkeys(mine))


async def all_delivered(server: GreenroomServer, receiver: Receiver, session: Session) -> None:
    """Wait until the receiver has every stored event of a session, in order."""
    wanted = [event.sequence for event in await history(server, session.session_id)]
    await receiver.until(lambda: len(delivered(receiver, session)) >= len(wanted))
    assert delivered(receiver, session) == wanted


async def test_every_event_of_a_turn_arrives_signed_and_in_order(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (server, receiver):
        session = await create(server)
        await run_turn(server, session.session_id, "hello")
        await close(server, session)
        await all_delivered(server, receiver, session)
        stored = await history(server, session.session_id)
        assert [delivery.headers["webhook-id"] for delivery in receiver.deliveries] == [
            event.event_id for event in stored
        ]
        assert [delivery.body for delivery in receiver.deliveries] == [payload(event) for event in stored]
        for delivery in receiver.deliveries:
            assert delivery.path == PATH
            assert delivery.headers["content-type"] == "application/json"
            assert delivery.signed_with(SECRET.encode())
            assert not delivery.signed_with(b"another secret")
        assert receiver.deliveries[0].message["type"] == "session.created"
        assert receiver.deliveries[-1].message["type"] == "session.closed"


async def test_only_the_events_that_were_asked_for(tmp_path: Path) -> None:
    async with receiving(tmp_path, webhook_types="session.created,session.closed") as (server, receiver):
        session = await a_session(server)
        await close(server, session)
        await receiver.until(lambda: len(receiver.deliveries) >= 2)
        assert [d.message["type"] for d in receiver.deliveries] == ["session.created", "session.closed"]


async def test_a_receiver_that_was_down_gets_everything_in_order(tmp_path: Path) -> None:
    receiver = Receiver()
    async with receiver.open():
        pass  # now it has a port, and nobody listens
    async with a_server(tmp_path, receiver) as server:
        sessions = [await a_session(server) for _ in range(3)]
        for session in sessions:
            await close(server, session)
        await told(server, "listener_failed")
        async with receiver.open():
            for session in sessions:
                await all_delivered(server, receiver, session)


async def test_an_event_is_repeated_until_it_is_taken(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (server, receiver):
        answers = iter([500, 302, 429, 204])
        receiver.status = lambda _: next(answers, 204)
        session = await a_session(server)
        await close(server, session)
        await all_delivered(server, receiver, session)
        first = [request for request in receiver.requests if int(request.event["sequence"]) == 1]
        assert len(first) == 4
        assert len({request.headers["webhook-id"] for request in first}) == 1, "known again by its id"
        assert all(request.signed_with(SECRET.encode()) for request in first)


async def test_what_the_receiver_refuses_is_passed_over(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (server, receiver):
        receiver.status = lambda delivery: 422 if delivery.message["type"] == "session.created" else 204
        session = await a_session(server)
        await close(server, session)
        count = len(await history(server, session.session_id))
        await receiver.until(lambda: len(delivered(receiver, session)) >= count - 1)
        assert delivered(receiver, session) == list(range(2, count + 1))
        await told(server, "listener_passed_over_event")


async def test_a_receiver_that_hangs_holds_up_nobody(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (server, receiver):
        receiver.answering.clear()
        request = WatchEventsRequest(workspace_id="default", start=WatchStart.WATCH_START_NOW)
        watch = server.events.WatchEvents(request)
        await watch.initial_metadata()
        sessions = [await a_session(server) for _ in range(20)]
        await receiver.until(lambda: bool(receiver.requests))
        seen: set[str] = set()
        async with asyncio.timeout(60):
            async for frame in watch:
                seen |= {event.session_id for event in frame.events}
                if len(seen) == len(sessions):
                    break
        watch.cancel()
        assert len(receiver.requests) == 1, "one delivery at a time, and no queue of them"
        assert receiver.deliveries == []
        receiver.answering.set()
        for session in sessions:
            await all_delivered(server, receiver, session)


async def test_after_the_server_was_killed_it_goes_on_where_it_was(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (server, receiver):
        first = await a_session(server)
        await all_delivered(server, receiver, first)
        receiver.answering.clear()
        second = await a_session(server)
        await close(server, first)
        await server.kill()
        receiver.answering.set()
        await server.start()
        third = await a_session(server)
        for session in (first, second, third):
            await all_delivered(server, receiver, session)


async def test_after_an_orderly_stop_nothing_is_sent_twice(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (server, receiver):
        first = await a_session(server)
        await all_delivered(server, receiver, first)
        assert await server.stop() == 0
        await server.start()
        second = await a_session(server)
        await all_delivered(server, receiver, second)
        ids = [request.headers["webhook-id"] for request in receiver.requests]
        assert len(ids) == len(set(ids))


async def test_it_begins_with_what_comes_after_it_was_turned_on(tmp_path: Path) -> None:
    receiver = Receiver()
    async with receiver.open(), a_server(tmp_path, receiver, webhook_url="") as server:
        before = await a_session(server)
        await server.stop()
        server.change(webhook_url=f"http://127.0.0.1:{receiver.port}/")
        await server.start()
        after = await a_session(server)
        await all_delivered(server, receiver, after)
        assert delivered(receiver, before) == []


async def test_a_certificate_that_nobody_vouches_for_is_no_receiver(tmp_path: Path) -> None:
    receiver = Receiver()
    async with (
        receiver.open(tls=self_signed(tmp_path)),
        Webhook(f"https://localhost:{receiver.port}{PATH}", SECRET) as webhook,
    ):
        with pytest.raises(NotDelivered) as failed:
            await webhook.hear(event_pb2.Event(event_id="id", type=event_pb2.EVENT_TYPE_TURN_COMPLETED))
    assert PATH not in str(failed.value)
    assert receiver.requests == []


def self_signed(directory: Path) -> ssl.SSLContext:
    """Make a certificate for localhost that only its maker trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + HOUR)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = directory / "server.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_the_types_are_called_as_everywhere_else() -> None:
    for kind in EventType:
        number = event_pb2.EventType.Value(f"EVENT_TYPE_{kind.name}")
        assert f'"type":"{kind.value}"'.encode() in payload(event_pb2.Event(type=number)), kind


async def told(server: GreenroomServer, words: str) -> None:
    """Wait until the server's log says something."""
    async with asyncio.timeout(60):
        while words not in server.log.read_text():  # noqa: ASYNC110 -- a file tells nobody
            await asyncio.sleep(0.02)
