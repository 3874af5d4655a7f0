"""Table of the progress of retention."""

from sqlalchemy import BigInteger, Column, DateTime, Table, Text

from store.schema.tables import metadata

__all__ = ["metadata", "retention_marks"]

retention_marks = Table(
    "retention_marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("done_before", DateTime(timezone=True)),
    Column("last_id", BigInteger),
)
