"""Loading of a dataset in one transaction: new rows and changed fields only."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import reduce

import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Engine, Table, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import AddConstraint, CreateIndex, DropConstraint, DropIndex

from domain.errors import InvalidDataset
from domain.policy import Principal, Role
from domain.schema import KINDS
from features.base.dataset import TIME, Dataset, Export, complete_export
from store.db.copying import as_rows, copy_in
from store.db.engine import answering, reading, writing
from store.facts import attributes as stored_attributes
from store.facts import merging
from store.facts.erasure import erase_again
from store.facts.load_summary import KindSummary, LoadSummary
from store.facts.lock import hold_facts
from store.facts.merge_incoming import Incoming
from store.facts.tombstones import buried
from store.schema.inbox import inbox
from store.schema.tables import dataset_facts, metadata

_IMPORT = Principal("import", Role.INGEST)
# All tutors: a new attribute is part of every tutor's history.
_STAMP = text("UPDATE tutors SET history_stamp = gen_random_uuid()")
_ANY_ERASED = text("SELECT EXISTS (SELECT FROM erased_ids)")
_ERASABLE = {"tutors": "tutor", "students": "student"}


def load(engine: Engine, dataset: Dataset, export: Export | None = None) -> LoadSummary:
    """Load a dataset in one transaction: insert new rows, update stored rows that differ.

    Only the fields in the export change in a stored row; without `export`, all fields. A row about which events were
    applied changes only if the export is declared to be later. Raises InvalidDataset if a row violates a rule of the
    schema (nothing is loaded then), DatabaseUnavailable.
    """
    export = export or complete_export()
    try:
        with writing(engine) as connection:
            # One load at a time: two could each miss the other's rows.
            hold_facts(connection)
            defined = stored_attributes.define(connection, dataset.attributes)
            facts_changed = _store_facts(connection, dataset, export)
            summary = LoadSummary(_each_kind(connection, dataset, export, _load_kind))
            if defined or facts_changed or summary.new or summary.changed:
                connection.execute(_STAMP)
            erase_again(connection, _IMPORT)
            return summary
    except (psycopg2.Error, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, psycopg2.IntegrityError | psycopg2.DataError):
            raise
        raise InvalidDataset(f"{_in_words(cause)} Nothing was loaded.") from error


def compare(engine: Engine, dataset: Dataset, export: Export | None = None) -> LoadSummary:
    """Count what `load` would change, in one snapshot. Writes temporary tables only, and takes no lock of `load`.

    Raises InvalidDataset for an attribute stored with another type, DatabaseUnavailable.
    """
    with answering(engine), engine.connect() as connection:
        snapshot = connection.execution_options(isolation_level="REPEATABLE READ")
        with snapshot.begin() as transaction:
            stored_attributes.check_types(snapshot, dataset.attributes)
            kinds = _each_kind(snapshot, dataset, export or complete_export(), _compare_kind)
            transaction.rollback()
            return LoadSummary(kinds)


def _store_facts(connection: Connection, dataset: Dataset, export: Export) -> bool:
    """Store whether departures are supplied, and what the dataset file declares. Returns whether any of it changed.

    A file without departures does not concern stored ones: only the first import records that there are none. A file
    that declares nothing does not concern stored declarations.
    """
    first = not _has_rows(connection, "tutors") and dataset.tables["tutors"].num_rows
    gives = dataset.departures_given and bool(export.fields["tutors"])
    if not first and not gives and dataset.histories is None and dataset.asked is None:
        return False
    histories = None if dataset.histories is None else [list(group) for group in dataset.histories]
    given = dataset.departures_given if first or gives else True  # as when nothing is stored
    row = insert(dataset_facts).values(single=True, departures_given=given, histories=histories, asked=dataset.asked)
    stored, new = dataset_facts.c, row.excluded
    changed = {
        "departures_given": stored.departures_given | literal(gives),
        "histories": func.coalesce(new.histories, stored.histories),
        "asked": func.coalesce(new.asked, stored.asked),
    }
    differs = or_(*(stored[name].is_distinct_from(value) for name, value in changed.items()))
    update = row.on_conflict_do_update(index_elements=["single"], set_=changed, where=differs)
    return connection.execute(update).rowcount == 1


def _each_kind(
    connection: Connection,
    dataset: Dataset,
    export: Export,
    act: Callable[[Connection, Incoming], KindSummary],
) -> dict[str, KindSummary]:
    """Apply `act` to the rows of each kind, except rows about erased tutors and students, which are counted."""
    kept = without_erased(dataset, {kind: _erased(connection, dataset, about) for kind, about in _ERASABLE.items()})
    summaries = {}
    for kind, table in kept.items():
        names = tuple(a.name for a in dataset.attributes if a.kind == kind)
        rows = as_rows(kind, table, dataset.attributes)
        incoming = Incoming(kind, rows, export.fields[kind], names, export.exported_at)
        summary = act(connection, incoming) if rows.num_rows else KindSummary()
        summaries[kind] = replace(summary, erased=dataset.tables[kind].num_rows - rows.num_rows)
    return summaries


def _erased(connection: Connection, dataset: Dataset, about: str) -> frozenset[str]:
    """Ids of erased people named in a dataset."""
    if not connection.execute(_ANY_ERASED).scalar_one():
        return frozenset()
    columns = (table[f"{about}_id"] for table in dataset.tables.values() if f"{about}_id" in table.column_names)
    ids = {each for column in columns for each in pc.drop_null(pc.unique(column)).to_pylist()}
    return frozenset(key[1] for key in buried(connection, ((about, each) for each in ids)))


def without_erased(dataset: Dataset, erased: Mapping[str, Collection[str]]) -> dict[str, pa.Table]:
    """The tables without rows about erased tutors or students, and without rows that refer to such a row."""
    gone = {kind: pa.array(sorted(ids), pa.string()) for kind, ids in erased.items()}
    if not any(map(len, gone.values())):
        return dict(dataset.tables)
    kept = {}
    for kind, table in dataset.tables.items():
        fields = KINDS[kind].fields
        names = {f.name: f.refers_to for f in fields if f.refers_to} | ({KINDS[kind].key: kind} if kind in gone else {})
        about = [pc.is_in(table[name], value_set=gone[other]) for name, other in names.items() if len(gone[other])]
        mask = reduce(pc.or_, about) if about else pa.chunked_array([pa.repeat(False, table.num_rows)])
        gone[kind] = gone.get(kind, pa.array([], pa.string()))
        if kind == "sessions":
            gone[kind] = table[KINDS[kind].key].filter(mask).combine_chunks()
        kept[kind] = table.filter(pc.invert(mask))
    return kept


def _has_rows(connection: Connection, kind: str) -> bool:
    return connection.execute(select(metadata.tables[kind]).limit(1)).first() is not None


def _compare_kind(connection: Connection, incoming: Incoming) -> KindSummary:
    if not _has_rows(connection, incoming.kind):
        return _all_new(incoming)
    summary = merging.compare(connection, incoming)
    merging.drop(connection)
    return summary


def _load_kind(connection: Connection, incoming: Incoming) -> KindSummary:
    if _has_rows(connection, incoming.kind):
        summary = merging.compare(connection, incoming)
        merging.write(connection, incoming, summary)
        merging.drop(connection)
    else:
        _fill(connection, incoming)
        summary = _all_new(incoming)
    if summary.new + summary.changed > summary.unchanged:
        # otherwise the planner would assume an empty table for minutes
        connection.execute(text(f"ANALYZE {incoming.kind}"))
    return summary


def _all_new(incoming: Incoming) -> KindSummary:
    keys = tuple(incoming.rows[incoming.key].slice(0, 3).to_pylist())
    return KindSummary(new=incoming.rows.num_rows, examples={"new": keys})


def _fill(connection: Connection, incoming: Incoming) -> None:
    """Copy rows into an empty table."""
    rows = incoming.rows
    for name in incoming.moments:
        moment = pa.scalar(incoming.exported_at, TIME)
        rows = rows.append_column(name, pa.repeat(moment, rows.num_rows))
    with _without_indexes(connection, metadata.tables[incoming.kind]):
        copy_in(connection, incoming.kind, rows)


@contextmanager
def _without_indexes(connection: Connection, table: Table) -> Iterator[None]:
    """Check foreign keys and build indexes once at the end, a third faster than per row. For an empty table."""
    for constraint in table.foreign_key_constraints:
        connection.execute(DropConstraint(constraint, isolate_from_table=False))
    for index in table.indexes:
        connection.execute(DropIndex(index))
    yield
    for index in table.indexes:
        connection.execute(CreateIndex(index))
    for constraint in table.foreign_key_constraints:
        connection.execute(AddConstraint(constraint, isolate_from_table=False))


def _in_words(error: psycopg2.Error) -> str:
    where = f"{error.diag.table_name or 'dataset'}: {error.diag.message_primary}."
    return f"{where} {error.diag.message_detail}" if error.diag.message_detail else where


def record_import(
    engine: Engine,
    source: str,
    fingerprints: Mapping[str, str],
    summary: LoadSummary,
    now: datetime,
    rejected: int = 0,
) -> bool:
    """Record an import in the inbox: its source, the fingerprint of each file, and the counts.

    The fingerprints are the key: importing the same files again adds no row and returns False.
    """
    key = hashlib.sha256(json.dumps([source, sorted(fingerprints.items())]).encode()).hexdigest()
    counts = {kind: counted.counts() for kind, counted in summary.kinds.items()}
    body = {"files": dict(fingerprints), "loaded": counts, "rejected": rejected}
    row = insert(inbox).values(source=source, key=f"import:{key}", body=body, received_at=now, processed_at=now)
    with writing(engine) as connection:
        return connection.execute(row.on_conflict_do_nothing(index_elements=["key"])).rowcount == 1


def row_counts(engine: Engine) -> dict[str, int]:
    """Number of rows by kind. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return {k: connection.execute(select(func.count()).select_from(metadata.tables[k])).scalar_one() for k in KINDS}
