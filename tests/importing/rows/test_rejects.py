"""Rejected rows, and their entries in the rejects file."""

from pathlib import Path

import pytest

from importing import RejectCounts, write_rejects
from tests.lib.dataset_parts import GOOD, HEADER, column, csv, read, rejects, session


@pytest.mark.parametrize(
    ("fields", "column", "value", "reason"),
    [
        ({"status": "gone"}, "status", "gone", "unknown status: not one of booked, completed"),
        ({"booked_at": "yesterday"}, "booked_at", "yesterday", "not a time such as 2026-03-01T09:30:00Z"),
        ({"starts_at": "2026-02-29T09:00:00Z"}, "starts_at", "2026-02-29T09:00:00Z", "not a time"),
        ({"starts_at": "2026-13-01"}, "starts_at", "2026-13-01", "not a time"),
        ({"starts_at": "1026-03-01"}, "starts_at", "1026-03-01", "not a time"),
        ({"starts_at": "2026-03-02T24:00:00Z"}, "starts_at", "2026-03-02T24:00:00Z", "not a time"),
        ({"tutor_id": ""}, "tutor_id", "", "missing, but required"),
        ({"tutor_id": "  "}, "tutor_id", "  ", "missing, but required"),
        ({"tutor_id": "t\0"}, "tutor_id", "t\0", "contains a NUL character"),
        ({"ends_at": "2026-03-02T08:00:00Z"}, "ends_at", "2026-03-02T08:00:00Z", "ends_at is before starts_at"),
        (
            {"outcome_known_at": ""},
            "outcome_known_at",
            "",
            "outcome_known_at is missing for a session that is over; fill it",
        ),
    ],
)
def test_a_bad_value_is_named_with_its_file_line_column_and_reason(
    tmp_path: Path, fields: dict[str, str], column: str, value: str, reason: str
) -> None:
    result = read(tmp_path, sessions_csv=csv(GOOD, session(session_id="s2", **fields)))

    [(file, row, *place, why)] = rejects(result)
    assert (file, row, *place) == ("sessions.csv", 3, column, value.strip() if value == "  " else value)
    assert why.startswith(reason)
    assert result.counts["sessions"] == RejectCounts(read=2, good=1, rejected=1)


def test_a_number_that_cannot_be_read_is_rejected(tmp_path: Path) -> None:
    rows = [f"{session(session_id=f's{n}')},{text}" for n, text in enumerate(["4", "4,5", "1e3", "inf", "0x10", ""])]
    result = read(
        tmp_path, sessions_csv=csv(*(r.replace("4,5", '"4,5"') for r in rows), header=f"{HEADER},late_minutes")
    )

    assert [(row, name, value) for _, row, name, value, why in rejects(result) if why == "not a number"] == [
        (3, "late_minutes", "4,5"),
        (5, "late_minutes", "inf"),
        (6, "late_minutes", "0x10"),
    ]
    assert column(result, "late_minutes") == [4.0, 1000.0, None]


def test_a_row_with_several_faults_is_one_reject(tmp_path: Path) -> None:
    result = read(tmp_path, sessions_csv=csv(session(booked_at="?", status="?", tutor_id="")))

    assert [place[2] for place in rejects(result)] == ["tutor_id"]
    assert result.counts["sessions"] == RejectCounts(read=1, rejected=1)


def test_the_same_row_again_is_dropped_and_another_of_its_key_rejected(tmp_path: Path) -> None:
    result = read(tmp_path, sessions_csv=csv(GOOD, GOOD, session(status="no_show"), session(session_id="s2")))

    assert rejects(result) == [
        ("sessions.csv", 4, "session_id", "s1", "duplicate: row 2 has the same session_id and a different status")
    ]
    assert result.counts["sessions"] == RejectCounts(read=4, good=2, rejected=1, duplicates=1)
    assert column(result, "status") == ["completed", "completed"]


def test_a_key_is_no_duplicate_of_a_row_that_was_rejected(tmp_path: Path) -> None:
    result = read(tmp_path, sessions_csv=csv(session(status="?"), GOOD))

    assert result.counts["sessions"] == RejectCounts(read=2, good=1, rejected=1)


WITH_TUTORS = """
tutors: {file: tutors.csv}
sessions: {file: sessions.csv}
messages: {file: messages.csv}
"""
MESSAGES = "message_id,tutor_id,sent_at,sender,recipient"


def test_an_orphan_is_rejected_whether_what_it_names_is_absent_or_rejected(tmp_path: Path) -> None:
    result = read(
        tmp_path,
        WITH_TUTORS,
        tutors_csv="tutor_id,timezone\nt1,Europe/Berlin\nt2,Europe/Atlantis\n",
        sessions_csv=csv(GOOD, session(session_id="s2", tutor_id="t2"), session(session_id="s3", tutor_id="t3")),
        messages_csv=f"{MESSAGES}\nm1,t2,2026-03-01,tutor,student\nm2,t1,2026-03-01,tutor,student\n",
    )

    assert rejects(result) == [
        ("tutors.csv", 3, "timezone", "Europe/Atlantis", "unknown time zone"),
        ("sessions.csv", 3, "tutor_id", "t2", "orphan: its row of tutors was rejected"),
        ("sessions.csv", 4, "tutor_id", "t3", "orphan: not in tutors"),
        ("messages.csv", 2, "tutor_id", "t2", "orphan: its row of tutors was rejected"),
    ]


def test_rows_that_refer_to_a_row_left_out_are_left_out_too(tmp_path: Path) -> None:
    result = read(
        tmp_path,
        WITH_TUTORS.replace("tutors.csv}", "tutors.csv, filters: [\"tutor_id != 'test'\"]}"),
        tutors_csv="tutor_id\nt1\ntest\n",
        sessions_csv=csv(GOOD, session(session_id="s2", tutor_id="test")),
        messages_csv=f"{MESSAGES}\nm1,test,2026-03-01,tutor,student\n",
    )

    assert rejects(result) == []
    assert [result.counts[kind].filtered for kind in ("tutors", "sessions", "messages")] == [1, 1, 1]


def test_lines_are_counted_as_a_person_sees_them(tmp_path: Path) -> None:
    """Covers empty lines, multi-line values, and rows with too few or too many values."""
    two_lines = session(session_id='"s\n2"')
    result = read(
        tmp_path,
        sessions_csv=csv(GOOD, "", two_lines, "a,b", session(status="?"), f"{GOOD},more").replace("\n", "\r\n"),
    )

    assert [(row, why.split(":")[0]) for _, row, _, _, why in rejects(result)] == [
        (4, "must not contain control characters, line breaks or text direction overrides"),
        (6, "the row has 2 values, the header 7"),
        (7, "unknown status"),
        (8, "the row has 8 values, the header 7"),
    ]
    assert result.counts["sessions"] == RejectCounts(read=5, good=1, rejected=4)


def test_the_rejects_file_is_csv_with_a_header(tmp_path: Path) -> None:
    result = read(tmp_path, sessions_csv=csv(session(status='"so, ""so"""')))
    write_rejects(result.rejects, tmp_path / "rejects.csv")

    header, row = (tmp_path / "rejects.csv").read_text().splitlines()
    assert header == '"file","row","column","value","reason"'
    assert row.startswith('"sessions.csv",2,"status","so, ""so""","unknown status')
