"""Runs the migrations. In its own file, because importing Alembic takes 0.25 s and most starts need no migration."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection


class UnknownMigration(Exception):
    """The database has a migration that this version does not know."""


def migrate(connection: Connection, to: str = "head") -> None:
    """Migrate a database to this version, or an older one, in the connection's transaction; raises UnknownMigration."""
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise UnknownMigration(str(error)) from error


def newest() -> str:
    """Return the name of the last migration."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "greenroomd.store:migrations")
    return config
