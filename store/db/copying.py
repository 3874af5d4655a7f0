"""Copying of Arrow tables to PostgreSQL as CSV, and of query results to Arrow as binary, through COPY.

Text is always quoted and null never is, so empty text and null differ; doubles are written in the shortest digits that
parse to the same bits.
"""

import json
from collections.abc import Sequence
from functools import cache
from io import BytesIO, RawIOBase
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql
from pyarrow import csv
from sqlalchemy import Connection

from domain.vocabulary import AttributeType
from features.base.dataset import ATTRIBUTE_PREFIX, Attribute, arrow_schema
from store.db.binary_copy import table_of
from store.schema.tables import WITH_ATTRIBUTES, metadata

_ROWS_AT_ONCE = 50_000
_BYTES_AT_ONCE = 1 << 18
_WRITE = csv.WriteOptions(include_header=False, quoting_style="all_valid")
_TYPE_IN_SQL = {AttributeType.NUMERIC: "double precision", AttributeType.CATEGORICAL: "text"}


class _CsvStream(RawIOBase):
    """A table as a stream of CSV for COPY, produced in chunks of rows to limit memory."""

    def __init__(self, table: pa.Table) -> None:
        self._batches = iter(table.to_batches(max_chunksize=_ROWS_AT_ONCE))
        self._chunk = pa.BufferReader(b"")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; none at the end."""
        while not (data := self._chunk.read(size)):
            batch = next(self._batches, None)
            if batch is None:
                return b""
            sink = pa.BufferOutputStream()
            csv.write_csv(batch, sink, _WRITE)
            self._chunk = pa.BufferReader(sink.getvalue())
        return bytes(data)


def identifiers(names: Sequence[str]) -> sql.Composed:
    """Names as a quoted, comma-separated list."""
    return sql.SQL(", ").join(map(sql.Identifier, names))


def cursor_of(connection: Connection) -> Any:
    """A psycopg2 cursor in the connection's transaction, as SQLAlchemy has no COPY."""
    return connection.connection.cursor()


def copy_in(connection: Connection, table: str, rows: pa.Table) -> None:
    """Append rows to a table (or temporary table) through COPY; the columns are those of `rows`."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(table), identifiers(rows.column_names)
    )
    with cursor_of(connection) as cursor:
        cursor.copy_expert(statement, _CsvStream(rows), size=_BYTES_AT_ONCE)


def copy_out(connection: Connection, query: sql.Composable, schema: pa.Schema) -> pa.Table:
    """Rows of a query, through COPY, in the columns and types of `schema`."""
    with cursor_of(connection) as cursor, BytesIO() as buffer:
        cursor.copy_expert(sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(query), buffer)
        return table_of(np.frombuffer(buffer.getvalue(), np.uint8), schema)


def as_rows(kind: str, table: pa.Table, attributes: Sequence[Attribute]) -> pa.Table:
    """A kind's Arrow table in the columns of its database table, with attributes as one JSON object per row."""
    own = [a for a in attributes if a.kind == kind]
    rows = table.drop_columns([a.column for a in own])
    return rows.append_column("attributes", _json_objects(table, own)) if kind in WITH_ATTRIBUTES else rows


def _json_objects(table: pa.Table, attributes: Sequence[Attribute]) -> pa.Array:
    if not attributes:
        return pa.array(["{}"] * table.num_rows, pa.string())
    members = [_json_members(table[a.column].combine_chunks(), a) for a in attributes]
    # Not null_handling="skip": it turns an array of only nulls into an empty one (pyarrow 25).
    inside = pc.binary_join_element_wise(*(pc.fill_null(member, "") for member in members), "")
    return pc.binary_join_element_wise("{", pc.utf8_ltrim(inside, ","), "}", "")


def _json_members(column: pa.Array, attribute: Attribute) -> pa.Array:
    """`,"name":value` for each row, null where the value is null or not finite, which JSON cannot express."""
    name = f",{json.dumps(attribute.name)}:"
    if attribute.type is AttributeType.NUMERIC:
        finite = pc.if_else(pc.is_finite(column), column, pa.scalar(None, pa.float64()))
        return pc.binary_join_element_wise(name, finite.cast(pa.string()), "")
    words = column.dictionary_encode()  # quote each category once
    quoted = pa.array([json.dumps(word, ensure_ascii=False) for word in words.dictionary.to_pylist()], pa.string())
    return pc.binary_join_element_wise(name, quoted.take(words.indices), "")


@cache
def select_list(kind: str, attributes: tuple[Attribute, ...]) -> str:
    """Select list on a kind's table, aliased `t`, that returns the columns of its Arrow table."""
    fields = [name for name in arrow_schema(kind).names if name in metadata.tables[kind].columns]
    own = [
        f"(t.attributes ->> {_literal(a.name)})::{_TYPE_IN_SQL[a.type]} AS {_quoted(ATTRIBUTE_PREFIX + a.name)}"
        for a in attributes
        if a.kind == kind
    ]
    return ", ".join([f"t.{_quoted(name)}" for name in fields] + own)


def _quoted(name: str) -> str:
    """Quoted SQL name. psycopg2 needs a connection to quote, so its result could not be cached."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
