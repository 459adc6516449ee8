"""What Alembic runs: the steps, on the connection and in the transaction that `schema.upgrade` hands over."""

from alembic import context

from greenroomd.store.schema.partial_indexes import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite can hardly alter a table; Alembic makes it anew instead
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
