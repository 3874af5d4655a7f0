"""Values in dataset files, and the dataset read from them."""

import gzip
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.errors import InvalidDataset, LateFeature, NothingUsable
from importing import RejectCounts, fingerprints, read_dataset, read_rows
from importing.rows.times import Reading, parse_time
from tests.lib.dataset_parts import GOOD, HEADER, SESSIONS, column, csv, read, rejects, session, write
from tests.lib.paths import MEDICAL, ROOT


def one_session(**columns: object) -> pa.Table:
    """A Parquet table of one session, with columns named like the fields."""
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    row = {"session_id": "s1", "tutor_id": "t1", "booked_at": start, "starts_at": start, "status": "booked"} | columns
    return pa.table({name: v if isinstance(v, pa.Array) else pa.array([v]) for name, v in row.items()})


def read_parquet(folder: Path, table: pa.Table, more: str = "") -> list[dict[str, Any]]:
    pq.write_table(table, folder / "sessions.parquet")
    result = read(folder, SESSIONS.replace("csv", "parquet") + more)
    assert rejects(result) == []
    return result.dataset.tables["sessions"].to_pylist()


def test_csv_and_packed_csv_and_parquet_give_the_same(tmp_path: Path) -> None:
    plain = read(tmp_path, sessions_csv=csv(GOOD))
    packed = read(tmp_path, SESSIONS.replace("csv", "csv.gz"), sessions_csv_gz=gzip.compress(csv(GOOD).encode()))
    pq.write_table(plain.dataset.tables["sessions"], tmp_path / "sessions.parquet")
    binary = read(tmp_path, SESSIONS.replace("csv", "parquet"))

    assert plain.dataset.tables["sessions"].num_rows == 1
    assert plain.dataset.tables == packed.dataset.tables == binary.dataset.tables


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert read(tmp_path, sessions_csv="\ufeff" + csv(GOOD)).counts["sessions"].good == 1


def test_ids_stay_exactly_as_they_are(tmp_path: Path) -> None:
    ids = ["29872499824296", "93779.52927", "5.62E+14", "007", "9007199254740993"]
    result = read(tmp_path, sessions_csv=csv(*(session(session_id=i, tutor_id=i) for i in ids)))

    assert column(result, "session_id") == column(result, "tutor_id") == ids


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (pa.array([9007199254740993]), "9007199254740993"),
        (pa.array([558997776694438.0]), "558997776694438"),
        (pa.array(["t1"]).dictionary_encode(), "t1"),
        (pa.array(["t1"], pa.large_string()), "t1"),
        (pa.array([1.5]), "1.5"),
    ],
)
def test_ids_of_parquet_become_text_exactly(tmp_path: Path, value: pa.Array, text: str) -> None:
    assert read_parquet(tmp_path, one_session(tutor_id=value))[0]["tutor_id"] == text


@pytest.mark.parametrize(
    ("value", "utc"),
    [
        (pa.array([datetime(2026, 7, 2, 9)]), "2026-07-02T07:00:00"),
        (pa.array([datetime(2026, 7, 2, 9)], pa.timestamp("ns", "Asia/Tokyo")), "2026-07-02T09:00:00"),
        (pa.array([date(2026, 7, 2)]), "2026-07-01T22:00:00"),
        (pa.array(["2026-07-02 09:00"]), "2026-07-02T07:00:00"),
    ],
)
def test_times_and_dates_of_parquet_are_taken(tmp_path: Path, value: pa.Array, utc: str) -> None:
    [row] = read_parquet(tmp_path, one_session(starts_at=value), "\ntimezone: Europe/Berlin")
    assert row["starts_at"].isoformat() == f"{utc}+00:00"


def test_numbers_of_parquet_take_nan_as_empty(tmp_path: Path) -> None:
    assert read_parquet(tmp_path, one_session(rating=float("nan")))[0]["rating"] is None
    assert read_parquet(tmp_path, one_session(rating=4))[0]["rating"] == 4.0


def test_rows_of_parquet_are_counted_from_0(tmp_path: Path) -> None:
    table = pa.concat_tables([one_session(), one_session(session_id="s2", status="gone")])
    pq.write_table(table, tmp_path / "sessions.parquet")

    assert rejects(read(tmp_path, SESSIONS.replace("csv", "parquet")))[0][:4] == (
        "sessions.parquet",
        1,
        "status",
        "gone",
    )


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-07-02T09:00:00Z", "09:00:00"),
        ("2026-07-02 09:00:00 UTC", "09:00:00"),
        ("2026-07-02 09:00:00 +0200", "07:00:00"),
        ("2026-07-02T09:00:00.123456789+02:00", "07:00:00.123456"),
        ("2026-07-02 09:00", "07:00:00"),
        (" 2026-07-02T09:00:00.5 ", "07:00:00.500000"),
    ],
)
def test_times_with_and_without_a_zone_stand_side_by_side(tmp_path: Path, text: str, utc: str) -> None:
    rows = [session(starts_at=text, ends_at=""), session(session_id="s2", starts_at="2026-07-02T00:00:00Z", ends_at="")]
    result = read(tmp_path, f"timezone: Europe/Berlin\n{SESSIONS}", sessions_csv=csv(*rows))

    assert column(result, "starts_at")[0] == f"2026-07-02T{utc}+00:00"


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-03-29 01:59:59", "2026-03-29T00:59:59+00:00"),
        (
            "2026-03-29 02:30",
            "2026-03-29T01:00:00+00:00",
        ),  # skipped hour, the clock jumps from 2 to 3: first moment after it
        ("2026-03-29 03:00", "2026-03-29T01:00:00+00:00"),
        ("2026-10-25 02:30", "2026-10-25T00:30:00+00:00"),  # repeated hour: the first one
        ("2026-10-25 03:00", "2026-10-25T02:00:00+00:00"),
    ],
)
def test_times_at_a_change_of_clocks_are_read_in_one_way(tmp_path: Path, local: str, utc: str) -> None:
    row = session(booked_at="2026-01-01", starts_at=local, ends_at="")

    assert column(read(tmp_path, f"timezone: Europe/Berlin\n{SESSIONS}", sessions_csv=csv(row)), "starts_at") == [utc]


def test_the_end_of_a_day_is_midnight_also_when_the_clocks_change(tmp_path: Path) -> None:
    description = "timezone: Europe/Berlin\nsessions: {file: sessions.csv, columns: {starts_at: starts_at + 1d}}"
    row = session(booked_at="2026-01-01", starts_at="2026-03-29", ends_at="")

    assert column(read(tmp_path, description, sessions_csv=csv(row)), "starts_at") == ["2026-03-29T22:00:00+00:00"]


def test_a_format_is_followed_to_the_letter(tmp_path: Path) -> None:
    description = "sessions: {file: sessions.csv, formats: {booked_at: '%d.%m.%Y %H:%M'}}"
    rows = [session(booked_at="1.3.2026 08:05"), session(session_id="s2", booked_at="31.02.2026 08:05")]
    result = read(tmp_path, description, sessions_csv=csv(*rows))

    assert column(result, "booked_at") == ["2026-03-01T08:05:00+00:00"]
    assert rejects(result)[0][1:4] == (3, "booked_at", "31.02.2026 08:05")
    assert "in the format %d.%m.%Y %H:%M" in rejects(result)[0][4]


def test_values_mean_what_the_map_says_and_yes_is_a_word(tmp_path: Path) -> None:
    values = "{status: {Yes: no_show, No: completed, '': booked}, ends_at: {never: ~}}"
    description = f"sessions: {{file: sessions.csv, values: {values}}}"
    rows = [
        session(session_id=f"s{n}", status=said, ends_at="never") for n, said in enumerate(["Yes", "No", "", "yes"])
    ]
    result = read(tmp_path, description, sessions_csv=csv(*rows))

    assert column(result, "status") == ["no_show", "completed", "booked"]
    assert column(result, "ends_at") == [None, None, None]
    assert rejects(result)[0][1:4] == (5, "status", "yes")


def test_a_field_may_have_another_columns_name_or_be_left_out(tmp_path: Path) -> None:
    description = "sessions: {file: sessions.csv, columns: {student_id: tutor_id, ends_at: ~}}"
    result = read(tmp_path, description, sessions_csv=csv(GOOD))

    assert [column(result, "student_id"), column(result, "ends_at")] == [["t1"], [None]]


def test_fills_take_fields_spans_and_constants_and_build_on_each_other(tmp_path: Path) -> None:
    fill = "{outcome_known_at: ends_at + 1d, ends_at: starts_at + 90m, student_id: nobody, rating: 3}"
    rows = [session(ends_at="", outcome_known_at=""), session(session_id="s2", outcome_known_at="")]
    result = read(tmp_path, f"sessions: {{file: sessions.csv, fill: {fill}}}", sessions_csv=csv(*rows))

    assert column(result, "ends_at") == ["2026-03-02T10:30:00+00:00", "2026-03-02T10:00:00+00:00"]
    assert column(result, "outcome_known_at") == ["2026-03-03T10:30:00+00:00", "2026-03-03T10:00:00+00:00"]
    assert [column(result, "student_id"), column(result, "rating")] == [["nobody"] * 2, [3.0] * 2]
    assert column(result, "student_id", "students") == ["nobody"]


def test_a_value_that_cannot_be_read_is_rejected_though_there_is_a_fill(tmp_path: Path) -> None:
    description = "sessions: {file: sessions.csv, fill: {ends_at: starts_at + 90m}}"

    assert rejects(read(tmp_path, description, sessions_csv=csv(session(ends_at="?"))))[0][2:4] == ("ends_at", "?")


def test_the_outcome_of_a_booked_session_is_not_known_whatever_is_filled(tmp_path: Path) -> None:
    description = "sessions: {file: sessions.csv, fill: {outcome_known_at: starts_at + 1d}}"
    rows = [session(status="booked"), session(session_id="s2", status="booked", outcome_known_at="")]

    assert column(read(tmp_path, description, sessions_csv=csv(*rows)), "outcome_known_at") == [None, None]


RESCHEDULES = "reschedule_id,session_id,tutor_id,initiator,requested_at,old_starts_at,new_starts_at\n" + "".join(
    f"r{day},s1,t1,tutor,2026-03-0{day}T12:00:00Z,2026-03-02,2026-03-03\n" for day in (1, 2)
)


def test_a_start_is_known_since_the_last_reschedule_or_the_booking(tmp_path: Path) -> None:
    description = f"{SESSIONS}\nreschedules: {{file: reschedules.csv}}"
    rows = csv(GOOD, session(session_id="s2"))
    result = read(tmp_path, description, sessions_csv=rows, reschedules_csv=RESCHEDULES)

    assert column(result, "scheduled_at") == ["2026-03-02T12:00:00+00:00", "2026-03-01T08:00:00+00:00"]
    assert column(read(tmp_path, sessions_csv=rows), "scheduled_at") == column(result, "booked_at")


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("Age >= 0", ["a", "b"]),
        ("0<=Age", ["a", "b"]),
        ("Age == 7", ["b"]),
        ("Age != 7", ["a", "c"]),
        ("Age is empty", ["d"]),
        ("Age is not empty", ["a", "b", "c"]),
        ("`Age` > 1.5", ["a", "b"]),
        ("Kind != 'x > y'", ["a", "c"]),
        ('Kind = "x > y"', ["b", "d"]),
        ("session_id < 'c'", ["a", "b"]),
        ("starts_at >= 2026-03-02T09:30:00Z", ["b", "c", "d"]),
        ("starts_at <= Until - 1h", ["a", "b"]),
        ("starts_at + 1h > 2026-03-02T10:00:00Z", ["b", "c", "d"]),
        ("status == 'completed'", ["a", "b", "c", "d"]),
    ],
)
def test_a_filter_keeps_the_rows_that_meet_it(tmp_path: Path, condition: str, kept: list[str]) -> None:
    rows = [
        f"{session(session_id=name, starts_at=start, ends_at='')},{age},{kind},{until}"
        for name, start, age, kind, until in (
            ("a", "2026-03-02T09:00:00Z", "62", "z", "2026-03-02 12:00"),
            ("b", "2026-03-02T10:00:00Z", "7", "x > y", "2026-03-02 12:00"),
            ("c", "2026-03-02T11:30:00Z", "-1", "z", "2026-03-02 12:00"),
            ("d", "2026-03-02T12:00:00Z", "", "x > y", ""),
        )
    ]
    description = f"sessions:\n  file: sessions.csv\n  filters:\n    - {condition!r}"
    if condition.count("'"):
        description = description.replace(repr(condition), f"|-\n      {condition}")
    result = read(tmp_path, description, sessions_csv=csv(*rows, header=f"{HEADER},Age,Kind,Until"))

    assert [rejects(result), column(result, "session_id")] == [[], kept]
    assert result.counts["sessions"] == RejectCounts(read=4, good=len(kept), filtered=4 - len(kept))


def test_a_row_that_a_filter_cannot_read_is_rejected_and_one_it_leaves_out_is_not(tmp_path: Path) -> None:
    description = "sessions: {file: sessions.csv, filters: [Age >= 0, starts_at >= booked_at]}"
    rows = [f"{GOOD},old", f"{session(status='?')},-1", f"{session(starts_at='?')},1"]
    result = read(tmp_path, description, sessions_csv=csv(*rows, header=f"{HEADER},Age"))

    assert [place[1:4] for place in rejects(result)] == [(2, "Age", "old"), (4, "starts_at", "?")]
    assert rejects(result)[0][4] == "not a number, as a filter requires"
    assert result.counts["sessions"] == RejectCounts(read=3, rejected=2, filtered=1)


def test_tutors_and_students_without_a_file_are_those_that_good_rows_name(tmp_path: Path) -> None:
    description = f"{SESSIONS}\nmessages: {{file: messages.csv}}"
    messages = "message_id,tutor_id,student_id,sent_at,sender,recipient\nm1,t9,p1,2026-03-01,tutor,student\n"
    rows = csv(GOOD, session(session_id="s2", tutor_id="t2", status="?"))
    result = read(tmp_path, description, sessions_csv=rows, messages_csv=messages)

    assert [column(result, "tutor_id", "tutors"), column(result, "timezone", "tutors")] == [["t1", "t9"], ["UTC"] * 2]
    assert column(result, "student_id", "students") == ["p1"]
    assert result.counts["tutors"] == RejectCounts(good=2)
    assert not result.dataset.departures_given


@pytest.mark.parametrize(("header", "given"), [("tutor_id,departed_at", True), ("tutor_id,other", False)])
def test_departures_are_given_where_tutors_have_the_column(tmp_path: Path, header: str, given: bool) -> None:
    description = f"{SESSIONS}\ntutors: {{file: tutors.csv}}"
    result = read(tmp_path, description, sessions_csv=csv(GOOD), tutors_csv=f"{header}\nt1,\n")

    assert result.dataset.departures_given is given


def test_attributes_are_kept_and_late_ones_refused_as_features(tmp_path: Path) -> None:
    description = """
sessions:
  file: sessions.csv
  values: {Trial: {"yes": "1", "no": "0"}}
  attributes:
    Subject: categorical
    Trial: {type: numeric, known_when_asked: asked for at booking}
    Feedback: {type: numeric, late: true}
"""
    rows = csv(f"{GOOD},maths,yes,4.5", f"{session(session_id='s2')},,no,", header=f"{HEADER},Subject,Trial,Feedback")
    result = read(tmp_path, description, sessions_csv=rows)

    assert column(result, "attributes.Subject") == ["maths", None]
    assert column(result, "attributes.Trial") == [1.0, 0.0]
    assert column(result, "attributes.Feedback") == [4.5, None]
    assert [a.name for a in result.dataset.feature_attributes("sessions")] == ["Subject", "Trial"]
    assert [a.known_when_asked for a in result.dataset.attributes] == ["", "asked for at booking", ""]
    with pytest.raises(LateFeature, match="Feedback: written after the booking"):
        result.dataset.check_features(("Subject", "Feedback"))


def test_a_numeric_attribute_that_is_no_number_is_rejected(tmp_path: Path) -> None:
    description = "sessions: {file: sessions.csv, attributes: {Age: numeric}}"
    result = read(tmp_path, description, sessions_csv=csv(f"{GOOD},old", header=f"{HEADER},Age"))

    assert rejects(result) == [("sessions.csv", 2, "Age", "old", "not a number")]


def test_a_dataset_without_a_good_session_is_of_no_use(tmp_path: Path) -> None:
    path = write(tmp_path, sessions_csv=csv(session(status="?")))

    assert read_rows(path).rejects.num_rows == 1
    with pytest.raises(NothingUsable, match="no session can be used: of 1 rows 1 were rejected and 0 excluded"):
        read_dataset(path)
    assert read(tmp_path, sessions_csv=csv()).counts["sessions"] == RejectCounts()


def test_another_file_may_stand_for_the_one_named(tmp_path: Path) -> None:
    path = write(tmp_path, sessions_csv="gone", copy_csv=csv(session(status="?"), GOOD))
    result = read_dataset(path, {"sessions": tmp_path / "copy.csv"})

    assert rejects(result)[0][0] == str(tmp_path / "copy.csv")
    assert set(fingerprints(result.files)) == {"dataset", "sessions"}
    with pytest.raises(InvalidDataset, match="describes no `messages`"):
        read_dataset(path, {"messages": tmp_path / "copy.csv"})


@pytest.mark.skipif(not MEDICAL.exists(), reason="the medical no-shows file is missing next to the project")
def test_the_medical_file_is_read_whole_but_for_six_rows() -> None:
    description = ROOT / "docs/examples/medical_no_shows.yaml"
    result = read_dataset(description, {"sessions": MEDICAL})

    assert result.counts["sessions"] == RejectCounts(read=110_527, good=110_521, filtered=6)
    assert column(result, "status").count("no_show") == 22_314
    assert column(result, "starts_at")[0] == "2016-04-30T00:00:00+00:00"
    assert column(result, "outcome_known_at")[0] == "2016-05-01T00:00:00+00:00"
    assert len(result.dataset.feature_attributes("sessions")) == 9


@pytest.mark.parametrize("zone", ["", "Z", "+02", "+0200", "+02:00", "+23:59", "+24", "+02:60", "z", "-15:00"])
@pytest.mark.parametrize(
    "local",
    [
        *("2026-03-02", "2026-03-02T09", "2026-03-02 09:05", "2026-03-02T09:05:01", "2026-03-02T09:05:01.1234567"),
        *("2026-02-29", "2024-02-29", "2026-3-2", "2026-04-31T09:05", "1899-12-31T09:05", "2200-01-01T09:05"),
        *("2026-03-02T0905", "2026-03-02T24:00", "2026-03-02T09:60", "2026-03-02T09:05:60", "20260302", "2026-03-02T"),
        *("2026-03-02T09:05.5", "2026-03-02T09:05:01.", "2026-03-02T09:05:01,5", "0000-01-01T09:05", "2026-060"),
    ],
)
def test_a_time_is_read_alike_alone_and_among_others_that_cannot_be_read(local: str, zone: str) -> None:
    alone, among = (
        parse_time(pa.chunked_array([[f"{local}{zone}", *others]]), Reading("UTC")) for others in ([], ["?"])
    )

    assert alone.values[0] == among.values[0]
    assert alone.unreadable[0] == among.unreadable[0]
