"""API tokens, JSON Web Tokens and client certificates over TLS: each caller may do the same, however it is known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grpc
import grpc.aio
import pytest

from certificates import Authority, Pair
from greenroom.v1.event_service_pb2 import ListEventsRequest
from greenroom.v1.node_service_pb2 import GetServerInfoRequest
from greenroom.v1.node_service_pb2_grpc import NodeServiceStub
from greenroomd.domain.principal import Grants
from greenroomd.settings.load import load_settings
from greenroomd.settings.record import Settings
from greenroomd.wiring import key_commands
from unit.identity.issuer import AUDIENCE, ISSUER, key_set, public_jwk, token
from unit.rpc.access_matrix import CALLERS, Asker, a_target, differences, grants_of
from unit.rpc.callers import Headers
from unit.rpc.conftest import Edge, running_edge
from unit.rpc.refusal import refused

KINDS = ("token", "jwt", "mtls")


def name_of(caller: str) -> str:
    """Return the SPIFFE ID of a caller."""
    return f"spiffe://example.org/{caller.replace('*', 'all-') or 'nobody'}"


@dataclass
class Place:
    """A server that takes every kind of credential, and who gives them."""

    edge: Edge
    settings: Settings
    authority: Authority
    stack: AsyncExitStack

    async def caller(self, kind: str, caller: str, workspace_id: str) -> Asker:
        """Return one of CALLERS with credentials of a kind."""
        grants = grants_of(caller, workspace_id)
        if kind == "mtls":
            return Asker(await self.connection(name_of(caller)), ())
        # TLS demands a certificate of all; beside a token it counts for nothing.
        channel = await self.connection(name_of("*admin"))
        if kind == "jwt":
            return Asker(channel, bearing(token(greenroom_grants=grants)))
        make = partial(key_commands.create, self.settings, "x", Grants.of(grants), None)
        return Asker(channel, bearing((await asyncio.to_thread(make))[0]))

    async def connection(self, name: str) -> grpc.aio.Channel:
        """Return a connection of its own, with a certificate of this name."""
        return await self.stack.enter_async_context(
            channel_with(self.authority, self.authority.issue(name), self.edge.address)
        )


def bearing(text: str) -> Headers:
    return (("authorization", f"Bearer {text}"),)


def channel_with(authority: Authority, pair: Pair | None, address: str) -> grpc.aio.Channel:
    """Return a connection that shares nothing with another."""
    key, certificate = (None, None) if pair is None else (pair.key, pair.certificate)
    credentials = grpc.ssl_channel_credentials(authority.pem, key, certificate)
    return grpc.aio.secure_channel(address, credentials, options=[("grpc.use_local_subchannel_pool", 1)])


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    authority = Authority()
    server = authority.issue("127.0.0.1")
    files = {"server.crt": server.certificate, "server.key": server.key, "ca.crt": authority.pem}
    files["keys.json"] = key_set(public_jwk("P-256"))
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    settings = load_settings(
        {
            "GREENROOM_STATE_DIR": str(tmp_path),
            "GREENROOM_AUTHENTICATION": ",".join(KINDS),
            "GREENROOM_TLS_CERT_FILE": str(tmp_path / "server.crt"),
            "GREENROOM_TLS_KEY_FILE": str(tmp_path / "server.key"),
            "GREENROOM_TLS_CLIENT_CA_FILE": str(tmp_path / "ca.crt"),
            "GREENROOM_JWT_ISSUER": ISSUER,
            "GREENROOM_JWT_AUDIENCE": AUDIENCE,
            "GREENROOM_JWT_KEYS": str(tmp_path / "keys.json"),
        },
        mtls_grants={name_of(caller): grants_of(caller, "lab") for caller in CALLERS},
    )
    root = authority.issue(name_of("*admin"))
    async with (
        running_edge(
            tmp_path, listen="127.0.0.1:0", settings=settings,
            channel_to=partial(channel_with, authority, root),
        ) as edge,
        AsyncExitStack() as stack,
    ):  # fmt: skip
        yield Place(edge, settings, authority, stack)


async def test_each_rpc_answers_each_role_alike_for_every_kind(place: Place) -> None:
    seen, hidden = await a_target(place.edge, "lab"), await a_target(place.edge, "den")
    for kind in KINDS:
        asking = {caller: await place.caller(kind, caller, "lab") for caller in CALLERS}
        assert await differences(asking, seen, hidden) == [], kind


async def test_each_kind_has_names_of_its_own(place: Place) -> None:
    actors = []
    for kind in KINDS:
        asker = await place.caller(kind, "operator", "lab")
        place.edge.channel, place.edge.headers = asker.channel, asker.headers
        place.edge.__post_init__()
        made = await place.edge.create(workspace_id="lab")
        listed = ListEventsRequest(session_id=made.session_id)
        (event,) = (await place.edge.events.ListEvents(listed, metadata=asker.headers)).events
        actors.append(event.actor.partition(":"))
    assert [kind for kind, _, _ in actors] == list(KINDS)
    assert [subject for _, _, subject in actors][1:] == ["ann", name_of("operator")]


async def test_a_wrong_token_counts_though_the_certificate_is_right(place: Place) -> None:
    info = NodeServiceStub(await place.connection(name_of("*admin")))
    await info.GetServerInfo(GetServerInfoRequest())
    for wrong in ("x", token(aud="other"), f"gr_{'0' * 12}_{'0' * 64}", ""):
        refusal = await refused(info.GetServerInfo(GetServerInfoRequest(), metadata=bearing(wrong)))
        assert refusal.metadata == {"problem": "invalid"}
    stranger = NodeServiceStub(place.edge.channel)
    await stranger.GetServerInfo(GetServerInfoRequest())


async def test_a_certificate_of_another_authority_opens_no_connection(place: Place) -> None:
    other = Authority("another").issue(name_of("*admin"))
    async with channel_with(place.authority, other, place.edge.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await NodeServiceStub(channel).GetServerInfo(GetServerInfoRequest(), timeout=20)
    assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE
