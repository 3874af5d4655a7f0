"""Detection of columns in a different notation than declared, with the dataset-file line that would read them."""

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.wording import shown
from importing.files.parsing import as_text, is_number, is_true
from importing.rows.columns import Column
from importing.rows.plan import ReadPlan
from importing.rows.rejects import Mask

_SAMPLE = 1000
_ERRORS = pa.array(
    ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA"]
)


class _Form(NamedTuple):
    """A notation of values: pattern, name, and the addition to the dataset file."""

    pattern: re.Pattern[str]
    name: str
    add: str


_NUMBERS = (
    _Form(re.compile(r"-?[1-9]\d{0,2}(,\d{3})+"), "a comma in numbers", 'csv: {decimal: ","} or csv: {thousands: ","}'),
    _Form(re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?"), "a comma between thousands", 'csv: {thousands: ","}'),
    _Form(re.compile(r"-?\d+,\d+"), "a decimal comma", 'csv: {decimal: ","}'),
    _Form(re.compile(r"-?\d{1,3}(\.\d{3})+(,\d+)?"), "points between thousands", 'csv: {decimal: ",", thousands: "."}'),
    _Form(
        re.compile(r"-?\d{1,3}([ \u00a0\u202f]\d{3})+([.,]\d+)?"), "spaces between thousands", "csv: {thousands: space}"
    ),
    _Form(re.compile(r"-?\d{1,3}('\d{3})+([.,]\d+)?"), "quotes between thousands", 'csv: {thousands: "\'"}'),
    _Form(re.compile(r"-?\d+\.\d+"), "a decimal point", 'csv: {decimal: "."}'),
)
_TIMES = (
    _Form(re.compile(r"[23456]\d{4}([.,]\d+)?"), "an Excel day count", "excel"),
    _Form(re.compile(r"(?:19|20)\d\d[01]\d[0-3]\d"), "a date in eight digits", '"%Y%m%d"'),
    _Form(re.compile(r"\d{9,10}([.,]\d+)?"), "seconds since 1970", "epoch_s"),
    _Form(re.compile(r"\d{12,13}([.,]\d+)?"), "milliseconds since 1970", "epoch_ms"),
)


def misread(column: Column, name: str, plan: ReadPlan) -> str | None:
    """Error for a column where at least half the values are unreadable for the same reason; None otherwise."""
    unreadable = int(column.unreadable.sum())
    if column.raw is None or not unreadable or unreadable * 2 < len(column.raw) - column.raw.null_count:
        return None
    bad = column.raw.filter(pa.array(column.unreadable)).slice(0, _SAMPLE)
    if pa.types.is_timestamp(column.values.type):
        return _time(as_text(bad), name)
    return _number(as_text(bad), name, plan) if pa.types.is_floating(column.values.type) else None


def counted_hint(name: str, column: pa.ChunkedArray) -> str:
    """Hint at the format that would read a numeric column as times, to append to an error."""
    form = _form(_TIMES, as_text(column.drop_null().slice(0, _SAMPLE))) if is_number(column.type) else None
    return f": {form.name}? add formats: {{{name}: {form.add}}}" if form else ""


def spreadsheet_errors(column: Column) -> Mask:
    """Rows with a spreadsheet error such as #N/A that has no declared meaning."""
    none = np.zeros(len(column.values), bool)
    if column.raw is None or not pa.types.is_string(column.raw.type):
        return none
    marked = pc.starts_with(column.raw, "#")
    if not pc.any(marked).as_py():
        return none
    errors = is_true(pc.is_in(column.raw, value_set=_ERRORS))
    if not pa.types.is_string(column.values.type):
        return errors & column.unreadable
    return errors & (column.unreadable | is_true(pc.equal(column.values, column.raw)))


def _time(bad: pa.ChunkedArray, name: str) -> str | None:
    form = _form(_TIMES, bad)
    return f"`{name}`: {_example(bad)} looks like {form.name}: add formats: {{{name}: {form.add}}}" if form else None


def _number(bad: pa.ChunkedArray, name: str, plan: ReadPlan) -> str | None:
    form = _form(_NUMBERS, bad)
    if form is None:
        return None
    instead = f"add {form.add}" if plan.opened.form == "CSV" else "make the cells numbers"
    return f"`{name}`: {_example(bad)} has {form.name}: {instead}"


def _form(forms: tuple[_Form, ...], text: pa.ChunkedArray) -> _Form | None:
    """The first notation that nearly all values match."""
    values = [value.strip() for value in text.to_pylist() if value]
    needed = max(1, 0.9 * len(values))
    return next((f for f in forms if sum(bool(f.pattern.fullmatch(v)) for v in values) >= needed), None)


def _example(bad: pa.ChunkedArray) -> str:
    return shown(str(bad[0]), 30)
