"""CSV files as written by spreadsheets and databases: declared and detected formats."""

import gzip
from pathlib import Path

import pytest

from domain.errors import InvalidDataset, NothingUsable
from importing import RejectCounts, read_dataset, read_rows
from tests.lib.dataset_parts import GOOD, HEADER, SESSIONS, column, csv, read, rejects, session, write

RATED = f"{HEADER},rating"


def semicolons(*lines: str, header: str = RATED) -> str:
    return csv(*lines, header=header).replace(",", ";").replace("|", ",")


def refusal(folder: Path, content: str | bytes, description: str = SESSIONS) -> str:
    """Error sentence of a rejected file."""
    with pytest.raises(InvalidDataset) as caught:
        read(folder, description, sessions_csv=content)
    said = str(caught.value)
    assert said.isprintable()
    return said.partition("sessions.csv: ")[2] or said


def test_separator_and_decimal_sign_are_read_as_declared(tmp_path: Path) -> None:
    description = 'sessions: {file: sessions.csv, csv: {separator: ";", decimal: ","}}'
    rows = (f"{GOOD},4|5", f"{session(session_id='s2')},4.5", f"{session(session_id='s3')},5")
    result = read(tmp_path, description, sessions_csv=semicolons(*rows))

    assert column(result, "rating") == [4.5, 5.0]
    assert rejects(result) == [("sessions.csv", 3, "rating", "4.5", "not a number")]


@pytest.mark.parametrize(
    ("signs", "text", "value"),
    [
        ('decimal: ",", thousands: "."', "1.234,5", 1234.5),
        ('thousands: ","', "1,234.5", 1234.5),
        ("thousands: space", "1 234.5", 1234.5),
        ("thousands: space", "1\u202f234", 1234.0),
        ('thousands: "\'"', "12'345'678", 12345678.0),
        ('thousands: ","', "12,34", None),
        ('thousands: ","', "1,2345", None),
    ],
)
def test_thousands_are_read_as_declared(tmp_path: Path, signs: str, text: str, value: float | None) -> None:
    description = f"csv: {{{signs}}}\nsessions: {{file: sessions.csv, attributes: {{price: numeric}}}}"
    rows = [f'{session(session_id=f"s{n}")},"{text}"' for n in range(1)] + [f"{session(session_id='x')},1"] * 2
    result = read(tmp_path, description, sessions_csv=csv(*rows, header=f"{HEADER},price"))

    assert column(result, "attributes.price") == ([1.0] if value is None else [value, 1.0])


def test_a_kind_overrides_single_keys_of_the_general_section(tmp_path: Path) -> None:
    description = """
csv: {separator: ";", encoding: cp1252}
sessions: {file: sessions.csv}
tutors: {file: tutors.csv, csv: {separator: tab}}
"""
    tutors = "tutor_id\tname\nt1\tJürgen; Groß\n".encode("cp1252")
    result = read(tmp_path, description, sessions_csv=semicolons(GOOD, header=HEADER), tutors_csv=tutors)

    assert [column(result, "name", "tutors"), result.counts["sessions"].good] == [["Jürgen; Groß"], 1]


@pytest.mark.parametrize(
    ("codec", "declared"),
    [
        ("utf-8-sig", ""),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16"),
        ("cp1252", "windows-1252"),
        ("latin-1", "latin-1"),
    ],
)
def test_an_encoding_is_read_as_declared(tmp_path: Path, codec: str, declared: str) -> None:
    description = f"{SESSIONS}\ncsv: {{encoding: {declared}}}" if declared else SESSIONS
    content = csv(session(tutor_id="Zoë")).encode(codec)

    assert column(read(tmp_path, description, sessions_csv=content), "tutor_id") == ["Zoë"]


@pytest.mark.parametrize("encoded", [True, False])
def test_gzip_is_known_by_its_content(tmp_path: Path, encoded: bool) -> None:
    content = gzip.compress(csv(GOOD).encode("utf-16" if encoded else "utf-8"))
    description = f"{SESSIONS}\ncsv: {{encoding: utf-16}}" if encoded else SESSIONS

    assert read(tmp_path, description, sessions_csv=content).counts["sessions"].good == 1


def test_a_first_line_names_the_separator_and_counts_as_a_line(tmp_path: Path) -> None:
    result = read(tmp_path, sessions_csv="sep=;\n" + semicolons(GOOD, session(status="?"), header=HEADER))

    assert [column(result, "session_id"), rejects(result)[0][1]] == [["s1"], 4]
    ragged = read(tmp_path, sessions_csv='"sep=,"\r\n' + csv(GOOD, "a,b").replace("\n", "\r\n"))
    assert rejects(ragged)[0][1] == 4


def test_quotes_are_read_as_declared(tmp_path: Path) -> None:
    single = read(
        tmp_path, f'{SESSIONS}\ncsv: {{quote: "\'"}}', sessions_csv=csv(session(tutor_id="'a, ''b'''"), '"' + GOOD)
    )
    assert column(single, "tutor_id") == ["a, 'b'", "t1"]

    none = read(tmp_path, f"{SESSIONS}\ncsv: {{quote: none}}", sessions_csv=csv(session(tutor_id='"a')))
    assert column(none, "tutor_id") == ['"a']


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (semicolons(GOOD, header=HEADER), 'separated by ; : add csv: {separator: ";"}'),
        (semicolons(f"{GOOD},4|5"), 'separated by ; : add csv: {separator: ";", decimal: ","}'),
        (csv(GOOD).replace(",", "\t"), "separated by tabs : add csv: {separator: tab}"),
        (csv(GOOD).replace(",", "|"), 'separated by | : add csv: {separator: "|"}'),
        (csv(GOOD).encode("utf-16"), "UTF-16: add csv: {encoding: utf-16}, or save it as UTF-8"),
        (csv(GOOD).encode("utf-16-be"), "UTF-16: add csv: {encoding: utf-16-be}, or save it as UTF-8"),
        (csv(session(tutor_id="Zoë")).encode("cp1252"), "line 2 is not UTF-8 text: add csv: {encoding: cp1252} if"),
        (csv(GOOD, header=HEADER + "ë").encode("cp1252"), "line 1 is not UTF-8 text: add csv: {encoding: cp1252} if"),
        (b"PK\x03\x04\0\0\0xl/worksheets", "an Excel file: name it .xlsx"),
        (b"PK\x03\x04\0\0\0any.csv", "a zip file: unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old (.xls) or encrypted Excel file: save it as .xlsx"),
        (b"PAR1\x15\0", "Parquet: name it .parquet"),
        (b"\x28\xb5\x2f\xfd\0", "packed with zstd: unpack it"),
        (b"<!DOCTYPE html><html>", "a web page or XML, not CSV"),
        ('[{"session_id": "s1"}]', "JSON, not CSV"),
        (b"\x00\x01\x1b[31m,b\n", "its first line contains control characters"),
        ("foo,bar\n1,2\n", "the columns foo, bar. Map them under `columns`."),
        (csv(GOOD, header=HEADER.title()), "nearly the field `status`"),
        (b"", "the file is empty; its first line must name its columns"),
        (b"\n\n", "the file is empty; its first line must name its columns"),
    ],
)
def test_another_form_of_file_is_named_in_one_sentence(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert message in refusal(tmp_path, content)


@pytest.mark.parametrize(
    ("declared", "content", "message"),
    [
        ('separator: ";"', csv(GOOD), 'separated by ,, not by ; : write csv: {separator: ","}'),
        ('separator: ","', "sep=;\n" + csv(GOOD), "its first line declares sep=;, csv has separator: ,"),
        ("encoding: utf-16", csv(GOOD), "not utf-16 text"),
        ("encoding: cp1252", csv(session(tutor_id="Zoë")), "UTF-8, not cp1252: write csv: {encoding: utf-8}"),
        ("encoding: cp1252", csv(GOOD).encode("utf-16"), "UTF-16, not cp1252: write csv: {encoding: utf-16}"),
        ("encoding: cp1252", csv(GOOD).encode() + b"\x81", "line 3 is not cp1252 text"),
        (
            "encoding: utf-16-be",
            csv(GOOD).encode("utf-16-le"),
            "UTF-16, not utf-16-be: write csv: {encoding: utf-16-le",
        ),
    ],
)
def test_a_declaration_that_the_file_contradicts_is_refused(
    tmp_path: Path, declared: str, content: str | bytes, message: str
) -> None:
    assert refusal(tmp_path, content, f"{SESSIONS}\ncsv: {{{declared}}}").startswith(message)


@pytest.mark.parametrize(
    ("name", "values", "add"),
    [
        ("rating", ['"4,5"', '"3,25"', "5"], 'csv: {decimal: ","}'),
        ("rating", ['"1,234"', '"2,500"', ""], 'csv: {decimal: ","} or csv: {thousands: ","}'),
        ("rating", ['"1,234.50"', '"2,500.00"', ""], 'csv: {thousands: ","}'),
        ("rating", ['"1.234,50"', '"2.500,00"', ""], 'csv: {decimal: ",", thousands: "."}'),
        ("rating", ["1 234", "2\u00a0500", ""], "csv: {thousands: space}"),
        ("ends_at", ["1772445600", "1772445600.5", ""], "formats: {ends_at: epoch_s}"),
        ("ends_at", ["1772445600000", "1772445600001", ""], "formats: {ends_at: epoch_ms}"),
        ("ends_at", ["46083.416666", "46083", ""], "formats: {ends_at: excel}"),
        ("ends_at", ["20260302", "20260303", ""], 'formats: {ends_at: "%Y%m%d"}'),
    ],
)
def test_a_column_written_in_another_way_is_recognised(tmp_path: Path, name: str, values: list[str], add: str) -> None:
    rows = [
        f"{session(session_id=f's{n}', ends_at=value)},"
        if name == "ends_at"
        else f"{session(session_id=f's{n}')},{value}"
        for n, value in enumerate(values)
    ]
    said = refusal(tmp_path, csv(*rows, header=RATED))

    assert said.endswith(f": add {add}")
    assert f"`{name}`: {values[0].strip(chr(34))} " in said


def test_a_few_values_written_in_another_way_are_rejects(tmp_path: Path) -> None:
    rows = [f"{session(session_id=f's{n}')},{value}" for n, value in enumerate(["4", "5", '"4,5"'])]

    assert rejects(read(tmp_path, sessions_csv=csv(*rows, header=RATED)))[0][1:4] == (4, "rating", "4,5")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Rating", "columns: {rating: Rating}"),
        (" rating", 'columns: {rating: " rating"}'),
        ("rating\u00a0", 'columns: {rating: "rating\\xa0"}'),
        ("\ufeffrating", 'columns: {rating: "\\ufeffrating"}'),
        ("RATING\t", 'columns: {rating: "RATING\\x09"}'),
    ],
)
def test_a_column_that_is_nearly_a_field_is_named_with_the_line_to_write(tmp_path: Path, name: str, line: str) -> None:
    content = csv(f"{GOOD},5", header=f'{HEADER},"{name}"')
    said = refusal(tmp_path, content)

    assert said.endswith(f"is nearly the field `rating`: write {line}, or columns: {{rating: ~}} to ignore it")
    for written, value in ((line, [5.0]), ("columns: {rating: ~}", [None])):
        result = read(tmp_path, f"sessions: {{file: sessions.csv, {written}}}", sessions_csv=content)
        assert column(result, "rating") == value


def test_a_nearly_named_column_that_is_used_or_required_is_said_so(tmp_path: Path) -> None:
    description = "sessions: {file: sessions.csv, attributes: {Rating: {type: numeric, late: true}}}"
    assert read(tmp_path, description, sessions_csv=csv(f"{GOOD},5", header=f"{HEADER},Rating")).rejects.num_rows == 0

    said = refusal(tmp_path, csv(GOOD, header=HEADER.replace("session_id", "Session ID")))
    assert said.endswith(
        'the column "Session ID" is nearly the field `session_id`: write columns: {session_id: "Session ID"}'
    )

    description = "sessions: {file: sessions.csv, columns: {rating: Rating}}"
    said = refusal(tmp_path, csv(f"{GOOD},5", header=f"{HEADER},Rating "), description)
    assert said.endswith('has no column `Rating`; write "Rating "')


def test_an_error_of_a_spreadsheet_is_rejected_unless_it_has_a_meaning(tmp_path: Path) -> None:
    cells = [("#REF!", "5"), ("t1", "#N/A")]
    rows = csv(*(f"{session(session_id=f's{n}', tutor_id=t)},{r}" for n, (t, r) in enumerate(cells)), header=RATED)
    assert [place[1:4] for place in rejects(read(tmp_path, sessions_csv=rows))] == [
        (2, "tutor_id", "#REF!"),
        (3, "rating", "#N/A"),
    ]

    description = 'sessions: {file: sessions.csv, values: {rating: {"#N/A": ~}, tutor_id: {"#REF!": t9}}}'
    assert read(tmp_path, description, sessions_csv=rows).counts["sessions"] == RejectCounts(read=2, good=2)


@pytest.mark.parametrize(
    ("form", "text", "utc"),
    [
        ("excel", "46083.395833333336", "2026-03-02T08:30:00"),
        ("excel", "46083.39583", "2026-03-02T08:30:00"),
        ("excel_1904", "44621.5", "2026-03-02T11:00:00"),
        ("epoch_s", "1772445600", "2026-03-02T10:00:00"),
        ("epoch_s", "1772445600.25", "2026-03-02T10:00:00.250000"),
        ("epoch_ms", "1772445600001", "2026-03-02T10:00:00.001000"),
        ("%d/%m/%Y %I:%M %p", "02/03/2026 09:30 PM", "2026-03-02T20:30:00"),
        ("%d/%m/%y %I:%M %p", "02/03/26 12:05 am", "2026-03-01T23:05:00"),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-03-02T09:30:00Z", "2026-03-02T09:30:00"),
    ],
)
def test_times_are_read_in_the_declared_format(tmp_path: Path, form: str, text: str, utc: str) -> None:
    description = f"timezone: Europe/Berlin\nsessions: {{file: sessions.csv, formats: {{starts_at: '{form}'}}}}"
    result = read(tmp_path, description, sessions_csv=csv(session(starts_at=text, ends_at="")))

    assert column(result, "starts_at") == [f"{utc}+00:00"]


@pytest.mark.parametrize(
    ("form", "text", "good"),
    [
        ("excel", "60", "46083.5"),
        ("excel", "9e9", "46083.5"),
        ("epoch_ms", "1772445600", "1772445600000"),
        ("epoch_s", "1e300", "1772445600"),
    ],
)
def test_a_number_that_no_such_time_has_is_rejected(tmp_path: Path, form: str, text: str, good: str) -> None:
    description = f"sessions: {{file: sessions.csv, formats: {{ends_at: {form}}}}}"
    rows = [session(session_id=f"s{n}", ends_at=good) for n in range(3)]
    [reject] = rejects(read(tmp_path, description, sessions_csv=csv(session(session_id="x", ends_at=text), *rows)))

    assert reject[1:4] == (2, "ends_at", text)
    assert reject[4].startswith(f"not a time in the format {form} (")


CUT = ("1234567890123450", "1234567890123460", "12345678901234500")


@pytest.mark.parametrize(
    ("ids", "count", "examples"),
    [
        (["2.98725E+13", "2.98725E+13", "3e+14", "29872500000001"], 3, ("2.98725E+13", "3e+14")),
        (["29872500000000", "29872500000001", "7"], 1, ("29872500000000",)),
        (list(CUT), 3, CUT),
        (["1234567890123450", "1234567890123461", "1234567890123462"], 0, ()),
        (["5.6E+1x", "E+13", "t100000000000000", "100000000000001"], 0, ()),
    ],
)  # fmt: skip
def test_ids_that_a_spreadsheet_rounded_are_counted(
    tmp_path: Path, ids: list[str], count: int, examples: tuple[str, ...]
) -> None:
    result = read(tmp_path, sessions_csv=csv(*(session(session_id=f"s{n}", tutor_id=i) for n, i in enumerate(ids))))

    assert [(r.field, r.rows, r.examples) for r in result.rounded] == ([("tutor_id", count, examples)] if count else [])
    assert result.counts["sessions"].good == len(ids)


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "sessions.csv").mkdir()
    with pytest.raises(InvalidDataset, match=r"sessions\.csv: is a folder, not a file"):
        read_rows(path)
    with pytest.raises(InvalidDataset, match=r"not a gzip file, although its name ends in \.gz: name it \.csv"):
        read(tmp_path, SESSIONS.replace("csv", "csv.gz"), sessions_csv_gz=csv(GOOD))
    with pytest.raises(InvalidDataset, match="truncated or damaged gzip file"):
        read(tmp_path, SESSIONS.replace("csv", "csv.gz"), sessions_csv_gz=gzip.compress(csv(GOOD).encode())[:-9])
    with pytest.raises(InvalidDataset, match="cannot be read"):
        read_rows(write(tmp_path, f"sessions: {{file: {'x' * 300}.csv}}"))


def test_a_file_with_only_a_header_has_no_rows(tmp_path: Path) -> None:
    with pytest.raises(NothingUsable, match="the file has a header but no rows"):
        read_dataset(write(tmp_path, sessions_csv=csv()))
