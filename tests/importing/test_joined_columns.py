"""Fields joined from columns, chosen by conditions or filled from a number of days, and the errors of these keys."""

import re
from pathlib import Path

import pytest

from domain.errors import InvalidDataset
from importing import read_rows
from tests.lib.dataset_parts import column, csv, read, rejects, write
from tests.lib.paths import ROOT

HEADER = "booking,agent,office,arrival_year,arrival_month,arrival_day,lead_time,cancelled,checked_in"
ROW = "b1,17,AA,2026,March,7,3,0,yes"
HEAD = "sessions:\n  file: sessions.csv\n"
COLUMNS = """  columns:
    session_id: booking
    tutor_id: office + agent
    starts_at: arrival_year + arrival_month + arrival_day
"""
FORMATS = '  formats: {starts_at: "%Y %B %d"}\n'
FILL = "  fill: {booked_at: starts_at - lead_time days, outcome_known_at: starts_at, status: completed}\n"
WHEN = "  when:\n    status: {no_show: cancelled == 1, booked: checked_in is empty}\n"
WHOLE = HEAD + COLUMNS + FORMATS + FILL + WHEN


def table(*rows: str, header: str = HEADER) -> str:
    return csv(*rows, header=header)


def test_ids_and_times_are_joined_from_columns(tmp_path: Path) -> None:
    result = read(tmp_path, WHOLE, sessions_csv=table(ROW))
    assert column(result, "tutor_id") == ["AA:17"]
    assert column(result, "tutor_id", "tutors") == ["AA:17"]
    assert column(result, "starts_at") == ["2026-03-07T00:00:00+00:00"]


def test_a_part_that_is_empty_leaves_the_field_empty(tmp_path: Path) -> None:
    result = read(tmp_path, WHOLE, sessions_csv=table(ROW, ROW.replace("b1,17", "b2,")))
    assert rejects(result) == [("sessions.csv", 3, "office + agent", "", "missing, but required")]


def test_a_time_that_its_parts_do_not_form_is_rejected(tmp_path: Path) -> None:
    result = read(tmp_path, WHOLE, sessions_csv=table(ROW, ROW.replace("b1", "b2").replace("March,7", "March,32")))
    (reject,) = rejects(result)
    assert reject[2:4] == ("arrival_year + arrival_month + arrival_day", "2026 March 32")
    assert reject[4].startswith("not a time in the format %Y %B %d")


def test_a_span_is_added_to_a_joined_time(tmp_path: Path) -> None:
    described = WHOLE.replace("arrival_day\n", "arrival_day + 12h\n")
    assert column(read(tmp_path, described, sessions_csv=table(ROW)), "starts_at") == ["2026-03-07T12:00:00+00:00"]


def test_a_column_with_a_plus_in_its_name_is_that_column(tmp_path: Path) -> None:
    header = HEADER.replace("office", "office + agent")
    result = read(tmp_path, WHOLE, sessions_csv=table(ROW, header=header))
    assert column(result, "tutor_id") == ["AA"]
    quoted = WHOLE.replace("office + agent", '"`office + agent` + agent"')
    assert column(read(tmp_path, quoted, sessions_csv=table(ROW, header=header)), "tutor_id") == ["AA:17"]


@pytest.mark.parametrize(
    ("number", "unit", "booked_at"),
    [
        ("3", "days", "2026-03-04T00:00:00+00:00"),
        ("1.5", "days", "2026-03-05T12:00:00+00:00"),
        ("36", "hours", "2026-03-05T12:00:00+00:00"),
        ("30", "minutes", "2026-03-06T23:30:00+00:00"),
    ],
)
def test_a_time_is_filled_from_a_number_of_units(tmp_path: Path, number: str, unit: str, booked_at: str) -> None:
    described = WHOLE.replace("lead_time days", f"lead_time {unit}")
    result = read(tmp_path, described, sessions_csv=table(ROW.replace(",3,", f",{number},")))
    assert column(result, "booked_at") == [booked_at]


@pytest.mark.parametrize("number", ["soon", "40000", "1e300", "-36501"])
def test_a_number_that_is_no_span_is_rejected(tmp_path: Path, number: str) -> None:
    result = read(tmp_path, WHOLE, sessions_csv=table(ROW, ROW.replace("b1", "b2").replace(",3,", f",{number},")))
    assert rejects(result) == [
        ("sessions.csv", 3, "lead_time", number, "not a number whose span is at most a hundred years")
    ]


def test_a_time_of_the_file_is_not_replaced_by_a_number_of_days(tmp_path: Path) -> None:
    rows = (
        f"{ROW},2026-03-01",
        f"{ROW.replace('b1', 'b2')},",
        f"{ROW.replace('b1,', 'b3,').replace(',3,', ',x,')},2026-03-01",
    )
    result = read(tmp_path, WHOLE, sessions_csv=table(*rows, header=HEADER + ",booked_at"))
    assert column(result, "booked_at") == [f"2026-03-0{day}T00:00:00+00:00" for day in (1, 4, 1)]


def test_the_first_condition_that_a_row_meets_gives_the_value(tmp_path: Path) -> None:
    rows = (ROW, ROW.replace("b1", "b2").replace(",0,yes", ",1,"), ROW.replace("b1", "b3").replace("yes", ""))
    assert column(read(tmp_path, WHOLE, sessions_csv=table(*rows)), "status") == ["completed", "no_show", "booked"]


def test_a_row_that_meets_no_condition_keeps_the_value_of_its_column(tmp_path: Path) -> None:
    rows = (f"{ROW},cancelled", f"{ROW.replace('b1', 'b2').replace(',0,', ',1,')},unknown")
    result = read(tmp_path, WHOLE, sessions_csv=table(*rows, header=HEADER + ",status"))
    assert column(result, "status") == ["cancelled", "no_show"]
    assert result.rejects.num_rows == 0


def test_a_value_that_cannot_be_compared_rejects_its_row(tmp_path: Path) -> None:
    result = read(tmp_path, WHOLE, sessions_csv=table(ROW, ROW.replace("b1", "b2").replace(",0,", ",perhaps,")))
    assert rejects(result)[0][4] == "a condition under `when` compares a value that cannot be read"


def error_of(folder: Path, described: str) -> str:
    with pytest.raises(InvalidDataset) as caught:
        read_rows(write(folder, described, sessions_csv=table(ROW)))
    return str(caught.value).removeprefix(f"{folder}/dataset.yaml ")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("office + agent", "ofice + agent", "line 5: sessions.csv has no column `ofice`; did you mean `office`?"),
        ("office + agent", "office + agent + 1d", "line 5: `office + agent + 1d`: `tutor_id` is not a time"),
        (
            FORMATS,
            "",
            "line 6: `arrival_year + arrival_month + arrival_day`: a time joined from columns needs the format",
        ),
        (
            '"%Y %B %d"',
            "epoch_s",
            "line 6: `arrival_year + arrival_month + arrival_day`: a time joined from columns needs",
        ),
        (
            "    starts_at: ",
            "    rating: agent + office\n    starts_at: ",
            "line 6: `agent + office`: `rating` is a number",
        ),
        ("lead_time days", "lead days", "line 8: sessions.csv has no column `lead`; did you mean `lead_time`?"),
        ("starts_at - lead_time days", "start_at - lead_time days", "line 8: `start_at - lead_time days` is neither"),
        ("starts_at - lead_time days", "starts_at - 3 days", "line 8: `starts_at - 3 days` is neither a field"),
        ("status: completed}", "status: starts_at - lead_time days}", "line 8: `status` is one of booked"),
        ("no_show:", "no_shw:", "line 10: `no_shw` is not a value of `status`; did you mean `no_show`?"),
        ("    status: {no_show", "    statu: {no_show", "line 10: `statu` is not a field of `sessions`; did you mean"),
        (
            "    status: {no_show",
            "    tutor_id: {no_show",
            "line 10: `when` is for fields with choices, such as `status`",
        ),
        ("cancelled == 1", "canceled == 1", "line 10: `canceled == 1`: `canceled` is neither a field nor a column"),
        ("cancelled == 1", "cancelled", "line 10: `cancelled` is not a condition; write one such as"),
        ("cancelled == 1", "starts_at > 3", "line 10: a time cannot be compared with a number"),
        (
            FORMATS,
            FORMATS + "  attributes: {cancelled: numeric}\n",
            "line 8: `cancelled` is the column of `status`, known only after the session: add `late: true`",
        ),
    ],
)
def test_every_error_is_found_by_reading_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in WHOLE
    assert error_of(tmp_path, WHOLE.replace(old, new, 1)).startswith(message)


def test_a_column_of_a_condition_is_an_attribute_if_it_is_late_or_confirmed(tmp_path: Path) -> None:
    for declared in ("late: true", "known_when_asked: set at the booking"):
        described = WHOLE + f"  attributes:\n    cancelled: {{type: numeric, {declared}}}\n"
        assert read(tmp_path, described, sessions_csv=table(ROW)).rejects.num_rows == 0


def test_the_example_of_the_page_is_read(tmp_path: Path) -> None:
    page = (ROOT / "docs/dataset.md").read_text()
    (example,) = re.findall(r"```yaml\n(sessions:\n  file: bookings.csv.*?)```", page, re.DOTALL)
    result = read(tmp_path, example, bookings_csv=table(ROW))
    assert column(result, "tutor_id") == ["17:AA"]
    assert result.rejects.num_rows == 0
