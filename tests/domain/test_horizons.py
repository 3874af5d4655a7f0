from datetime import timedelta

from domain import horizons
from domain.vocabulary import SessionStatus


def test_a_label_needs_a_session_that_was_held_or_that_the_tutor_missed() -> None:
    assert {SessionStatus.BOOKED, SessionStatus.CANCELLED} == set(SessionStatus) - horizons.HELD_OR_MISSED
    assert {SessionStatus.NO_SHOW} == horizons.HELD_OR_MISSED - horizons.DELIVERED


def test_a_session_is_scored_before_it_leaves_the_list_of_sessions_to_come() -> None:
    assert timedelta(0) < horizons.NO_SHOW_LEAD < horizons.UPCOMING < horizons.TUTOR_HORIZON
    assert 0 < horizons.WATCH_RISK < horizons.ACT_RISK < 1
