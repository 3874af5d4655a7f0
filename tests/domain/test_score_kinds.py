from typing import get_args

import pytest

from domain.horizons import CHURN_HORIZON, TUTOR_HORIZON
from domain.score_kinds import CHURN_KINDS, HELP_PARTS, LISTED, RATE_KINDS, SCORE_KINDS
from domain.vocabulary import ScoreKind
from serving.bodies.scores import ListedTutor
from serving.routes.tutors import Sort
from store.scores.tutor_list import SortKey


def test_every_kind_is_described_once_in_the_order_of_the_enumeration() -> None:
    assert list(SCORE_KINDS) == list(ScoreKind)
    assert len({described.title for described in SCORE_KINDS.values()}) == len(ScoreKind)


@pytest.mark.parametrize("kinds", [CHURN_KINDS, RATE_KINDS])
def test_the_name_of_a_kind_ends_with_its_days(kinds: dict[int, ScoreKind]) -> None:
    assert len(kinds) >= 3
    assert all(kind.endswith(f"_{days}d") for days, kind in kinds.items())


def test_help_joins_the_risks_of_the_tutors_own_horizons() -> None:
    assert {SCORE_KINDS[kind].days for kind in HELP_PARTS} == {CHURN_HORIZON.days, TUTOR_HORIZON.days}


def test_thresholds_of_act_are_beyond_those_of_watch() -> None:
    for described in SCORE_KINDS.values():
        if described.act_from is not None:
            assert (described.act_from < described.watch_from) is described.low_is_bad


def test_the_list_of_tutors_is_sorted_by_and_carries_the_listed_kinds() -> None:
    assert {*SortKey} - {SortKey.NAME} == {kind.value for kind in LISTED}
    assert {sort.removeprefix("-") for sort in get_args(Sort)} == {*SortKey}
    assert {kind.value for kind in LISTED} <= set(ListedTutor.model_fields)
