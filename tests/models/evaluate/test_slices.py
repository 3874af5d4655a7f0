"""Slices: rows by group, detection of the planted poor slice, and no figures for small slices."""

from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.vocabulary import AttributeType
from features.as_of.queries import of_sessions, of_tutors, take
from features.base.dataset import Attribute
from features.history.history import History
from models.artifact.shared_values import LEAST_TUTORS
from models.evaluate.metrics import figures_with_intervals
from models.evaluate.slices import MIN_OUTCOMES, MOST_GROUPS, OTHERS, UNKNOWN, groups_of, slice_figures, worst
from models.learners.calibration import expit
from tests.lib import histories as h

DAY = 86_400_000_000
BEGIN = int(h.BEGIN.timestamp()) * 1_000_000


def teaching() -> History:
    """Ada joined 40 days before and meets one student on days 0 to 9; Ben's start is unknown, and so is his student."""
    kept = [("ada", "sam", day) for day in range(10)] + [("ben", None, 3)]
    kept += [(f"other{n}", None, 3) for n in range(LEAST_TUTORS - 1)]
    sessions = [
        {
            "session_id": f"{who}{day}",
            "tutor_id": who,
            "student_id": student,
            "booked_at": h.BEGIN + timedelta(days=day - 2),
            "starts_at": h.BEGIN + timedelta(days=day),
            "status": "completed",
            "outcome_known_at": h.BEGIN + timedelta(days=day, hours=1),
            "attributes.subject": "math" if day % 2 else None,
        }
        for who, student, day in kept
    ]
    tutors = [
        {"tutor_id": "ada", "timezone": "Europe/Berlin", "started_at": h.BEGIN - timedelta(days=40)},
        {"tutor_id": "ben"},
        *({"tutor_id": f"other{n}"} for n in range(LEAST_TUTORS - 1)),
    ]
    rows = {"tutors": tutors, "students": [{"student_id": "sam"}], "sessions": sessions}
    return History(h.dataset(rows, attributes=(Attribute("sessions", "subject", AttributeType.CATEGORICAL),)))


def test_a_session_is_in_the_groups_that_its_past_says() -> None:
    history = teaching()
    found = groups_of(history, of_sessions(history.sessions))
    assert set(found) == {"tenure", "history", "load", "time zone", "pair", "subject"}
    last, ben = 9, 10
    assert {name: str(of[last]) for name, of in found.items()} == {
        "tenure": "30 to 90 days",
        "history": "5 to 19 sessions",
        "load": "6 to 15 in 7 days",
        "time zone": "Europe/Berlin",
        "pair": "met before",
        "subject": "math",
    }
    assert (found["pair"][0], found["load"][0]) == ("first of the pair", "no session in 7 days")
    assert (found["tenure"][ben], found["pair"][ben], found["subject"][0]) == (UNKNOWN, UNKNOWN, UNKNOWN)


def test_a_value_of_a_few_tutors_alone_names_no_group() -> None:
    history = teaching()
    four = take(history.sessions, np.arange(11, 15))
    assert set(groups_of(history, of_sessions(four))["subject"].tolist()) == {OTHERS}


def test_a_session_known_only_later_makes_no_load_and_no_acquaintance() -> None:
    history = teaching()
    # The as-of moment of day 1's session is before the outcome of day 0's becomes known.
    found = groups_of(history, of_sessions(history.sessions))
    assert (found["pair"][1], found["load"][1]) == ("first of the pair", "no session in 7 days")
    assert (found["pair"][2], found["load"][2]) == ("met before", "1 to 5 in 7 days")


def test_tutors_have_no_pairs_and_no_attributes_of_sessions() -> None:
    found = groups_of(teaching(), of_tutors(np.array([0, 1]), BEGIN + 5 * DAY))
    assert {name: of.tolist() for name, of in found.items()} == {
        "tenure": ["30 to 90 days", UNKNOWN],
        "history": ["5 to 19 sessions", "under 5 sessions"],
        "load": ["1 to 5 in 7 days", "1 to 5 in 7 days"],
        "time zone": ["Europe/Berlin", UNKNOWN],
    }


def test_beyond_the_largest_groups_are_all_others() -> None:
    zones = [f"Etc/GMT-{i}" for i in range(1, 13) for _ in range(i)]
    tutors = [{"tutor_id": f"t{i}", "timezone": zone} for i, zone in enumerate(zones)]
    found = groups_of(History(h.dataset({"tutors": tutors})), of_tutors(np.arange(len(zones)), BEGIN))["time zone"]
    assert set(found) == {OTHERS, *(f"Etc/GMT-{i}" for i in range(12 - MOST_GROUPS + 1, 13))}
    assert (found == OTHERS).sum() == 1 + 2 + 3 + 4


def scored(n: int = 6000) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.str_]]:
    """Labels, scores, tutors and groups; in the group "blind" the scores carry no information."""
    rng = np.random.default_rng(0)
    tutors = rng.integers(0, 200, n)
    group = np.array(["seen", "blind", "rare"])[np.searchsorted([0.6, 0.99], rng.random(n))]
    margins = rng.normal(-1, 1.5, n)
    labels = (rng.random(n) < expit(margins)).astype(float)
    return labels, expit(np.where(group == "blind", rng.permutation(margins), margins)), tutors, group


def test_the_worst_slice_is_the_planted_one_and_its_figures_are_those_of_its_rows() -> None:
    labels, scores, tutors, group = scored()
    found = slice_figures({"by": group}, labels, scores, tutors, seed=0, repeats=30)
    assert [part.group for part in found] == ["blind", "rare", "seen"]
    poorest = worst(found)
    assert poorest is not None
    assert poorest.group == "blind"
    rows = group == "blind"
    own = figures_with_intervals(labels[rows], scores[rows], tutors[rows], seed=0, repeats=30)
    assert (poorest.roc_auc, poorest.ece) == (own["roc_auc"], own["ece"])
    assert (poorest.n, poorest.positives) == (rows.sum(), labels[rows].sum())


@pytest.mark.parametrize("flip", [False, True])
def test_a_slice_with_too_few_of_either_outcome_has_no_figures(flip: bool) -> None:
    labels = np.zeros(1000)
    labels[: MIN_OUTCOMES - 1] = labels[500 : 500 + MIN_OUTCOMES] = 1
    group = np.repeat(["fewer", "enough"], 500)
    labels = 1 - labels if flip else labels
    found = slice_figures({"by": group}, labels, np.linspace(0, 1, 1000), np.arange(1000), seed=0, repeats=5)
    assert {part.group: part.enough for part in found} == {"enough": True, "fewer": False}
    assert worst([part for part in found if not part.enough]) is None


def test_a_division_with_one_group_is_no_division() -> None:
    labels, scores, tutors, group = scored()
    groups = {"time zone": np.full(labels.size, "UTC"), "by": group}
    found = slice_figures(groups, labels, scores, tutors, seed=0, repeats=5)
    assert {part.by for part in found} == {"by"}
