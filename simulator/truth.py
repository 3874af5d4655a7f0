"""The truth file: what the simulator knows and nobody else may read but an evaluation.

Columns: `kind`, `subject_id`, `as_of` (null where it does not matter), `value`, `label`.

| kind | subject | value | label |
|---|---|---|---|
| no_show | session | true probability that the tutor misses it | |
| churn_30d | tutor, as of each day | true probability of leaving within 30 days | |
| reliability | tutor | hidden unreliability, in log-odds | |
| reason_class | reschedule | | hidden class of the written reason |
| quality | transcript (session) | hidden quality, standard deviations | |
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.dataset import TIME
from simulator.settings import MarketSettings
from simulator.texts import REASONS
from simulator.tutors import Floats, Ints, Tutors, leaving_probability

SCHEMA = pa.schema(
    [("kind", pa.string()), ("subject_id", pa.string()), ("as_of", TIME), ("value", pa.float64()), ("label", pa.string())]
)


def truth_table(
    settings: MarketSettings,
    tutors: Tutors,
    session_ids: pa.ChunkedArray,
    no_show: Floats,
    reschedules: pa.Table,
    reasons: Ints,
    quality: tuple[pa.Array, NDArray[np.float64]],
) -> pa.Table:
    """All true values as one table."""
    tutor, moments, leaving = leaving_probability(settings, tutors)
    names = pa.array([str(reason) for reason in REASONS])
    return pa.concat_tables(
        [
            _part("no_show", session_ids.combine_chunks(), no_show),
            _part("churn_30d", _tutor_ids(tutor), leaving, as_of=pa.array(moments).cast(TIME)),
            _part("reliability", _tutor_ids(np.arange(tutors.n)), tutors.unreliability),
            _part("reason_class", reschedules["reschedule_id"].combine_chunks(), None, label=names.take(pa.array(reasons))),
            _part("quality", *quality),
        ]
    )


def _tutor_ids(codes: Ints) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar("T"), pc.cast(pa.array(codes), pa.string()), "")


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
