from domain.vocabulary import SessionStatus
from models.examples.rows import (
    no_show_rows,
)
from tests.lib.planted_market import BEGIN, DAY, churn_of, labels_of, made


def test_churn_rows_whose_outcome_is_still_open_are_left_out() -> None:
    rows = churn_of(made(list(range(120))))
    end = BEGIN + 119 * DAY + DAY // 24
    assert rows.known_at.max() <= end
    assert list(labels_of(rows)) == [30, 40, 50, 60, 70, 80]
    assert (rows.known_at - rows.queries.as_of == 30 * DAY).all()


def test_a_tutor_who_departs_within_the_horizon_has_churned_and_is_asked_about_no_more() -> None:
    rows = churn_of(made(list(range(75)), departed=75))
    assert labels_of(rows) == {30: 0, 40: 0, 50: 1, 60: 1, 70: 1}
    assert set(labels_of(rows, tutor=1).values()) == {0}


def test_departure_on_the_last_moment_of_the_horizon_is_not_within_it() -> None:
    assert labels_of(churn_of(made(list(range(70)), departed=70)))[40] == 0


def test_without_departures_silence_through_the_horizon_is_churn() -> None:
    rows = churn_of(made(list(range(65)), departures_given=False))
    assert labels_of(rows) == {30: 0, 40: 0, 50: 0, 60: 0, 70: 1, 80: 1}


def test_with_departures_given_silence_alone_is_no_churn() -> None:
    assert set(labels_of(churn_of(made(list(range(65))))).values()) == {0}


def test_missed_sessions_do_not_make_a_tutor_active() -> None:
    assert labels_of(churn_of(made(list(range(120)), status="no_show"))) == {}


def test_only_sessions_held_or_missed_make_no_show_rows() -> None:
    for status in SessionStatus:
        rows = no_show_rows(made([1.0], status=status))
        ada = rows.subject < 1
        expected = {SessionStatus.NO_SHOW: [1], SessionStatus.COMPLETED: [0], SessionStatus.STUDENT_NO_SHOW: [0]}
        assert rows.label[ada].tolist() == expected.get(status, [])
