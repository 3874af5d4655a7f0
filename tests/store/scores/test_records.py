"""Stored scores, the ranked list and models."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from domain.errors import ModelMismatch, UnknownVersion
from domain.promotion import Action
from domain.scores import Reason, Score
from domain.vocabulary import Band, ScoreKind, SubjectKind
from store.facts.load import load
from store.ledger.models import (
    StoredModel,
    card,
    challenger,
    champion,
    champion_key,
    ledger,
    record_action,
    record_model,
)
from store.scores.ranking import Risk, TutorProfile, tutor_profile, tutor_sessions, upcoming_sessions
from store.scores.records import last_sweep, latest_scores, save_scores, score_history
from store.scores.tutor_list import Wanted, ranked_tutors, tutor_page
from tests.lib.small_dataset import NOON, corners
from tests.lib.tutor_scores import cases_of

WHY = (Reason(theme="recent no-shows", text="2 no-shows in 30 days", effect=0.8),)


def _score(
    subject: str, kind: ScoreKind, value: float, as_of: datetime = NOON, about: SubjectKind = SubjectKind.TUTOR
) -> Score:
    return Score(
        subject_kind=about, subject_id=subject, kind=kind, value=value, low=value / 2, high=max(value, 1.0),
        out_of=cases_of(kind), reasons=WHY, action="Call the tutor", model_version="3", as_of=as_of,
    )  # fmt: skip


def test_scores_read_back_as_they_were_saved_newest_first_of_each_kind(engine: Engine) -> None:
    old = _score("t1", ScoreKind.HELP, 0.2, NOON - timedelta(hours=1))
    new, churn = _score("t1", ScoreKind.HELP, 1 / 3), _score("t1", ScoreKind.CHURN_30D, 0.1)
    save_scores(engine, [new, churn])
    save_scores(engine, [old])
    save_scores(engine, [])
    assert latest_scores(engine, SubjectKind.TUTOR, "t1") == [churn, new]
    assert score_history(engine, SubjectKind.TUTOR, "t1", ScoreKind.HELP) == [old, new]
    assert score_history(engine, SubjectKind.TUTOR, "t1", ScoreKind.HELP, limit=1) == [new]
    assert latest_scores(engine, SubjectKind.SESSION, "t1") == []


def test_a_score_of_the_same_moment_replaces_the_one_before(engine: Engine) -> None:
    save_scores(engine, [_score("t1", ScoreKind.HELP, 0.2)])
    save_scores(engine, [_score("t1", ScoreKind.HELP, 0.4)])
    assert latest_scores(engine, SubjectKind.TUTOR, "t1")[0].value == 0.4


@pytest.mark.parametrize(
    "table", ["scores", "shadow_scores", "model_artifacts", "model_ledger", "model_comparisons", "tuned_params"]
)
@pytest.mark.parametrize("change", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"])
def test_what_was_said_and_what_served_cannot_be_changed(engine: Engine, table: str, change: str) -> None:
    column = {"scores": "value", "shadow_scores": "value", "model_comparisons": "at", "tuned_params": "at"}.get(
        table, "sha256"
    )
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(change.format(table, column)))


def test_tutors_are_ranked_by_sessions_at_risk_and_filtered_by_band(engine: Engine) -> None:
    load(engine, corners())
    save_scores(engine, [_score("t1", ScoreKind.HELP, 0.3), _score("t2", ScoreKind.HELP, 0.9)])
    save_scores(engine, [_score("t2", ScoreKind.NO_SHOW_14D, 0.8)])
    save_scores(engine, [_score(name, ScoreKind.SESSIONS_AT_RISK, n) for name, n in (("t1", 2.0), ("t2", 3.5))])
    ranked = ranked_tutors(engine, NOON)
    assert [(tutor.tutor_id, tutor.name, tutor.band) for tutor in ranked] == [
        ("t2", "t2", Band.ACT),
        ("t1", 'O\'Brien, "Ann"', Band.WATCH),
    ]
    assert ranked[0].sessions_at_risk is not None
    assert (ranked[0].sessions_at_risk.value, ranked[0].sessions_at_risk.out_of) == (3.5, 48)
    assert ranked[0].no_show_14d is not None
    assert ranked[0].no_show_14d.value == 0.8
    assert ranked[0].churn_30d is None
    assert ranked[0].reasons == WHY
    watched = tutor_page(engine, Wanted(band=Band.WATCH), NOON, 10).tutors
    assert [tutor.tutor_id for tutor in watched] == ["t1"]
    assert [tutor.tutor_id for tutor in ranked_tutors(engine, NOON, limit=1)] == ["t2"]


def test_a_tutor_no_longer_scored_leaves_the_ranked_list(engine: Engine) -> None:
    load(engine, corners())
    save_scores(engine, [_score("t1", ScoreKind.HELP, 0.9, NOON - timedelta(days=2))])
    save_scores(engine, [_score("t2", ScoreKind.HELP, 0.1)])
    assert [tutor.tutor_id for tutor in ranked_tutors(engine, NOON)] == ["t2"]
    assert last_sweep(engine) == NOON


def test_upcoming_sessions_carry_their_newest_risk(engine: Engine) -> None:
    load(engine, corners())
    window = (NOON, NOON + timedelta(hours=48))
    assert [(s.session_id, s.no_show) for s in upcoming_sessions(engine, *window)] == [("x3", None)]
    save_scores(engine, [_score("x3", ScoreKind.NO_SHOW, 0.6, about=SubjectKind.SESSION)])
    (session,) = upcoming_sessions(engine, *window, tutor_id="t2")
    assert session.no_show == Risk(0.6, 0.3, 1.0)
    assert upcoming_sessions(engine, *window, tutor_id="t1") == []
    assert upcoming_sessions(engine, NOON - timedelta(hours=1), NOON) == []


def test_a_tutors_page_finds_who_they_are_and_their_sessions(engine: Engine) -> None:
    load(engine, corners())
    assert tutor_profile(engine, "t2") == TutorProfile("t2", "t2", "Asia/Kolkata", NOON, None)
    assert tutor_profile(engine, "nobody") is None
    upcoming = tutor_sessions(engine, "t1", NOON + timedelta(hours=1))
    assert [session.session_id for session in upcoming] == ["x1", "x2"]


def test_the_champion_is_the_last_recorded_and_its_bytes_are_those_recorded(engine: Engine) -> None:
    assert champion(engine, "no_show") is None
    record_model(engine, "no_show", "1", b"\x00ubj", {"columns": ["a"]}, "ann", "first", NOON)
    sha256 = record_model(engine, "no_show", "2", b"\x00ubj", {"columns": ["b"]}, "ann", "better", NOON)
    assert champion(engine, "no_show") == StoredModel("no_show", "2", sha256, b"\x00ubj", {"columns": ["b"]})
    assert champion_key(engine, "no_show") == ("2", sha256)
    entries = [(entry.version, entry.action, entry.reason) for entry in ledger(engine, "no_show")]
    assert entries == [
        ("1", Action.CANDIDATE, "trained"),
        ("1", Action.CHAMPION, "first"),
        ("2", Action.CANDIDATE, "trained"),
        ("2", Action.CHAMPION, "better"),
    ]


def test_only_a_champion_or_one_that_was_rolled_back_to_serves(engine: Engine) -> None:
    for version, action in (("1", Action.CHAMPION), ("2", Action.CHAMPION), ("3", Action.REFUSED)):
        record_model(engine, "no_show", version, b"ubj", {}, "ann", "because", NOON, action)
    assert champion_key(engine, "no_show")[0] == "2"  # type: ignore[index]
    record_action(engine, "no_show", "1", Action.ROLLBACK, "ann", "worse", NOON)
    assert champion_key(engine, "no_show")[0] == "1"  # type: ignore[index]
    record_model(engine, "no_show", "4", b"other", {}, "ann", "because", NOON, Action.CHALLENGER, card="# 4")
    waits = challenger(engine, "no_show")
    assert waits is not None
    assert (waits.version, waits.model_bytes) == ("4", b"other")
    assert card(engine, "no_show", "4") == "# 4"
    with pytest.raises(UnknownVersion, match="'9'"):
        record_action(engine, "no_show", "9", Action.CHAMPION, "ann", "why not", NOON)


def test_the_database_itself_refuses_force_without_a_reason(engine: Engine) -> None:
    record_model(engine, "no_show", "1", b"ubj", {}, "ann", "because", NOON, Action.CHALLENGER)
    with pytest.raises(DBAPIError, match="ck_model_ledger_because"):
        record_action(engine, "no_show", "1", Action.CHAMPION, "ann", "  ", NOON, forced=True)


def test_a_champion_whose_bytes_were_tampered_with_is_not_served(engine: Engine) -> None:
    record_model(engine, "churn", "1", b"good", {}, "ann", "first", NOON)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE model_artifacts DISABLE TRIGGER append_only"))
        connection.execute(text("UPDATE model_artifacts SET model = 'evil'"))
    with pytest.raises(ModelMismatch, match="churn 1"):
        champion(engine, "churn")
