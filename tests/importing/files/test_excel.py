"""Excel workbooks: values read from cells, and rejected cells."""

from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from domain.errors import InvalidDataset
from importing import ReadResult, RejectCounts, read_rows
from tests.lib.dataset_parts import HEADER, SESSIONS, column, read, rejects

EXCEL = SESSIONS.replace("csv", "xlsx")
FORMATS = {datetime: "dd/mm/yyyy hh:mm", date: "dd/mm/yyyy", time: "hh:mm"}
START, END = datetime(2026, 3, 2, 9, 30, 15), date(2026, 3, 3)
GOOD = ["s1", "t1", datetime(2026, 3, 1, 8), START, END, "completed", END]


def write_book(path: Path, rows: Sequence[Sequence[Any]], **options: bool) -> None:
    """Write one sheet `Sessions`; a text that begins with `=` is a formula, `= 3` one with a cached value."""
    with xlsxwriter.Workbook(path, options) as book:
        formats = {kind: book.add_format({"num_format": form}) for kind, form in FORMATS.items()}
        sheet = book.add_worksheet("Sessions")
        for place, row in enumerate(rows):
            for number, cell in enumerate(row):
                if type(cell) in formats:
                    sheet.write_datetime(place, number, cell, formats[type(cell)])
                elif isinstance(cell, str) and cell.startswith("="):
                    sheet.write_formula(place, number, "=A1", None, cell.removeprefix("=").strip())
                elif cell is not None:
                    sheet.write(place, number, cell)


def read_book(folder: Path, *rows: Sequence[Any], header: str = HEADER, **options: bool) -> ReadResult:
    write_book(folder / "sessions.xlsx", [header.split(","), *rows], **options)
    return read(folder, EXCEL)


def row(**cells: Any) -> list[Any]:
    return list((dict(zip(HEADER.split(","), GOOD, strict=True)) | cells).values())


@pytest.mark.parametrize("mac", [False, True])
def test_dates_are_dates_in_either_calendar(tmp_path: Path, mac: bool) -> None:
    result = read_book(tmp_path, row(), date_1904=mac)

    assert column(result, "starts_at") == ["2026-03-02T09:30:15+00:00"]
    assert column(result, "ends_at") == ["2026-03-03T00:00:00+00:00"]


def test_ids_that_are_numbers_and_text_stay_what_they_show(tmp_path: Path) -> None:
    result = read_book(tmp_path, row(tutor_id=123), row(session_id="s2", tutor_id=29872499824296))
    assert column(result, "tutor_id") == ["123", "29872499824296"]

    mixed = read_book(
        tmp_path, row(tutor_id=123), row(session_id="s2", tutor_id="007"), row(session_id="s3", tutor_id=1.5)
    )
    assert column(mixed, "tutor_id") == ["123", "007", "1.5"]


def test_a_formula_gives_the_value_that_was_kept(tmp_path: Path) -> None:
    result = read_book(tmp_path, [*row(), "= 4.5"], header=f"{HEADER},rating")

    assert column(result, "rating") == [4.5]


def test_rows_are_counted_as_the_sheet_counts_them_across_empty_ones(tmp_path: Path) -> None:
    write_book(tmp_path / "sessions.xlsx", [[], HEADER.split(","), row(), [" "], row(status="?")])
    result = read(tmp_path, EXCEL)

    assert [place[1:4] for place in rejects(result)] == [(5, "status", "?")]
    assert result.counts["sessions"] == RejectCounts(read=2, good=1, rejected=1)


def test_an_error_cell_is_named_by_row_and_column(tmp_path: Path) -> None:
    rows = [[*row(session_id=f"s{n}"), cell] for n, cell in enumerate([4, "= #N/A", 5])]
    result = read_book(tmp_path, *rows, row(session_id="s9", starts_at="= #REF!"), header=f"{HEADER},rating")

    assert [place[1:] for place in rejects(result)] == [
        (3, "rating", "#N/A", "a spreadsheet error; correct the cell, or map it in `values`"),
        (5, "starts_at", "#REF!", "a spreadsheet error; correct the cell, or map it in `values`"),
    ]
    assert column(result, "rating") == [4.0, 5.0]


def test_rows_with_merged_cells_are_rejected_by_row(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "sessions.xlsx") as book:
        sheet = book.add_worksheet()
        for place, cells in enumerate([HEADER, *(f"s{n},t1,2026-03-01,2026-03-02,,booked," for n in range(3))]):
            sheet.write_row(place, 0, cells.split(","))
        sheet.merge_range(1, 1, 2, 1, "t1")
    result = read(tmp_path, EXCEL)

    assert [(place[1], place[4]) for place in rejects(result)] == [
        (number, "merged cells in rows 2 to 3: unmerge them and write the value in each row") for number in (2, 3)
    ]
    assert result.counts["sessions"] == RejectCounts(read=3, good=1, rejected=2)


def test_numbers_are_times_by_a_declared_format_and_text_by_its_own(tmp_path: Path) -> None:
    write_book(tmp_path / "sessions.xlsx", [HEADER.split(","), row(starts_at=46083.5, booked_at="01.03.2026 09:00 PM")])
    formats = "formats: {starts_at: excel, booked_at: '%d.%m.%Y %I:%M %p'}"
    result = read(tmp_path, f"sessions: {{file: sessions.xlsx, {formats}}}")

    assert column(result, "starts_at") == ["2026-03-02T12:00:00+00:00"]
    assert column(result, "booked_at") == ["2026-03-01T21:00:00+00:00"]


def test_a_sheet_is_chosen_by_its_name(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "sessions.xlsx") as book:
        book.add_worksheet("Read me").write(0, 0, "Hello")
        sheet = book.add_worksheet("Sessions")
        for place, cells in enumerate([HEADER, "s1,t1,2026-03-01,2026-03-02,,booked,"]):
            sheet.write_row(place, 0, cells.split(","))

    assert read(tmp_path, "sessions: {file: sessions.xlsx, sheet: Sessions}").counts["sessions"].good == 1
    for sheet_key, message in (
        ("", "it has the sheets Read me, Sessions: select one, as in sheet: Read me"),
        (", sheet: Session", "there is no sheet `Session`; did you mean `Sessions`?"),
    ):
        with pytest.raises(InvalidDataset, match=message):
            read(tmp_path, f"sessions: {{file: sessions.xlsx{sheet_key}}}")


def test_rounded_ids_of_number_cells_are_counted(tmp_path: Path) -> None:
    result = read_book(tmp_path, row(tutor_id=2.98725e13), row(session_id="s2", tutor_id=29872499824296))

    assert [(r.field, r.rows, r.examples) for r in result.rounded] == [("tutor_id", 1, ("29872500000000",))]


def test_what_is_no_workbook_or_has_no_table_is_said_in_one_sentence(tmp_path: Path) -> None:
    write_book(tmp_path / "empty.xlsx", [])
    with xlsxwriter.Workbook(tmp_path / "merged.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.merge_range(0, 0, 0, 1, "session")
        sheet.write(1, 0, "s1")
    (tmp_path / "text.xlsx").write_text("session_id,tutor_id\n")
    (tmp_path / "old.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1")
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04broken")
    for name, message in (
        ("empty", "the sheet is empty; its first row must name its columns"),
        ("merged", "the header in row 1 has merged cells; unmerge them"),
        ("text", "not an Excel file: save it as .xlsx"),
        ("old", "an old \\(.xls\\) or encrypted Excel file"),
        ("broken", "not a readable Excel file"),
        ("none", "there is no such file"),
    ):
        (tmp_path / "dataset.yaml").write_text(f"sessions: {{file: {name}.xlsx}}")
        with pytest.raises(InvalidDataset, match=message) as caught:
            read_rows(tmp_path / "dataset.yaml")
        assert str(caught.value).isprintable()
