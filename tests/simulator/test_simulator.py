from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from cli.simulate import simulate as simulate_command
from domain.horizons import CHURN_HORIZON
from domain.schema import KINDS
from domain.vocabulary import Task
from features.history.history import History
from models.examples.rows import Rows, churn_rows, no_show_rows
from models.examples.simulated_truth import align
from simulator.marketplace import Market
from simulator.settings import MarketSettings, Regime, RegimeKind
from simulator.tutors import ZONES
from tests.lib.markets import SMALL, market

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


DAY = 86_400_000_000


def simulated(no_signal: bool = False) -> Market:
    return market(SILENT if no_signal else SMALL)


def table(kind: str, no_signal: bool = False) -> pa.Table:
    return simulated(no_signal).dataset.tables[kind]


def times(column: pa.ChunkedArray) -> np.ndarray:
    """UTC microseconds; the smallest integer stands for null."""
    return np.asarray(pc.fill_null(pc.cast(column, pa.int64()), np.iinfo(np.int64).min))


def texts(column: pa.ChunkedArray) -> np.ndarray:
    return np.array(column.to_pylist(), dtype=object)


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Probability that a 1 is scored above a 0, with ties counted as half."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    ones = labels.sum()
    return float((ranks[labels == 1].sum() - ones * (ones + 1) / 2) / (ones * (labels.size - ones)))


def rows_and_truth(task: Task, no_signal: bool = False) -> tuple[Rows, np.ndarray]:
    found = simulated(no_signal)
    history = History(found.dataset)
    every = timedelta(days=7)
    rows = no_show_rows(history) if task is Task.NO_SHOW else churn_rows(history, CHURN_HORIZON, every)
    return rows, align(task, found.truth, history, rows)


@pytest.mark.parametrize("no_signal", [False, True])
def test_rates_are_those_of_the_field_with_and_without_signal(no_signal: bool) -> None:
    sessions, reschedules = table("sessions", no_signal), table("reschedules", no_signal)
    status = texts(sessions["status"])
    met = np.isin(status, ["completed", "no_show", "student_no_show"])
    assert np.mean(status[met] == "no_show") == pytest.approx(0.015, abs=0.002)
    assert np.mean(status[met] == "student_no_show") == pytest.approx(0.01, abs=0.002)
    assert np.mean(status[status != "booked"] == "cancelled") == pytest.approx(0.04, abs=0.01)
    assert reschedules.num_rows / sessions.num_rows == pytest.approx(0.12, abs=0.015)
    assert share(reschedules["initiator"], "tutor") == pytest.approx(0.98, abs=0.005)
    assert share(sessions["attributes.replacement_reason"].drop_null(), "no_show") == pytest.approx(0.16, abs=0.02)
    departed = table("tutors", no_signal)["departed_at"].drop_null()
    assert len(departed) / SMALL.tutors / (SMALL.days / 30) == pytest.approx(0.045, abs=0.015)


def test_required_fields_are_filled_and_times_stand_in_order() -> None:
    for kind, description in KINDS.items():
        found = table(kind)
        assert not any(found[f.name].null_count for f in description.fields if f.required)
        for earlier, later in description.ordered:
            assert pc.all(pc.less_equal(found[earlier], found[later])).as_py()


def test_a_move_is_asked_for_before_either_start_and_sets_the_present_one() -> None:
    moves, sessions = table("reschedules"), table("sessions")
    session = sessions.take(pc.index_in(moves["session_id"], sessions["session_id"]))
    requested = times(moves["requested_at"])
    assert (requested >= times(session["booked_at"])).all()
    assert (requested < times(moves["old_starts_at"])).all()
    assert (requested < times(moves["new_starts_at"])).all()
    assert moves["new_starts_at"].equals(session["starts_at"])
    assert moves["requested_at"].equals(session["scheduled_at"])


def test_outcomes_are_known_after_the_start_and_cancellations_before() -> None:
    sessions = table("sessions")
    status, known = texts(sessions["status"]), times(sessions["outcome_known_at"])
    starts, scheduled = times(sessions["starts_at"]), times(sessions["scheduled_at"])
    met, cancelled = np.isin(status, ["completed", "no_show", "student_no_show"]), status == "cancelled"
    assert (known[met] > starts[met]).all()
    assert (known[cancelled] > scheduled[cancelled]).all()
    assert (known[cancelled] <= starts[cancelled]).all()
    assert (sessions["initiated_by"].is_valid().to_numpy() == cancelled).all()


def test_a_tutor_who_left_gives_no_more_sessions() -> None:
    sessions, tutors = table("sessions"), table("tutors")
    tutor = tutors.take(pc.index_in(sessions["tutor_id"], tutors["tutor_id"]))
    departed, after = times(tutor["departed_at"]), times(sessions["starts_at"])
    gone = tutor["departed_at"].is_valid().to_numpy() & (after >= departed)
    assert set(texts(sessions["status"])[gone]) == {"cancelled"}
    assert (times(sessions["booked_at"])[gone] < departed[gone]).all()
    assert (times(sessions["booked_at"]) >= times(tutor["started_at"])).all()


def test_who_is_replaced_over_a_no_show_was_missed_by_another_tutor_before_booking() -> None:
    sessions = table("sessions")
    student, tutor = texts(sessions["student_id"]), texts(sessions["tutor_id"])
    missed: dict[str, list[tuple[int, str]]] = {}
    for row in np.flatnonzero(texts(sessions["status"]) == "no_show"):
        missed.setdefault(student[row], []).append((times_of("starts_at")[row], tutor[row]))
    replaced = np.flatnonzero(texts(sessions["attributes.replacement_reason"]) == "no_show")
    assert replaced.size > 50
    for row in replaced:
        before = [who for when, who in missed.get(student[row], []) if when < times_of("booked_at")[row]]
        assert set(before) - {tutor[row]}


@lru_cache
def times_of(column: str) -> np.ndarray:
    return times(table("sessions")[column])


def test_true_churn_probabilities_are_calibrated_and_rank_well() -> None:
    many = SMALL.model_copy(update={"tutors": 4000, "sessions_per_day": 1500})
    found = market(many)
    rows = churn_rows(history := History(found.dataset), CHURN_HORIZON, CHURN_HORIZON)
    probability = align(Task.CHURN, found.truth, history, rows)
    for part in np.array_split(np.argsort(probability), 3):
        expected = probability[part].mean()
        assert rows.label[part].mean() == pytest.approx(expected, abs=4 * (expected / part.size) ** 0.5)
    assert 0.7 < auc(probability, rows.label) < 0.85


def test_without_signal_the_truth_is_one_number_and_no_driver_tells_anything() -> None:
    rows, probability = rows_and_truth(Task.NO_SHOW, no_signal=True)
    assert np.ptp(probability) < 1e-12
    _, leaving = rows_and_truth(Task.CHURN, no_signal=True)
    assert np.ptp(leaving) < 1e-6
    sessions = table("sessions", no_signal=True)
    starts, tutor = times(sessions["starts_at"]), pc.rank(sessions["tutor_id"], tiebreaker="min").to_numpy()
    history = np.argsort(np.argsort(starts))
    lead = starts - times(sessions["booked_at"])
    for driver in (starts % DAY, tutor, history, lead):
        assert auc(driver[rows.subject], rows.label) == pytest.approx(0.5, abs=0.04)


def test_without_signal_no_tutor_misses_more_than_chance_has_it() -> None:
    spread = {}
    for no_signal in (False, True):
        rows, _ = rows_and_truth(Task.NO_SHOW, no_signal)
        n = np.bincount(rows.queries.tutor)
        misses = np.bincount(rows.queries.tutor, rows.label)
        expected = n * rows.label.mean()
        spread[no_signal] = float((((misses - expected) ** 2)[n > 0]).sum() / expected.sum())
    assert spread[True] == pytest.approx(1, abs=0.25)
    assert spread[False] > 2


def test_transcripts_and_reasons_are_written_and_their_hidden_class_is_in_the_truth_only() -> None:
    transcripts, truth = table("transcripts"), simulated().truth
    turns = [line for text in transcripts["text"].to_pylist()[:200] for line in text.split("\n")]
    assert all(line.startswith(("tutor: ", "student: ")) for line in turns)
    quality = truth.filter(pc.equal(truth["kind"], "quality"))
    assert quality["subject_id"].to_pylist() == transcripts["session_id"].to_pylist()
    asks = pc.greater(pc.count_substring(transcripts["text"], "What"), 0).to_numpy()
    assert auc(quality["value"].to_numpy(), asks.astype(float)) > 0.6
    reasons = truth.filter(pc.equal(truth["kind"], "reason_class"))["label"]
    coded = table("reschedules")["reason_code"]
    assert coded.null_count / len(coded) == pytest.approx(0.55, abs=0.05)
    assert pc.all(pc.equal(coded, reasons)).as_py()
    assert not set(simulated().dataset.tables["sessions"].column_names) & {"quality", "reliability", "value"}


def test_the_command_writes_files_that_hold_the_market(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate_command(out=tmp_path, tutors=40, days=30, sessions_per_day=100, seed=3, end=SMALL.end)
    assert "sessions" in capsys.readouterr().out
    few = {"tutors": 40, "days": 30, "sessions_per_day": 100}
    expected = market(SMALL.model_copy(update=few))
    description = yaml.safe_load((tmp_path / "dataset.yaml").read_text())
    assert description["sessions"]["attributes"] == {"subject": "categorical", "replacement_reason": "categorical"}
    for kind in KINDS:
        written = pq.read_table(tmp_path / description[kind]["file"])
        assert written.rename_columns(expected.dataset.tables[kind].column_names).equals(expected.dataset.tables[kind])
    assert pq.read_table(tmp_path / "truth.parquet").equals(expected.truth)
