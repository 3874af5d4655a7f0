"""Sessions with one row per student."""

from pathlib import Path

import pytest

from domain.errors import InvalidDataset
from tests.lib.dataset_parts import GOOD, HEADER, csv, read, rejects

HEAD = HEADER + ",student_id"
GROUP = csv(GOOD + ",u1", GOOD + ",u2", GOOD + ",", header=HEAD)
MOVES = (
    "reschedule_id,session_id,tutor_id,initiator,requested_at,old_starts_at,new_starts_at\n"
    "r1,s1,t1,tutor,2026-03-01T12:00:00Z,2026-03-02T08:00:00Z,2026-03-02T09:00:00Z\n"
    "r2,s1:u2,t1,tutor,2026-03-01T12:00:00Z,2026-03-02T08:00:00Z,2026-03-02T09:00:00Z\n"
)


def test_a_group_session_is_one_session_a_student(tmp_path: Path) -> None:
    described = "sessions: {file: sessions.csv, per: student}\nreschedules: {file: reschedules.csv}"
    result = read(tmp_path, described, sessions_csv=GROUP, reschedules_csv=MOVES)
    assert result.dataset.tables["sessions"]["session_id"].to_pylist() == ["s1:u1", "s1:u2"]
    assert result.dataset.tables["reschedules"]["reschedule_id"].to_pylist() == ["r2"]
    reasons = [reject[-1] for reject in rejects(result)]
    assert "required in every row" in reasons[0]
    assert reasons[1].endswith("the id of a session is SESSION:STUDENT")


def test_an_undeclared_group_session_is_refused_with_what_to_write(tmp_path: Path) -> None:
    result = read(tmp_path, sessions_csv=csv(GOOD + ",u1", GOOD + ",u2", header=HEAD))
    assert "write `per: student` under `sessions`" in rejects(result)[0][-1]


def test_a_group_without_students_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match="requires `student_id`"):
        read(tmp_path, "sessions: {file: sessions.csv, per: student}", sessions_csv=csv(GOOD))
    with pytest.raises(InvalidDataset, match="only `per: student`, for `sessions`"):
        read(tmp_path, "sessions: {file: sessions.csv, per: tutor}", sessions_csv=csv(GOOD))
