"""Sessions at risk against a sum written session by session, and its limits."""

from datetime import timedelta
from math import exp, log
from typing import Any

import numpy as np
import pytest

from domain.scores import Score
from domain.vocabulary import Task
from features.history.history import History
from models.artifact.model import Model
from models.learners.calibration import Calibration
from models.learners.hazard import PERIODS
from models.score.model_rows import active_rows, booked_rows
from models.score.scoring import score_churn, score_sessions
from models.score.sessions_at_risk import score_sessions_at_risk
from tests.lib.api_parts import NOW, small_model
from tests.lib.explained import model_to_explain, noisy_columns, small_booster
from tests.lib.histories import dataset

DAY = timedelta(days=1)
AHEAD = {"ada": (0.5, 6.9, 7.0, 10.5, 13.9), "ben": (3.0,), "cleo": ()}
NEVER = Calibration(slope=0.0, intercept=-40.0)


def _session(name: str, tutor: str, days: float, status: str = "booked") -> dict[str, Any]:
    starts_at = NOW + days * DAY
    known = None if status == "booked" else starts_at + timedelta(hours=1)
    return {"session_id": name, "tutor_id": tutor, "status": status, "booked_at": NOW - 20 * DAY,
            "starts_at": starts_at, "outcome_known_at": known}  # fmt: skip


@pytest.fixture
def history() -> History:
    past = [_session(f"past-{tutor}", tutor, -2, "completed") for tutor in AHEAD]
    ahead = [_session(f"{tutor}-{days}", tutor, days) for tutor, all_days in AHEAD.items() for days in all_days]
    beyond = _session("later", "ada", 14.5)
    return History(dataset({"tutors": [{"tutor_id": tutor} for tutor in AHEAD], "sessions": [*past, *ahead, beyond]}))


@pytest.fixture
def churn() -> Model:
    model = model_to_explain(small_booster(noisy_columns(3), 1, 1), task=Task.CHURN)
    calibration = Calibration(intercept=-1.0, var_slope=0.02, var_intercept=0.05)
    changed = {"periods": PERIODS, "horizon": 30, "calibration": calibration}
    return Model(model.ubj, model.sidecar.model_copy(update=changed))


def _at_risk(history: History, no_show: Model | None, churn: Model | None) -> dict[str, Score]:
    booked = no_show and booked_rows(no_show, "no_show/1", history, NOW)
    active = churn and active_rows(churn, "churn/1", history, NOW)
    return {score.subject_id: score for score in score_sessions_at_risk(history, booked or None, active or None, NOW)}


def _left_by(churn: list[Score], end: str, days: float) -> float:
    """Probability of having left, with a hazard that is constant from 0 to 7 and from 7 to 14 days."""
    stays = [1.0, *(1 - getattr(score, end) for score in churn[:2])]
    week, share = divmod(days, 7)
    begun, ended = log(stays[int(week)]), log(stays[int(week) + 1])
    return 1 - exp(begun + share / 7 * (ended - begun))


@pytest.mark.parametrize("end", ["value", "low", "high"])
def test_sessions_at_risk_are_the_sum_over_booked_sessions(history: History, churn: Model, end: str) -> None:
    scores = _at_risk(history, small_model(), churn)
    ids = history.dataset.tables["sessions"]["session_id"].to_pylist()
    missed = {s.subject_id: s for s in score_sessions(small_model(), "1", history, ids, history.sessions, NOW)}
    left: dict[str, list[Score]] = {}
    for score in score_churn(active_rows(churn, "1", history, NOW), with_reasons=False):
        left.setdefault(score.subject_id, []).append(score)
    for tutor, all_days in AHEAD.items():
        lost = [
            1 - (1 - getattr(missed[f"{tutor}-{days}"], end)) * (1 - _left_by(left[tutor], end, days))
            for days in all_days
        ]
        assert getattr(scores[tutor], end) == pytest.approx(sum(lost), abs=1e-6)
        assert scores[tutor].out_of == len(all_days)


def test_one_model_alone_counts_what_it_knows(history: History, churn: Model) -> None:
    never = Model(churn.ubj, churn.sidecar.model_copy(update={"calibration": NEVER}))
    missed, left, both = (
        _at_risk(history, *models) for models in ((small_model(), None), (None, churn), (small_model(), churn))
    )
    assert _at_risk(history, small_model(), never)["ada"].value == pytest.approx(missed["ada"].value)
    assert max(missed["ada"].value, left["ada"].value) < both["ada"].value < missed["ada"].value + left["ada"].value
    assert both["ada"].model_version == "churn/1 + no_show/1"
    assert _at_risk(history, None, None) == {}


def test_a_tutor_with_ten_thousand_booked_sessions_has_a_finite_count() -> None:
    booked = [_session(str(n), "ada", 13 * n / 10_000) for n in range(10_000)]
    rows = {"tutors": [{"tutor_id": "ada"}], "sessions": [_session("past", "ada", -1, "no_show"), *booked]}
    score = _at_risk(
        History(dataset(rows | {"sessions": [*rows["sessions"], _session("held", "ada", -2, "completed")]})),
        small_model(),
        None,
    )["ada"]
    assert score.out_of == 10_000
    assert 0 < score.low < score.value < score.high <= 10_000
    assert np.isfinite(score.high)
