"""Profiles in a SQL database: implements `app.ports.profile_store.ProfileStore`."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_, update

from greenroomd.app.ports.profile_store import ProfileChange, place_of
from greenroomd.app.ports.storage import Page, Position, Request, RequestReplayed
from greenroomd.domain.config import Secret
from greenroomd.domain.errors import InvalidPageToken, ProfileInUse, ProfileNotFound, RequestIdReused
from greenroomd.domain.profile import Profile, settled
from greenroomd.store.engine import Database
from greenroomd.store.read.reader import Reader
from greenroomd.store.schema.documents import time
from greenroomd.store.schema.profile_rows import Sealed, profile_of, profile_row, sealed_of
from greenroomd.store.schema.rows import Row
from greenroomd.store.schema.tables import meta, profiles, requests
from greenroomd.store.secrets import Keyring
from greenroomd.store.write.batch.batch import REPLAYED_FOR
from greenroomd.store.write.batch.profile_quota import ProfileQuotas
from greenroomd.store.write.batch.statements import Statements
from greenroomd.store.write.group_commit import Writer

_NO_TOKEN: Final[Sealed] = (None, None)
_COUNTED: Final = 1_000_000  # sessions that use a profile; counting further is of no use
_KEY = (
    profiles.c.workspace_id == bindparam("of_workspace"),
    profiles.c.profile_id == bindparam("of_profile"),
)


class SqlProfiles:
    """The stored profiles; `app.ports.profile_store.ProfileStore` says what each method promises."""

    def __init__(self, database: Database, writer: Writer, reader: Reader, keyring: Keyring) -> None:
        self._writer = writer
        self._read = reader.read
        self._keyring = keyring
        self._statements = Statements(database)
        self._quotas = ProfileQuotas(database)

    async def change(self, change: ProfileChange) -> Profile | None:
        """Commit a change and return its outcome."""
        return await self._writer.run_exclusive(partial(self._change, change=change))

    async def profile(self, workspace_id: str, profile_id: str) -> Profile:
        """Return a profile."""
        return profile_of(await self._read(partial(_found, workspace_id=workspace_id, profile_id=profile_id)))

    async def profiles(
        self,
        workspace_id: str | None,
        *,
        after: Position | None,
        limit: int,
        within: frozenset[str] | None = None,
    ) -> Page[Profile]:
        """Return one page of profiles."""
        look = partial(_page, workspace_id=workspace_id, within=within, after=after, limit=limit)
        return await self._read(look)

    async def oauth_token(self, workspace_id: str, profile_id: str) -> Secret | None:
        """Return the profile's token, decrypted."""
        row = await self._read(partial(_found, workspace_id=workspace_id, profile_id=profile_id))
        key_id, sealed = sealed_of(row)
        if key_id is None or sealed is None:
            return None
        return self._keyring.open(_owner(workspace_id, profile_id), key_id, bytes(sealed))

    def _change(self, connection: Connection, at: datetime, *, change: ProfileChange) -> Profile | None:
        key = (change.workspace_id, change.profile_id)
        if change.request is not None:
            self._refuse_repeated(connection, change.request, at)
        row = _row(connection, *key)
        outcome = change.decide(None if row is None else profile_of(row))
        if outcome is None:
            self._remove(connection, *key)
        else:
            outcome = self._put(connection, outcome, row)
        if change.request is not None:
            self._record(connection, change.request, change.answer(outcome), at)
        return outcome

    def _put(self, connection: Connection, profile: Profile, before: Row | None) -> Profile:
        profile, token = settled(profile)
        if token is not None:
            owner = _owner(profile.workspace_id, profile.profile_id)
            sealed: Sealed = self._keyring.seal(owner, token) if token.reveal() else _NO_TOKEN
        else:
            sealed = _NO_TOKEN if before is None else sealed_of(before)
        names = [column.name for column in profiles.columns]
        values = dict(zip(names, profile_row(profile, sealed), strict=True))
        if before is None:
            connection.execute(insert(profiles).values(values))
        else:
            key = {"of_workspace": profile.workspace_id, "of_profile": profile.profile_id}
            connection.execute(update(profiles).where(*_KEY).values(values), key)
        return profile

    def _remove(self, connection: Connection, workspace_id: str, profile_id: str) -> None:
        used = self._quotas.open_sessions(connection, workspace_id, profile_id, most=_COUNTED)
        if used:
            raise ProfileInUse(profile_id, used)
        key = {"of_workspace": workspace_id, "of_profile": profile_id}
        connection.execute(delete(profiles).where(*_KEY), key)

    def _refuse_repeated(self, connection: Connection, request: Request, at: datetime) -> None:
        key = (request.principal, request.method, request.request_id)
        columns = (requests.c.fingerprint, requests.c.answer, requests.c.create_time)
        row = connection.execute(
            select(*columns).where(tuple_(*list(requests.primary_key.columns)) == tuple_(*key))
        ).one_or_none()
        if row is None:
            return
        fingerprint, answer, create_time = row
        if create_time < time(at - REPLAYED_FOR):
            connection.exec_driver_sql(self._statements.delete_request, key)
        elif fingerprint != request.fingerprint:
            raise RequestIdReused(request.method)
        else:
            raise RequestReplayed(bytes(answer))

    def _record(self, connection: Connection, request: Request, answer: bytes, at: datetime) -> None:
        row = (
            request.principal,
            request.method,
            request.request_id,
            request.fingerprint,
            answer,
            time(at),
            0,
        )
        connection.execute(insert(requests).values(row))


def _owner(workspace_id: str, profile_id: str) -> str:
    """Return the name to which a profile's token is bound, which cannot be a session's id."""
    return f"profile:{workspace_id}/{profile_id}"


def _row(connection: Connection, workspace_id: str, profile_id: str) -> Row | None:
    key = {"of_workspace": workspace_id, "of_profile": profile_id}
    return connection.execute(select(profiles).where(*_KEY), key).one_or_none()


def _found(connection: Connection, workspace_id: str, profile_id: str) -> Row:
    row = _row(connection, workspace_id, profile_id)
    if row is None:
        raise ProfileNotFound(profile_id)
    return row


def _page(
    connection: Connection,
    *,
    workspace_id: str | None,
    within: frozenset[str] | None,
    after: Position | None,
    limit: int,
) -> Page[Profile]:
    head = connection.execute(select(meta.c.revision)).scalar_one()
    name, workspace = profiles.c.profile_id, profiles.c.workspace_id
    statement = select(profiles).order_by(name, workspace).limit(limit + 1)
    if workspace_id is not None:
        statement = statement.where(workspace == workspace_id)
    if within is not None:
        statement = statement.where(workspace.in_(sorted(within)))
    if after is not None:
        last_name, slash, last_workspace = after.id.partition("/")
        if not slash:
            raise InvalidPageToken
        statement = statement.where(tuple_(name, workspace) > tuple_(last_name, last_workspace))
    found = [profile_of(row) for row in connection.execute(statement)]
    page = found[:limit]
    return Page(page, place_of(page[-1]) if len(found) > limit else None, head)
