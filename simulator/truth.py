"""Truth file of the simulator, to be read by evaluations only.

Rows cover only tutors and sessions in the data.

Columns: `kind`, `subject_id`, `as_of` (null where it does not matter), `value`, `label`.

| kind | subject | value | label |
|---|---|---|---|
| no_show | session | true probability that the tutor misses it | |
| churn_30d | tutor, as of each day | true probability of leaving within 30 days | |
| reliability | tutor | hidden reliability: log-odds by which the tutor's no-shows are rarer | |
| commitment | tutor | hidden commitment, standard deviations | |
| reason_class | reschedule | | hidden class of the written reason |
| quality | transcript (session) | hidden quality, standard deviations | |
| contact_effect | session (`simulator.contacts`) | share of its no-shows that a contact prevents | |
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.base.dataset import TIME
from simulator.settings import MarketSettings, microseconds
from simulator.texts import REASONS
from simulator.tutors import Floats, Ints, Tutors, leaving_probability

SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("subject_id", pa.string()),
        ("as_of", TIME),
        ("value", pa.float64()),
        ("label", pa.string()),
    ]
)


def truth_table(
    settings: MarketSettings,
    tutors: Tutors,
    no_show: Floats,
    tables: Mapping[str, pa.Table],
    reasons: Ints,
    quality: Floats,
) -> pa.Table:
    """All true values in one table; `no_show`, `reasons`, `quality` by row of sessions, reschedules, transcripts."""
    tutor, moments, leaving = leaving_probability(settings, tutors)
    here = np.flatnonzero(tutors.started_at < microseconds(settings.end))
    people = _tutor_ids(here)
    names = pa.array([str(reason) for reason in REASONS])
    return pa.concat_tables(
        [
            _part("no_show", _ids(tables, "sessions", "session_id"), no_show),
            _part("churn_30d", _tutor_ids(tutor), leaving, as_of=pa.array(moments).cast(TIME)),
            _part("reliability", people, -tutors.unreliability[here]),
            _part("commitment", people, tutors.commitment[here]),
            _part(
                "reason_class", _ids(tables, "reschedules", "reschedule_id"), None, label=names.take(pa.array(reasons))
            ),
            _part("quality", _ids(tables, "transcripts", "session_id"), quality),
        ]
    )


def _ids(tables: Mapping[str, pa.Table], kind: str, key: str) -> pa.Array:
    return tables[kind][key].combine_chunks()


def _tutor_ids(codes: Ints) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar("tutor-"), pc.cast(pa.array(codes), pa.string()), "")


def _part(
    kind: str, subjects: pa.Array, values: Floats | None, as_of: pa.Array | None = None, label: pa.Array | None = None
) -> pa.Table:
    n = len(subjects)
    columns = [
        pa.repeat(pa.scalar(kind), n),
        subjects,
        pa.nulls(n, TIME) if as_of is None else as_of,
        pa.nulls(n, pa.float64()) if values is None else pa.array(values),
        pa.nulls(n, pa.string()) if label is None else label,
    ]
    return pa.table(columns, schema=SCHEMA)
