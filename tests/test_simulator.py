import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from domain.horizons import CHURN_HORIZON
from domain.vocabulary import Task
from features.history import History
from models.evaluation import figures
from models.rows import churn_rows, no_show_rows
from models.truth import align
from simulator.settings import MarketSettings, Regime, RegimeKind
from simulator.tutors import ZONES
from tests.markets import SMALL, market

SILENT = SMALL.model_copy(update={"no_signal": True})


def share(column: pa.ChunkedArray, value: str) -> float:
    return pc.mean(pc.cast(pc.equal(column, value), pa.float64())).as_py()


def test_ninety_eight_percent_of_reschedules_are_the_tutors() -> None:
    assert share(market().dataset.tables["reschedules"]["initiator"], "tutor") == pytest.approx(0.98, abs=0.01)


def test_about_one_session_in_nine_is_rescheduled() -> None:
    tables = market().dataset.tables
    assert tables["reschedules"].num_rows / tables["sessions"].num_rows == pytest.approx(0.1, abs=0.03)


def test_sixteen_percent_of_replacements_come_from_no_shows() -> None:
    reasons = market().dataset.tables["sessions"]["attributes.replacement_reason"].drop_null()
    assert len(reasons) > 1000
    assert share(reasons, "no_show") == pytest.approx(0.16, abs=0.02)


def test_one_and_a_half_percent_of_sessions_are_missed() -> None:
    rows = no_show_rows(History(market().dataset))
    assert rows.label.mean() == pytest.approx(0.015, abs=0.003)


def test_three_to_seven_percent_of_tutors_leave_a_month() -> None:
    rows = churn_rows(History(market().dataset), CHURN_HORIZON, every=CHURN_HORIZON)
    assert 0.03 < rows.label.mean() < 0.07


def test_the_size_is_as_asked() -> None:
    sessions = market().dataset.tables["sessions"]
    past = pc.less(sessions["starts_at"], pa.scalar(SMALL.end, sessions["starts_at"].type))
    assert pc.sum(past).as_py() == pytest.approx(SMALL.days * SMALL.sessions_per_day, rel=0.1)


@pytest.mark.parametrize(("kind", "task"), [("no_show", Task.NO_SHOW), ("churn_30d", Task.CHURN)])
def test_true_probabilities_are_those_the_outcomes_were_drawn_with(kind: str, task: Task) -> None:
    history = History(market().dataset)
    rows = no_show_rows(history) if task is Task.NO_SHOW else churn_rows(history, CHURN_HORIZON, CHURN_HORIZON)
    true_values = align(task, market().truth, history, rows)
    spread = np.sqrt((true_values * (1 - true_values)).sum())
    assert abs(rows.label.sum() - true_values.sum()) < 4 * spread
    assert figures(rows.label, true_values)["roc_auc"].value > (0.8 if kind == "no_show" else 0.65)


def test_the_same_seed_gives_the_same_market_and_another_seed_another() -> None:
    again, other = market.__wrapped__(SMALL), market(SMALL.model_copy(update={"seed": 4}))
    assert all(again.dataset.tables[kind].equals(table) for kind, table in market().dataset.tables.items())
    assert not other.dataset.tables["sessions"].equals(market().dataset.tables["sessions"])


def test_without_signal_every_outcome_has_one_probability() -> None:
    silent = market(SILENT)
    history = History(silent.dataset)
    for task, rows in (
        (Task.NO_SHOW, no_show_rows(history)),
        (Task.CHURN, churn_rows(history, CHURN_HORIZON, CHURN_HORIZON)),
    ):
        true_values = align(task, silent.truth, history, rows)
        assert true_values.std() < 1e-3
        assert rows.label.mean() == pytest.approx(true_values.mean(), abs=0.01)


def test_nothing_known_at_or_after_the_present_is_in_the_data() -> None:
    tables = market().dataset.tables
    for kind, column in (
        ("sessions", "outcome_known_at"),
        ("sessions", "booked_at"),
        ("sessions", "scheduled_at"),
        ("reschedules", "requested_at"),
        ("messages", "sent_at"),
        ("transcripts", "known_at"),
        ("tutors", "started_at"),
        ("tutors", "departed_at"),
    ):
        assert pc.max(tables[kind][column]).as_py() < SMALL.end, (kind, column)
    future = tables["sessions"].filter(pc.greater_equal(tables["sessions"]["starts_at"], pa.scalar(SMALL.end)))
    assert future.num_rows > 100
    assert set(future["status"].to_pylist()) <= {"booked", "cancelled"}
    assert future.filter(pc.equal(future["status"], "booked"))["rating"].null_count > 0


def test_times_of_a_session_stand_in_order() -> None:
    sessions = market().dataset.tables["sessions"]
    for earlier, later in (("booked_at", "starts_at"), ("booked_at", "scheduled_at"), ("scheduled_at", "starts_at")):
        assert pc.all(pc.less_equal(sessions[earlier], sessions[later])).as_py(), (earlier, later)


def test_nobody_teaches_before_joining_or_after_leaving() -> None:
    history = History(market().dataset)
    sessions = history.sessions
    held = sessions.is_in({"completed", "no_show", "student_no_show"})
    departed = history.departed_at[sessions.tutor]
    assert (sessions.starts_at > history.started_at[sessions.tutor]).all()
    assert not (held & (departed > 0) & (sessions.starts_at >= departed)).any()


def test_a_weekly_place_keeps_its_local_hour_across_daylight_saving() -> None:
    tables = market().dataset.tables
    student_zone = dict(zip(*(tables["students"][n].to_pylist() for n in ("student_id", "timezone")), strict=True))
    sessions = tables["sessions"].filter(pc.equal(tables["sessions"]["booked_at"], tables["sessions"]["scheduled_at"]))
    berlin = pa.array([s for s, zone in student_zone.items() if zone == "Europe/Berlin"])
    starts = sessions.filter(pc.is_in(sessions["student_id"], berlin))["starts_at"]
    before = pc.less(starts, pa.scalar(SMALL.end.replace(month=3, day=29, hour=1)))
    for times in (starts.filter(before), starts.filter(pc.invert(before))):
        local = set(pc.hour(pc.local_timestamp(times.cast(pa.timestamp("us", "Europe/Berlin")))).to_pylist())
        assert local <= {8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21}
    utc = [pc.hour(part).to_pylist() for part in (starts.filter(before), starts.filter(pc.invert(before)))]
    assert min(utc[0]) == min(utc[1]) + 1


def test_everything_refers_to_something() -> None:
    tables = market().dataset.tables
    for kind, column, target in (
        ("sessions", "tutor_id", "tutors"),
        ("sessions", "student_id", "students"),
        ("reschedules", "session_id", "sessions"),
        ("messages", "tutor_id", "tutors"),
        ("messages", "student_id", "students"),
        ("transcripts", "session_id", "sessions"),
    ):
        known = tables[target][column].combine_chunks()
        assert pc.all(pc.is_in(tables[kind][column].drop_null(), known)).as_py(), (kind, column)
    assert set(tables["tutors"]["timezone"].to_pylist()) <= set(ZONES)


def test_a_planted_regime_change_raises_no_shows_from_its_date() -> None:
    at = SMALL.begin.replace(month=4, day=15)
    changed = market(SMALL.model_copy(update={"regimes": (Regime(at=at, kind=RegimeKind.NO_SHOW, factor=3.0),)}))
    rows = no_show_rows(History(changed.dataset))
    after = rows.queries.session.starts_at >= int(at.timestamp() * 1e6)
    assert rows.label[after].mean() > 2 * rows.label[~after].mean()


def test_truth_is_in_no_table_of_the_dataset() -> None:
    assert not {"value", "label", "unreliability", "quality"} & {
        name for table in market().dataset.tables.values() for name in table.column_names
    }


def test_transcripts_are_of_first_sessions_and_some_others() -> None:
    tables = market().dataset.tables
    assert tables["transcripts"].num_rows > 1000
    text = tables["transcripts"]["text"][0].as_py()
    assert all(line.startswith(("tutor: ", "student: ")) for line in text.splitlines())


def test_a_history_shorter_than_a_week_is_refused() -> None:
    with pytest.raises(ValueError, match="days"):
        MarketSettings(days=3)
