"""The list of upcoming sessions at risk: order, advice and what-if."""

from datetime import timedelta
from typing import Any

import panel as pn
import pytest
from rich.console import Console
from sqlalchemy import Engine

from cli.upcoming import as_json, print_upcoming
from domain.disclosure import WITHHELD
from domain.interventions import Arm, ArmCount, ContactPlan, Effect, Estimate, PlannedContact, PlannedSession
from domain.scores import Reason, Score, WhatIf
from domain.vocabulary import ScoreKind, SubjectKind
from insights.advice.actions import DEFAULT_ACTION, NO_ACTION
from insights.advice.upcoming import HARMS, NOT_MEASURED, TOO_FEW, UNCLEAR, Advice, advice
from store.contacts.records import save_effects, save_plan
from store.facts.load import load
from store.scores.records import save_scores
from store.scores.upcoming import upcoming
from tests.lib.small_dataset import NOON, dataset, session
from ui.page import PageRequest
from ui.pages.tutor import tutor_view
from ui.pages.upcoming import upcoming_view

SEEN = ArmCount(contacts=100, sessions=200, tutors=90, no_shows=30)


def _effect(relative: Estimate | None, absolute: Estimate | None) -> Effect:
    return Effect(None, 0.95, SEEN, SEEN, absolute, relative, None)


WORKS = _effect(Estimate(0.5, 0.25, 1.2), Estimate(-0.05, -0.08, -0.02))
UNSURE = _effect(Estimate(0.1, -0.2, 0.4), Estimate(-0.01, -0.03, 0.01))
WORSE = _effect(Estimate(-0.3, -0.5, -0.1), Estimate(0.03, 0.01, 0.05))


@pytest.mark.parametrize(
    ("risk", "is_listed", "effect", "expected"),
    [
        (0.1, False, WORKS, Advice(NO_ACTION, "")),
        (0.1, True, None, Advice("Call", NOT_MEASURED)),
        (0.4, True, WORKS, Advice("Call", "risk 40 % → 20 % expected (95 % interval 0.0 % to 30 %)")),
        (0.4, False, None, Advice("Call", NOT_MEASURED)),
        (0.4, True, _effect(None, None), Advice("Call", TOO_FEW)),
        (0.4, True, UNSURE, Advice("Call", UNCLEAR)),
        (0.4, True, WORSE, Advice("Call", HARMS)),
    ],
)
def test_the_expected_effect_is_the_measured_one_or_said_not_to_be_known(
    risk: float, is_listed: bool, effect: Effect | None, expected: Advice
) -> None:
    assert advice(risk, "Call", is_listed, effect) == expected


def test_advice_that_is_withheld_is_its_sentence_alone() -> None:
    assert advice(0.4, "Call", False, WORKS, WITHHELD) == Advice(WITHHELD, "")


def test_a_risk_without_an_action_of_its_own_gets_the_usual_one() -> None:
    assert advice(0.4, None, False, None).action == DEFAULT_ACTION


SOON, LATER, LAST, FAR = (NOON + timedelta(hours=hours) for hours in (3, 30, 31, 50))


def _plant(engine: Engine) -> None:
    """Three sessions within the list's span, two of them scored and on the same day; one beyond it."""
    booked: dict[str, Any] = {"status": "booked", "ends_at": None, "student_id": "s1"}
    rows: dict[str, list[dict[str, Any]]] = {
        "tutors": [{"tutor_id": "t1", "name": "Ann [b]", "timezone": "Asia/Kolkata"}, {"tutor_id": "t2"}],
        "students": [{"student_id": "s1"}],
        "sessions": [
            session("soon", "t1", starts_at=SOON, **booked),
            session("later", "t1", starts_at=LATER, **booked),
            session("last", "t2", starts_at=LAST, **booked),
            session("far", "t2", starts_at=FAR, **booked),
        ],
    }
    load(engine, dataset((), **rows))
    save_scores(engine, [_score("later", 0.3), _score("last", 0.6)])


def _score(session_id: str, value: float) -> Score:
    reasons = (Reason(theme="no-shows", text="3 of 9 [missed]", effect=1.0), Reason(theme="load", text="5", effect=-1))
    return Score(
        subject_kind=SubjectKind.SESSION, subject_id=session_id, kind=ScoreKind.NO_SHOW, value=value, low=value / 2,
        high=value, reasons=reasons, action="Call", model_version="7", as_of=NOON,
        what_if=WhatIf(change="the tutor writes", value=value - 0.1, difference=-0.1),
    )  # fmt: skip


def _planned(tutor_id: str, arm: Arm) -> PlannedContact:
    return PlannedContact(tutor_id, arm, "Call", 1, None, (PlannedSession("later", LATER, 0.3),))


def test_the_riskiest_session_comes_first_and_one_not_scored_last(engine: Engine) -> None:
    _plant(engine)
    found = upcoming(engine, NOON, NOON + timedelta(hours=48))
    assert [s.session_id for s in found.sessions] == ["last", "later", "soon"]
    assert [s.timezone for s in found.sessions] == [None, "Asia/Kolkata", "Asia/Kolkata"]
    assert [(s.is_listed, s.withheld) for s in found.sessions] == [(False, None)] * 3
    assert [s.what_if.words for s in found.sessions if s.what_if] == [
        "if the tutor writes, 50 % instead of 60 %",
        "if the tutor writes, 20 % instead of 30 %",
    ]
    assert found.effect_on(found.sessions[0]) is None


def test_who_is_left_out_of_a_planned_day_is_not_recommended_to_be_contacted(engine: Engine) -> None:
    _plant(engine)
    planned = (_planned("t1", Arm.CONTACT), _planned("t2", Arm.HOLDOUT))
    save_plan(engine, ContactPlan(LATER.date(), 1, 0.5, 0, planned), NOON)
    save_effects(engine, [WORKS], NOON)
    found = upcoming(engine, NOON, NOON + timedelta(hours=48))
    assert [s.is_listed for s in found.sessions] == [False, True, False]
    assert [s.withheld for s in found.sessions] == [WITHHELD, None, None]
    by_id = {s["session_id"]: s for s in as_json(found, NOON, 15)["sessions"]}
    assert (by_id["last"]["action"], by_id["last"]["expected_effect"]) == (WITHHELD, None)
    assert by_id["later"]["expected_effect"].startswith("risk 30 % → 15 % expected")
    assert by_id["later"]["what_if"] == pytest.approx({"change": "the tutor writes", "value": 0.2, "difference": -0.1})
    assert (by_id["soon"]["risk"], by_id["soon"]["action"]) == (None, None)
    assert (by_id["last"]["reasons"], by_id["last"]["what_if"]) == ([], None)
    assert [reason["text"] for reason in by_id["later"]["reasons"]] == ["3 of 9 [missed]", "5"]
    console = Console(width=160, record=True)
    print_upcoming(found, console, 1)
    printed = console.export_text()
    assert WITHHELD.split()[0] in printed
    assert "3 of 9" not in printed
    assert "3 of 9" not in _said(tutor_view(PageRequest(engine, NOON, "t2")))
    assert "3 of 9" in _said(tutor_view(PageRequest(engine, NOON, "t1")))
    assert _said(upcoming_view(PageRequest(engine, NOON))).count("3 of 9") == 1


def test_the_command_prints_risk_local_start_reasons_and_advice(engine: Engine) -> None:
    _plant(engine)
    console = Console(width=160, record=True)
    print_upcoming(upcoming(engine, NOON, NOON + timedelta(hours=48)), console, 2)
    printed = console.export_text()
    for words in ("The 2 riskiest of 3 sessions", "60 %", "Ann [b]", "23:30", "▲ 3 of 9 [missed]", "▼ 5", NOT_MEASURED):
        assert words in printed
    print_upcoming(upcoming(engine, FAR + timedelta(hours=1), FAR + timedelta(hours=2)), console, 2)
    assert "No session is booked in these hours." in console.export_text()


def test_the_page_shows_the_sessions_of_two_days_and_says_when_there_are_none(engine: Engine) -> None:
    assert "No sessions" in _said(upcoming_view(PageRequest(engine, NOON)))
    _plant(engine)
    page_text = _said(upcoming_view(PageRequest(engine, NOON)))
    for words in (
        "about 1 no-show expected",
        "60 %",
        "Ann [b]",
        "23:30",
        "in 30 h",
        "3 of 9 [missed]",
        "not scored yet",
    ):
        assert words in page_text
    assert "far" not in page_text


def _said(page: pn.Column) -> str:
    return " ".join(pane.object for pane in page.select(pn.pane.HTML))
