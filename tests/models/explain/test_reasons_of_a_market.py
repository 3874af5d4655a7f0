"""Rules of reasons, checked over all tutors and booked sessions of a simulated market."""

import re
from collections.abc import Iterator

import numpy as np
import pytest

from domain.scores import MAX_REASONS, Reason
from domain.vocabulary import Band, ScoreKind, Task
from features.catalogue import FEATURES
from insights.advice.actions import DEFAULT_ACTION, NO_ACTION
from tests.lib.explained_market import ExplainedRows, explained_market, scored_market

DIRECT = {
    Task.NO_SHOW: {"no-shows", "recent no-shows", "no-shows at this time", "no-shows with this student"},
    Task.CHURN: {"load", "activity"},
}
GROUPS = (
    {"no-shows", "recent no-shows", "no-shows at this time", "no-shows with this student", "cancellations", "lateness"},
    {"reschedules", "moves of this session"},
    {"load", "activity", "bookings around it"},
)
MORE_IS_WORSE = ("missed", "cancelled", "started", "moved", "lost", "late on average", "no-show", "since", "to reply",
                 "not answered", "cancellation", "reschedule")  # fmt: skip
LESS_IS_WORSE = ("delivered in a row", "written", "stars", "of the usual", "weekly sessions", "each week", "with this")
SHARE = re.compile(
    r"(?P<events>[\d,]+) of (?P<sessions>[\d,]+) .*\(usual (?:1 in (?P<one_in>[\d,]+)|(?P<tenths>\d+) in 10)\)"
)


@pytest.fixture(scope="module", params=Task)
def rows(request: pytest.FixtureRequest) -> ExplainedRows:
    return explained_market()[request.param]


def _each(rows: ExplainedRows) -> Iterator[tuple[int, Reason]]:
    return ((row, reason) for row, reasons in enumerate(rows.reasons) for reason in reasons)


def test_most_rows_have_reasons_and_none_has_too_many(rows: ExplainedRows) -> None:
    numbers = np.array([len(reasons) for reasons in rows.reasons])
    assert numbers.max() == MAX_REASONS
    assert (numbers > 0).mean() > 0.5


def test_raising_precedes_lowering_and_direct_evidence_precedes_correlates(rows: ExplainedRows) -> None:
    direct = DIRECT[rows.model.sidecar.task]
    for reasons in rows.reasons:
        ranks = [(reason.effect < 0, reason.theme not in direct, -abs(reason.effect)) for reason in reasons]
        assert ranks == sorted(ranks)


def test_own_missed_sessions_beyond_chance_are_the_first_reason() -> None:
    rows = explained_market()[Task.NO_SHOW]
    names, themes = rows.model.sidecar.columns, GROUPS[0]
    members = [i for i, name in enumerate(names) if name in FEATURES and FEATURES[name].theme in themes]
    effect = rows.contributions[:, members].sum(axis=1)
    events, sessions = rows.numbers.counts["no_show_rate"]
    often = events > 5 + 3 * sessions * rows.model.sidecar.typical[names.index("no_show_rate")]
    chosen = np.flatnonzero(often & (effect > 0.1)).tolist()
    assert len(chosen) > 10
    assert all(rows.reasons[row][0].theme in DIRECT[Task.NO_SHOW] for row in chosen)


def test_no_two_reasons_say_the_same(rows: ExplainedRows) -> None:
    for reasons in rows.reasons:
        assert len({reason.text for reason in reasons}) == len(reasons)
        assert len({reason.theme for reason in reasons}) == len(reasons)
        assert all(len(group & {reason.theme for reason in reasons}) <= 1 for group in GROUPS)


def test_shares_lie_on_the_side_of_their_effect(rows: ExplainedRows) -> None:
    matches = [(reason, SHARE.search(reason.text)) for _, reason in _each(rows) if _worse(reason.text) > 0]
    shares = [(reason, found) for reason, found in matches if found]
    assert len(shares) > 20
    for reason, found in shares:
        own = _number(found["events"]) / _number(found["sessions"])
        usual = 1 / _number(found["one_in"]) if found["one_in"] else _number(found["tenths"]) / 10
        rounding = 0.06  # "1 in 8" covers 1 in 7.5 to 1 in 8.5
        assert own > usual * (1 - rounding) if reason.effect > 0 else own < usual * (1 + rounding), reason


def test_amounts_lie_on_the_harmful_side_if_they_raise_and_on_the_other_if_they_lower(rows: ExplainedRows) -> None:
    checked = 0
    for row, reason in _each(rows):
        column = _quoted_column(rows, row, reason)
        if column is None or not (worse := _worse(reason.text)):
            continue
        checked += 1
        difference = rows.column(column)[row] - rows.model.sidecar.typical[rows.model.sidecar.columns.index(column)]
        assert np.sign(difference) == worse * np.sign(reason.effect), (column, reason)
    assert checked > 100


def test_columns_without_a_known_side_go_with_the_outcome_on_the_side_that_reasons_quote(rows: ExplainedRows) -> None:
    matrix, labels = rows.fitted.matrix, rows.fitted.examples.row_label
    for row, reason in _each(rows):
        column = _quoted_column(rows, row, reason)
        if column is None or FEATURES[column].worse or _worse(reason.text):
            continue
        place = rows.model.sidecar.columns.index(column)
        values, typical = matrix[:, place], rows.model.sidecar.typical[place]
        low = values < typical if (values < typical).any() else values == typical
        higher = labels[values > typical].mean() > labels[low].mean()
        assert (rows.column(column)[row] > typical) == (higher == (reason.effect > 0)), reason


def test_no_percentage_exceeds_200_and_larger_ratios_are_factors(rows: ExplainedRows) -> None:
    texts = [reason.text for _, reason in _each(rows)]
    assert all(float(number) <= 200 for text in texts for number in re.findall(r"([\d.]+) %", text))
    assert all(float(number) >= 2 for text in texts for number in re.findall(r"([\d.]+) times", text))


def test_reasons_about_a_tutor_quote_no_single_session() -> None:
    reasons = [r for score in scored_market() if score.kind is ScoreKind.NO_SHOW_14D for r in score.reasons]
    assert len(reasons) > 100
    assert not [
        r.text for r in reasons if re.search(r"this (student|session|one)|same day|on a \w+day|at \d\d:00", r.text)
    ]


def test_every_score_in_watch_or_act_has_advice_that_follows_its_first_raising_reasons() -> None:
    scores = [score for score in scored_market() if score.kind is ScoreKind.HELP]
    assert all((score.action == NO_ACTION) == (score.band is Band.OK) for score in scores)
    raised = [s for s in scores if s.band is not Band.OK and s.reasons and s.reasons[0].effect > 0]
    assert len({score.action for score in raised}) > 5
    assert not [score for score in raised if score.action == DEFAULT_ACTION]


def _number(digits: str) -> float:
    return float(digits.replace(",", ""))


def _worse(text: str) -> int:
    """Side that a coach takes for harmful, 0 where it depends."""
    if text.startswith("requested"):  # the reason of a reschedule
        return 0
    if any(words in text for words in LESS_IS_WORSE):
        return -1
    return 1 if any(words in text for words in MORE_IS_WORSE) else 0


def _quoted_column(rows: ExplainedRows, row: int, reason: Reason) -> str | None:
    """The column whose phrase a reason is; None for a share by its counts, a missing value or a value without order."""
    for name in rows.model.sidecar.features:
        feature, value = FEATURES[name], float(rows.column(name)[row])
        if feature.theme != reason.theme or np.isnan(value) or not feature.is_ordered:
            continue
        if reason.text.startswith(" ".join(feature.phrase(value)).strip()):
            return name
    return None
