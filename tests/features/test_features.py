"""The feature engine compared with the oracle, tested for leaks, and compared with itself on one tutor."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import LateFeature
from domain.vocabulary import AttributeType
from features import columns
from features.as_of.past import Past
from features.as_of.prior_estimation import estimate_priors, fit_prior, prior_counts
from features.as_of.priors import NO_PRIOR, Prior, Priors
from features.as_of.queries import Queries, of_sessions, of_tutors, warning_moment
from features.base.dataset import Attribute
from features.base.kernel import group, positions
from features.base.local_time import SLOTS, slot_name
from features.catalogue import CHURN_FEATURES, NO_SHOW_FEATURES, attribute_values, compute, encode
from features.columns import Feature
from features.history.history import History
from tests.lib import histories as h
from tests.lib import oracle

FEATURES = [value for value in vars(columns).values() if isinstance(value, Feature)]
OF_TUTORS = [f for f in FEATURES if f in CHURN_FEATURES]
PRIORS = Priors(**{name: Prior(rate=0.03 + 0.01 * i, strength=3 + i) for i, name in enumerate(Priors.model_fields)})
quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def ask_sessions(history: History, queried: list[h.Row], as_of: datetime | None) -> Queries:
    sessions = history.columns_of(h.sessions_table(queried))
    return of_sessions(sessions, as_of=None if as_of is None else microseconds(as_of))


def ask_tutors(history: History, tutor_ids: list[str], as_of: datetime) -> Queries:
    import pyarrow as pa

    return of_tutors(history.tutor_codes(pa.array(tutor_ids, pa.string())), microseconds(as_of))


def values_of(features: list[Feature], history: History, queries: Queries) -> dict[str, list[float]]:
    past = Past(history, queries, PRIORS)
    return {f.name: f.compute(past).tolist() for f in features}


def expected_of(features: list[Feature], rows: h.Rows, queries: list[h.Row]) -> dict[str, list[Any]]:
    return {f.name: [oracle.ORACLE[f.name](rows, query, PRIORS) for query in queries] for f in features}


def assert_same(found: dict[str, list[float]], expected: dict[str, list[Any]]) -> None:
    for name, column in expected.items():
        wanted = [float("nan") if value is None else float(value) for value in column]
        np.testing.assert_allclose(found[name], wanted, rtol=1e-6, atol=1e-9, err_msg=name)


def test_every_column_has_an_oracle_a_unit_and_a_meaning() -> None:
    assert {f.name for f in FEATURES} == set(oracle.ORACLE)
    assert {*NO_SHOW_FEATURES, *CHURN_FEATURES} == set(FEATURES)
    assert all(f.unit and f.meaning.endswith(".") and f.theme for f in FEATURES)


@quick
@given(h.marketplace(), h.queried(), st.one_of(st.none(), h.times))
def test_every_column_of_a_session_equals_the_oracle(
    rows: h.Rows, queried: list[h.Row], as_of: datetime | None
) -> None:
    queried = queried + rows["sessions"]
    history = History(h.dataset(rows))
    queries = [{"tutor_id": s["tutor_id"], "as_of": as_of or oracle.warning_moment(s), "session": s} for s in queried]
    found = values_of(FEATURES, history, ask_sessions(history, queried, as_of))
    assert_same(found, expected_of(FEATURES, rows, queries))


@quick
@given(h.marketplace(), h.times)
def test_every_column_of_a_tutor_equals_the_oracle(rows: h.Rows, as_of: datetime) -> None:
    history = History(h.dataset(rows))
    queried = [*h.TUTORS, h.UNKNOWN]
    found = values_of(OF_TUTORS, history, ask_tutors(history, queried, as_of))
    assert_same(found, expected_of(OF_TUTORS, rows, [{"tutor_id": t, "as_of": as_of} for t in queried]))


@quick
@given(st.data())
def test_nothing_known_at_or_after_the_moment_changes_a_column(data: st.DataObject) -> None:
    rows, queried, as_of = data.draw(h.marketplace()), data.draw(h.queried()), data.draw(h.times)
    other = data.draw(h.another_future(rows, as_of))
    before, after = History(h.dataset(rows)), History(h.dataset(other))
    first = values_of(FEATURES, before, ask_sessions(before, queried, as_of))
    second = values_of(FEATURES, after, ask_sessions(after, queried, as_of))
    np.testing.assert_equal(second, first)


@quick
@given(h.marketplace(), h.queried(), h.times)
def test_one_tutor_alone_gets_the_very_same_values(rows: h.Rows, queried: list[h.Row], as_of: datetime) -> None:
    whole = History(h.dataset(rows))
    for tutor_id in h.TUTORS:
        mine = [s | {"tutor_id": tutor_id} for s in queried]
        alone = History(h.dataset(h.only(rows, tutor_id)))
        together = values_of(FEATURES, whole, ask_sessions(whole, mine, as_of))
        np.testing.assert_equal(values_of(FEATURES, alone, ask_sessions(alone, mine, as_of)), together)


def test_an_event_known_at_the_moment_is_not_seen_and_one_at_the_windows_edge_is() -> None:
    as_of = h.BEGIN + timedelta(days=60)
    sessions = [held(known=as_of), held(known=as_of - timedelta(days=30)), held(known=as_of - timedelta(days=31))]
    history = History(h.dataset({"tutors": [{"tutor_id": "ada"}], "sessions": sessions}))
    found = values_of(OF_TUTORS, history, ask_tutors(history, ["ada"], as_of))
    assert found["load_30d"] == [1]


def held(known: datetime, **more: Any) -> h.Row:
    start = known - timedelta(hours=1)
    own = {
        "session_id": f"{known}",
        "tutor_id": "ada",
        "booked_at": start,
        "starts_at": start,
        "outcome_known_at": known,
    }
    return own | {"status": "completed"} | more


def test_a_cancellation_is_last_minute_with_less_than_a_days_notice_from_the_tutor() -> None:
    start = h.BEGIN + timedelta(days=3)

    def counted(notice: timedelta, by: str) -> list[float]:
        cancelled = held(start - notice, starts_at=start, status="cancelled", initiated_by=by)
        history = History(h.dataset({"tutors": [{"tutor_id": "ada"}], "sessions": [cancelled]}))
        queried = ask_tutors(history, ["ada"], start + timedelta(days=1))
        return values_of([columns.last_minute_cancellations_90d], history, queried)["last_minute_cancellations_90d"]

    assert counted(timedelta(hours=24), "tutor") == [0]
    assert counted(timedelta(hours=24, microseconds=-1), "tutor") == [1]
    assert counted(timedelta(hours=1), "student") == [0]


def test_weekday_and_hour_are_the_tutors_own_across_the_change_of_clocks() -> None:
    tutors = [{"tutor_id": "ada", "timezone": "Europe/Berlin"}, {"tutor_id": "ben", "timezone": "Asia/Kolkata"}]
    history = History(h.dataset({"tutors": tutors}))
    late = datetime(2024, 3, 30, 23, 30, tzinfo=UTC)  # Saturday; Berlin's clocks go forward at 01:00 UTC on Sunday
    queried = [held(late + timedelta(hours=1 + n), tutor_id=t) for n in (0, 1, 2) for t in ("ada", "ben")]
    found = values_of([columns.weekday, columns.hour], history, ask_sessions(history, queried, None))
    assert list(zip(found["weekday"], found["hour"], strict=True)) == [(6, 0), (6, 5), (6, 1), (6, 6), (6, 3), (6, 7)]


@given(
    st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 9))),
    st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 10))),
)
@settings(deadline=None)
def test_the_kernel_finds_what_bisection_finds(events: list[tuple[int, int]], queries: list[tuple[int, int]]) -> None:
    events.sort(key=lambda e: e[1])
    owners, known = (np.array([e[i] for e in events], dtype=np.int64) for i in (0, 1))
    order, starts = group(owners, 5)
    runs = [[e for e in events if e[0] == owner] for owner in range(5)]
    assert [events[i] for i in order] == [event for run in runs for event in run]
    assert starts.tolist() == np.cumsum([0, *map(len, runs)]).tolist()
    queried, moments = (np.array([q[i] for q in queries], dtype=np.int64) for i in (0, 1))
    expected = [starts[o] + bisect_left([e[1] for e in runs[o]], m) if o >= 0 else 0 for o, m in queries]
    assert positions(starts, known[order], queried, moments).tolist() == expected


def test_grouping_keeps_the_order_of_equal_owners() -> None:
    order, starts = group(np.array([1, 0, 1, -1, 0]), 3)
    assert order.tolist() == [1, 4, 0, 2]
    assert starts.tolist() == [0, 2, 4, 4]


def test_a_late_start_is_known_from_the_last_reschedule_on() -> None:
    booked, start = h.BEGIN, h.BEGIN + timedelta(days=9)
    moved = start - timedelta(hours=3)
    queried = [
        held(start, booked_at=booked, starts_at=start),
        held(start, booked_at=booked, starts_at=start, scheduled_at=moved),
    ]
    sessions = History(h.dataset({})).columns_of(h.sessions_table(queried))
    assert warning_moment(sessions).tolist() == [microseconds(start - timedelta(hours=24)), microseconds(moved)]


def test_asking_a_session_column_without_a_session_says_so() -> None:
    history = History(h.dataset({"tutors": [{"tutor_id": "ada"}]}))
    past = Past(history, ask_tutors(history, ["ada"], h.BEGIN), PRIORS)
    with pytest.raises(ValueError, match="queries name none"):
        columns.hour.compute(past)


def test_the_matrix_is_float32_with_a_column_a_feature() -> None:
    history = History(h.dataset({"tutors": [{"tutor_id": "ada"}]}))
    matrix = compute(CHURN_FEATURES, Past(history, ask_tutors(history, ["ada", "nobody"], h.BEGIN), PRIORS))
    assert matrix.shape == (2, len(CHURN_FEATURES))
    assert matrix.dtype == np.float32


ATTRIBUTES = (
    Attribute("tutors", "subject", AttributeType.CATEGORICAL),
    Attribute("sessions", "price", AttributeType.NUMERIC),
    Attribute("sessions", "verdict", AttributeType.NUMERIC, late=True),
)


def test_attributes_come_with_the_session_and_its_tutor_and_never_late_ones() -> None:
    tutors = [{"tutor_id": "ada", "attributes.subject": "maths"}, {"tutor_id": "ben", "attributes.subject": "art"}]
    sessions = [
        held(h.BEGIN, tutor_id=t, **{"attributes.price": p}) for t, p in (("ben", 2.5), ("ada", None), ("nobody", 1.0))
    ]
    history = History(h.dataset({"tutors": tutors, "sessions": sessions}, ATTRIBUTES))
    values = attribute_values(Past(history, of_sessions(history.sessions), PRIORS))
    assert {a.name: v.to_pylist() for a, v in values.items()} == {
        "subject": ["art", "maths", None],
        "price": [2.5, None, 1.0],
    }
    encoded = encode(ATTRIBUTES[0], values[ATTRIBUTES[0]], {"subject": ["maths", "physics"]})
    np.testing.assert_equal(encoded, [np.nan, 0, np.nan])
    with pytest.raises(LateFeature, match="verdict"):
        history.dataset.check_features(("price", "verdict"))


def test_priors_hold_the_marketplaces_rate_as_known_before_the_moment() -> None:
    end = h.BEGIN + timedelta(days=10)
    sessions = [held(h.BEGIN + timedelta(days=n), status="no_show" if n % 4 == 0 else "completed") for n in range(20)]
    tutors = [{"tutor_id": "ada"}, {"tutor_id": "ben"}]
    priors = estimate_priors(History(h.dataset({"tutors": tutors, "sessions": sessions})), microseconds(end))
    assert priors.no_show.rate == pytest.approx(3 / 10)
    alone = estimate_priors(History(h.dataset({"tutors": tutors[:1], "sessions": sessions})), microseconds(end))
    assert alone == priors


def test_priors_of_nothing_shrink_nothing_but_stay_finite() -> None:
    priors = estimate_priors(History(h.dataset({})), microseconds(h.BEGIN))
    assert priors.no_show.shrink(np.array([0.0]), np.array([0.0])).tolist() == [0.0]


def test_every_prior_is_estimated_and_has_a_default() -> None:
    assert set(prior_counts(History(h.dataset({})), 0)) == set(Priors.model_fields)
    assert Priors() == Priors.all_equal(NO_PRIOR)
    np.testing.assert_equal(NO_PRIOR.shrink(np.array([1.0, 0.0]), np.array([4.0, 0.0])), [0.25, np.nan])


def test_the_prior_finds_the_spread_between_tutors() -> None:
    rng = np.random.default_rng(1)
    n = rng.integers(50, 200, 4000).astype(float)
    events = rng.binomial(n.astype(int), rng.beta(0.1 * 30, 0.9 * 30, n.size)).astype(float)
    prior = fit_prior(events, n)
    assert prior.rate == pytest.approx(0.1, rel=0.05)
    assert prior.strength == pytest.approx(30, rel=0.15)


def test_slots_read_as_people_say_them() -> None:
    assert slot_name(0) == "Monday night"
    assert slot_name(SLOTS - 1) == "Sunday evening"
