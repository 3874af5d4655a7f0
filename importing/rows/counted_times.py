"""Numeric times: Excel day counts, seconds or milliseconds since 1970."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.base.dataset import TIME
from importing.files.parsing import Parsed, Signs, kept, parse_number

_SECOND = 1_000_000
_DAY = 86_400


class _Count(NamedTuple):
    """Seconds per unit, accepted numbers (first included, last excluded), seconds since 1970 at number 0, zone."""

    unit: float
    first: float
    last: float
    origin: int
    zone: str | None


_COUNTS: Mapping[str, _Count] = MappingProxyType(
    {
        # Excel counts a 29 February 1900 as number 60: from 61 on, day 0 is 1899-12-30.
        "excel": _Count(_DAY, 61, 109_575, -25_569 * _DAY, None),
        "excel_1904": _Count(_DAY, 0, 108_113, -24_107 * _DAY, None),
        "epoch_s": _Count(1, -2_208_988_800, 7_258_118_400, 0, "UTC"),
        # Smaller numbers would be before 1973, and are in fact seconds.
        "epoch_ms": _Count(0.001, 100_000_000_000, 7_258_118_400_000, 0, "UTC"),
    }
)


def counted_time(column: pa.ChunkedArray, name: str, signs: Signs) -> Parsed:
    """Convert numbers to times: Excel's without a zone and to the second, others in UTC to the microsecond."""
    count = _COUNTS[name]
    numbers, unreadable = parse_number(column, signs)
    numbers, outside = kept(numbers, _within(numbers, count))
    exact = np.asarray(pc.fill_null(numbers, count.first))
    seconds = exact * count.unit if count.unit >= 1 else exact / (1 / count.unit)
    places = np.round(seconds) * _SECOND if count.unit == _DAY else np.round(seconds * _SECOND)
    moments = pa.array(places.astype(np.int64) + count.origin * _SECOND, mask=np.asarray(pc.is_null(numbers)))
    kind = pa.timestamp("us", count.zone) if count.zone else pa.timestamp("us")
    return Parsed(pa.chunked_array([moments.cast(TIME if count.zone else kind)]), unreadable | outside)


def _within(numbers: pa.ChunkedArray, count: _Count) -> np.ndarray:
    inside = pc.and_(pc.greater_equal(numbers, count.first), pc.less(numbers, count.last))
    return np.array(pc.fill_null(inside, False), bool)
