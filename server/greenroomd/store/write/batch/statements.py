"""The writer's statements, compiled once; their parameters are rows from `rows`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
    tuple_,
    update,
)

from greenroomd.store.engine import Database, limited
from greenroomd.store.schema.tables import (
    approvals,
    deletions,
    identities,
    labels,
    meta,
    requests,
    secrets,
    sessions,
    tasks,
    turns,
)
from greenroomd.store.schema.upsert import upsert

CHANNEL = "greenroom"
"""The NOTIFY channel for commits; the payload is a revision."""

STANDING = (
    "state",
    "unsettled",
    "last_active_time",
    "due_time",
    "description",
    "fence",
    "last_sequence",
    "revision",
)
"""The columns of a stored session that the writer reads before changing it."""


class Statements:
    """Texts for `exec_driver_sql`, named after what they do. A comment lists the parameters unless they are a row."""

    def __init__(self, database: Database) -> None:
        first = meta.c.id == literal_column("1")
        notice = func.pg_notify(literal_column(f"'{CHANNEL}'"), cast(meta.c.revision, Text))
        told = () if database.sqlite else (notice,)
        # (how many, batch, fence) → the last of the reserved revisions; no row if another server owns the database.
        # Also takes the lock under which everything else is written. The notification is sent to other nodes with the
        # commit, and may name a higher revision than was used.
        self.take_revisions = database.sql(
            update(meta)
            .where(first, meta.c.fence == bindparam("of_fence", type_=BigInteger()))
            .values(
                revision=meta.c.revision + bindparam("count", type_=BigInteger()), batch=bindparam("batch")
            )
            .returning(meta.c.revision, *told),
            "count",
            "batch",
            "of_fence",
        )
        # (revision): gives back the revisions that refused units did not use.
        self.return_revisions = database.sql(
            update(meta).where(first).values(revision=bindparam("last")), "last"
        )
        # → the last commit's name, and the fence. Waits for a commit in progress, which has the row locked.
        self.last_batch = database.sql(select(meta.c.batch, meta.c.fence).where(first).with_for_update())

        # (session ids) → session id, number, and the columns of STANDING: all NULL if the session was deleted
        self.look_at_sessions = database.sql(
            database.each_of(
                select(*identities.c, *(sessions.c[name] for name in STANDING)).outerjoin_from(
                    identities, sessions, sessions.c.number == identities.c.number
                ),
                identities.c.session_id,
                "ids",
            ),
            "ids",
        )
        # (request ids, principal, method) → rows of requests
        self.look_at_requests = database.sql(
            database.each_of(
                select(requests),
                requests.c.request_id,
                "ids",
                requests.c.principal == bindparam("principal"),
                requests.c.method == bindparam("method"),
            ),
            "ids",
            "principal",
            "method",
        )

        self.move_session = _update_session(database, "state")
        self.touch_session = _update_session(database, "config_generation")
        self.put_turn = _put(database, turns, "state", "unfinished", "outcome")
        self.put_approval = _put(database, approvals, "state", "question")
        self.put_task = _put(database, tasks, "state", "unfinished", "details")
        self.put_secret = _put(database, secrets, "key_id", "sealed")

        self.delete_labels = _delete_of_session(database, labels)  # (number)
        # (principal, method, request id)
        self.delete_request = database.sql(
            delete(requests).where(
                requests.c.principal == bindparam("principal"),
                requests.c.method == bindparam("method"),
                requests.c.request_id == bindparam("request_id"),
            ),
            "principal",
            "method",
            "request_id",
        )
        # (answer, principal, method, request id)
        self.amend_answer = database.sql(
            update(requests)
            .where(
                requests.c.principal == bindparam("of_principal"),
                requests.c.method == bindparam("of_method"),
                requests.c.request_id == bindparam("of_request_id"),
            )
            .values(answer=bindparam("new_answer")),
            "new_answer",
            "of_principal",
            "of_method",
            "of_request_id",
        )
        # (create_time below which to delete answers, how many at most)
        oldest = (
            select(requests.c.principal, requests.c.method, requests.c.request_id)
            .where(requests.c.create_time < bindparam("forgotten", type_=BigInteger()))
            .order_by(requests.c.create_time)
        )
        key = tuple_(requests.c.principal, requests.c.method, requests.c.request_id)
        self.forget_requests = database.sql(
            delete(requests).where(key.in_(limited(oldest, "size"))), "forgotten", "size"
        )
        # (number) each; rows that a session may have in great numbers are erased later
        self.delete_session = (
            _delete_of_session(database, labels),
            _delete_of_session(database, secrets),
            database.sql(delete(sessions).where(sessions.c.number == bindparam("of")), "of"),
            database.sql(insert(deletions).inline(), "session_number"),
        )
        # (number of its last event, session id): from now on, the session's id finds only this event
        self.renumber_identity = database.sql(
            update(identities)
            .where(identities.c.session_id == bindparam("of"))
            .values(number=bindparam("new_number")),
            "new_number",
            "of",
        )


def _put(database: Database, table: Table, *changing: str) -> str:
    """Return an INSERT that changes the named columns if a row with the key exists."""
    statement = upsert(database.writing.dialect, table).inline()
    statement = statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in changing},
    )
    return database.sql(statement, *(column.name for column in table.columns))


def _update_session(database: Database, first: str) -> str:
    """Parameters: the session's row from column `first` on, its number, the revision decided on, its fence."""
    names = [column.name for column in sessions.columns]
    changing = names[names.index(first) :]
    statement = (
        update(sessions)
        .where(
            sessions.c.number == bindparam("of"),
            sessions.c.revision == bindparam("decided_on"),
            sessions.c.fence <= bindparam("of_fence"),
        )
        .values({name: bindparam(f"new_{name}") for name in changing})
    )
    parameters = [f"new_{name}" for name in changing]
    return database.sql(statement, *parameters, "of", "decided_on", "of_fence")


def _delete_of_session(database: Database, table: Table) -> str:
    return database.sql(delete(table).where(table.c.session_number == bindparam("of")), "of")
