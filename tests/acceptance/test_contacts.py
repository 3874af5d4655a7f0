"""Contacts in the store, in the flow and on the page."""

import json
from datetime import datetime, timedelta
from typing import Any

import panel as pn
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from cli.main import app
from domain.errors import ContactClosed, UnknownSubject
from domain.interventions import TRANSITIONS, Arm, ContactPlan, ContactStatus, PlannedContact
from domain.scores import Reason, Score
from domain.vocabulary import ScoreKind, SubjectKind
from insights.advice.actions import NO_SHOW_STEPS
from insights.contacts.effect import OutcomeColumns, effects
from insights.contacts.plan import ContactCandidate, contact_list
from store.contacts.records import (
    contact_outcomes,
    last_planned_day,
    listed_contacts,
    measured_effects,
    record_contact,
    save_effects,
    save_plan,
)
from store.facts.load import load
from store.scores.records import save_scores
from tests.lib.contact_parts import DAY, NOON, TOMORROW, arms_of, sampled
from tests.lib.small_dataset import dataset, session
from ui.access.sign_in import ADMIN
from ui.app import create_app


def _planted(engine: Engine, tutors: int = 12) -> None:
    names: list[dict[str, Any]] = [
        {"tutor_id": f"t{t}", "name": f"Tutor {t}", "timezone": "UTC"} for t in range(tutors)
    ]
    booked = [
        session(f"s{t}", f"t{t}", booked_at=NOON - timedelta(days=3), starts_at=TOMORROW, ends_at=None, status="booked")
        for t in range(tutors)
    ]
    load(engine, dataset(tutors=names, sessions=booked))


def _plan(engine: Engine, capacity: int = 4, holdout_share: float = 0.5) -> list[PlannedContact]:
    candidates = [ContactCandidate(f"s{t}", f"t{t}", TOMORROW, 0.5 - t / 100, "Call") for t in range(12)]
    planned = contact_list(candidates, DAY, capacity, holdout_share, seed=1)
    assert save_plan(engine, ContactPlan(DAY, capacity, holdout_share, 1, tuple(planned)), NOON)
    return planned


def test_the_list_shows_whom_to_contact_and_no_trace_of_who_is_held_out(engine: Engine) -> None:
    _planted(engine)
    assert last_planned_day(engine) is None
    planned = _plan(engine)
    listed = listed_contacts(engine, DAY)
    assert last_planned_day(engine) == DAY
    assert [c.tutor_id for c in listed] == [c.tutor_id for c in planned if c.arm is Arm.CONTACT]
    assert [c.place for c in listed] == [1, 2, 3, 4]
    assert [c.id for c in listed] == list(range(listed[0].id, listed[0].id + 4))
    assert {(c.status, c.sessions, c.first_starts_at) for c in listed} == {(ContactStatus.PLANNED, 1, TOMORROW)}


def test_a_day_is_planned_once_and_its_draw_cannot_be_changed(engine: Engine) -> None:
    _planted(engine)
    planned = _plan(engine)
    before = listed_contacts(engine, DAY)
    assert not save_plan(engine, ContactPlan(DAY, 9, 0.1, 2, tuple(planned[:1])), NOON)
    assert listed_contacts(engine, DAY) == before
    for table in ("contact_plans", "contacts", "contact_sessions", "contact_events", "contact_effects"):
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text(f"DELETE FROM {table}"))


def test_a_contact_is_done_once_and_by_somebody_and_the_life_cycle_says_what_may_follow(engine: Engine) -> None:
    _planted(engine)
    _plan(engine)
    number = listed_contacts(engine, DAY)[0].id
    record_contact(engine, number, ContactStatus.UNREACHED, "bea", NOON)
    record_contact(engine, number, ContactStatus.DONE, "cem", NOON, "will be there")
    listed = listed_contacts(engine, DAY)[0]
    assert (listed.status, listed.actor, listed.note, listed.at) == ("done", "cem", "will be there", NOON)
    with pytest.raises(ContactClosed, match="is done and cannot become unreached; done can become no other status"):
        record_contact(engine, number, ContactStatus.UNREACHED, "bea", NOON)
    with engine.connect() as connection:
        statement = text("SELECT status, actor FROM contact_events WHERE contact_id = :id ORDER BY id")
        events = [tuple(row) for row in connection.execute(statement, {"id": number})]
    assert events == [("planned", "planner"), ("unreached", "bea"), ("done", "cem")]
    assert set(TRANSITIONS) == set(ContactStatus)


def test_nobody_held_out_can_be_ticked_off(engine: Engine) -> None:
    _planted(engine)
    _plan(engine)
    listed = {c.id for c in listed_contacts(engine, DAY)}
    with engine.connect() as connection:
        (held_out, *_) = sorted(set(connection.execute(text("SELECT id FROM contacts")).scalars()) - listed)
    for number in (held_out, 10_000):
        with pytest.raises(UnknownSubject, match=f"contact {number}: it is on no list"):
            record_contact(engine, number, ContactStatus.DONE, "bea", NOON)


def test_outcomes_count_everybody_as_drawn_and_a_session_moved_or_called_off_as_not_missed(engine: Engine) -> None:
    _planted(engine)
    planned = _plan(engine, capacity=3)
    names = [c.sessions[0].session_id for c in planned]
    changes = dict(zip(names, ("no_show", "cancelled", "completed", "no_show", "booked"), strict=False))
    moved = {names[3]: TOMORROW + timedelta(hours=2)}
    load(engine, dataset(sessions=[
        session(name, name.replace("s", "t"), status=status, starts_at=moved.get(name, TOMORROW), ends_at=None)
        for name, status in changes.items()
    ]))  # fmt: skip
    arms = arms_of(planned)
    outcomes = contact_outcomes(engine, before=DAY + timedelta(days=1))
    assert {(o.tutor_id, o.missed) for o in outcomes} == {
        (f"t{name[1:]}", name == names[0]) for name in names[:4]
    }  # the fifth is still booked: its outcome is unknown
    assert all(o.arm is arms[o.tutor_id] for o in outcomes)
    assert contact_outcomes(engine, before=DAY) == []


def test_effects_read_back_as_they_were_measured_and_an_action_unknown_takes_that_of_all(engine: Engine) -> None:
    assert measured_effects(engine) is None
    few, known = effects(OutcomeColumns.of([])), effects(sampled(500, 0.5))
    save_effects(engine, few, NOON)
    save_effects(engine, known, NOON + timedelta(days=1))
    measured = measured_effects(engine)
    assert measured is not None
    assert (measured.overall, *measured.by_action) == known
    assert measured.of("Call") == known[1]
    assert measured.of("Sing") == known[0]


def _risk(subject: str, value: float, as_of: datetime) -> Score:
    return Score(
        subject_kind=SubjectKind.SESSION, subject_id=subject, kind=ScoreKind.NO_SHOW, value=value, low=0, high=1,
        reasons=(Reason(theme="silence", text="silent for 9 days", effect=1.0),), model_version="7", as_of=as_of,
    )  # fmt: skip


@pytest.mark.filterwarnings("default")
def test_the_flow_plans_a_day_once_from_fresh_scores_and_the_page_shows_it(
    engine: Engine, database_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import contacts as module

    _planted(engine)
    environ = {"DATABASE_URL": database_url, "TQS_DATA_DIR": str(tmp_path), "TQS_CONTACTS_PER_DAY": "5"}
    for name, value in (environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"}).items():
        monkeypatch.setenv(name, value)
    for name in ("measure", "load_candidates", "save"):
        monkeypatch.setattr(module, name, getattr(module, name).fn)
    run = module.contacts.fn
    page = create_app(engine, lambda: NOON, lambda: ADMIN)["contacts"]
    page_text = _said(page())
    assert "No day has been planned yet" in page_text
    assert "tqs contacts plan" in page_text
    save_scores(engine, [_risk(f"s{t}", 0.5, NOON - timedelta(days=2)) for t in range(12)])
    assert run(as_of=NOON.isoformat()) == 0  # risks from two days ago are ignored in planning
    save_scores(engine, [_risk(f"s{t}", 0.3 - t / 100, NOON - timedelta(hours=1)) for t in range(12)])
    assert run(as_of=NOON.isoformat()) in {6, 7}
    assert run(as_of=NOON.isoformat()) == 0
    listed = listed_contacts(engine, DAY)
    assert len(listed) == 5
    assert {c.action for c in listed} == {str(NO_SHOW_STEPS["silence"])}
    page_text = _said(page())
    for contact_ in listed:
        assert contact_.name in page_text
    assert "Too few to say" in page_text
    held_out = {f"Tutor {t}" for t in range(6)} - {c.name for c in listed}
    assert held_out
    assert not any(f">{name}<" in page_text for name in held_out)


def _said(page: Any) -> str:
    return " ".join(pane.object for pane in page.select(pn.pane.HTML))


def test_the_command_lists_ticks_off_once_and_says_there_are_too_few(
    engine: Engine,
    database_url: str,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {
        "DATABASE_URL": database_url, "TQS_DATA_DIR": str(tmp_path), "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/m.db"
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    def tqs(*arguments: str) -> str:
        app()(["contacts", *arguments], standalone_mode=False)
        return capsys.readouterr().out

    assert "No day is planned yet" in tqs("list")
    assert "No effect has been measured yet" in tqs("effect")
    _planted(engine)
    _plan(engine)
    save_effects(engine, effects(OutcomeColumns.of([])), NOON)
    listed = json.loads(tqs("list", "--json"))
    assert listed["day"] == "2026-03-30"
    assert [c["tutor_id"] for c in listed["contacts"]] == [c.tutor_id for c in listed_contacts(engine, DAY)]
    number = str(listed["contacts"][0]["id"])
    assert f"contact {number}: done, by bea" in tqs("done", number, "--by", "bea")
    with pytest.raises(ContactClosed, match=f"contact {number} is done"):
        tqs("done", number, "--by", "bea", "--unreached")
    assert "done, bea" in tqs("list", "--day", "2026-03-30")
    assert "All contacts: Too few to say" in tqs("effect")
    (measured,) = json.loads(tqs("effect", "--json"))["effects"]
    assert (measured["verdict"], measured["relative"]) == ("too few to say", None)
