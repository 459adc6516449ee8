"""OAuth tokens: given back to who asks, unreadable to who only has the database."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from contract.conftest import Opening
from contract.sample import creation, message, new_session
from greenroomd.app.ports.storage import Store, Unit
from greenroomd.domain.config import Secret
from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.store.secrets import KeyFileUnusable, open_keyring

TOKEN = "sk-ant-oat01-very-secret"


async def test_a_token_is_given_back(store: Store) -> None:
    session = await store.commit(creation(new_session(), oauth_token=Secret(TOKEN)))
    assert await store.oauth_token(session.session_id) == Secret(TOKEN)
    await store.commit(Unit(session=session, events=[message()], oauth_token=Secret("newer")))
    assert await store.oauth_token(session.session_id) == Secret("newer")


async def test_there_may_be_none(store: Store) -> None:
    session = await store.commit(creation(new_session()))
    assert await store.oauth_token(session.session_id) is None
    assert await store.oauth_token("nobody") is None


async def test_the_database_alone_does_not_tell_it(
    opening: Opening, database_url: str, tmp_path: Path
) -> None:
    async with opening() as store:
        await store.commit(creation(new_session(), oauth_token=Secret(TOKEN)))
    engine = create_engine(database_url)
    with engine.connect() as connection:
        [(sealed,)] = connection.execute(text("SELECT sealed FROM secrets"))
    engine.dispose()
    assert TOKEN.encode() not in sealed
    for file in tmp_path.iterdir():
        assert TOKEN.encode() not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0, f"{file.name} is open to others"


async def test_a_lost_key_file_is_told_at_the_start(opening: Opening, key_file: Path) -> None:
    async with opening() as store:
        await store.commit(creation(new_session(), oauth_token=Secret(TOKEN)))
    key_file.rename(key_file.with_suffix(".away"))
    with pytest.raises(KeyFileUnusable, match="is missing"):
        async with opening():
            pass
    assert not key_file.exists()  # a new one would only hide the loss


async def test_another_key_file_is_told_at_the_start(opening: Opening, key_file: Path) -> None:
    async with opening() as store:
        await store.commit(creation(new_session(), oauth_token=Secret(TOKEN)))
    other = key_file.with_suffix(".other")
    open_keyring(other)
    with pytest.raises(KeyFileUnusable, match="does not hold key"):
        async with opening(key_file=other):
            pass


async def test_a_token_moved_to_another_session_does_not_open(store: Store, database_url: str) -> None:
    one = await store.commit(creation(new_session(), oauth_token=Secret(TOKEN)))
    two = await store.commit(creation(new_session()))
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE secrets SET session_number = {two.revision}"))
    engine.dispose()
    with pytest.raises(StoreUnavailable, match="altered"):
        await store.oauth_token(two.session_id)
    assert await store.oauth_token(one.session_id) is None
