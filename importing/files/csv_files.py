"""CSV files as Arrow tables of text, with the line number of each row."""

import csv
import io
import re
import unicodedata
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from numpy.typing import NDArray

from domain.errors import InvalidDataset
from domain.wording import shown
from importing.files.content import as_utf8, not_utf8, refuse_other_forms, unpacked
from importing.files.parsing import Signs
from importing.files.sources import Fault, Source, wanted
from importing.format.csv_section import CsvSpec

_SMALL = 1 << 20
_LARGE = 1 << 24
_SEPARATOR_LINE = re.compile(rb'(?:\xef\xbb\xbf)?"?sep=([!-~\t])"?[,;\t]*\r?(?:\n|$)', re.IGNORECASE)
_SEPARATORS = {",": '","', ";": '";"', "\t": "tab", "|": '"|"'}
_DECIMAL_COMMA = re.compile(r"-?\d+,\d{1,2}")
_SAMPLE = 50


@dataclass(frozen=True)
class Dialect:
    """Separator and quote of a CSV text. `first` is the line of the header."""

    delimiter: str = ","
    quote: str | None = '"'
    first: int = 1


@dataclass(frozen=True)
class CsvFile:
    """A CSV file in memory, decompressed and in UTF-8."""

    label: str
    path: Path
    names: tuple[str, ...]
    signs: Signs
    dialect: Dialect
    content: bytes = field(repr=False)
    form: str = "CSV"

    def read(self, columns: Collection[str]) -> Source:
        """Read the given columns as text. Raises InvalidDataset."""
        chosen = wanted(self, columns)
        try:
            return _read(self, chosen)
        except (pa.ArrowException, OSError) as error:
            why = not_utf8(self.content, self.dialect.first) or "not readable as CSV: is a row longer than 16 MB?"
            raise InvalidDataset(f"{self.label}: {why}") from error


def open_csv(path: Path, label: str, spec: CsvSpec) -> CsvFile:
    """Read the bytes and the header of a CSV file. Raises InvalidDataset, OSError."""
    content = unpacked(path.read_bytes(), label, path.name.lower())
    refuse_other_forms(content, label)
    content, dialect = _dialect(as_utf8(content, spec, label), spec, label)
    header = next((values for _, values in _records(content, dialect)), None)
    if header is None:
        raise InvalidDataset(f"{label}: the file is empty; its first line must name its columns")
    if any("\ufffd" in name for name in header) and (why := not_utf8(content, dialect.first)):
        raise InvalidDataset(f"{label}: {why}")
    if any(unicodedata.category(c) == "Cc" and c not in "\t\r\n" for name in header for c in name):
        raise InvalidDataset(f"{label}: its first line contains control characters: it is not CSV, or is damaged")
    _refuse_other_separator(label, content, dialect, spec, header)
    return CsvFile(label, path, tuple(header), Signs(spec.decimal, spec.grouping), dialect, content)


def _dialect(content: bytes, spec: CsvSpec, label: str) -> tuple[bytes, Dialect]:
    """Strip a first line such as `sep=;`, which declares the separator instead of the dataset file."""
    line = _SEPARATOR_LINE.match(content)
    if not line:
        return content, Dialect(spec.delimiter, spec.quote_sign)
    sign = line[1].decode()
    if "separator" in spec.model_fields_set and spec.delimiter != sign:
        raise InvalidDataset(f"{label}: its first line declares sep={shown(sign)}, csv has separator: {spec.separator}")
    return content[line.end() :], Dialect(sign, spec.quote_sign, 2)


def _refuse_other_separator(label: str, content: bytes, dialect: Dialect, spec: CsvSpec, header: list[str]) -> None:
    """Raise InvalidDataset if another separator splits the header into at least twice as many columns."""
    declared = "separator" in spec.model_fields_set
    if declared and len(header) > 1:
        return
    counts = {}
    for sign in _SEPARATORS:
        [(_, names), *_] = islice(_records(content, Dialect(sign, dialect.quote)), 1)
        counts[sign] = len(names)
    best = max(counts, key=counts.__getitem__)
    if best == dialect.delimiter or counts[best] < 2 * len(header):
        return
    key = f"separator: {_SEPARATORS[best]}"
    if "decimal" not in spec.model_fields_set and _has_decimal_comma(content, Dialect(best, dialect.quote)):
        key += ', decimal: ","'
    name = "tabs" if best == "\t" else best
    verb = f", not by {shown(spec.separator)} : write" if declared else " : add"
    raise InvalidDataset(f"{label}: separated by {name}{verb} csv: {{{key}}}")


def _has_decimal_comma(content: bytes, dialect: Dialect) -> bool:
    rows = islice(_records(content, dialect), 1, _SAMPLE)
    return any(_DECIMAL_COMMA.fullmatch(value) for _, values in rows for value in values)


@dataclass(frozen=True)
class _Lines:
    """Line numbers of a CSV file's rows. `skipped` counts rows with more or fewer values than the header."""

    file: CsvFile
    rows: int
    skipped: int

    def numbers(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Line on which each row begins."""
        return indices + self.file.dialect.first + 1 if self._one_line_a_row else self._all[0][indices]

    @property
    def faults(self) -> Sequence[Fault]:
        """Rows with more or fewer values than the header."""
        return self._all[1] if self.skipped else []

    @cached_property
    def _one_line_a_row(self) -> bool:
        content = self.file.content
        ends = content.count(b"\n") + (not content.endswith(b"\n"))
        return not self.skipped and ends == self.rows + 1

    @cached_property
    def _all(self) -> tuple[NDArray[np.int64], list[Fault]]:
        """Lines of complete rows, and ragged rows: a slow second read, needed only for faulty files."""
        whole, ragged = [], []
        expected = len(self.file.names)
        for line, values in _records(self.file.content, self.file.dialect):
            if len(values) == expected:
                whole.append(line)
            else:
                ragged.append(Fault(line, f"the row has {len(values)} values, the header {expected}"))
        return np.array(whole[1:], np.int64), ragged


def _records(content: bytes, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """First line and values of each record; empty lines are skipped."""
    limit = csv.field_size_limit(max(len(content), 1 << 17))
    quoting: dict[str, Any] = {"quotechar": dialect.quote} if dialect.quote else {"quoting": csv.QUOTE_NONE}
    try:
        text = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", errors="replace", newline="")
        reader = csv.reader(text, delimiter=dialect.delimiter, **quoting)
        line = dialect.first
        for values in reader:
            if values:
                yield line, values
            line = dialect.first + reader.line_num
    finally:
        csv.field_size_limit(limit)


def _read(file: CsvFile, columns: list[str]) -> Source:
    content, dialect = file.content, file.dialect
    _refuse_open_quote(file)
    ragged: list[None] = []

    def skip(_: object) -> str:
        ragged.append(None)
        return "skip"

    table = arrow_csv.read_csv(
        pa.BufferReader(content),
        # A block must be able to contain the longest row.
        arrow_csv.ReadOptions(block_size=max(_SMALL, min(len(content), _LARGE))),
        arrow_csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote or False,
            newlines_in_values=dialect.quote is not None and dialect.quote.encode() in content,
            invalid_row_handler=skip,
        ),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            include_columns=columns,
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    return Source(file.label, table, _Lines(file, table.num_rows, len(ragged)))


def _refuse_open_quote(file: CsvFile) -> None:
    """Raise InvalidDataset for an unclosed quote, which would turn the rest of the file into one value."""
    quote = file.dialect.quote
    if not quote or file.content.count(quote.encode()) % 2 == 0:
        return
    last = deque(_records(file.content, file.dialect), maxlen=1)
    if last and "\n" in last[0][1][-1]:
        raise InvalidDataset(f"{file.label}: line {last[0][0]} opens a quote that is never closed")
