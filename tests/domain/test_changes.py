from datetime import UTC, datetime

import pytest

from domain.changes import MOVED, ScoreChange, messages_of, says_more
from domain.vocabulary import Band, ScoreKind, SubjectKind


def _change(band: Band, before: Band | None, kind: ScoreKind = ScoreKind.HELP) -> ScoreChange:
    subject = SubjectKind.SESSION if kind is ScoreKind.NO_SHOW else SubjectKind.TUTOR
    return ScoreChange(
        7, "t1", subject, "s1", kind, 0.8, band, None if before is None else 0.1, before, "no_show/7",
        datetime(2026, 3, 2, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "band", "expected"),
    [
        (0.3, Band.WATCH, False),
        (0.3 + 1.01 * MOVED, Band.WATCH, True),
        (0.3 - 1.01 * MOVED, Band.WATCH, True),
        (0.3 + MOVED / 2, Band.WATCH, False),
        (0.3, Band.ACT, True),
    ],
)
def test_a_score_is_a_change_by_its_band_or_by_five_points(value: float, band: Band, expected: bool) -> None:
    assert says_more(ScoreKind.HELP, value, band, 0.3, Band.WATCH) is expected


@pytest.mark.parametrize(
    ("band", "before", "types"),
    [
        (Band.OK, None, []),
        (Band.WATCH, None, ["score.changed"]),
        (Band.ACT, Band.ACT, []),
        (Band.ACT, Band.WATCH, ["score.changed", "alert.raised"]),
        (Band.OK, Band.ACT, ["score.changed"]),
    ],
)
def test_rails_is_sent_changes_of_the_band_and_an_alert_where_somebody_should_act(
    band: Band, before: Band | None, types: list[str]
) -> None:
    messages = list(messages_of(_change(band, before)))
    assert [message.type for message in messages] == types
    assert len({message.event_id for message in messages}) == len(messages)
    assert [message.event_id for message in messages_of(_change(band, before))] == [m.event_id for m in messages]


def test_no_alert_where_advice_is_withheld_or_for_a_kind_that_asks_for_no_act() -> None:
    session = _change(Band.ACT, None, ScoreKind.NO_SHOW)
    assert [m.type for m in messages_of(session)] == ["score.changed", "alert.raised"]
    assert [m.type for m in messages_of(session, advice_withheld=True)] == ["score.changed"]
    assert [m.type for m in messages_of(_change(Band.ACT, None, ScoreKind.CHURN_30D))] == ["score.changed"]
