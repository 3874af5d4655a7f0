import pytest

from domain.score_kinds import QUALITY_ACT, RESCHEDULE_ACT
from domain.scores import band, band_of, least_risk, percent
from domain.vocabulary import Band, ScoreKind


@pytest.mark.parametrize(
    ("kind", "value", "act_from", "expected"),
    [
        (ScoreKind.HELP, 0.5, 0.5, Band.ACT),
        (ScoreKind.HELP, 0.99, None, Band.WATCH),
        (ScoreKind.RESCHEDULE_RATE_30D, 0.36, RESCHEDULE_ACT, Band.ACT),
        (ScoreKind.RESCHEDULE_RATE_30D, 0.2, RESCHEDULE_ACT, Band.WATCH),
        (ScoreKind.SESSION_QUALITY, 0.9, QUALITY_ACT, Band.OK),
        (ScoreKind.SESSION_QUALITY, 0.6, QUALITY_ACT, Band.WATCH),
        (ScoreKind.FIRST_SESSION_QUALITY, 0.4, QUALITY_ACT, Band.ACT),
        (ScoreKind.FIRST_SESSION_QUALITY, 0.4, None, Band.WATCH),
    ],
)
def test_bands_know_whether_large_or_small_values_are_bad(
    kind: ScoreKind, value: float, act_from: float | None, expected: Band
) -> None:
    assert band_of(kind, value, act_from) is expected


@pytest.mark.parametrize("wanted", Band)
def test_the_least_risk_of_a_band_is_in_it_and_nothing_below_is(wanted: Band) -> None:
    least = least_risk(wanted)
    assert band(least) is wanted
    assert wanted is Band.OK or band(least - 1e-9) is not wanted


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.015, "1.5 %"), (0.23, "23 %"), (0.0, "0.0 %"), (1.0, "100 %"), (-0.04, "−4.0 %"), (-0.25, "−25 %")],
)
def test_percent_has_a_decimal_below_ten_percent_and_a_minus_sign(share: float, expected: str) -> None:
    assert percent(share) == expected
