import numpy as np
import pytest

from domain.vocabulary import AttributeType
from features.as_of.group_priors import GroupPriors
from features.as_of.priors import Prior
from features.catalogue import CHURN_FEATURES, NO_SHOW_FEATURES
from features.columns.themes import THEMES
from models.artifact.model import AttributeSpec, GroupSpec
from models.explain.groups import DETAILS, Groups, groups_of
from tests.lib.explained import model_to_explain, noisy_columns, small_booster


def _groups(*columns: str, **sidecar: object) -> Groups:
    model = model_to_explain(small_booster(noisy_columns(1), 1, 1), features=columns, typical=(0.1,) * 9, **sidecar)
    return groups_of(model.sidecar)


def test_themes_that_measure_one_habit_share_a_group_and_attributes_have_their_own() -> None:
    seen = AttributeSpec(kind="sessions", name="subject", type=AttributeType.NUMERIC)
    groups = _groups("no_show_rate", "late_minutes_90d", "silence_hours", attributes=(seen,))
    assert sorted(members.tolist() for members in groups.members) == [[0, 1], [2], [3]]
    assert groups.themes == ("no-shows", "lateness", "silence", DETAILS)
    assert groups.direct.tolist() == [True, False, False, False]


@pytest.mark.parametrize(("kind", "of_session"), [("sessions", True), ("tutors", False)])
def test_the_rates_of_a_group_with_a_past_are_one_group(kind: str, of_session: bool) -> None:
    priors = GroupPriors(rate=Prior(rate=0.1, strength=5), recent_strength=5, day_strength=5)
    groups = _groups("no_show_rate", groups=(GroupSpec(kind=kind, name="region", priors=priors),))
    assert groups.themes == ("no-shows", "same region", "same region", "same region")
    assert groups.of_session.tolist() == [False, of_session, of_session, of_session]


def test_contributions_that_read_a_past_are_one_effect_of_a_tutor_without_one() -> None:
    groups = _groups("no_show_rate", "late_minutes_90d", "tenure_days")
    parts = np.array([[0.5, 0.25, 0.125], [0.5, 0.25, 0.125]])
    effects = groups.effects(parts, np.array([True, False]))
    np.testing.assert_array_equal(effects, [[0, 0.125, 0.75], [0.75, 0.125, 0]])
    np.testing.assert_array_equal(parts, [[0, 0, 0.125], [0.5, 0.25, 0.125]])


def test_every_theme_of_the_table_is_that_of_a_column() -> None:
    assert set(THEMES) <= {feature.theme for feature in (*NO_SHOW_FEATURES, *CHURN_FEATURES)}
