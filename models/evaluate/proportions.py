"""Intervals of a share among rows that are not independent, because several belong to one tutor.

Wilson's interval (1927, JASA 22:209) at the effective sample size: rows divided by the design effect, which is the
variance of the share over tutors against that of as many independent rows (Kish 1965, Survey Sampling; in this
combination Dean and Pagano 2015, Journal of Survey Statistics and Methodology 3:484).
"""

import numpy as np

from features.base.array_types import Ints, Values

Z = 1.96


def wilson(share: Values, n: Values) -> tuple[Values, Values]:
    """The 95 % interval (low, high) of shares among n rows, fractions of a row allowed, (shares,) each."""
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # At a share of 0 or 1 rounding can put a bound on the wrong side of it.
    return np.minimum(middle - half, share), np.maximum(middle + half, share)


def effective_size(n: Values, hits: Values, squares: tuple[Values, Values, Values], tutors: Values) -> Values:
    """How many independent rows the rows are worth, (shares,).

    `n` rows and `hits` of each share; `squares` are the sums over tutors of rows², rows x hits and hits²; `tutors` is
    their number. Never more than `n`. Where all rows agree the variance says nothing: a tutor then counts once.
    """
    rows2, cross, hits2 = squares
    share = hits / n
    between = hits2 - 2 * share * cross + share**2 * rows2
    corrected = between * tutors / np.maximum(tutors - 1, 1)
    alone = n * share * (1 - share)
    agree = (alone <= 0) | (between <= 0) | (tutors < 2)
    effect = np.divide(corrected, alone, out=rows2 / n, where=~agree)
    return np.asarray(n / np.maximum(effect, 1))


def clustered_interval(labels: Values, group: Ints, tutors: Ints) -> tuple[Values, Values]:
    """The 95 % interval (low, high), (groups,) each, of every group's share: 0/1 labels, group and tutor (rows,)."""
    _, cell = np.unique(np.stack([group, tutors]), axis=1, return_inverse=True)
    size, hits = _sums(cell, np.ones(labels.size)), _sums(cell, labels)
    owner = np.zeros(size.size, np.int64)
    owner[cell] = group
    squares = (_sums(owner, size**2), _sums(owner, size * hits), _sums(owner, hits**2))
    n, found = _sums(owner, size), _sums(owner, hits)
    return wilson(found / n, effective_size(n, found, squares, _sums(owner, np.ones(owner.size))))


def _sums(place: Ints, values: Values) -> Values:
    return np.bincount(place, values).astype(np.float64)
