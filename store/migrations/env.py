"""Alembic environment: migrations run in the transaction of the connection passed to it."""

from alembic import context

from store.schema.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
