"""Declarations of a dataset file: groups with a past, and as of when sessions are asked."""

from datetime import timedelta
from pathlib import Path

import pytest

from domain.horizons import AT_BOOKING
from features.base.dataset import OF_STUDENTS, Group
from importing.format.declarations import parse_asked
from tests.lib.dataset_parts import GOOD, HEADER, csv, read

HEAD = HEADER + ",student_id,subject"
FILE = csv(GOOD + ",u1,maths", header=HEAD)


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("at booking", AT_BOOKING),
        ("24 hours before start", timedelta(hours=24)),
        ("1 day before start", timedelta(days=1)),
        ("90m before start", timedelta(minutes=90)),
        ("0 minutes before start", timedelta(0)),
    ],
)
def test_a_moment_is_written_in_words(text: str, lead: timedelta) -> None:
    assert parse_asked(text) == lead


@pytest.mark.parametrize("text", ["", "24 hours", "24 weeks before start", "-1 days before start", "1.5 d"])
def test_other_words_are_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="at booking"):
        parse_asked(text)


def test_what_is_declared_travels_with_the_data(tmp_path: Path) -> None:
    described = """sessions:
  file: sessions.csv
  attributes: {subject: categorical}
  history: [subject, student_id]
  asked: 2 hours before start
"""
    dataset = read(tmp_path, described, sessions_csv=FILE).dataset
    assert dataset.histories == (Group("sessions", "subject"), OF_STUDENTS)
    assert dataset.asked == timedelta(hours=2)


def test_an_empty_list_declares_that_there_are_no_groups(tmp_path: Path) -> None:
    assert read(tmp_path, "sessions: {file: sessions.csv, history: []}", sessions_csv=FILE).dataset.histories == ()
    undeclared = read(tmp_path, sessions_csv=FILE).dataset
    assert undeclared.histories is None
    assert undeclared.asked is None
