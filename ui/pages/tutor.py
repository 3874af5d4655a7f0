"""Tutor page: scores with reasons and advice, score history, sessions and reschedules."""

from datetime import datetime

import panel as pn

from domain.horizons import UPCOMING
from domain.policy import Permission
from domain.score_kinds import HELP_PARTS
from domain.vocabulary import Party, ScoreKind, SubjectKind
from quality.reasons import SCORER, most_frequent
from store.db.engine import Engine
from store.scores.ranking import TutorProfile, UpcomingSession, tutor_profile, tutor_sessions
from store.scores.records import score_history
from store.scores.tutor_details import tutor_reschedules
from store.scores.tutor_scores import tutor_now
from store.scores.upcoming import upcoming
from ui.page import Page, PageRequest
from ui.parts.rendering import piece, sentence
from ui.parts.score_history import history_plot

ORDER = (ScoreKind.HELP, *HELP_PARTS)
RECENT = 20
WITHOUT_SCORES = "A tutor is scored once a model has been trained, and only while active."


def tutor_view(request: PageRequest) -> pn.Column:
    """The page of one tutor; a notice for an unknown id. Raises DatabaseUnavailable."""
    engine, tutor_id = request.engine, request.tutor_id
    tutor = tutor_profile(engine, tutor_id)
    if tutor is None:
        return pn.Column(sentence("No such tutor", f"There is no tutor with the id “{tutor_id}”."))
    parts = [_scores(engine, tutor, request.now), *_history(engine, tutor_id), _sessions(engine, tutor, request.now)]
    return pn.Column(*parts, sizing_mode="stretch_width")


PAGE = Page("tutor", "One tutor", Permission.SCORES_READ, tutor_view, per_tutor=True)


def _scores(engine: Engine, tutor: TutorProfile, now: datetime) -> pn.pane.HTML:
    newest = tutor_now(engine, tutor.tutor_id, now)
    scores = [newest.scores[kind].score for kind in ORDER if kind in newest.scores] if newest else []
    action = next((score.action for score in scores if score.action), None)
    zone = tutor.timezone or "UTC"
    return piece("tutor.html", tutor=tutor, zone=zone, scores=scores, action=action, without_scores=WITHOUT_SCORES)


def _history(engine: Engine, tutor_id: str) -> list[pn.viewable.Viewable]:
    scores = [score for kind in ORDER for score in score_history(engine, SubjectKind.TUTOR, tutor_id, kind)]
    return [piece("heading.html", text="Scores over time"), history_plot(scores)] if scores else []


def _sessions(engine: Engine, tutor: TutorProfile, now: datetime) -> pn.pane.HTML:
    reschedules = tutor_reschedules(engine, tutor.tutor_id, RECENT)
    theirs = [r for r in reschedules if r.initiator == Party.TUTOR]
    return piece(
        "sessions.html",
        zone=tutor.timezone or "UTC",
        upcoming=_upcoming(engine, tutor.tutor_id, now),
        sessions=tutor_sessions(engine, tutor.tutor_id, now, RECENT),
        reschedules=reschedules,
        main_reason=most_frequent((r.reason_code, r.reason_text) for r in theirs),
        scorer=SCORER,
    )


def _upcoming(engine: Engine, tutor_id: str, now: datetime) -> list[UpcomingSession]:
    """The tutor's sessions of the next two days, nearest first."""
    sessions = upcoming(engine, now, now + UPCOMING, tutor_id).sessions
    return sorted(sessions, key=lambda session: session.starts_at)
