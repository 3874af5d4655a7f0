"""Feature columns in a busy marketplace, and the rules of single columns on small readable histories."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from features import columns as c
from features.as_of.past import Past
from features.as_of.prior_estimation import estimate_priors, fit_mean
from features.as_of.queries import of_sessions
from features.base.holidays import country_of, is_holiday
from features.columns import Feature
from features.history.history import History
from models.explain.words import describe
from tests.features.test_features import (
    FEATURES,
    PRIORS,
    ask_sessions,
    ask_tutors,
    assert_same,
    expected_of,
    held,
    microseconds,
    values_of,
)
from tests.lib import histories as h
from tests.lib import oracle
from tests.lib.busy import busy, known_at

DAY = timedelta(days=1)
END = h.BEGIN + 100 * DAY


def test_in_a_busy_marketplace_every_column_equals_the_oracle_and_takes_many_values() -> None:
    rows = busy(seed=1)
    queried = rows["sessions"][::2]
    history = History(h.dataset(rows))
    queries = [{"tutor_id": s["tutor_id"], "as_of": oracle.warning_moment(s), "session": s} for s in queried]
    results = values_of(FEATURES, history, ask_sessions(history, queried, None))
    assert_same(results, expected_of(FEATURES, rows, queries))
    distinct = {name: len({round(v, 6) for v in values if v == v}) for name, values in results.items()}
    two_suffice = {"holiday", "first_time_pair", "booked_back_to_back"}
    assert not {name for name, n in distinct.items() if n < (2 if name in two_suffice else 3)}


@pytest.mark.parametrize("day", [40, 100])
def test_a_busy_marketplace_with_its_future_cut_off_gives_the_same_columns(day: int) -> None:
    rows, as_of = busy(seed=2), h.BEGIN + day * DAY
    whole, cut = History(h.dataset(rows)), History(h.dataset(known_at(rows, as_of)))
    queried = [s for s in rows["sessions"] if s["booked_at"] < as_of]
    then = ask_sessions(cut, queried, as_of)
    np.testing.assert_equal(
        values_of(FEATURES, cut, then), values_of(FEATURES, whole, ask_sessions(whole, queried, as_of))
    )


def of_ada(feature: Feature, as_of: datetime = END, **rows: list[h.Row]) -> float:
    """Value of a column for ada as of a moment."""
    history = History(h.dataset({"tutors": [{"tutor_id": "ada", "timezone": "Europe/Berlin"}]} | rows))
    return values_of([feature], history, ask_tutors(history, ["ada"], as_of))[feature.name][0]


def of_session(feature: Feature, session: h.Row, as_of: datetime | None = None, **rows: list[h.Row]) -> float:
    """Value of a column for a session of ada."""
    everyone = {"tutors": [{"tutor_id": "ada", "timezone": "Europe/Berlin"}], "students": [{"student_id": "s1"}]}
    history = History(h.dataset(everyone | rows))
    return values_of([feature], history, ask_sessions(history, [session], as_of))[feature.name][0]


def series(*changes: dict[str, Any]) -> list[h.Row]:
    """Sessions of ada on consecutive days, the last on the day before END."""
    first = END - len(changes) * DAY
    return [held(first + i * DAY, session_id=f"x{i}", **change) for i, change in enumerate(changes)]


KEPT: dict[str, Any] = {}
MISSED = {"status": "no_show"}
LATE = {"late_minutes": 6.0}
CALLED_OFF = {"status": "cancelled", "initiated_by": "tutor"}
BY_STUDENT = {"status": "cancelled", "initiated_by": "student"}


def test_a_streak_ends_with_a_no_show_or_a_late_cancellation_and_a_students_cancellation_neither_ends_nor_adds() -> (
    None
):
    assert of_ada(c.kept_streak, sessions=series(KEPT, MISSED, KEPT, LATE, BY_STUDENT, KEPT)) == 3
    assert of_ada(c.kept_streak, sessions=series(KEPT, KEPT, CALLED_OFF)) == 0
    assert of_ada(c.bad_streak, sessions=series(MISSED, KEPT, LATE, BY_STUDENT, CALLED_OFF, MISSED)) == 3
    assert of_ada(c.bad_streak, sessions=series(MISSED, KEPT)) == 0
    assert np.isnan(of_ada(c.bad_streak))


def test_lateness_nobody_measured_is_missing_and_not_zero() -> None:
    assert np.isnan(of_ada(c.late_minutes_lifetime, sessions=series(KEPT, KEPT)))
    assert np.isnan(of_ada(c.late_share, sessions=series(KEPT, MISSED | {"late_minutes": 9.0})))
    assert of_ada(c.late_minutes_90d, sessions=series(LATE, KEPT)) > PRIORS.late_minutes.rate


def test_a_steady_week_has_no_trend_and_a_session_more_every_week_has_a_trend_of_one() -> None:
    weeks = [h.BEGIN + 7 * DAY * week for week in range(14)]

    def spread(weekly: list[int]) -> list[h.Row]:
        known = [week + 7 * DAY * (i + 0.5) / n for week, n in zip(weeks, weekly, strict=True) for i in range(n)]
        return [held(k, session_id=f"{k}") for k in known]

    steady, growing = spread([10] * 14), spread(list(range(1, 15)))
    as_of = weeks[-1] + 7 * DAY
    assert of_ada(c.sessions_trend_12w, as_of, sessions=steady) == pytest.approx(0, abs=0.01)
    assert of_ada(c.sessions_trend_12w, as_of, sessions=growing) == pytest.approx(1, abs=0.1)
    assert np.isnan(of_ada(c.sessions_trend_12w, weeks[11], sessions=growing))
    assert not np.isnan(of_ada(c.sessions_trend_8w, weeks[11], sessions=growing))


def test_the_books_count_what_was_booked_then_and_not_called_off_by_then() -> None:
    start = END + 6 * DAY
    mine = held(start, session_id="mine", starts_at=start, booked_at=h.BEGIN, status="booked", outcome_known_at=None)

    def other(hours: int, **more: Any) -> h.Row:
        at = start + timedelta(hours=hours)
        own = {"session_id": f"{hours}{more}", "starts_at": at, "ends_at": at + timedelta(hours=1)}
        return mine | own | more

    gone = {"status": "cancelled", "outcome_known_at": END - DAY}
    gone_later = {"status": "cancelled", "outcome_known_at": END}
    later = {"booked_at": END}
    books = [
        mine,
        other(-1),
        other(-24),
        other(-200),
        other(2),
        other(-1, **gone),
        other(-2, **gone_later),
        other(-3, **later),
    ]
    moved = other(-4, scheduled_at=END)
    queried = {"sessions": [*books, moved]}
    assert of_session(c.booked_7d, mine, END, **queried) == 3
    assert of_session(c.booked_same_day, mine, END, **queried) == 3
    assert of_session(c.booked_back_to_back, mine, END, **queried) == 1
    assert (
        of_session(c.booked_7d, mine, END + timedelta(hours=1), **queried) == 4
    )  # one out of the window, one booked, one moved into it


def test_a_message_is_answered_by_the_next_one_to_that_student_only() -> None:
    def message(hours: int, sender: str, student: str) -> h.Row:
        about = {"tutor_id": "ada", "student_id": student, "sender": sender, "recipient": "tutor"}
        return about | {"message_id": f"{hours}", "sent_at": END - timedelta(hours=hours)}

    messages = [message(50, "student", "s1"), message(48, "tutor", "s2"), message(40, "tutor", "s1")]
    assert of_ada(c.unanswered_messages, messages=messages) == 0
    assert of_ada(c.answer_hours_30d, messages=messages) == 10
    assert of_ada(c.unanswered_messages, END - timedelta(hours=45), messages=messages) == 1
    assert of_ada(c.unanswered_messages, messages=[*messages, message(1, "student", "s2")]) == 1


def test_silence_is_measured_against_the_tutors_own_gaps() -> None:
    sent = [{"message_id": f"{n}", "tutor_id": "ada", "sender": "tutor", "recipient": "student"} for n in range(3)]
    messages = [m | {"sent_at": END - timedelta(hours=30 + 10 * n)} for n, m in enumerate(sent)]
    assert of_ada(c.silence_ratio, messages=messages) == pytest.approx(3)
    assert np.isnan(of_ada(c.silence_ratio, messages=messages[:1]))


def test_a_cancelled_first_booking_leaves_the_first_session_still_to_come() -> None:
    cancelled, first = series(BY_STUDENT, KEPT)
    pair = [s | {"student_id": "s1"} for s in (cancelled, first | {"rating": 5.0})]
    students = [{"student_id": "s1"}]
    assert of_ada(c.first_session_rating_90d, sessions=pair, students=students) == 5
    assert of_ada(c.load_7d, sessions=pair) == 1
    assert of_session(c.pair_sessions, pair[1], END, sessions=pair) == 1


def test_a_first_session_is_lost_when_two_weeks_later_no_other_stands_on_the_books() -> None:
    known = END - 20 * DAY
    first = held(known, session_id="first", student_id="s1")
    after = held(END, session_id="after", student_id="s1", booked_at=known + DAY, starts_at=END)

    def lost(*sessions: h.Row, as_of: datetime = END) -> float:
        history = History(
            h.dataset({"tutors": [{"tutor_id": "ada"}], "students": [{"student_id": "s1"}], "sessions": sessions})
        )
        return Past(history, ask_tutors(history, ["ada"], as_of), PRIORS).judged_firsts.total("led_nowhere")[0]

    assert lost(first) == 1
    assert lost(first, as_of=known + 14 * DAY) == 0  # not known yet
    assert lost(first, after) == 0
    assert lost(first, after | {"status": "cancelled", "outcome_known_at": known + 2 * DAY}) == 1
    assert lost(first, after | {"booked_at": known + 14 * DAY}) == 1


def test_no_student_named_is_no_first_time_pair() -> None:
    mine = held(END, session_id="mine")
    assert np.isnan(of_session(c.first_time_pair, mine))
    assert of_session(c.first_time_pair, mine | {"student_id": "s1"}) == 1
    assert (
        of_session(c.first_time_pair, mine | {"student_id": "s1"}, END, sessions=[held(END - DAY, student_id="s1")])
        == 0
    )


def test_holidays_are_those_of_the_zones_country_on_the_local_day() -> None:
    late = datetime(2024, 4, 30, 22, 30, tzinfo=UTC)  # 00:30 on 1 May in Berlin
    assert of_session(c.holiday, held(late, starts_at=late)) == 1
    assert of_session(c.holiday, held(late, starts_at=late - timedelta(hours=1))) == 0
    assert [country_of(z) for z in ("Asia/Calcutta", "US/Eastern", "UTC", "Etc/GMT+3")] == ["IN", "US", None, None]
    new_year = np.array([(datetime(year, 1, 1) - datetime(1970, 1, 1)).days for year in (2024, 2025, 9000)], np.int32)
    np.testing.assert_equal(is_holiday(new_year, np.zeros(3, np.int64), ["Europe/Berlin"]), [1, 1, np.nan])
    assert np.isnan(is_holiday(np.zeros(1, np.int32), np.array([-1]), ["Europe/Berlin"])).all()


def test_a_session_moved_twice_says_so_from_each_move_on() -> None:
    mine = held(END, session_id="mine", booked_at=h.BEGIN)
    move = {"session_id": "mine", "tutor_id": "ada", "initiator": "student", "old_starts_at": END, "new_starts_at": END}
    moves = [move | {"reschedule_id": f"r{n}", "requested_at": END - n * DAY} for n in (1, 3)]
    counts = [
        of_session(c.session_reschedules, mine, END - n * DAY, sessions=[mine], reschedules=moves) for n in (4, 2, 0)
    ]
    assert counts == [0, 1, 2]


def test_rates_divide_by_what_their_priors_were_estimated_from() -> None:
    rows = busy(seed=3)
    history = History(h.dataset(rows))
    priors = estimate_priors(history, microseconds(END))
    past = Past(history, of_sessions(history.sessions, as_of=microseconds(END)), priors)
    tutors = [np.flatnonzero(history.sessions.tutor == t)[0] for t in range(history.n_tutors)]
    moved, sessions = (column[tutors] for column in c.reschedule_rate_90d.counts.evidence(past))  # type: ignore[misc]
    everything = c.reschedule_rate_90d.compute(past)[tutors]
    np.testing.assert_allclose(everything, priors.reschedule.shrink(moved, sessions))
    lifetime = [
        len(oracle.oracle_tutor.requested_by(rows, {"tutor_id": t, "as_of": END}, 1000)) for t in ("ada", "ben", "cleo")
    ]
    of = [
        max(len(oracle.oracle_tutor.held_or_missed(rows, {"tutor_id": t, "as_of": END})), n)
        for t, n in zip(("ada", "ben", "cleo"), lifetime, strict=True)
    ]
    assert priors.reschedule.rate == pytest.approx(sum(lifetime) / sum(of))


def test_a_mean_is_pulled_by_how_much_tutors_differ() -> None:
    rng = np.random.default_rng(1)
    n = rng.integers(20, 100, 3000)
    own = rng.normal(4, 1, n.size)
    lateness = [rng.normal(mean, 3, size) for mean, size in zip(own, n, strict=True)]
    sums, squares = (np.array([f(x) for x in lateness]) for f in (np.sum, lambda x: (x**2).sum()))
    prior = fit_mean(sums, squares, n.astype(float))
    assert prior.rate == pytest.approx(4, abs=0.05)
    assert prior.strength == pytest.approx(9, rel=0.1)  # variance 3**2 within tutors over variance 1 between them


def test_the_evidence_of_a_rate_is_what_it_shrinks() -> None:
    rows = busy(seed=4)
    history = History(h.dataset(rows))
    past = Past(history, of_sessions(history.sessions, as_of=microseconds(END)), PRIORS)
    for feature in FEATURES:
        if feature.counts is not None:
            events, sessions = feature.counts.evidence(past)
            value = feature.compute(past)
            known = ~np.isnan(value) & (sessions > 0)
            between = np.minimum(events / np.maximum(sessions, 1), 1), value
            assert (events <= sessions).all(), feature.name
            assert np.corrcoef(between[0][known], between[1][known])[0, 1] > 0, feature.name


def test_only_a_column_that_can_be_missing_has_words_for_it() -> None:
    nobody, mine = History(h.dataset({})), held(END, session_id="mine")
    results = values_of(FEATURES, nobody, ask_sessions(nobody, [mine], END))
    missing = {name for name, values in results.items() if np.isnan(values).any()}
    assert {"kept_streak", "holiday", "first_time_pair", "sessions_trend_12w", "answer_hours_30d"} < missing
    assert {feature.name for feature in FEATURES if feature.missing} < missing
    assert describe("silence_hours", np.nan, 9.0) == "no message from the tutor yet"
