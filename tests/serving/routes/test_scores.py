"""The read API over real HTTP: scores, list of tutors, recommendations and upcoming sessions."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain, pairwise
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from domain.disclosure import WITHHELD
from domain.interventions import Arm, ArmCount, ContactPlan, Effect, Estimate, PlannedContact, PlannedSession
from domain.score_kinds import QUALITY_ACT
from domain.scores import Reason, Score, WhatIf
from domain.vocabulary import ScoreKind, SubjectKind
from serving.http.cursors import make_cursor
from serving.resources import Resources
from serving.routes.tutors import TutorQuery
from serving.state.champions import Champions
from store.contacts.records import save_effects, save_plan
from store.db.engine import Engine
from store.facts.load import load
from store.scores.records import save_scores
from tests.lib.api_parts import HEADERS, KEY, NOW, marketplace, problem, serving
from tests.lib.histories import dataset
from tests.lib.tutor_scores import cases_of

TOMORROW = NOW + timedelta(days=1)
WHY = Reason(theme="no-shows", text="4 no-shows in the last 30 days", effect=1.2)


def score(kind: ScoreKind, value: float, tutor: str = "ada", as_of: datetime = NOW, **more: Any) -> Score:
    fields: dict[str, Any] = {
        "subject_kind": SubjectKind.TUTOR, "subject_id": tutor, "kind": kind, "value": value, "low": value / 2,
        "high": value, "out_of": cases_of(kind), "reasons": (WHY,), "action": "Call today.", "model_version": "7",
        "as_of": as_of,
    }  # fmt: skip
    return Score(**fields | more)


def of_next(value: float) -> Score:
    change = WhatIf(change="the tutor writes", value=value / 2, difference=-value / 2)
    return score(ScoreKind.NO_SHOW, value, "next", subject_kind=SubjectKind.SESSION, what_if=change)


@pytest.fixture
def api(engine: Engine) -> Iterator[httpx.Client]:
    load(engine, marketplace())
    resources = Resources(engine, Champions(engine), KEY, lambda: NOW)
    with serving(resources) as address, httpx.Client(base_url=address, headers=HEADERS, timeout=20) as client:
        yield client


def kinds(api: httpx.Client, tutor: str = "ada") -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in api.get(f"/api/tutors/{tutor}/scores").json()["scores"]}


def test_every_kind_is_there_once_with_the_same_fields_and_says_why_where_it_has_no_value(
    api: httpx.Client, engine: Engine
) -> None:
    save_scores(engine, [score(ScoreKind.HELP, 0.7), score(ScoreKind.RESCHEDULE_RATE_30D, 0.4, act_from=0.35)])
    found = kinds(api)
    assert list(found) == [kind.value for kind in ScoreKind]
    assert len({tuple(one) for one in found.values()}) == 1
    assert {kind for kind, one in found.items() if one["value"] is not None} == {"help", "reschedule_rate_30d"}
    assert all((one["value"] is None) == bool(one["message"]) for one in found.values())
    assert (found["reschedule_rate_30d"]["band"], found["help"]["band"]) == ("act", "act")
    assert "No session is booked" in kinds(api, "ben")["no_show"]["message"]


def test_a_low_quality_asks_for_attention_and_a_high_one_does_not(api: httpx.Client, engine: Engine) -> None:
    low = score(ScoreKind.SESSION_QUALITY, 0.45, act_from=QUALITY_ACT)
    high = score(ScoreKind.FIRST_SESSION_QUALITY, 0.9, act_from=QUALITY_ACT)
    save_scores(engine, [low, high])
    found = kinds(api)
    assert (found["session_quality"]["band"], found["first_session_quality"]["band"]) == ("act", "ok")


def test_the_trend_is_the_difference_to_a_week_before_and_null_without_a_value_of_then(
    api: httpx.Client, engine: Engine
) -> None:
    ages = ((0, 0.5), (1, 0.9), (7, 0.2), (8, 0.8), (30, 0.1))
    save_scores(engine, [score(ScoreKind.HELP, value, as_of=NOW - timedelta(days=days)) for days, value in ages])
    old = NOW - timedelta(days=20)
    save_scores(engine, [score(ScoreKind.CHURN_30D, 0.3), score(ScoreKind.CHURN_30D, 0.1, as_of=old)])
    found = kinds(api)
    assert found["help"]["trend"] == pytest.approx(0.3)
    assert found["churn_30d"]["trend"] is None


def test_an_answer_the_caller_has_is_304_until_a_score_changes(api: httpx.Client, engine: Engine) -> None:
    save_scores(engine, [score(ScoreKind.HELP, 0.7)])
    first = api.get("/api/tutors/ada/scores")
    etag = first.headers["etag"]
    assert first.headers["cache-control"].startswith("private")
    assert etag.startswith('"')
    for sent in (etag, f'"other", W/{etag}', "*"):
        again = api.get("/api/tutors/ada/scores", headers={"If-None-Match": sent})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    save_scores(engine, [score(ScoreKind.HELP, 0.71, as_of=NOW + timedelta(seconds=1))])
    changed = api.get("/api/tutors/ada/scores", headers={"If-None-Match": etag})
    assert (changed.status_code, changed.headers["etag"] == etag) == (200, False)


def plan(engine: Engine, arm: Arm, tutor: str = "ada") -> None:
    sessions = (PlannedSession("next", TOMORROW, 0.4),)
    contacts = (PlannedContact(tutor, arm, "Call", 1, None, sessions),)
    save_plan(engine, ContactPlan(TOMORROW.date(), 1, 0.5, 0, contacts), NOW)


def test_who_is_held_out_gets_no_reasons_no_change_and_no_advice_anywhere(api: httpx.Client, engine: Engine) -> None:
    save_scores(engine, [of_next(0.4), score(ScoreKind.NO_SHOW_14D, 0.5), score(ScoreKind.CHURN_30D, 0.6)])
    plan(engine, Arm.HOLDOUT)
    (session,) = api.get("/api/sessions/upcoming").json()["sessions"]
    no_show = kinds(api)["no_show"]
    assert (session["reasons"], session["what_if"], session["action"]) == ([], None, WITHHELD)
    assert (no_show["reasons"], no_show["what_if"], no_show["action"], no_show["message"]) == ([], None, None, WITHHELD)
    assert (session["risk"]["value"], no_show["value"]) == (0.4, 0.4)
    advised = api.get("/api/tutors/ada/recommendations").json()
    assert [one["about"] for one in advised["recommendations"]] == ["churn_30d"]
    assert WITHHELD in advised["message"]


def test_who_is_on_the_list_gets_them_all(api: httpx.Client, engine: Engine) -> None:
    save_scores(engine, [of_next(0.4), score(ScoreKind.NO_SHOW_14D, 0.5), score(ScoreKind.CHURN_30D, 0.1)])
    plan(engine, Arm.CONTACT)
    seen = ArmCount(contacts=100, sessions=200, tutors=90, no_shows=30)
    save_effects(
        engine, [Effect(None, 0.95, seen, seen, Estimate(-0.05, -0.08, -0.02), Estimate(0.5, 0.25, 0.7), None)], NOW
    )
    (session,) = api.get("/api/sessions/upcoming").json()["sessions"]
    assert session["reasons"][0]["text"] == kinds(api)["no_show"]["reasons"][0]["text"] == WHY.text
    assert session["what_if"]["change"] == "the tutor writes"
    assert session["expected_effect"].startswith("risk 40 % → 20 % expected")
    advised = api.get("/api/tutors/ada/recommendations").json()["recommendations"]
    assert [(one["about"], one["risk"]) for one in advised] == [("no_show_14d", 0.5), ("no_show", 0.4)]
    assert "50 % of no-shows prevented" in advised[0]["measured_effect"]
    assert advised[1]["what_if"]["value"] == pytest.approx(0.2)


def test_recommendations_say_where_there_is_nothing_to_do_or_nobody_to_know(api: httpx.Client, engine: Engine) -> None:
    assert "not been scored" in api.get("/api/tutors/ada/recommendations").json()["message"]
    save_scores(engine, [score(ScoreKind.CHURN_30D, 0.1)])
    quiet = api.get("/api/tutors/ada/recommendations").json()
    assert (quiet["recommendations"], quiet["message"][:10]) == ([], "Nothing to")
    problem(api.get("/api/tutors/nobody/recommendations"), 404, "unknown_subject")


def tutors_of(engine: Engine, values: dict[str, float | None]) -> None:
    """Store tutors with these scores by which the list is sorted and filtered; None means no score."""
    load(engine, dataset({"tutors": [{"tutor_id": tutor, "name": f"Name of {tutor}"} for tutor in values]}))
    save_scores(engine, [s for tutor, value in values.items() if value is not None for s in ranking(value, tutor)])


def ranking(value: float, tutor: str, as_of: datetime = NOW) -> list[Score]:
    return [score(kind, value, tutor, as_of) for kind in (ScoreKind.HELP, ScoreKind.SESSIONS_AT_RISK)]


def pages(api: httpx.Client, limit: int, **query: Any) -> list[list[str]]:
    found, cursor = [], None
    while True:
        parameters = query | {"limit": limit} | ({"cursor": cursor} if cursor else {})
        body = api.get("/api/tutors", params=parameters).raise_for_status().json()
        found.append([tutor["tutor_id"] for tutor in body["tutors"]])
        cursor = body["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize(
    "sort", ["-sessions_at_risk", "help", "-help", "name", "-name", "churn_30d", "-session_quality"]
)
def test_pages_hold_everybody_once_in_the_order_asked_for(api: httpx.Client, engine: Engine, sort: str) -> None:
    tutors_of(engine, {f"t{n}": None if n % 5 == 0 else (n % 4) / 10 for n in range(13)})
    found = pages(api, 4, sort=sort)
    assert sorted(chain(*found)) == sorted(["ada", "ben", *(f"t{n}" for n in range(13))])
    assert [len(page) for page in found] == [4, 4, 4, 3]
    assert [*chain(*found)] == [*chain(*pages(api, 200, sort=sort))]


def test_the_list_is_sorted_by_value_with_those_without_one_last(api: httpx.Client, engine: Engine) -> None:
    tutors_of(engine, {"low": 0.1, "high": 0.9, "none": None, "middle": 0.5})
    assert pages(api, 50) == [["high", "middle", "low", "ada", "ben", "none"]]
    assert pages(api, 50, sort="help") == [["low", "middle", "high", "ada", "ben", "none"]]


def test_the_longest_name_and_id_there_can_be_fit_into_a_cursor(api: httpx.Client, engine: Engine) -> None:
    longest = [{"tutor_id": letter * 200, "name": letter * 500} for letter in "🎓🎻"]
    load(engine, dataset({"tutors": longest}))
    assert [len(page) for page in pages(api, 1, sort="name")] == [1, 1, 1, 1]


def test_pages_after_the_first_know_nothing_of_later_scores(api: httpx.Client, engine: Engine) -> None:
    tutors_of(engine, {f"t{n}": n / 10 for n in range(6)})
    first = api.get("/api/tutors", params={"limit": 2}).json()
    later = NOW + timedelta(minutes=5)
    save_scores(engine, [*ranking(0.99, "t0", later), *ranking(0.0, "t3", later)])
    load(engine, dataset({"tutors": [{"tutor_id": "newcomer"}]}))
    rest = api.get("/api/tutors", params={"limit": 4, "cursor": first["next_cursor"]}).json()
    assert [tutor["tutor_id"] for tutor in first["tutors"] + rest["tutors"]] == [f"t{n}" for n in (5, 4, 3, 2, 1, 0)]


def test_filters_keep_only_who_is_asked_for(api: httpx.Client, engine: Engine) -> None:
    tutors_of(engine, {"calm": 0.1, "watched": 0.3, "urgent": 0.8})
    save_scores(engine, [score(ScoreKind.CHURN_30D, 0.7, "calm"), score(ScoreKind.SESSION_QUALITY, 0.4, "watched")])
    save_scores(engine, ranking(0.9, "ben", NOW - timedelta(days=3)))
    for query, expected in (
        ({"band": "act"}, ["ben", "urgent"]),
        ({"band": "watch"}, ["watched"]),
        ({"band": "ok"}, ["calm"]),
        ({"band": "act", "active": True}, ["urgent"]),
        ({"active": False}, ["ben", "ada"]),
        ({"min_sessions_at_risk": 0.5}, ["ben", "urgent"]),
        ({"min_help": 0.3, "active": True}, ["urgent", "watched"]),
        ({"min_churn_30d": 0.5}, ["calm"]),
        ({"max_session_quality": 0.5}, ["watched"]),
        ({"name": "name of u"}, ["urgent"]),
        ({"name": "%"}, []),
    ):
        assert [*chain(*pages(api, 50, **query))] == expected, query


def test_a_cursor_that_was_altered_or_belongs_to_another_question_is_refused(api: httpx.Client, engine: Engine) -> None:
    tutors_of(engine, {f"t{n}": n / 10 for n in range(6)})
    cursor = api.get("/api/tutors", params={"limit": 2}).json()["next_cursor"]
    changed = [cursor[:n] + ("A" if cursor[n] != "A" else "B") + cursor[n + 1 :] for n in range(len(cursor))]
    question = TutorQuery().question
    forged = [make_cursor(question, held) for held in ({}, {"up_to": "x"}, {"up_to": 1, "value": [], "tutor_id": "a"})]
    for wrong in (*changed, *forged, cursor[:-1], cursor + "A", cursor + "==", "é", ""):
        refused = problem(api.get("/api/tutors", params={"limit": 2, "cursor": wrong}), 422, "invalid_request")
        assert refused["errors"][0]["field"] == "cursor"
    problem(api.get("/api/tutors", params={"sort": "name", "cursor": cursor}), 422, "invalid_request")
    assert api.get("/api/tutors", params={"limit": 5, "cursor": cursor}).status_code == 200


MEANINGLESS = [
    "sort=age",
    "limit=0",
    "limit=201",
    "min_help=nan",
    "min_help=2",
    "band=bad",
    "page=2",
    "name=%00",
    "active=maybe",
]


def test_a_query_that_means_nothing_is_refused_by_its_name(api: httpx.Client) -> None:
    for query in MEANINGLESS:
        refused = problem(api.get(f"/api/tutors?{query}"), 422, "invalid_request")
        assert refused["errors"][0]["field"] == query.partition("=")[0]
    problem(api.get("/api/tutors/a%00b/scores"), 422, "invalid_request")


def _upcoming(engine: Engine, risks: dict[str, float | None]) -> None:
    base = {"tutor_id": "ada", "status": "booked", "booked_at": NOW}
    rows = [base | {"session_id": name, "starts_at": NOW + timedelta(hours=5)} for name in risks]
    load(engine, dataset({"tutors": [{"tutor_id": "ada"}], "sessions": rows}))
    scored = [(name, risk) for name, risk in risks.items() if risk is not None]
    save_scores(
        engine, [score(ScoreKind.NO_SHOW, risk, name, subject_kind=SubjectKind.SESSION) for name, risk in scored]
    )


def test_sessions_to_come_are_filtered_by_risk_and_paged_without_a_gap(api: httpx.Client, engine: Engine) -> None:
    _upcoming(engine, {"a": 0.1, "b": 0.3, "c": 0.3, "d": 0.9, "e": None})
    assert _ids(api) == ["d", "b", "c", "a", "e", "next"]
    assert _ids(api, risk="watch") == ["d", "b", "c"]
    assert _ids(api, risk="act") == ["d"]
    assert _ids(api, risk="ok") == ["d", "b", "c", "a"]
    assert _ids(api, hours=6) == ["d", "b", "c", "a", "e"]
    assert _ids(api, after_hours=6) == ["next"]
    found, cursor = [], None
    for _ in range(3):
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        body = api.get("/api/sessions/upcoming", params=query).json()
        found, cursor = found + [session["session_id"] for session in body["sessions"]], body["next_cursor"]
        assert body["total"] == 6
    assert (found, cursor) == (["d", "b", "c", "a", "e", "next"], None)
    problem(api.get("/api/sessions/upcoming", params={"cursor": "x", "risk": "act"}), 422, "invalid_request")


def _ids(api: httpx.Client, **query: Any) -> list[str]:
    found = api.get("/api/sessions/upcoming", params=query).raise_for_status().json()["sessions"]
    risks = [session["risk"]["value"] if session["risk"] else -1 for session in found]
    assert all(risk >= lower for risk, lower in pairwise(risks))
    return [session["session_id"] for session in found]


def test_every_answer_names_the_version_and_an_unknown_one_is_refused(api: httpx.Client) -> None:
    assert api.get("/api/tutors").headers["tqs-version"] == "2026-11-01"
    assert api.get("/api/tutors", headers={"TQS-Version": "2026-11-01"}).status_code == 200
    refused = api.get("/api/tutors", headers={"TQS-Version": "2025-01-01"})
    assert "2026-11-01" in problem(refused, 400, "unknown_version")["detail"]
    assert refused.headers["tqs-version"] == "2026-11-01"
    nobody = httpx.get(str(api.base_url) + "/api/tutors")
    assert (nobody.status_code, nobody.headers["tqs-version"]) == (401, "2026-11-01")


def test_every_tutor_of_a_list_stands_in_the_audit(api: httpx.Client, engine: Engine) -> None:
    api.get("/api/tutors")
    api.get("/api/sessions/upcoming")
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT action, subject_id FROM audit ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [
        ("GET /api/tutors", "ada"), ("GET /api/tutors", "ben"), ("GET /api/sessions/upcoming", "ada"),
    ]  # fmt: skip
