"""Alembic's entry point: runs the migrations on the connection and in the transaction of `schema.upgrade`."""

from alembic import context

from greenroomd.store.schema.partial_indexes import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite can hardly alter a table, so Alembic creates it again
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
