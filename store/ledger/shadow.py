"""Shadow scores of challengers, which are not shown, and their comparisons with the champion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, insert, select, text

from domain.scores import Score
from domain.vocabulary import ScoreKind
from store.db.engine import reading, writing
from store.facts.tombstones import without_erased
from store.schema.tables import model_comparisons, shadow_scores

_KEPT = frozenset({"subject_kind", "subject_id", "kind", "value", "model_version", "as_of"})

# One pair per session, the first that both scored; one per tutor and week, as outcomes of closer moments overlap.
_PAIRS = text("""
    WITH scored AS (
        SELECT
            shadow.subject_id, shadow.as_of, shadow.value AS challenger, shown.value AS champion,
            CASE WHEN shadow.subject_kind = 'tutor' THEN date_trunc('week', shadow.as_of) END AS week,
            shadow.id AS shadow_id, shown.id AS shown_id
        FROM shadow_scores AS shadow
        JOIN scores AS shown USING (subject_kind, subject_id, kind, as_of)
        WHERE shadow.kind = :kind AND shadow.model_version = :challenger AND shown.model_version = :champion
    )
    SELECT DISTINCT ON (subject_id, week) subject_id, as_of, challenger, champion
    FROM scored ORDER BY subject_id, week, as_of, shadow_id, shown_id
""")


@dataclass(frozen=True)
class Pair:
    """Probabilities of challenger and champion for one subject at one moment."""

    subject_id: str
    as_of: datetime
    challenger: float
    champion: float


@dataclass(frozen=True)
class ShadowComparison:
    """Comparison of a challenger with the champion, with the gate's decision."""

    name: str
    challenger: str
    champion: str
    decision: Mapping[str, Any]
    at: datetime


def save_shadow_scores(engine: Engine, scores: Sequence[Score]) -> None:
    """Append a challenger's scores, all or none. Raises DatabaseUnavailable."""
    if scores:
        with writing(engine) as connection:
            kept = [score.model_dump(include=set(_KEPT)) for score in without_erased(connection, scores)]
            if kept:
                connection.execute(insert(shadow_scores), kept)


def pairs(engine: Engine, kind: ScoreKind, challenger: str, champion: str) -> list[Pair]:
    """Scores of both versions for the same subjects and moments: one pair per session, or per tutor and week."""
    values = {"kind": kind, "challenger": challenger, "champion": champion}
    with reading(engine) as connection:
        return [Pair(*row) for row in connection.execute(_PAIRS, values)]


def record_comparison(engine: Engine, comparison: ShadowComparison) -> None:
    """Append a comparison. Raises DatabaseUnavailable."""
    row = {name: getattr(comparison, name) for name in ShadowComparison.__dataclass_fields__}
    with writing(engine) as connection:
        connection.execute(insert(model_comparisons).values(row | {"decision": dict(comparison.decision)}))


def comparisons(engine: Engine, name: str) -> list[ShadowComparison]:
    """All comparisons of a task, oldest first."""
    columns = [model_comparisons.c[field] for field in ShadowComparison.__dataclass_fields__]
    query = select(*columns).where(model_comparisons.c.name == name).order_by(model_comparisons.c.id)
    with reading(engine) as connection:
        return [ShadowComparison(*row) for row in connection.execute(query)]
