"""Errors in a dataset file: line, problem and nearest valid key."""

from pathlib import Path

import pytest

from domain.errors import InvalidDataset
from importing import read_rows
from tests.lib.dataset_parts import GOOD, csv, write

FIRST = "version: 1\nsessions:\n  file: sessions.csv\n"


def error_of(folder: Path, description: str, **files: str | bytes) -> str:
    with pytest.raises(InvalidDataset) as caught:
        read_rows(write(folder, description, **({"sessions_csv": csv(GOOD)} | files)))
    return str(caught.value).removeprefix(f"{folder}/dataset.yaml ")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("  colums: {}", "line 4: `colums` is not a key of `sessions`; did you mean `columns`?"),
        ("sesions: {}", "line 4: `sesions` is not a key of the dataset file; did you mean `sessions`?"),
        ("  columns: [a]", "line 4: `columns` must hold lines of KEY: VALUE"),
        ("  filters: Age > 0", "line 4: `filters` must be a list"),
        ("  columns:\n    booked: x", "line 5: `booked` is not a field of `sessions`; did you mean `booked_at`?"),
        ("  columns: {starts_at: start_at}", "line 4: sessions.csv has no column `start_at`; did you mean `starts_at`"),
        ("  columns: {status: status + 1d}", "line 4: `status + 1d`: `status` is not a time, so no span can"),
        ("  values: {status: {x: no_shw}}", "line 4: `no_shw` is not a value of `status`; did you mean `no_show`?"),
        ("  values:\n    state: {x: y}", "line 5: `state` is not a field of `sessions`; did you mean `status`?"),
        ("  formats: {booked_at: '%Q'}", "line 4: `%Q` is not a time format; write one such as %d.%m.%Y %H:%M"),
        ("  formats: {booked_at: '%d.%m.'}", "line 4: `%d.%m.` is not a time format"),
        ("  formats: {booked_at: '%d/%m/%Y %I:%M'}", "line 4: `%d/%m/%Y %I:%M`: %I without %p is ambiguous (AM or PM)"),
        ("  formats: {booked_at: '%m/%d/%Y %H:%M %p'}", "line 4: `%m/%d/%Y %H:%M %p`: %p has an effect only with %I"),
        ("  formats: {booked_at: '%Y-%m-%d %H:%M +0200'}", "line 4: `%Y-%m-%d %H:%M +0200`: `+0200` would be ignored"),
        ("  formats: {booked_at: '%m/%Y'}", "line 4: `%m/%Y` is not a time format: it has no day (%d)"),
        ("  formats: {booked_at: '%Y-%m-%d %M'}", "line 4: `%Y-%m-%d %M` has minutes or seconds but no hour"),
        ("  formats: {booked_at: '%F %T'}", "line 4: `%F %T`: `%F` is not supported; write %Y-%m-%d"),
        ("  formats: {booked_at: '%Y-%m-%d %Z'}", "line 4: `%Y-%m-%d %Z`: %Z is not supported, since names of zones"),
        ("  formats: {booked_at: epoch-ms}", "line 4: `epoch-ms` is not a time format; did you mean `epoch_ms`?"),
        ("  formats: {booked_at: YYYY}", "line 4: `YYYY` is not a time format; write one such as %d.%m.%Y %H:%M, or"),
        ("  csv: {separater: ';'}", "line 4: `separater` is not a key of `csv`; did you mean `separator`?"),
        ("csv: {seperator: ';'}", "line 4: `seperator` is not a key of `csv`; did you mean `separator`?"),
        ("  csv: {separator: ';;'}", "line 4: `;;` is not a separator; write one sign such as ; or the word tab"),
        ("csv: {decimal: komma}", "line 4: `komma` is not a decimal sign; write . or ,"),
        ("csv: {thousands: '.'}", "line 4: `.` is also the decimal sign; write another `decimal`"),
        ("csv: {thousands: x}", "line 4: `x` is not a sign between thousands"),
        ("csv: {encoding: utf-61}", "line 4: `utf-61` is not a known encoding; did you mean `utf-16`?"),
        ("csv: {quote: '*'}", "line 4: `*` is not a quote"),
        ("  sheet: Sessions", "line 4: `sheet` is for Excel files, and `sessions.csv` is not one"),
        ("tutors:\n  file: t.parquet\n  csv: {}", "line 6: `csv` is for CSV files, and `t.parquet` is not one"),
        ("  formats: {status: '%Y'}", "line 4: `status` is not a time, so it has no format"),
        ("  fill: {ends_at: start_at + 1h}", "line 4: `start_at + 1h` is neither a field of `sessions` nor a time"),
        ("  fill: {ends_at: status}", "line 4: `ends_at` is a time, `status` is one of booked"),
        ("  fill: {status: compleded}", "line 4: `compleded` is neither a field of `sessions` nor one of booked"),
        ("  fill: {ends_at: starts_at + 99999d}", "line 4: `99999d` is longer than a hundred years"),
        ("  fill: {ends_at: outcome_known_at, outcome_known_at: ends_at}", "line 4: circular fills"),
        ("  filters:\n    - tutor_id\n    - Age > 0", "line 5: `tutor_id` is not a condition; write one such as"),
        ("  filters:\n    - start_at > 2026-01-01", "line 5: `start_at > 2026-01-01`: `start_at` is neither"),
        ("  filters: [status != cancelled]", "line 4: `status != cancelled`: `cancelled` is neither a field nor"),
        ("  filters: [starts_at > 3]", "line 4: `starts_at > 3`: a time cannot be compared with a number"),
        ("  filters: [\"starts_at > 'noon'\"]", "line 4: `starts_at > 'noon'`: `noon` is not a time"),
        ("  filters: [\"1 > 2\"]", "line 4: `1 > 2` is not a condition"),
        ("  attributes: {statu: numeric}", "line 4: sessions.csv has no column `statu`; did you mean `status`?"),
        ("  attributes:\n    tutor_id: numric", "line 5: `numric` is not a type of attribute; did you mean `numeric`?"),
        ("  attributes: {tutor_id: {typ: numeric}}", "line 4: `typ` is not a key of `tutor_id`; did you mean `type`?"),
        ("  attributes: {tutor_id: {type: numeric, late: perhaps}}", "line 4: `late` must be true or false"),
        ("  attributes: {tutor_id: {type: numeric, late: true, known_when_asked: why}}", "line 4: a column cannot be"),
        ("  attributes: {status: categorical}", "line 4: `status` is the column of `status`, known only after"),
        ("timezone: Europe/Atlantis", "line 4: `Europe/Atlantis` is not a time zone"),
        ("tutors:\n  columns: {}", "line 4: `tutors` lacks `file`"),
        ("tutors:\n  file: tutors.xls", "line 5: tutors.xls: its name must end in one of .csv, .csv.gz, .parquet"),
        ("tutors:\n  file: tutors.csv", "line 5: tutors.csv: there is no such file in "),
        ("messages: {file: m.csv, attributes: {x: numeric}}", "line 4: only `tutors` and `sessions` have attributes"),
        ("  asked: soon", "line 4: `soon` is no moment; write `at booking`, or one such as `24 hours before start`"),
        ("tutors: {file: t.csv, asked: at booking}", "line 4: only `sessions` are asked about; move `asked` there"),
        ("  history: subject", "line 4: `history` must be a list"),
        ("  history:\n    - subject", "line 5: `subject` is not an attribute of `sessions`; add it under `attributes`"),
        ("  history: [student]", "line 4: `student` is not an attribute of `sessions`; did you mean `student_id`?"),
        ("  history: [student_id]", "line 4: the history of `student_id` requires `student_id`: sessions.csv"),
        ("  attributes: {ends_at: numeric}\n  history: [ends_at]", "line 5: `ends_at` is numeric; a group needs"),
        (
            "  attributes: {ends_at: {type: categorical, late: true}}\n  history: [ends_at]",
            "line 5: `ends_at` is late, so no model may read its past",
        ),
        ("messages: {file: m.csv, history: [x]}", "line 4: only `tutors` and `sessions` have `history`"),
        ("name: [a", "line 5: not valid YAML: expected ',' or ']'"),
        ("name: \x07", "line 4: not valid YAML: special characters are not allowed"),
        ("name: a\nname: b", "line 5: `name` occurs twice, first in line 4"),
        ("name: &a x\ntimezone: *a", "line 5: `*a`: aliases are not supported; write it out"),
        ("name: [[[[[[[[[x]]]]]]]]]", "line 4: nested too deep"),
    ],
)  # fmt: skip
def test_an_error_names_line_and_nearest_key(tmp_path: Path, more: str, message: str) -> None:
    assert error_of(tmp_path, f"{FIRST}{more}\n").startswith(message)


def test_all_errors_are_said_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    found = error_of(tmp_path, f"{FIRST}  colums: {{}}\n  filter: []\n").splitlines()

    assert ["colums" in found[0], "filter" in found[1], len(found)] == [True, True, 2]


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("", "line 1: the file must hold lines of KEY: VALUE"),
        ("- a", "line 1: the file must hold lines of KEY: VALUE"),
        ("version: 1", "line 1: the dataset file lacks `sessions`"),
        ("version: 2\nsessions: {file: sessions.csv}", "line 1: version 2 is not supported; write `version: 1`"),
        ("a: 1\n---\nb: 2", "line 2: not valid YAML: but found another document"),
        ("{a: 1}: b", "line 1: a key must be one word"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, description: str, message: str) -> None:
    assert error_of(tmp_path, description).startswith(message)


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match="there is no such file"):
        read_rows(tmp_path / "nothing.yaml")
    (tmp_path / "latin.yaml").write_bytes("version: 1\nname: Größe\n".encode("latin-1"))
    with pytest.raises(InvalidDataset, match="line 2: not UTF-8 text"):
        read_rows(tmp_path / "latin.yaml")


def test_a_required_field_that_nothing_gives_is_named_with_the_nearest_column(tmp_path: Path) -> None:
    data = csv(GOOD).replace("booked_at", "bookedAt")

    assert error_of(tmp_path, FIRST, sessions_csv=data).startswith(
        "line 2: no column for `booked_at`: sessions.csv has no column `booked_at`; did you mean `bookedAt`?"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "sessions.csv: the file is empty"),
        (csv(GOOD).encode() + b"\xff" + GOOD.encode(), "sessions.csv: line 3 is not UTF-8 text"),
        (csv(GOOD, '"' + GOOD, GOOD), "sessions.csv: line 3 opens a quote that is never closed"),
        (csv(GOOD).replace("ends_at", "status", 1), "sessions.csv: the column `status` occurs twice"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(tmp_path: Path, content: bytes, message: str) -> None:
    assert message in error_of(tmp_path, FIRST, sessions_csv=content)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize("literal", ["Z", " UTC", "+00:00"])
def test_a_literal_zone_is_refused_where_times_are_of_another(tmp_path: Path, zone: str, literal: str) -> None:
    start = f"2026-03-02T09:00:00{literal}"
    description = f"timezone: {zone}\n{FIRST}  formats: {{starts_at: '%Y-%m-%dT%H:%M:%S{literal}'}}"
    if zone == "UTC":
        path = write(tmp_path, description, sessions_csv=csv(GOOD.replace("2026-03-02T09:00:00Z", start)))
        assert read_rows(path).counts["sessions"].good == 1
    else:
        said = f"`{literal.strip()}` would be ignored and the time read in Europe/Berlin"
        assert said in error_of(tmp_path, description)
