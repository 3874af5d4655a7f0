"""The rules of `domain.rules` applied to whole columns."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.rules import BLANK, EARLIEST, EARLY_OUTCOME, END, OUT_OF_YEARS, Range, TextRule
from domain.schema import Field, FieldType
from domain.vocabulary import SessionStatus
from features.base.dataset import TIME
from importing.files.parsing import is_true
from importing.rows.rejects import Mask

_KNOWN_BEFORE = pa.array([SessionStatus.BOOKED.value, SessionStatus.CANCELLED.value], pa.string())


def broken(field: Field, values: pa.ChunkedArray) -> Iterator[tuple[Mask, str]]:
    """Rows whose value breaks the field's rule, with the reason; empty values break no rule."""
    if field.within is not None:
        yield _outside(values, field.within), field.within.sentence
    if field.type is FieldType.TIME:
        yield _out_of_years(values), OUT_OF_YEARS
    if field.rule is not None:
        yield from broken_text(field.rule, values)


def broken_text(rule: TextRule, text: pa.ChunkedArray) -> Iterator[tuple[Mask, str]]:
    """Rows whose text breaks a text rule, with the reason."""
    yield is_true(pc.match_substring_regex(text, f"[{rule.forbidden}]")), rule.detail
    if rule.longest is not None:
        yield is_true(pc.greater(pc.utf8_length(text), rule.longest)), rule.too_long
    if rule.refused:
        yield is_true(pc.is_in(text, value_set=pa.array(rule.refused, pa.string()))), rule.refused_detail
    if rule.shortest:
        yield is_true(pc.utf8_is_space(text)), BLANK


def too_early(status: pa.ChunkedArray, known_at: pa.ChunkedArray, starts_at: pa.ChunkedArray) -> Mask:
    """Rows whose outcome, other than a cancellation, is known too early before the session's start."""
    decided = pc.invert(pc.is_in(status, value_set=_KNOWN_BEFORE))
    earliest = pc.subtract(starts_at, pa.scalar(EARLY_OUTCOME, pa.duration("us")))
    return is_true(pc.and_(decided, pc.less(known_at, earliest)))


def _outside(numbers: pa.ChunkedArray, within: Range) -> Mask:
    values = np.asarray(pc.fill_null(numbers, within.low), np.float64)
    return (values < within.low) | (values > within.high)


def _out_of_years(times: pa.ChunkedArray) -> Mask:
    first, end = (pa.scalar(moment, TIME) for moment in (EARLIEST, END))
    return is_true(pc.or_(pc.less(times, first), pc.greater_equal(times, end)))
