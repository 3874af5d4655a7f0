"""Oracles of the features of a session."""

from datetime import timedelta

import holidays

from features.as_of.priors import Priors
from tests.lib.oracle_parts import (
    Row,
    Rows,
    Value,
    days,
    finished,
    hours_since,
    known_in,
    labelled,
    local,
    missed,
    of_tutor,
    oracle,
    pair_history,
    shrunk,
    slot,
)


@oracle
def hours_to_start(rows: Rows, query: Row, priors: Priors) -> Value:
    return (query["session"]["starts_at"] - query["as_of"]) / timedelta(hours=1)


@oracle
def lead_hours(rows: Rows, query: Row, priors: Priors) -> Value:
    return (query["session"]["starts_at"] - query["session"]["booked_at"]) / timedelta(hours=1)


@oracle
def weekday(rows: Rows, query: Row, priors: Priors) -> Value:
    return local(rows, query["tutor_id"], query["session"]["starts_at"]).weekday()


@oracle
def hour(rows: Rows, query: Row, priors: Priors) -> Value:
    return local(rows, query["tutor_id"], query["session"]["starts_at"]).hour


@oracle
def own_slot_no_show_rate(rows: Rows, query: Row, priors: Priors) -> Value:
    mine = slot(rows, query["session"])
    sessions = [s for s in finished(rows, query) if slot(rows, s) == mine]
    return shrunk(priors.slot_no_show, missed(sessions), labelled(sessions))


@oracle
def pair_sessions(rows: Rows, query: Row, priors: Priors) -> Value:
    return None if query["session"]["student_id"] is None else len(pair_history(rows, query))


@oracle
def pair_days_since_last(rows: Rows, query: Row, priors: Priors) -> Value:
    return days(hours_since(pair_history(rows, query), "outcome_known_at", query))


@oracle
def part_of_day(rows: Rows, query: Row, priors: Priors) -> Value:
    return local(rows, query["tutor_id"], query["session"]["starts_at"]).hour // 6


COUNTRIES = {"Europe/Berlin": "DE", "America/New_York": "US", "Asia/Kolkata": "IN"}
COUNTRIES |= {"Australia/Lord_Howe": "AU", "Pacific/Auckland": "NZ"}


@oracle
def holiday(rows: Rows, query: Row, priors: Priors) -> Value:
    zone = {t["tutor_id"]: t["timezone"] for t in rows["tutors"]}.get(query["tutor_id"])
    if zone not in COUNTRIES:
        return None
    day = local(rows, query["tutor_id"], query["session"]["starts_at"]).date()
    return day in holidays.country_holidays(COUNTRIES[zone], years=day.year)


@oracle
def own_weekday_no_show_rate(rows: Rows, query: Row, priors: Priors) -> Value:
    mine = slot(rows, query["session"])[0]
    sessions = [s for s in finished(rows, query) if slot(rows, s)[0] == mine]
    return shrunk(priors.weekday_no_show, missed(sessions), labelled(sessions))


@oracle
def own_part_of_day_no_show_rate(rows: Rows, query: Row, priors: Priors) -> Value:
    mine = slot(rows, query["session"])[1]
    sessions = [s for s in finished(rows, query) if slot(rows, s)[1] == mine]
    return shrunk(priors.part_no_show, missed(sessions), labelled(sessions))


@oracle
def pair_no_shows(rows: Rows, query: Row, priors: Priors) -> Value:
    return None if query["session"]["student_id"] is None else missed(pair_history(rows, query))


@oracle
def pair_no_show_rate(rows: Rows, query: Row, priors: Priors) -> Value:
    together = pair_history(rows, query)
    return (
        None if query["session"]["student_id"] is None else shrunk(priors.pair_no_show, missed(together), len(together))
    )


@oracle
def first_time_pair(rows: Rows, query: Row, priors: Priors) -> Value:
    return None if query["session"]["student_id"] is None else not pair_history(rows, query)


def booked_others(rows: Rows, query: Row) -> list[Row]:
    """Other sessions of the tutor that were booked and scheduled before the query and not cancelled by then."""

    def known(s: Row) -> bool:
        scheduled_at = s["scheduled_at"] or s["booked_at"]
        return bool(max(s["booked_at"], scheduled_at) < query["as_of"])

    def off(s: Row) -> bool:
        known_at = s["outcome_known_at"]
        return bool(s["status"] == "cancelled" and known_at is not None and known_at < query["as_of"])

    sessions = [s for s in of_tutor(rows, "sessions", query) if known(s) and not off(s)]
    return [s for s in sessions if s["session_id"] != query["session"]["session_id"]]


@oracle
def booked_7d(rows: Rows, query: Row, priors: Priors) -> Value:
    start = query["session"]["starts_at"]
    return sum(start - timedelta(days=7) <= s["starts_at"] < start for s in booked_others(rows, query))


@oracle
def booked_same_day(rows: Rows, query: Row, priors: Priors) -> Value:
    day = local(rows, query["tutor_id"], query["session"]["starts_at"]).date()
    return sum(local(rows, query["tutor_id"], s["starts_at"]).date() == day for s in booked_others(rows, query))


@oracle
def booked_back_to_back(rows: Rows, query: Row, priors: Priors) -> Value:
    start = query["session"]["starts_at"]
    edges = [[e for e in (s["starts_at"], s["ends_at"]) if e is not None] for s in booked_others(rows, query)]
    return sum(any(abs(e - start) <= timedelta(minutes=15) for e in both) for both in edges)


@oracle
def session_reschedules(rows: Rows, query: Row, priors: Priors) -> Value:
    session_id = query["session"]["session_id"]
    if not any(s["session_id"] == session_id for s in of_tutor(rows, "sessions", query)):
        return 0
    moved = [r for r in of_tutor(rows, "reschedules", query) if r["session_id"] == session_id]
    return len(known_in(moved, "requested_at", query, None))
