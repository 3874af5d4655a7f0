"""Leak checks of attributes by their values in the data, before a model pools rare categories."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.special import betaln

from domain.vocabulary import SessionStatus
from features.as_of.prior_estimation import fit_prior
from features.as_of.queries import of_sessions
from features.base.array_types import Ints, Values
from features.base.dataset import Attribute
from features.base.stream import MICROSECONDS_A_DAY
from features.history.history import MISSING, History
from models.artifact.shared_values import shared_values
from models.examples.rows import data_span
from models.train.leaks import EMPTY_EXPECTED, EMPTY_SHARE, Alarm, decides, gap_alarm

FEWEST_ROWS = 50
"""Least rows of a value that is a group of its own; others are rare."""

NO_VALUE, RARE = 0, 1
"""Codes of the rows without a value, and of those with a rare one."""

DECIDED_SHARE = 0.001
"""An outcome counts as absent among the rows of a value at up to this share of the expected ones."""

MOST_CHANCE = 1e-9
"""Probability above which the lack of an outcome in a group may be chance: a data set has thousands of values."""

DAYS_BEFORE = (1, 2, 3, 4, 5, 6, 7, 14, 28, 56, 84)
"""Days before the end of the data at which open rows are compared: weekdays, months and trends differ between them."""

FEWEST_OPEN, FEWEST_TUTORS, FEWEST_MOMENTS = 30, 10, 4
"""Least open rows and tutors of a moment, and least earlier moments, for a comparison."""

_MOST_ROWS = 100_000
_STALE_DAYS = 7


@dataclass(frozen=True)
class Groups:
    """Rows of an attribute by value: codes (rows,), and the name of each group in words."""

    codes: Ints
    names: tuple[str, ...]


def groups_of(values: pa.Array, tutors: Ints) -> Groups:
    """Group rows by value: without one, with a rare one, and with each that several tutors share, (rows,) each."""
    encoded = values.dictionary_encode()
    place = np.asarray(pc.fill_null(encoded.indices, -1))
    shared = np.asarray(pc.is_in(encoded.dictionary, shared_values(values, tutors)))
    common = shared & (np.bincount(place + 1, minlength=shared.size + 1)[1:] >= FEWEST_ROWS)
    codes = np.append(np.where(common, RARE + np.cumsum(common), RARE), NO_VALUE)  # the last is for -1
    names = (f"the value {value}" for value in encoded.dictionary.filter(pa.array(common)).to_pylist())
    return Groups(codes[place], ("no value", "a rare value", *names))


def outcome_alarms(values: Mapping[Attribute, pa.Array], labels: Values, tutors: Ints) -> Iterator[Alarm]:
    """Yields alarms about attributes whose missing values, rare values or a single value decide the outcome.

    Takes the values, 0/1 labels and tutor codes of the training rows, (rows,) each.
    """
    rows = np.arange(0, labels.size, -(-labels.size // _MOST_ROWS) or 1)
    labels, tutors = labels[rows], tutors[rows]
    for attribute, all_values in values.items():
        groups = groups_of(all_values.take(pa.array(rows)), tutors)
        present = np.where(groups.codes == NO_VALUE, np.nan, 1).astype(np.float32)
        alarm = gap_alarm(attribute.name, present, labels) or decided_alarm(attribute.name, groups, labels, tutors)
        if alarm:
            yield alarm


def decided_alarm(name: str, groups: Groups, labels: Values, tutors: Ints) -> Alarm | None:
    """Returns the alarm about a value, or the rare values, of which all rows have one outcome beyond chance."""
    kinds = np.bincount(2 * groups.codes + (labels > 0), minlength=2 * len(groups.names)).reshape(-1, 2)
    expected = kinds.sum(axis=1, keepdims=True) * kinds.sum(axis=0) / labels.size
    empty = (expected >= EMPTY_EXPECTED) & (kinds <= DECIDED_SHARE * expected)
    empty[NO_VALUE] = False  # see `gap_alarm`
    empty[RARE] = decides(groups.codes == RARE, labels)
    for group, outcome in np.argwhere(empty):
        if chance_of_none(labels == outcome, tutors, groups.codes == group) <= MOST_CHANCE:
            return Alarm(
                name,
                f"decides the outcome: {kinds[group, 1] / kinds[group].sum():.1%} of the rows with "
                f"{groups.names[group]} are positive, {labels.mean():.1%} of all",
            )
    return None


def chance_of_none(outcome: NDArray[np.bool_], tutors: Ints, inside: NDArray[np.bool_]) -> float:
    """Returns the probability that no row inside a group has an outcome, if only tutors differ in its rate: (rows,).

    The rates of tutors follow a beta distribution fitted to all rows, so the rows of one tutor are no independent
    evidence (beta-binomial distribution: Skellam 1948, JRSS B 10:257).
    """
    n, with_outcome = np.bincount(tutors + 1), np.bincount(tutors + 1, outcome)
    prior = fit_prior(with_outcome.astype(np.float64), n.astype(np.float64))
    a, b = prior.rate * prior.strength, (1 - prior.rate) * prior.strength
    within = np.bincount(tutors[inside] + 1).astype(float)
    return float(np.exp((betaln(a, b + within) - betaln(a, b)).sum()))


def later_alarms(history: History) -> Iterator[Alarm]:
    """Yields alarms about session attributes that appear to be written after the query.

    The open rows of the end of the data, whose query has passed and whose outcome is unknown, are compared with the
    rows that were open at earlier moments and have an outcome since. A group of values that was among the latter at
    every moment, and is nearly absent among the former, is written later. Weekdays and other properties of time are
    absent at some earlier moments, too.
    """
    queries, sessions = of_sessions(history.sessions), history.sessions
    end = data_span(history)[1]
    known_at = np.where(sessions.is_in({SessionStatus.BOOKED}), MISSING, sessions.known_at)
    usable = np.flatnonzero((queries.tutor >= 0) & (queries.as_of <= sessions.starts_at))
    times = queries.as_of[usable], sessions.starts_at[usable], known_at[usable]
    now = usable[_open_at(end, *times)]
    before = [usable[_open_at(end - days * MICROSECONDS_A_DAY, *times)] for days in DAYS_BEFORE]
    before = [rows[known_at[rows] != MISSING] for rows in before]
    before = [rows for rows in before if _enough(rows, queries.tutor)]
    if not _enough(now, queries.tutor) or len(before) < FEWEST_MOMENTS:
        return
    rows = np.concatenate([now, *before])
    moment = np.repeat(np.arange(len(before) + 1), [now.size, *(b.size for b in before)])
    for name, values in sessions.attributes.items():
        groups = groups_of(values.take(pa.array(rows)), queries.tutor[rows])
        if alarm := written_later(name, groups, moment):
            yield alarm


def _open_at(moment: int, as_of: Ints, starts_at: Ints, known_at: Ints) -> NDArray[np.bool_]:
    """Returns the rows queried before a moment whose outcome becomes known after it: (rows,)."""
    known_later = (known_at == MISSING) | (known_at > moment)
    return np.asarray((as_of <= moment) & known_later & (starts_at > moment - _STALE_DAYS * MICROSECONDS_A_DAY))


def _enough(rows: Ints, tutors: Ints) -> bool:
    return rows.size >= FEWEST_OPEN and np.unique(tutors[rows]).size >= FEWEST_TUTORS


def written_later(name: str, groups: Groups, moment: Ints) -> Alarm | None:
    """Returns the alarm about values nearly absent in open rows: `moment` (rows,) is 0 there, and above 0 earlier."""
    counts = np.zeros((moment.max() + 1, len(groups.names)))
    np.add.at(counts, (moment, groups.codes), 1)
    n_open, shares = counts[0].sum(), counts / counts.sum(axis=1, keepdims=True)
    present = 1 - shares[:, NO_VALUE]
    for now, before, what in _compared(shares, present, groups.names):
        if n_open * before.min() >= FEWEST_OPEN and now <= EMPTY_SHARE * before.min():
            return Alarm(
                name,
                f"appears to be written after the query: {now:.1%} of the {n_open:,.0f} rows without an outcome yet "
                f"have {what}, and {before.min():.1%} or more of the rows with one",
            )
    return None


def _compared(
    shares: Values, present: Values, names: Sequence[str]
) -> Iterator[tuple[float, NDArray[np.float64], str]]:
    """Yields the share of the open rows, the shares of the earlier moments and the name of each group of values."""
    yield present[0], present[1:], "a value"
    for group, what in enumerate(names):
        yield shares[0, group], shares[1:, group], what
