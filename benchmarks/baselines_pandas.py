"""The measured columns in pandas, as somebody who knows it well would write them.

Windows are `groupby().rolling()` over events and queries in one frame sorted by (owner, time); what has no window is a
running total brought to the queries by `merge_asof`. (Bringing the windows that way too, as in the Polars baseline,
takes 1.1 s at 1 million instead of 2.7, of some 10 in all.)
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from features.as_of.priors import Priors

DELIVERED = ("completed", "student_no_show")
Tables = Mapping[str, pd.DataFrame]


def frames(tables: Mapping[str, pa.Table]) -> Tables:
    """The tables as frames of strings and times, before the clock starts."""
    return {kind: table.to_pandas() for kind, table in tables.items()}


def compute(tables: Tables, priors: Priors) -> dict[str, np.ndarray]:
    """The measured columns by name, in the order of the sessions."""
    sessions, tutors = _coded(tables)
    queries, events = _queries(sessions), _events(sessions)
    columns = {"weekday": sessions["weekday"], "hour": sessions["hour"]}
    started = tutors["started_at"].take(queries["tutor"]).set_axis(queries.index)
    columns["tenure_days"] = _days(queries["time"] - started)
    asked = queries.sort_values("time")
    columns |= (
        _lifetime(asked, events, priors) | _by_slot(asked, events, priors) | _by_pair(asked, events[events["labelled"]])
    )
    columns |= _last(asked, events[events["delivered"]], "days_since_last_session", 24.0)
    columns |= _last(asked, _written(tables["messages"], tutors), "silence_hours", 1.0)
    columns |= _windows(queries, events, _asked_by_tutor(tables["reschedules"], tutors), priors)
    return {name: np.asarray(values) for name, values in columns.items()}


def _coded(tables: Tables) -> tuple[pd.DataFrame, pd.DataFrame]:
    tutors, sessions = tables["tutors"], tables["sessions"]
    tutor = pd.Categorical(sessions["tutor_id"], categories=tutors["tutor_id"]).codes.astype(np.int64)
    student = pd.factorize(sessions["student_id"])[0]
    zone = tutors["timezone"].astype("category").cat
    sessions = sessions.assign(tutor=tutor, pair=tutor * (student.max() + 1) + student)
    local = _local(sessions["starts_at"], zone.codes.to_numpy()[tutor], list(zone.categories))
    sessions = sessions.assign(weekday=local.dt.weekday, hour=local.dt.hour)
    return sessions.assign(slot=(tutor * 7 + sessions["weekday"]) * 4 + sessions["hour"] // 6), tutors


def _local(times: pd.Series, zone_of: np.ndarray, zones: list[str]) -> pd.Series:
    parts = [times[zone_of == code].dt.tz_convert(zone).dt.tz_localize(None) for code, zone in enumerate(zones)]
    return pd.concat(parts).sort_index()


def _queries(sessions: pd.DataFrame) -> pd.DataFrame:
    known = sessions["scheduled_at"].fillna(sessions["booked_at"])
    moment = np.maximum(np.maximum(sessions["starts_at"] - pd.Timedelta(hours=24), sessions["booked_at"]), known)
    return sessions[["tutor", "slot", "pair"]].assign(time=moment, row=np.arange(len(sessions)))


def _events(sessions: pd.DataFrame) -> pd.DataFrame:
    over = sessions[sessions["outcome_known_at"].notna() & (sessions["status"] != "booked")]
    delivered, missed = over["status"].isin(DELIVERED), over["status"] == "no_show"
    events = over[["tutor", "slot", "pair"]].assign(
        time=over["outcome_known_at"], missed=missed, delivered=delivered, labelled=delivered | missed
    )
    return events.sort_values("time")


def _asof(asked: pd.DataFrame, events: pd.DataFrame, by: str) -> pd.DataFrame:
    found = pd.merge_asof(asked[["time", by, "row"]], events, on="time", by=by, allow_exact_matches=False)
    return found.set_index("row").sort_index()


def _totals(asked: pd.DataFrame, events: pd.DataFrame, by: str) -> pd.DataFrame:
    totals = events.groupby(by)[["missed", "labelled"]].cumsum().assign(**{"time": events["time"], by: events[by]})
    return _asof(asked, totals, by)[["missed", "labelled"]].fillna(0)


def _lifetime(asked: pd.DataFrame, events: pd.DataFrame, priors: Priors) -> dict[str, pd.Series]:
    so_far = _totals(asked, events, "tutor")
    rate = priors.no_show.shrink(so_far["missed"], so_far["labelled"])
    return {"no_shows_lifetime": so_far["missed"], "no_show_rate": rate}


def _by_slot(asked: pd.DataFrame, events: pd.DataFrame, priors: Priors) -> dict[str, pd.Series]:
    so_far = _totals(asked, events, "slot")
    return {"own_slot_no_show_rate": priors.slot_no_show.shrink(so_far["missed"], so_far["labelled"])}


def _by_pair(asked: pd.DataFrame, events: pd.DataFrame) -> dict[str, pd.Series]:
    counted = events[["time", "pair"]].assign(n=events.groupby("pair").cumcount() + 1, last=events["time"])
    found = _asof(asked, counted, "pair")
    return {"pair_sessions": found["n"].fillna(0), "pair_days_since_last": _days(found["time"] - found["last"])}


def _last(asked: pd.DataFrame, events: pd.DataFrame, name: str, hours: float) -> dict[str, pd.Series]:
    found = _asof(asked, events[["time", "tutor"]].assign(last=events["time"]), "tutor")
    return {name: _days(found["time"] - found["last"]) * (24 / hours)}


def _written(messages: pd.DataFrame, tutors: pd.DataFrame) -> pd.DataFrame:
    mine = messages[messages["sender"] == "tutor"]
    codes = pd.Categorical(mine["tutor_id"], categories=tutors["tutor_id"]).codes.astype(np.int64)
    return pd.DataFrame({"time": mine["sent_at"], "tutor": codes}).sort_values("time")


def _asked_by_tutor(reschedules: pd.DataFrame, tutors: pd.DataFrame) -> pd.DataFrame:
    mine = reschedules[reschedules["initiator"] == "tutor"]
    codes = pd.Categorical(mine["tutor_id"], categories=tutors["tutor_id"]).codes.astype(np.int64)
    return pd.DataFrame({"time": mine["requested_at"], "tutor": codes, "moved": 1.0})


def _windows(queries: pd.DataFrame, events: pd.DataFrame, moves: pd.DataFrame, priors: Priors) -> dict[str, pd.Series]:
    own = events[["time", "tutor"]].assign(missed=events["missed"].astype(float), over=events["labelled"].astype(float))
    both = pd.concat([queries[["time", "tutor", "row"]], own, moves]).sort_values(["tutor", "time"])
    both = both.fillna({"row": -1, "missed": 0.0, "over": 0.0, "moved": 0.0}).set_index("time")
    asked = both["row"].to_numpy() >= 0
    rows = both["row"].to_numpy()[asked].astype(np.int64)
    grouped = both.groupby("tutor")

    def windowed(days: int, *names: str) -> pd.DataFrame:
        sums = grouped[list(names)].rolling(f"{days}D", closed="left").sum()
        return pd.DataFrame(sums.to_numpy()[asked], index=rows, columns=list(names)).fillna(0).round().sort_index()

    week, month = windowed(7, "moved", "over"), windowed(30, "missed", "moved", "over")
    quarter = windowed(90, "missed", "moved")
    return {
        "no_shows_30d": month["missed"],
        "no_shows_90d": quarter["missed"],
        "reschedules_7d": week["moved"],
        "reschedules_30d": month["moved"],
        "reschedules_90d": quarter["moved"],
        "reschedule_rate_30d": priors.reschedule.shrink(month["moved"], np.maximum(month["over"], month["moved"])),
        "load_7d": week["over"],
    }


def _days(spans: pd.Series) -> pd.Series:
    return spans / pd.Timedelta(days=1)
