"""Notices about missing or outdated scores, with the gate's newest decisions as the reason."""

from collections.abc import Sequence

from panel.viewable import Viewable

from domain.promotion import Action
from store.db.engine import Engine
from store.scores.tutor_details import NewestDecision, any_model, newest_decisions
from ui.parts.rendering import sentence
from ui.parts.words import TASKS

NO_MODEL = "The list appears once a model has been trained and the tutors have been scored."
NO_SCORES = "A model is available, but no tutor has been scored with it yet. The next scoring run fills this list."
NO_SIGNAL = "No usable signal"
OLDER = "The scores shown come from earlier models."


def without_scores(engine: Engine) -> Viewable:
    """The reason for an empty list: no model trained, no usable signal, no model passed the gate, or nobody scored."""
    decisions = newest_decisions(engine)
    if _all_refused(decisions):
        return sentence(NO_SIGNAL, _reasons(decisions))
    if any_model(engine):
        return sentence("No tutor has been scored yet", NO_SCORES)
    if decisions:
        return sentence("No model has passed the gate yet", _reasons(decisions))
    return sentence("No model has been trained yet", NO_MODEL)


def warning(engine: Engine) -> list[Viewable]:
    """A notice above the list if the newest training of every model was refused; otherwise empty."""
    decisions = newest_decisions(engine)
    return [sentence(NO_SIGNAL, f"{_reasons(decisions)} {OLDER}")] if _all_refused(decisions) else []


def _all_refused(decisions: Sequence[NewestDecision]) -> bool:
    return bool(decisions) and all(decision.action is Action.REFUSED for decision in decisions)


def _reasons(decisions: Sequence[NewestDecision]) -> str:
    return " ".join(f"{TASKS[decision.name]} ({decision.at:%Y-%m-%d}): {decision.reason}." for decision in decisions)
