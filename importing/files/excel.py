"""Excel workbooks (.xlsx) as Arrow tables, with the sheet row of each row."""

import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import python_calamine as calamine
from numpy.typing import NDArray

from domain.errors import InvalidDataset
from domain.wording import did_you_mean, shown
from importing.files.content import GZIP, ZIP, refuse_other_forms
from importing.files.excel_errors import error_cells
from importing.files.parsing import Signs
from importing.files.sources import Fault, Source, wanted

_EXACT = 2**53
_LISTED = 5


@dataclass(frozen=True)
class ExcelFile:
    """One sheet in memory. `rows` are the non-empty rows below the header, `places` their row numbers in the sheet."""

    label: str
    path: Path
    names: tuple[str, ...]
    rows: list[list[Any]] = field(repr=False)
    places: NDArray[np.int64] = field(repr=False)
    faults: Sequence[Fault] = field(repr=False)
    signs: Signs = field(default_factory=Signs)
    form: str = "Excel"

    def read(self, columns: Collection[str]) -> Source:
        """Read the given columns: numbers and dates in their own types, mixed ones as text. Raises InvalidDataset."""
        chosen = wanted(self, columns)
        index = {name: place for place, name in enumerate(self.names)}
        table = pa.table({name: _column([row[index[name]] for row in self.rows]) for name in chosen})
        return Source(self.label, table, self)

    def numbers(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row numbers in the sheet, from 1."""
        return self.places[indices]


def open_excel(path: Path, label: str, sheet: str | None) -> ExcelFile:
    """Read the named sheet, or the only one. Raises InvalidDataset, OSError."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.startswith(ZIP):
        refuse_other_forms(head, label)
        raise InvalidDataset(f"{label}: not an Excel file: {'gzip: unpack it' if head[:2] == GZIP else _SAVE}")
    try:
        book = calamine.load_workbook(path)
        chosen = _chosen_sheet(book.sheet_names, sheet, label)
        cells = book.get_sheet_by_name(chosen)
        grid = cells.to_python(skip_empty_area=False)
        errors = error_cells(path, chosen)
    except (calamine.CalamineError, zipfile.BadZipFile, ElementTree.ParseError, KeyError) as error:
        raise InvalidDataset(f"{label}: not a readable Excel file ({shown(str(error), 200)})") from error
    for (row, column), text in errors.items():
        if row < len(grid) and column < len(grid[row]):
            grid[row][column] = text
    return _file(path, label, grid, cells.merged_cell_ranges or [])


_SAVE = "save it as .xlsx"


def _chosen_sheet(names: Sequence[str], sheet: str | None, label: str) -> str:
    if sheet is None and len(names) == 1:
        return names[0]
    listed = ", ".join(shown(name) for name in names[:_LISTED])
    if sheet is None:
        raise InvalidDataset(f"{label}: it has the sheets {listed}: select one, as in sheet: {shown(names[0])}")
    if sheet not in names:
        hint = did_you_mean(sheet, names) or f"; the sheets are {listed}"
        raise InvalidDataset(f"{label}: there is no sheet `{shown(sheet)}`{hint}")
    return sheet


def _file(
    path: Path, label: str, grid: list[list[Any]], merged: Sequence[tuple[tuple[int, int], tuple[int, int]]]
) -> ExcelFile:
    filled = [place for place, row in enumerate(grid) if any(_is_filled(cell) for cell in row)]
    if not filled:
        raise InvalidDataset(f"{label}: the sheet is empty; its first row must name its columns")
    header = filled[0]
    spans = {row: place for place in merged for row in range(place[0][0], place[1][0] + 1)}
    if header in spans:
        raise InvalidDataset(f"{label}: the header in row {header + 1} has merged cells; unmerge them")
    whole = [row for row in filled[1:] if row not in spans]
    faults = [Fault(row + 1, _merged(spans[row])) for row in filled[1:] if row in spans]
    names = tuple(_text(cell) or "" for cell in grid[header])
    return ExcelFile(path=path, label=label, names=names, rows=[grid[row] for row in whole],
                     places=np.array(whole, np.int64) + 1, faults=faults)  # fmt: skip


def _merged(span: tuple[tuple[int, int], tuple[int, int]]) -> str:
    (top, _), (bottom, _) = span
    return f"merged cells in rows {top + 1} to {bottom + 1}: unmerge them and write the value in each row"


def _column(cells: list[Any]) -> pa.ChunkedArray:
    """Cells in the narrowest common type: numbers, dates and timestamps, or text."""
    values = [cell if _is_filled(cell) else None for cell in cells]
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {float, int}:
        return pa.chunked_array([pa.array([None if v is None else float(v) for v in values], pa.float64())])
    if kinds and kinds <= {datetime, date}:
        return pa.chunked_array([pa.array(list(_moments(values)), pa.timestamp("us"))])
    return pa.chunked_array([pa.array([_text(value) for value in values], pa.string())])


def _moments(values: list[Any]) -> Iterator[datetime | None]:
    for value in values:
        plain_date = isinstance(value, date) and not isinstance(value, datetime)
        yield datetime(value.year, value.month, value.day) if plain_date else value


def _text(cell: Any) -> str | None:
    """Text of a cell: whole numbers without `.0`, dates in ISO 8601."""
    if not _is_filled(cell):
        return None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _EXACT else repr(cell)
    return (
        cell.isoformat()
        if isinstance(cell, date | time)
        else str(cell)
        if not isinstance(cell, timedelta)
        else _span(cell)
    )


def _span(cell: timedelta) -> str:
    return str(cell)


def _is_filled(cell: Any) -> bool:
    return cell is not None and not (isinstance(cell, str) and not cell.strip())
