"""Definitions of attributes: columns added by customers, with their type."""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from domain.errors import InvalidDataset
from domain.vocabulary import AttributeType
from features.base.dataset import Attribute
from store.db.engine import reading
from store.schema.tables import attribute_definitions


def defined(connection: Connection) -> tuple[Attribute, ...]:
    """All attributes, in order of definition."""
    rows = connection.execute(select(attribute_definitions).order_by(attribute_definitions.c.position))
    return tuple(Attribute(row.kind, row.name, AttributeType(row.type), row.late, row.known_when_asked) for row in rows)


def types_of_sessions(engine: Engine) -> dict[str, AttributeType]:
    """Types of the attributes of sessions, by name. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return {attribute.name: attribute.type for attribute in defined(connection) if attribute.kind == "sessions"}


def define(connection: Connection, attributes: Sequence[Attribute]) -> bool:
    """Append new attributes, and update what is declared about existing ones. Returns whether any changed.

    Raises InvalidDataset for an attribute stored with another type: its rows could no longer be read.
    """
    check_types(connection, attributes)
    stored = defined(connection)
    news = [attribute for attribute in attributes if attribute not in stored]
    for attribute in news:
        row = insert(attribute_definitions).values(
            kind=attribute.kind,
            name=attribute.name,
            type=attribute.type,
            late=attribute.late,
            known_when_asked=attribute.known_when_asked,
            position=select(func.coalesce(func.max(attribute_definitions.c.position) + 1, 0)).scalar_subquery(),
        )
        declared = {name: row.excluded[name] for name in ("late", "known_when_asked")}
        connection.execute(row.on_conflict_do_update(index_elements=["kind", "name"], set_=declared))
    return bool(news)


def check_types(connection: Connection, attributes: Sequence[Attribute]) -> None:
    """Raise InvalidDataset for an attribute that is stored with another type."""
    for attribute in attributes:
        _refuse_other_type(connection, attribute)


def _refuse_other_type(connection: Connection, attribute: Attribute) -> None:
    key = tuple_(attribute_definitions.c.kind, attribute_definitions.c.name)
    found = select(attribute_definitions.c.type).where(key == (attribute.kind, attribute.name))
    stored = connection.execute(found).scalar()
    if stored not in (None, attribute.type):
        raise InvalidDataset(
            f"{attribute.kind}.{attribute.column}: already stored as {stored}, here {attribute.type}. "
            "Give it another name, or the same type."
        )
