"""CSV and Parquet files as Arrow tables that still know which line each row came from."""

import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from domain.dataset_file import FILES
from domain.errors import InvalidDataset

_SMALL = 1 << 20
_LARGE = 1 << 24


@dataclass(frozen=True)
class Opened:
    """A file whose column names are known and whose rows are not read yet."""

    label: str
    path: Path
    names: tuple[str, ...]
    content: bytes | None = field(default=None, repr=False)
    """A CSV file's bytes, unpacked; None for Parquet."""

    def read(self, columns: Collection[str]) -> "Source":
        """Read these columns: those of a CSV as text, those of Parquet in their own types. Raises InvalidDataset."""
        twice = next((name for name in columns if self.names.count(name) > 1), None)
        if twice is not None:
            raise InvalidDataset(f"{self.label}: the column `{twice}` stands twice; rename one")
        wanted = [name for name in self.names if name in columns]
        try:
            return _read_parquet(self, wanted) if self.content is None else _read_csv(self, wanted)
        except (pa.ArrowException, OSError) as error:
            raise InvalidDataset(f"{self.label}: {_why_unreadable(self, error)}") from error


@dataclass(frozen=True)
class Source:
    """The rows of one file. `skipped` counts CSV rows that have more or fewer values than the header."""

    opened: Opened
    table: pa.Table
    skipped: int = 0

    @property
    def label(self) -> str:
        """The file as the user named it."""
        return self.opened.label

    @property
    def names(self) -> tuple[str, ...]:
        """All columns of the file, read or not."""
        return self.opened.names

    def row_numbers(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where rows of the table stand: the line of a CSV, the header being line 1; the index in Parquet, from 0."""
        if self.opened.content is None:
            return indices
        return indices + 2 if self._one_line_a_row else self._records[0][indices]

    @property
    def ragged(self) -> list[tuple[int, int]]:
        """Line and number of values of each CSV row that has more or fewer than the header."""
        return self._records[1] if self.skipped else []

    @cached_property
    def _one_line_a_row(self) -> bool:
        content = self.opened.content or b""
        ends = content.count(b"\n") + (not content.endswith(b"\n"))
        return not self.skipped and ends == self.table.num_rows + 1

    @cached_property
    def _records(self) -> tuple[NDArray[np.int64], list[tuple[int, int]]]:
        """Lines of whole rows, and of ragged ones: read once more, slowly, which only a faulty file has to pay for."""
        whole, ragged = [], []
        for line, values in _records_with_lines(self.opened.content or b""):
            if len(values) == len(self.names):
                whole.append(line)
            else:
                ragged.append((line, len(values)))
        return np.array(whole[1:], np.int64), ragged


def open_file(path: Path, label: str) -> Opened:
    """Find a file's column names. Raises InvalidDataset if it is not there or is neither CSV nor Parquet."""
    name = path.name.lower()
    if not name.endswith(FILES):
        raise InvalidDataset(f"{label}: its name must end in one of {', '.join(FILES)}")
    try:
        if name.endswith(".parquet"):
            return Opened(label, path, tuple(pq.read_schema(path).names))
        content = path.read_bytes()
        content = gzip.decompress(content) if name.endswith(".gz") else content
        return Opened(label, path, _header(content, label), content)
    except FileNotFoundError:
        raise InvalidDataset(f"{label}: there is no such file in {path.absolute().parent}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidDataset(f"{label}: not a whole gzip file ({error})") from error
    except pa.ArrowException as error:
        raise InvalidDataset(f"{label}: not a Parquet file that can be read ({error})") from error
    except OSError as error:
        raise InvalidDataset(f"{label}: cannot be read ({error.strerror or error})") from error


def _header(content: bytes, label: str) -> tuple[str, ...]:
    names = next((values for _, values in _records_with_lines(content)), None)
    if names is None:
        raise InvalidDataset(f"{label}: it is empty; its first line must name its columns")
    return tuple(names)


def _records_with_lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """The line on which each record begins and its values, empty lines passed over."""
    limit = csv.field_size_limit(max(len(content), 1 << 17))
    try:
        reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", errors="replace", newline=""))
        line = 1
        for values in reader:
            if values:
                yield line, values
            line = reader.line_num + 1
    finally:
        csv.field_size_limit(limit)


def _read_csv(opened: Opened, columns: list[str]) -> Source:
    content = opened.content or b""
    _refuse_open_quote(opened.label, content)
    ragged: list[None] = []

    def skip(_: object) -> str:
        ragged.append(None)
        return "skip"

    table = arrow_csv.read_csv(
        pa.BufferReader(content),
        # A block must hold the longest row.
        arrow_csv.ReadOptions(block_size=max(_SMALL, min(len(content), _LARGE))),
        arrow_csv.ParseOptions(newlines_in_values=b'"' in content, invalid_row_handler=skip),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            include_columns=columns,
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    return Source(opened, table, len(ragged))


def _refuse_open_quote(label: str, content: bytes) -> None:
    """A quote that is never closed would swallow the rest of the file into one value."""
    if content.count(b'"') % 2 == 0:
        return
    last = deque(_records_with_lines(content), maxlen=1)
    if last and "\n" in last[0][1][-1]:
        raise InvalidDataset(f"{label}: line {last[0][0]} opens a quote that is never closed")


def _read_parquet(opened: Opened, columns: list[str]) -> Source:
    return Source(opened, pq.ParquetFile(opened.path).read(columns=columns))


def _why_unreadable(opened: Opened, error: Exception) -> str:
    if opened.content is None:
        return f"not a Parquet file that can be read ({error})"
    try:
        opened.content.decode()
    except UnicodeDecodeError:
        return _not_utf8(opened.content)
    return "not CSV that can be read: is a row longer than 16 MB?"


def _not_utf8(content: bytes) -> str:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return f"line {content[: error.start].count(10) + 1} is not UTF-8 text; save the file as UTF-8"
    return ""
