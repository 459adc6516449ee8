"""What is stored does not depend on the settings that an operator gave the database or the role."""

from pathlib import Path

import psycopg
import pytest

from contract.conftest import Opening
from contract.postgres import PostgresServer
from contract.sample import Heard, JsonCodec, creation, message, new_session, said
from greenroomd.app.ports.storage import Selection, Unit
from greenroomd.domain.config import Secret
from greenroomd.domain.session import Session
from greenroomd.store.open_engines import UnsupportedDatabase, require_settings
from greenroomd.store.sql_store import open_store

SPOKEN = ["back\\slash \\x41 \\\\", "it's \\' quoted", "größer 中文 🎭", "tab\tand\nline", "NULL", "{}"]


@pytest.fixture
def database_url(postgres: PostgresServer) -> str:
    """Only PostgreSQL has settings that others can make."""
    return postgres.url(postgres.migrated_database())


@pytest.mark.parametrize(
    "setting",
    [
        "standard_conforming_strings = off",
        "bytea_output = escape",
        "client_encoding = LATIN1",
        "DateStyle = 'German, DMY'",
        "TimeZone = 'Asia/Kathmandu'",
        "backslash_quote = on",
        "array_nulls = off",
    ],
)
async def test_what_was_written_is_read_back(
    opening: Opening, postgres: PostgresServer, database_url: str, heard: Heard, setting: str
) -> None:
    name = database_url.partition("@/")[2].partition("?")[0]
    postgres.execute(f'ALTER DATABASE "{name}" SET {setting}', name)
    created = new_session(display_name=SPOKEN[0], labels={"größe": SPOKEN[2]}, metadata={"said": SPOKEN[1]})
    async with opening() as store:
        session = await store.commit(creation(created, oauth_token=Secret("sk-\\x41'ß")))
        await store.commit(Unit(session=session, events=[message(words) for words in SPOKEN]))
        await store.commit(Unit(session=await store.session(session.session_id), events=[message(SPOKEN[0])]))
    async with opening() as store:  # with nothing in its cache
        assert await store.events(Selection(), after=0, limit=100) == heard.events
        log = await store.events(Selection(), after=1, limit=100)
        assert said([event.record for event in log]) == [*SPOKEN, SPOKEN[0]]
        read: Session = await store.session(session.session_id)
        assert (read.display_name, read.labels, read.metadata) == (
            created.display_name,
            created.labels,
            created.metadata,
        )
        assert await store.oauth_token(session.session_id) == Secret("sk-\\x41'ß")


def test_a_connection_that_does_not_take_our_settings_is_refused(postgres: PostgresServer) -> None:
    with (
        psycopg.connect(
            host=str(postgres.folder),
            user=postgres.user,
            dbname="postgres",
            options="-c standard_conforming_strings=off",
        ) as connection,
        pytest.raises(UnsupportedDatabase, match="standard_conforming_strings is off, not on"),
    ):
        require_settings(connection)


async def test_the_settings_of_the_environment_and_the_url_do_not_count(
    database_url: str, key_file: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    monkeypatch.setenv("PGTZ", "Asia/Kathmandu")
    url = f"{database_url}&options=-cstandard_conforming_strings%3Doff&client_encoding=LATIN1"
    async with open_store(url, key_file=key_file, codec=lambda _: JsonCodec(), announce=heard) as store:
        session = await store.commit(creation(new_session(display_name=SPOKEN[2])))
        await store.commit(Unit(session=session, events=[message(words) for words in SPOKEN]))
        assert await store.events(Selection(), after=0, limit=100) == heard.events
