"""Rates of groups: equality with a plain count, no outcome known on the day of the query or later, online values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.vocabulary import AttributeType, Task
from features.as_of.group_priors import GroupPriors, estimate_group_priors
from features.as_of.past import Past
from features.as_of.prior_estimation import fit_prior
from features.as_of.priors import NO_PRIOR, Prior, Priors
from features.as_of.queries import microseconds_of, of_sessions
from features.base.dataset import OF_STUDENTS, Attribute, Dataset, Group, arrow_schema
from features.columns.group_rates import group_rates
from features.history.group_days import DAY_COUNTS, GroupDays
from features.history.history import History
from models.examples.rows import no_show_rows
from models.score.scoring import score_sessions
from models.train.fitting import Request, fit
from models.train.training import default_cut
from serving.state.histories import Histories
from store.db.engine import Engine
from store.facts.group_days import CachedGroupDays, read_group_days
from store.facts.history import HISTORY_KINDS, read_dataset
from store.facts.load import load
from tests.lib import histories as h
from tests.lib.drifting_market import drifting_market

SUBJECT = Attribute("sessions", "subject", AttributeType.CATEGORICAL)
REGION = Attribute("tutors", "region", AttributeType.CATEGORICAL)
GROUPS = (Group("sessions", "subject"), Group("tutors", "region"), OF_STUDENTS)
PRIORS = GroupPriors(rate=Prior(rate=0.1, strength=7), recent_strength=3, day_strength=2)
LABELLED = ("no_show", "completed", "student_no_show")

quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
subjects = st.sampled_from(["maths", "music", None])


@st.composite
def grouped(draw: st.DrawFn) -> h.Rows:
    """A marketplace whose sessions have subjects and whose tutors have regions."""
    rows = draw(h.marketplace())
    for session in rows["sessions"]:
        session[SUBJECT.column] = draw(subjects)
    for tutor in rows["tutors"]:
        tutor[REGION.column] = draw(st.sampled_from(["north", None]))
    return rows


def dataset_of(rows: h.Rows) -> Dataset:
    tables = h.dataset(rows, (SUBJECT, REGION))
    return Dataset(tables.tables, tables.attributes, histories=GROUPS)


def rates_of(history: History, sessions: list[h.Row], as_of: datetime) -> list[list[float]]:
    """Rates of all groups, (groups * rates, sessions)."""
    table = pa.Table.from_pylist(sessions, arrow_schema("sessions", (SUBJECT, REGION)))
    past = Past(history, of_sessions(history.columns_of(table), as_of=microseconds_of(as_of)), Priors())
    return [rate.tolist() for group in GROUPS for rate in group_rates(group, PRIORS, past)]


def value_of(rows: h.Rows, group: Group, session: h.Row) -> Any:
    if group.kind == "tutors":
        return next((t[REGION.column] for t in rows["tutors"] if t["tutor_id"] == session["tutor_id"]), None)
    return session["student_id"] if group == OF_STUDENTS else session[SUBJECT.column]


def counted(rows: h.Rows, group: Group, session: h.Row, as_of: datetime) -> list[float]:
    """The oracle: sessions counted one by one."""
    value = value_of(rows, group, session)
    if value is None:
        return [float("nan")] * 3
    today = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    known = [
        s
        for s in rows["sessions"]
        if s["status"] in LABELLED
        and s["outcome_known_at"] is not None
        and s["outcome_known_at"] < today
        and any(t["tutor_id"] == s["tutor_id"] for t in rows["tutors"])
        and value_of(rows, group, s) == value
    ]
    rates, before, strength = list[float](), PRIORS.rate.rate, PRIORS.rate.strength
    for days, next_strength in ((None, PRIORS.recent_strength), (30, PRIORS.day_strength), (1, 0.0)):
        seen = [s for s in known if days is None or s["outcome_known_at"] >= today - timedelta(days=days)]
        missed = sum(s["status"] == "no_show" for s in seen)
        before = (missed + strength * before) / (len(seen) + strength)
        rates.append(before)
        strength = next_strength
    return rates


@quick
@given(grouped(), h.queried(), subjects, h.times)
def test_every_rate_equals_a_count_of_the_sessions_one_by_one(
    rows: h.Rows, queried: list[h.Row], subject: str | None, as_of: datetime
) -> None:
    sessions = [s | {SUBJECT.column: subject} for s in queried] + rows["sessions"]
    found = rates_of(History(dataset_of(rows)), sessions, as_of)
    wanted = [counted(rows, group, s, as_of) for group in GROUPS for s in sessions]
    columns = np.array(wanted).reshape(len(GROUPS), len(sessions), 3).transpose(0, 2, 1).reshape(-1, len(sessions))
    np.testing.assert_allclose(found, columns, rtol=1e-12)


@quick
@given(grouped(), h.times)
def test_no_outcome_known_on_the_day_of_the_query_or_later_changes_a_rate(rows: h.Rows, as_of: datetime) -> None:
    before = rates_of(History(dataset_of(rows)), rows["sessions"], as_of)
    today = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    for session in rows["sessions"]:
        if session["outcome_known_at"] is not None and session["outcome_known_at"] >= today:
            session["status"] = "completed" if session["status"] == "no_show" else "no_show"
    np.testing.assert_equal(rates_of(History(dataset_of(rows)), rows["sessions"], as_of), before)


def a_market() -> h.Rows:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    return {
        "tutors": [{"tutor_id": t, REGION.column: "north"} for t in ("ada", "ben")],
        "students": [{"student_id": "s1"}],
        "sessions": [
            {
                "session_id": f"x{n}",
                "tutor_id": ("ada", "ben")[n % 2],
                "student_id": "s1",
                "booked_at": noon - timedelta(days=40),
                "scheduled_at": noon - timedelta(days=40),
                "starts_at": noon - timedelta(days=n),
                "status": "no_show" if n % 3 == 0 else "completed",
                "outcome_known_at": noon - timedelta(days=n) + timedelta(hours=1),
                SUBJECT.column: ("maths", "music")[n // 2 % 2],
            }
            for n in range(35)
        ],
    }


def test_one_tutors_history_serves_the_rates_of_the_whole_marketplace(engine: Engine) -> None:
    load(engine, dataset_of(a_market()))
    stored = read_dataset(engine, kinds=HISTORY_KINDS)
    as_of = datetime(2026, 3, 1, 9, tzinfo=UTC)
    sessions = [s for s in a_market()["sessions"] if s["tutor_id"] == "ada"]
    online = History(read_dataset(engine, ["ada"], HISTORY_KINDS), CachedGroupDays(engine))
    assert stored.histories == GROUPS
    np.testing.assert_array_equal(rates_of(online, sessions, as_of), rates_of(History(stored), sessions, as_of))


def test_counts_are_read_again_in_the_next_hour(engine: Engine) -> None:
    market = a_market()
    later, market["sessions"] = market["sessions"][:1], market["sessions"][1:]
    load(engine, dataset_of(market))
    hours = [10.0]
    cached = CachedGroupDays(engine, clock=lambda: hours[0] * 3600)
    before = cached(GROUPS[0])
    load(engine, dataset_of(market | {"sessions": later}))
    assert cached(GROUPS[0]) is before
    hours[0] = 11.0
    assert sum(cached(GROUPS[0]).counts["labelled"].to_pylist()) == 35
    assert sum(before.counts["labelled"].to_pylist()) == 34
    assert sorted(read_group_days(engine, GROUPS[1]).values.to_pylist()) == ["north"]


def test_a_file_without_declarations_leaves_the_stored_ones(engine: Engine) -> None:
    declared = dataset_of(a_market())
    load(engine, declared)
    load(engine, Dataset(declared.tables, declared.attributes))
    assert read_dataset(engine).histories == GROUPS
    load(engine, Dataset(declared.tables, declared.attributes, histories=(), asked=timedelta(hours=2)))
    assert read_dataset(engine).histories == ()
    assert read_dataset(engine).asked == timedelta(hours=2)


def drifting(rng: np.random.Generator, day_sd: float) -> pa.Table:
    """Counts of 20 values on 120 days with 50 sessions each; a day's log odds vary by `day_sd` within a value."""
    odds = rng.normal(-2, 0.3, (20, 1)) + rng.normal(0, day_sd, (20, 120))
    missed = rng.binomial(50, 1 / (1 + np.exp(-odds)))
    value, day = np.divmod(np.arange(2400), 120)
    columns = [pa.array([f"v{v}" for v in value]), day.astype(float), missed.ravel().astype(float), np.full(2400, 50.0)]
    return pa.table(columns, schema=DAY_COUNTS)


def test_daily_rates_count_for_more_where_days_differ() -> None:
    rng = np.random.default_rng(3)
    calm, restless = (estimate_group_priors(drifting(rng, sd)) for sd in (0.0, 0.8))
    assert calm.day_strength > 300
    assert restless.day_strength < 30
    assert 20 < restless.rate.strength < 200


def test_the_prior_between_values_is_that_of_any_owners() -> None:
    counts = drifting(np.random.default_rng(4), 0.0)
    missed, sessions = (np.asarray(counts[name]).reshape(20, 120).sum(axis=1) for name in ("missed", "labelled"))
    assert estimate_group_priors(counts).rate == fit_prior(missed, sessions)


def test_a_group_without_sessions_has_no_days() -> None:
    days = GroupDays.of(DAY_COUNTS.empty_table())
    assert days.codes(pa.array(["maths", None])).tolist() == [-1, -1]
    assert estimate_group_priors(DAY_COUNTS.empty_table()).rate == NO_PRIOR.model_copy(update={"strength": 1.0})


def test_a_model_with_groups_scores_one_tutors_sessions_as_in_the_whole_marketplace(engine: Engine) -> None:
    market = drifting_market(1, per_day=80)
    request = request_of(market)
    model = fit(request, request.cut).model
    assert [spec.name for spec in model.sidecar.groups] == ["origin"]
    load(engine, market)
    stored = History(read_dataset(engine, kinds=HISTORY_KINDS))
    now = datetime(2026, 2, 20, tzinfo=UTC)
    ids = stored.dataset.tables["sessions"]["session_id"].to_pylist()
    whole = dict(zip(ids, score_sessions(model, "m", stored, ids, stored.sessions, now), strict=True))
    for tutor_id in ("t1", "t2"):
        online = Histories(engine).of_tutor(tutor_id)
        assert online is not None
        own = online.dataset.tables["sessions"]["session_id"].to_pylist()
        assert score_sessions(model, "m", online, own, online.sessions, now) == [whole[i] for i in own]


def request_of(market: Dataset) -> Request:
    history = History(market)
    rows = no_show_rows(history)
    return Request(Task.NO_SHOW, history, rows, default_cut(rows), seed=0, params={"rounds": 20}, tutor_risk=False)
