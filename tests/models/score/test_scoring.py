from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from features.as_of.past import Past
from features.as_of.queries import Queries, by_tutor, microseconds_of, take
from features.history.history import History
from models.artifact.model import Model
from models.examples.rows import tutor_no_show_labels
from models.score.model_rows import booked_rows
from models.score.scoring import score_sessions, score_tutors_no_show
from tests.lib.api_parts import NOW, small_model
from tests.lib.explained import ASKED, SLOT, model_to_explain, noisy_columns, slot_history, small_booster
from tests.lib.histories import dataset


@pytest.fixture
def model() -> Model:
    return model_to_explain(small_booster(noisy_columns(3), 2), features=SLOT)


def test_an_explained_session_builds_one_past_and_one_for_the_time_it_could_move_to(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Queries] = []
    initialise = Past.__init__

    def counting(past: Past, history: History, queries: Queries, priors: object) -> None:
        built.append(queries)
        initialise(past, history, queries, priors)  # type: ignore[arg-type]

    monkeypatch.setattr(Past, "__init__", counting)
    history = slot_history()
    ids = history.dataset.tables["sessions"]["session_id"].to_pylist()
    session = take(history.sessions, np.array([ids.index("next-ann")]))
    score_sessions(model, "1", history, ["next-ann"], session, ASKED, with_reasons=False)
    assert len(built) == 1
    score_sessions(model, "1", history, ["next-ann"], session, ASKED)
    _, asked, moved = built
    assert asked.session is not None
    assert moved.session is not None
    assert asked.session.weekday.tolist() != moved.session.weekday.tolist()


def test_scores_are_in_the_order_of_the_sessions_and_those_of_each_alone(model: Model) -> None:
    history = slot_history()
    ids = history.dataset.tables["sessions"]["session_id"].to_pylist()
    rows = np.random.default_rng(1).permutation(len(ids))
    together = score_sessions(model, "1", history, [ids[row] for row in rows], take(history.sessions, rows), ASKED)
    alone = [
        score_sessions(model, "1", history, [ids[row]], take(history.sessions, np.array([row])), ASKED)[0]
        for row in rows
    ]
    assert together == alone
    assert [score.subject_id for score in together] == [ids[row] for row in rows]


def test_queries_in_order_are_not_sorted_again() -> None:
    queries = Queries(np.array([-1, 0, 0, 2]), np.array([9, 3, 3, 1]))
    places, same = by_tutor(queries, 3)
    assert same is queries
    assert places.tolist() == [0, 1, 2, 3]
    places, ordered = by_tutor(queries.at(np.array([3, 1, 0, 2])), 3)
    assert places.tolist() == [2, 1, 3, 0]
    assert ordered.tutor.tolist() == [-1, 0, 0, 2]


DAY = timedelta(days=1)


def _session(name: str, tutor: str, starts_in: timedelta, status: str, **fields: Any) -> dict[str, Any]:
    starts_at = NOW + starts_in
    known = None if status == "booked" else starts_at + timedelta(hours=1)
    times = {"booked_at": starts_at - 5 * DAY, "starts_at": starts_at, "outcome_known_at": known}
    return {"session_id": name, "tutor_id": tutor, "status": status, **times, **fields}


def test_the_last_of_the_active_tutors_may_have_nothing_booked() -> None:
    missed = [_session(f"m{days}", "ada", -days * DAY, "no_show") for days in (3, 4, 5)]
    sessions = [
        *missed,
        _session("x1", "ada", -2 * DAY, "completed"),
        _session("x2", "ada", DAY, "booked"),
        _session("x3", "ben", -3 * DAY, "completed"),
    ]
    rows = {"tutors": [{"tutor_id": "ada"}, {"tutor_id": "ben"}], "sessions": sessions}
    found = score_tutors_no_show(booked_rows(small_model(), "no_show/1", History(dataset(rows)), NOW))
    assert {score.subject_id: bool(score.reasons) for score in found} == {"ada": True, "ben": False}


def test_a_no_show_that_is_noted_only_later_is_no_outcome_yet() -> None:
    late = {"outcome_known_at": NOW + 3 * DAY}
    rows = {"tutors": [{"tutor_id": "ada"}], "sessions": [_session("x", "ada", -DAY, "no_show", **late)]}
    history, asked = History(dataset(rows)), microseconds_of(NOW - 7 * DAY)
    assert tutor_no_show_labels(history, asked, microseconds_of(NOW)).tolist() == [0]
    assert tutor_no_show_labels(history, asked, microseconds_of(NOW + 4 * DAY)).tolist() == [1]
