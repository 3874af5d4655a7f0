"""Disclosure rules: only reasons and advice about no-shows of uncontacted tutors are withheld."""

from datetime import UTC, datetime

import pytest

from domain.disclosure import WITHHELD, Assignment, disclosed, withheld, without_advice
from domain.interventions import Arm
from domain.score_kinds import SCORE_KINDS
from domain.scores import Reason, Score, WhatIf
from domain.vocabulary import ScoreKind, SubjectKind
from tests.lib.tutor_scores import cases_of

ABOUT_NO_SHOWS = {kind for kind, described in SCORE_KINDS.items() if described.concerns_no_shows}
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def _assigned(
    arm: Arm | None, risk: float | None = 0.3, lowest: float | None = 0.25, session: str = "s1"
) -> Assignment:
    return Assignment(session, arm, risk, lowest)


def _score(kind: ScoreKind, value: float = 0.6) -> Score:
    is_session = kind is ScoreKind.NO_SHOW
    return Score(
        subject_kind=SubjectKind.SESSION if is_session else SubjectKind.TUTOR, subject_id="s1" if is_session else "ada",
        kind=kind, value=value, low=value / 2, high=value, out_of=cases_of(kind), model_version="7", as_of=NOW,
        action="Call",
        reasons=(Reason(theme="no-shows", text="3 of 9", effect=1.0),),
        what_if=WhatIf(change="the tutor writes", value=value / 2, difference=-value / 2),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("assigned", "expected"),
    [
        (_assigned(Arm.CONTACT), False),
        (_assigned(Arm.HOLDOUT), True),
        (_assigned(Arm.HOLDOUT, risk=0.01), True),
        (_assigned(Arm.HOLDOUT, risk=None), True),
        (_assigned(None, risk=0.3), True),
        (_assigned(None, risk=0.2), True),  # from Watch upwards, independently of the list
        (_assigned(None, risk=0.1), False),
        (_assigned(None, risk=0.1, lowest=0.05), True),  # a held-out tutor could have this risk
        (_assigned(None, risk=None), False),
        (_assigned(None, risk=0.3, lowest=None), True),  # a plan without listed tutors
    ],
)
def test_a_tutor_not_drawn_is_treated_as_the_holdout_is_wherever_their_risks_overlap(
    assigned: Assignment, expected: bool
) -> None:
    assert assigned.withholds is expected


@pytest.mark.parametrize("kind", list(ScoreKind))
def test_of_the_holdout_only_reasons_and_advice_about_no_shows_are_withheld(kind: ScoreKind) -> None:
    score = _score(kind)
    shown = disclosed(score, [_assigned(Arm.HOLDOUT)])
    assert shown == (without_advice(score) if kind in ABOUT_NO_SHOWS else score)
    assert (shown.value, shown.low, shown.high, shown.band) == (score.value, score.low, score.high, score.band)
    if kind in ABOUT_NO_SHOWS:
        assert (shown.reasons, shown.what_if, shown.action) == ((), None, WITHHELD)


@pytest.mark.parametrize("planned", [[], [_assigned(Arm.CONTACT)]])
def test_without_a_plan_and_for_a_contacted_tutor_all_is_shown(planned: list[Assignment]) -> None:
    for kind in ABOUT_NO_SHOWS:
        assert disclosed(_score(kind), planned) == _score(kind)


def test_a_session_depends_on_its_own_day_and_a_tutor_on_every_one() -> None:
    planned = [_assigned(Arm.CONTACT), _assigned(Arm.HOLDOUT, session="s2")]
    assert withheld(ScoreKind.NO_SHOW, "s1", planned) is None
    assert withheld(ScoreKind.NO_SHOW, "s2", planned) == WITHHELD
    assert withheld(ScoreKind.HELP, "ada", planned) == WITHHELD


def test_a_session_is_judged_by_the_risk_of_the_score_in_hand() -> None:
    assert disclosed(_score(ScoreKind.NO_SHOW, 0.6), [_assigned(None, risk=None)]).action == WITHHELD
    assert disclosed(_score(ScoreKind.NO_SHOW, 0.1), [_assigned(None, risk=0.6)]).action == "Call"
