"""Challengers: scored in shadow, and compared once outcomes are known."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine, text

from domain.scores import Score
from domain.vocabulary import ScoreKind, SubjectKind, Task
from features.history.history import History
from flows.compare import contest_of
from models.gate.checks import Policy
from models.gate.shadow import decide
from store.facts.load import load
from store.ledger.shadow import Pair, pairs, save_shadow_scores
from store.scores.ranking import upcoming_sessions
from store.scores.records import latest_scores, save_scores
from store.scores.tutor_list import ranked_tutors
from tests.lib.api_parts import NOW, marketplace
from tests.lib.markets import SMALL, market

HOUR = timedelta(hours=1)


def _score(subject: str, value: float, version: str, as_of: datetime, kind: ScoreKind) -> Score:
    about = SubjectKind.SESSION if kind is ScoreKind.NO_SHOW else SubjectKind.TUTOR
    return Score(
        subject_kind=about, subject_id=subject, kind=kind, value=value, low=value, high=value,
        reasons=(), model_version=version, as_of=as_of,
    )  # fmt: skip


def test_a_challengers_scores_are_kept_and_shown_nowhere(engine: Engine) -> None:
    load(engine, marketplace())
    shown = [_score("ada", 0.2, "churn/1", NOW, kind) for kind in (ScoreKind.HELP, ScoreKind.CHURN_30D)]
    save_scores(engine, [*shown, _score("next", 0.3, "no_show/1", NOW, ScoreKind.NO_SHOW)])
    later = NOW + HOUR
    save_shadow_scores(engine, [_score("ada", 0.9, "churn/2", later, ScoreKind.CHURN_30D)])
    save_shadow_scores(engine, [_score("next", 0.9, "no_show/2", later, ScoreKind.NO_SHOW)])
    assert {s.value for s in latest_scores(engine, SubjectKind.TUTOR, "ada")} == {0.2}
    assert [tutor.churn_30d and tutor.churn_30d.value for tutor in ranked_tutors(engine, NOW)] == [0.2]
    (session,) = upcoming_sessions(engine, NOW, NOW + timedelta(days=2))
    assert session.no_show is not None
    assert session.no_show.value == 0.3
    with engine.connect() as connection:
        reads = "SELECT DISTINCT view_name FROM information_schema.view_table_usage WHERE table_name = 'shadow_scores'"
        assert connection.execute(text(reads)).all() == []
        assert connection.execute(text("SELECT count(*) FROM shadow_scores")).scalar() == 2


def test_pairs_are_of_the_same_moment_one_a_session_and_one_a_tutor_and_week(engine: Engine) -> None:
    hours = [NOW + HOUR * n for n in range(3)]
    weeks = [NOW, NOW + HOUR, NOW + timedelta(days=7)]
    for kind, subject, moments in ((ScoreKind.NO_SHOW, "x", hours), (ScoreKind.CHURN_30D, "t", weeks)):
        save_scores(engine, [_score(subject, 0.1, "1", at, kind) for at in moments])
        save_shadow_scores(engine, [_score(subject, 0.2, "2", at, kind) for at in moments])
    save_shadow_scores(engine, [_score("alone", 0.2, "2", NOW, ScoreKind.NO_SHOW)])
    assert pairs(engine, ScoreKind.NO_SHOW, "2", "1") == [Pair("x", NOW, 0.2, 0.1)]
    assert [pair.as_of for pair in pairs(engine, ScoreKind.CHURN_30D, "2", "1")] == [NOW, NOW + timedelta(days=7)]
    assert pairs(engine, ScoreKind.NO_SHOW, "3", "1") == []


@pytest.fixture(scope="module")
def history() -> History:
    return History(market().dataset)


def _told_sessions(history: History, better: bool) -> list[Pair]:
    """Scores of two versions for every session; the challenger is better or worse than the champion."""
    sessions = history.dataset.tables["sessions"].sort_by("starts_at")
    rows = sessions.slice(sessions.num_rows - 12_000)
    rng, missed = np.random.default_rng(0), np.array(rows["status"].to_pylist()) == "no_show"
    knowing, guessing = np.clip(0.3 * missed + 0.5 * rng.random(missed.size), 0, 1), rng.random(missed.size)
    ours, theirs = (knowing, guessing) if better else (guessing, knowing)
    at = [starts_at - timedelta(hours=30) for starts_at in rows["starts_at"].to_pylist()]
    return [Pair(*told) for told in zip(rows["session_id"].to_pylist(), at, ours, theirs, strict=True)]


@pytest.mark.parametrize("better", [True, False])
def test_a_challenger_takes_the_place_only_where_it_foretold_what_came(history: History, better: bool) -> None:
    contest = contest_of(Task.NO_SHOW, history, _told_sessions(history, better), "no_show/1")
    status = np.array(history.dataset.tables["sessions"]["status"].to_pylist())
    assert 0 < contest.labels.sum() <= (status == "no_show").sum()
    assert contest.labels.size < 12_000  # cancelled sessions have no label
    decision = decide(contest, Policy(repeats=60), 0)
    assert decision.passed is better
    assert decision.reasons[0].startswith("better than the champion" if better else "may be worse")


def test_leaving_is_compared_only_where_thirty_days_have_passed(history: History) -> None:
    ids = history.tutor_ids.to_pylist()[:50]
    old, new = SMALL.end - timedelta(days=60), SMALL.end - timedelta(days=10)
    found = [Pair(tutor, at, 0.1, 0.1) for tutor in ids for at in (old, new)]
    contest = contest_of(Task.CHURN, history, found, "churn/1")
    assert contest.labels.size == 50
    assert contest.since == f"{old:%Y-%m-%d}"


def test_with_no_outcome_yet_the_comparison_says_so(history: History) -> None:
    found = [Pair("nobody", SMALL.end, 0.1, 0.2)]
    decision = decide(contest_of(Task.NO_SHOW, history, found, "no_show/1"), Policy(), 0)
    assert "too few outcomes to compare with no_show/1: 0 outcomes" in decision.reasons[0]
