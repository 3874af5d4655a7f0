"""What the gate said last, where it leaves the dashboard with nothing, or nothing new, to show."""

from collections.abc import Sequence

from panel.viewable import Viewable

from domain.promotion import Action
from store.db.engine import Engine
from store.scores.tutor_details import NewestDecision, any_model, newest_decisions
from ui.parts.rendering import sentence
from ui.parts.words import TASKS

NO_MODEL = "Train a model and score the tutors; then the list appears here."
NO_SCORES = "A model is there, but no tutor has been scored with it yet. The next scoring run fills this list."
NO_SIGNAL = "No usable signal"
OLDER = "What is shown comes from models trained before."


def without_scores(engine: Engine) -> Viewable:
    """Why nobody is listed: nothing trained, nothing usable, nothing that passed, or nobody scored so far."""
    found = newest_decisions(engine)
    if _all_refused(found):
        return sentence(NO_SIGNAL, _reasons(found))
    if any_model(engine):
        return sentence("Nobody has been scored yet", NO_SCORES)
    if found:
        return sentence("No model has passed the gate yet", _reasons(found))
    return sentence("No model has been trained yet", NO_MODEL)


def warning(engine: Engine) -> list[Viewable]:
    """What stands above the list where the newest training of every model was refused; else nothing."""
    found = newest_decisions(engine)
    return [sentence(NO_SIGNAL, f"{_reasons(found)} {OLDER}")] if _all_refused(found) else []


def _all_refused(found: Sequence[NewestDecision]) -> bool:
    return bool(found) and all(decision.action is Action.REFUSED for decision in found)


def _reasons(found: Sequence[NewestDecision]) -> str:
    return " ".join(f"{TASKS[decision.name]} ({decision.at:%Y-%m-%d}): {decision.reason}." for decision in found)
