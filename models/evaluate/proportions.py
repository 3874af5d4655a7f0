"""Confidence intervals of a share among rows clustered by tutor.

Wilson's interval (1927, JASA 22:209) at the effective sample size: rows divided by the design effect, which is the
variance of the share over tutors divided by that of as many independent rows (Kish 1965, Survey Sampling; in this
combination Dean and Pagano 2015, Journal of Survey Statistics and Methodology 3:484).
"""

import numpy as np

from features.base.array_types import Ints, Values

Z = 1.96


def wilson(share: Values, n: Values) -> tuple[Values, Values]:
    """Returns the 95 % interval (low, high) of shares among n rows, (shares,) each; n may be fractional."""
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # At a share of 0 or 1 rounding can put a bound on the wrong side of it.
    return np.minimum(middle - half, share), np.maximum(middle + half, share)


def effective_size(n: Values, hits: Values, squares: tuple[Values, Values, Values], tutors: Values) -> Values:
    """Returns the effective number of independent rows, (shares,), at most `n`.

    `n` is the number of rows and `hits` that of positive rows of each share; `squares` are the sums over tutors of
    rows², rows x hits and hits²; `tutors` is the number of tutors. Where all rows agree the variance carries no
    information, and each tutor counts once.
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
    """Returns the 95 % interval (low, high) of each group's share, (groups,) each.

    Takes 0/1 labels, group codes and tutor codes, (rows,) each.
    """
    _, cell = np.unique(np.stack([group, tutors]), axis=1, return_inverse=True)
    size, hits = _sums(cell, np.ones(labels.size)), _sums(cell, labels)
    owner = np.zeros(size.size, np.int64)
    owner[cell] = group
    squares = (_sums(owner, size**2), _sums(owner, size * hits), _sums(owner, hits**2))
    n, positives = _sums(owner, size), _sums(owner, hits)
    return wilson(positives / n, effective_size(n, positives, squares, _sums(owner, np.ones(owner.size))))


def _sums(place: Ints, values: Values) -> Values:
    return np.bincount(place, values).astype(np.float64)
