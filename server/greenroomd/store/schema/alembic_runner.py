"""Runs the migrations. Apart from schema.py, because Alembic takes a quarter of a second to import, and most starts
find the database as it should be.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from greenroomd.store.schema.upgrade import SchemaTooNew


def migrate(connection: Connection) -> None:
    """Bring a database up to this version within the connection's transaction; raises SchemaTooNew."""
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise SchemaTooNew(f"the database is newer than this version of Greenroom: {error}") from error


def newest() -> str:
    """Return the name of the last migration."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "greenroomd.store:migrations")
    return config
