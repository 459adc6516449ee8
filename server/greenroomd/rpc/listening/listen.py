"""Binds the gRPC server to its address: TCP or a Unix socket, with TLS or without."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import grpc
import grpc.aio

from greenroomd.rpc.listening.unix_socket import UNIX, SocketTaken, bind_socket


class ListenFailed(Exception):
    """The server cannot listen on its address; the text says why."""


async def address_count(listen: str) -> int:
    """Return how many addresses gRPC will listen on: it limits the connections of each separately."""
    if listen.startswith(UNIX):
        return 1
    host = listen.rpartition(":")[0].strip("[]")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except OSError:
        return 1  # listening fails too, with the reason
    return len({address for *_, address in found})


async def bind(server: grpc.aio.Server, listen: str, credentials: grpc.ServerCredentials | None) -> str:
    """Bind the server and return its address, with the port that the kernel chose; raises ListenFailed.

    A Unix socket has no TLS: no other user can connect to it.
    """
    if listen.startswith(UNIX):
        try:
            await bind_socket(Path(listen.removeprefix(UNIX)), server.add_insecure_port)
        except SocketTaken as error:
            raise ListenFailed(f"cannot listen on {listen}: {error}") from error
        return listen
    try:
        port = (
            server.add_insecure_port(listen)
            if credentials is None
            else server.add_secure_port(listen, credentials)
        )
    except RuntimeError as error:
        text = f"cannot listen on {listen}: the port is taken, or the address is not of this machine"
        raise ListenFailed(text) from error
    return f"{listen.rpartition(':')[0]}:{port}"
