"""Figures on parts of the test rows, to find groups for which the model is poor."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.vocabulary import AttributeType
from features.as_of.queries import Queries
from features.base.array_types import Ints, Values
from features.base.stream import MICROSECONDS_A_DAY, Stream, StreamView
from features.history.history import MISSING, History
from models.artifact.shared_values import shared_values
from models.evaluate.bootstrap import REPEATS, sample
from models.evaluate.metrics import Slice, figure_of

Names = NDArray[np.str_]

MIN_OUTCOMES = 50
"""Rows of the rarer class below which a slice reports "not enough data"."""

MOST_GROUPS = 8
"""Time zones and categories shown; the rarer ones form one group."""

UNKNOWN, OTHERS = "unknown", "all others"

_TENURE = ((30, "under 30 days"), (90, "30 to 90 days"), (365, "90 days to a year"), (np.inf, "a year or more"))
_LOAD = ((1, "no session in 7 days"), (6, "1 to 5 in 7 days"), (16, "6 to 15 in 7 days"), (np.inf, "over 15 in 7 days"))
_FINISHED = (
    (5, "under 5 sessions"),
    (20, "5 to 19 sessions"),
    (50, "20 to 49 sessions"),
    (np.inf, "50 sessions or more"),
)
_PAIR = ((1, "first of the pair"), (np.inf, "met before"))


def groups_of(history: History, queries: Queries) -> dict[str, Names]:
    """Returns the group of each query by tenure, history, load, time zone, first-time pair and attribute.

    (queries,) each; history is the number of sessions held or missed so far. Pairs and session attributes are included
    only where the queries name sessions.
    """
    groups = {
        "tenure": _tenure(history, queries),
        "history": _finished(history, queries),
        "load": _load(history, queries),
        "time zone": _time_zone(history, queries),
    }
    attributes = {a: history.tutor_attributes()[a.name] for a in history.dataset.feature_attributes("tutors")}
    named = {a.name: _of_tutor(values, queries.tutor) for a, values in attributes.items() if _categorical(a.type)}
    if queries.session is not None:
        groups["pair"] = _first_pair(history, queries, queries.session.pair)
        sessions = history.dataset.feature_attributes("sessions")
        named |= {a.name: queries.session.attributes[a.name] for a in sessions if _categorical(a.type)}
    return groups | {name: _largest(_shared(values, queries.tutor)) for name, values in named.items()}


def _categorical(kind: AttributeType) -> bool:
    return kind is AttributeType.CATEGORICAL


def _tenure(history: History, queries: Queries) -> Names:
    started = np.append(history.started_at, MISSING)[queries.tutor]  # -1, an unknown tutor, reads the last
    known = (started != MISSING) & (started <= queries.as_of)
    days = (queries.as_of - np.where(known, started, queries.as_of)) / MICROSECONDS_A_DAY
    return np.where(known, _binned(days, _TENURE), UNKNOWN)


def _finished(history: History, queries: Queries) -> Names:
    return _binned(StreamView(history.outcomes, queries.tutor, queries.as_of).total("labelled"), _FINISHED)


def _load(history: History, queries: Queries) -> Names:
    return _binned(_count(history.outcomes, queries.tutor, queries, days=7), _LOAD)


def _first_pair(history: History, queries: Queries, pair: Ints) -> Names:
    return np.where(pair >= 0, _binned(_count(history.pair_outcomes, pair, queries), _PAIR), UNKNOWN)


def _count(stream: Stream, owners: Ints, queries: Queries, days: int | None = None) -> Values:
    return StreamView(stream, owners, queries.as_of).count(days)


def _binned(values: Values, bins: Sequence[tuple[float, str]]) -> Names:
    """Returns the name of the first bin whose end is above each value: (values,)."""
    ends, names = np.array([end for end, _ in bins]), np.array([name for _, name in bins])
    return np.asarray(names[np.searchsorted(ends, values, side="right")])


def _time_zone(history: History, queries: Queries) -> Names:
    return _largest(_of_tutor(history.dataset.tables["tutors"]["timezone"], queries.tutor))


def _of_tutor(values: pa.Array | pa.ChunkedArray, tutor: Ints) -> pa.Array | pa.ChunkedArray:
    return values.take(pa.array(tutor, mask=tutor < 0))


def _shared(values: pa.Array | pa.ChunkedArray, tutors: Ints) -> pa.Array | pa.ChunkedArray:
    """Replace values shared by too few tutors with OTHERS, because evaluations and cards name their groups."""
    identifying = pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, shared_values(values, tutors))))
    return pc.if_else(identifying, OTHERS, values)


def _largest(values: pa.Array | pa.ChunkedArray) -> Names:
    """Replace all but the most frequent names with OTHERS: (values,)."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    codes = pc.fill_null(values, UNKNOWN).dictionary_encode()
    names, places = np.array(codes.dictionary.to_pylist(), dtype=np.str_), codes.indices.to_numpy()
    rarest_first = np.argsort(np.bincount(places, minlength=names.size), kind="stable")
    kept = np.isin(np.arange(names.size), rarest_first[-MOST_GROUPS:])
    return np.asarray(np.where(kept, names, OTHERS)[places] if names.size else np.zeros(0, np.str_))


def slice_figures(
    groups: Mapping[str, Names], labels: Values, scores: Values, tutors: Ints, seed: int, repeats: int = REPEATS
) -> tuple[Slice, ...]:
    """Returns the figures of every group of every division; a division with one group is left out.

    Takes group names by division, 0/1 labels, probabilities and tutor codes, (rows,) each.
    """
    divided = {by: sorted(set(names.tolist())) for by, names in groups.items()}
    return tuple(
        _slice(by, group, groups[by] == group, labels, scores, tutors, seed, repeats)
        for by, names in divided.items()
        if len(names) > 1
        for group in names
    )


def _slice(
    by: str, group: str, rows: NDArray[np.bool_], labels: Values, scores: Values, tutors: Ints, seed: int, repeats: int
) -> Slice:
    n, positives = int(rows.sum()), int(labels[rows].sum())
    if min(positives, n - positives) < MIN_OUTCOMES:
        return Slice(by, group, n, positives)
    sampled = sample(labels[rows], scores[rows], tutors[rows], seed, repeats)
    return Slice(by, group, n, positives, figure_of(sampled, "roc_auc"), figure_of(sampled, "ece"))


def worst(slices: Sequence[Slice]) -> Slice | None:
    """Returns the slice with the lowest ROC AUC among those with enough outcomes; None where there is none."""
    measured = [(part.roc_auc.value, part) for part in slices if part.roc_auc is not None]
    return min(measured, key=lambda pair: pair[0])[1] if measured else None
