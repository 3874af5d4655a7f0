"""Detection of ids rounded by a spreadsheet: `2.98725E+13`, or `29872500000000` if written out again."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.wording import shown
from importing.rows.columns import Column
from importing.rows.plan import ReadPlan

_SCIENTIFIC = r"^[1-9](?:[.,]\d+)?[eE]\+\d{1,3}$"
_SIX_DIGITS = r"^[1-9]\d{0,5}0{6,}$"
"""A number of at least twelve digits with at most six significant ones: a chance of one in a million."""
_FIFTEEN_DIGITS = r"^[1-9]\d{14}0+$"
"""Excel keeps fifteen digits, so every longer number ends in zeros."""
_LONG, _VERY_LONG = 12, 16
_FEW, _NEARLY_ALL = 3, 0.9
_EXAMPLES = 3


class RoundedIds(NamedTuple):
    """Number of values in an id column that look rounded, with examples."""

    file: str
    kind: str
    field: str
    rows: int
    examples: tuple[str, ...]

    def in_words(self) -> str:
        """Warning with the finding, its possible consequence and the remedy."""
        look = "1 value of `{}` looks" if self.rows == 1 else f"{self.rows:,} values of `{{}}` look"
        return (
            f"{self.file}: {look.format(self.field)} rounded by a spreadsheet, as {', '.join(self.examples)}: "
            "different ids may have been merged. Export the column as text."
        )


def rounded_ids(plan: ReadPlan, columns: Mapping[str, Column]) -> Iterator[RoundedIds]:
    """Key and reference columns with values that look rounded."""
    for field in plan.kind.fields:
        if field.name not in columns or not (field.refers_to or field.name == plan.kind.key):
            continue
        rounded = _rounded(columns[field.name].values)
        if len(rounded):
            examples = tuple(shown(value, 30) for value in pc.unique(rounded)[:_EXAMPLES].to_pylist())
            yield RoundedIds(plan.opened.label, plan.kind.name, field.name, len(rounded), examples)


def _rounded(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values that look rounded. Cheap tests come first, so that ordinary columns cost almost nothing."""
    longest = pc.max(pc.binary_length(ids)).as_py() or 0
    chunks = []
    if _has_byte(ids, b"+"):
        chunks += ids.filter(pc.match_substring_regex(ids, _SCIENTIFIC)).chunks
    if longest >= _VERY_LONG and (cut := _only_fifteen_digits(ids)):
        chunks += cut
        ids = ids.filter(pc.less(pc.binary_length(ids), _VERY_LONG))
    if longest >= _LONG:
        ending = ids.filter(pc.ends_with(ids, "000000"))
        chunks += ending.filter(pc.match_substring_regex(ending, _SIX_DIGITS)).chunks
    return pa.chunked_array(chunks, ids.type)


def _has_byte(ids: pa.ChunkedArray, byte: bytes) -> bool:
    texts = (chunk.buffers()[2] for chunk in ids.chunks)
    return any(text is not None and bool((np.frombuffer(text, np.uint8) == byte[0]).any()) for text in texts)


def _only_fifteen_digits(ids: pa.ChunkedArray) -> list[pa.Array]:
    """Very long numbers, if nearly all of them end in zeros as Excel writes them."""
    very_long = ids.filter(pc.greater_equal(pc.binary_length(ids), _VERY_LONG))
    rounded = very_long.filter(pc.match_substring_regex(very_long, _FIFTEEN_DIGITS))
    return rounded.chunks if len(rounded) >= max(_FEW, _NEARLY_ALL * len(very_long)) else []
