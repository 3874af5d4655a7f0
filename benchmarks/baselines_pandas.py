"""All columns of the no-show model in pandas, as somebody who knows it well would write them.

Running totals by `groupby().cumsum()`, brought to the queries by `merge_asof`: once at the moment asked about, and once
at the beginning of each window. (`groupby().rolling()` over events and queries in one frame takes 2.7 s instead of 1.1
for the windows at 1 million.) The calendar depends on two times: the range of neighbours comes from `searchsorted`, and
their pairs are filtered in chunks.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.baseline_columns import DELIVERED, MOVED, REASONS, missed_rates, reason_shares
from features.as_of.priors import Prior, Priors
from features.base.holidays import is_holiday

HOUR, DAY, WEEK = pd.Timedelta(hours=1), pd.Timedelta(days=1), pd.Timedelta(days=7)
CHUNK = 1_000_000
"""Sessions whose calendars are compared at a time: each has some twenty neighbours."""

OWN = ("missed", "labelled", "delivered", "last_minute", "very_last_minute", "timed_start", "late", "timed",
       "late_minutes", "taught", "labelled_at")  # fmt: skip

Tables = Mapping[str, pd.DataFrame]
Columns = dict[str, pd.Series | np.ndarray]


def frames(tables: Mapping[str, pa.Table]) -> Tables:
    """The tables as frames of strings and times, before the clock starts."""
    return {kind: table.to_pandas() for kind, table in tables.items()}


def compute(tables: Tables, priors: Priors) -> dict[str, np.ndarray]:
    """The columns by name, in the order of the sessions."""
    sessions, tutors = _coded(tables)
    queries, events = _queries(sessions), _events(sessions)
    moves, messages = _moves(tables["reschedules"], tutors), _of_tutors(tables["messages"], tutors, "sent_at")
    own = {0: _totals(queries, events, "tutor", (*OWN, "n", "kept_streak", "bad_streak", "first"))}
    own |= {days: _totals(queries, events, "tutor", (*OWN, "n"), days) for days in (7, 30, 56, 90)}
    moved = {days: _totals(queries, moves, "tutor", MOVED, days) for days in (0, 7, 30, 90)}
    columns = (
        _of_outcomes(queries, own, priors)
        | _of_moves(own, moved, priors)
        | _of_messages(queries, messages)
        | _of_session(queries, sessions, events, moves, priors)
    )
    order = queries["row"].to_numpy()
    found = {name: np.empty(order.size) for name in columns}
    for name, column in columns.items():
        found[name][order] = np.asarray(column, dtype=np.float64)
    return found | _calendar(sessions)


def _coded(tables: Tables) -> tuple[pd.DataFrame, pd.DataFrame]:
    tutors, sessions = tables["tutors"], tables["sessions"]
    tutor = pd.Categorical(sessions["tutor_id"], categories=tutors["tutor_id"]).codes.astype(np.int64)
    student = pd.factorize(sessions["student_id"])[0]
    zone = tutors["timezone"].astype("category").cat
    zones, zone_of = list(zone.categories), zone.codes.to_numpy()[tutor]
    local = _local(sessions["starts_at"], zone_of, zones)
    weekday, hour = local.dt.weekday.astype(np.int64), local.dt.hour.astype(np.int64)
    day = (local.astype("datetime64[us]").astype(np.int64) // 86_400_000_000).astype(np.int32)
    started_at = tutors["started_at"].take(tutor).set_axis(sessions.index)
    return sessions.assign(
        tutor=tutor, pair=tutor * (student.max() + 1) + student, weekday=weekday, hour=hour, day=day,
        slot=(tutor * 7 + weekday) * 4 + hour // 6, own_weekday=tutor * 7 + weekday, own_part=tutor * 4 + hour // 6,
        holiday=is_holiday(day.to_numpy(), zone_of, zones), started_at=started_at,
    ), tutors  # fmt: skip


def _local(times: pd.Series, zone_of: np.ndarray, zones: Sequence[str]) -> pd.Series:
    parts = [times[zone_of == code].dt.tz_convert(zone).dt.tz_localize(None) for code, zone in enumerate(zones)]
    return pd.concat(parts).sort_index()


def _queries(sessions: pd.DataFrame) -> pd.DataFrame:
    known = sessions["scheduled_at"].fillna(sessions["booked_at"])
    moment = np.maximum(np.maximum(sessions["starts_at"] - DAY, sessions["booked_at"]), known)
    queries = sessions[["tutor", "slot", "own_weekday", "own_part", "pair", "session_id"]]
    return queries.assign(time=moment, row=np.arange(len(sessions))).sort_values("time", ignore_index=True)


def _events(sessions: pd.DataFrame) -> pd.DataFrame:
    over = sessions[sessions["outcome_known_at"].notna() & (sessions["status"] != "booked")]
    over = over.sort_values("outcome_known_at", kind="stable", ignore_index=True)
    delivered, missed = over["status"].isin(DELIVERED), over["status"] == "no_show"
    called_off = (over["status"] == "cancelled") & (over["initiated_by"] == "tutor")
    notice = over["starts_at"] - over["outcome_known_at"]
    planned = (over["ends_at"] - over["starts_at"]) / pd.Timedelta(microseconds=1)
    lasts = (over["duration_minutes"] * 60_000_000).round().fillna(planned)
    timed, labelled = delivered & lasts.notna(), delivered | missed
    measured = delivered & over["late_minutes"].notna()
    late_minutes = over["late_minutes"].where(measured, 0.0)
    late, last_minute = late_minutes > 5, called_off & (notice < DAY)
    broken = missed | last_minute
    labelled_at = over["outcome_known_at"].astype("datetime64[us, UTC]").astype(np.int64).where(labelled, 0)
    events = over[["tutor", "slot", "own_weekday", "own_part", "pair"]].assign(
        time=over["outcome_known_at"], missed=missed, labelled=labelled, delivered=delivered, last_minute=last_minute,
        very_last_minute=called_off & (notice < 4 * HOUR), timed_start=measured, late_minutes=late_minutes, late=late,
        timed=timed, taught=lasts.where(timed, 0).astype(np.int64), labelled_at=labelled_at,
    )  # fmt: skip
    for name, counted, breaks in (
        ("kept_streak", delivered, broken), ("bad_streak", broken | late, delivered & ~late),
    ):  # fmt: skip
        events[name] = _streak(events["tutor"], counted, breaks)
    return events


def _streak(tutor: pd.Series, counted: pd.Series, breaks: pd.Series) -> pd.Series:
    """Counted events since the last one that broke the run, after each event of a tutor."""
    so_far = counted.astype(np.int64).groupby(tutor).cumsum()
    return so_far - so_far.where(breaks).groupby(tutor).ffill().fillna(0)


def _totals(queries: pd.DataFrame, events: pd.DataFrame, by: str, names: Sequence[str], days: int = 0) -> pd.DataFrame:
    """Running totals of the owner's events before each query, or before the beginning of its window."""
    grouped = events.groupby(by)
    summed = [name for name in names if name in events.columns and not name.endswith("_streak")]
    totals = grouped[summed].cumsum().assign(time=events["time"], **{by: events[by]})
    for name in names:
        if name.endswith("_streak"):
            totals[name] = events[name]
    if "n" in names:
        totals["n"] = grouped.cumcount() + 1
    if "first" in names:
        totals["first"] = grouped["time"].transform("min")
    return _asof(queries, totals, by, days)


def _asof(queries: pd.DataFrame, events: pd.DataFrame, by: str, days: int = 0, forward: bool = False) -> pd.DataFrame:
    asked = pd.DataFrame({"time": queries["time"] - pd.Timedelta(days=days), by: queries[by]})
    direction = "forward" if forward else "backward"
    return pd.merge_asof(asked, events, on="time", by=by, allow_exact_matches=forward, direction=direction)


def _of_tutors(rows: pd.DataFrame, tutors: pd.DataFrame, time: str) -> pd.DataFrame:
    codes = pd.Categorical(rows["tutor_id"], categories=tutors["tutor_id"]).codes.astype(np.int64)
    return rows.assign(time=rows[time], tutor=codes).sort_values("time", kind="stable", ignore_index=True)


def _moves(reschedules: pd.DataFrame, tutors: pd.DataFrame) -> pd.DataFrame:
    moves = _of_tutors(reschedules, tutors, "requested_at")
    by_tutor = moves["initiator"] == "tutor"
    noticed = by_tutor & moves["old_starts_at"].notna()
    notice = np.maximum(moves["old_starts_at"], moves["requested_at"]) - moves["requested_at"]
    microseconds = (notice / pd.Timedelta(microseconds=1)).where(noticed, 0)
    return moves[["session_id", "time", "tutor"]].assign(
        by_tutor=by_tutor, by_student=moves["initiator"] == "student", noticed=noticed, notice=microseconds,
        short_notice=noticed & (notice < DAY), reasoned=by_tutor & moves["reason_code"].notna(),
        **{code: by_tutor & (moves["reason_code"] == code) for code in REASONS},
    )  # fmt: skip


def _since(totals: Mapping[int, pd.DataFrame], days: int, name: str) -> np.ndarray:
    now = totals[0][name].fillna(0).to_numpy()
    return now - totals[days][name].fillna(0).to_numpy() if days else now


def _where(some: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.where(some, values, np.nan)


def _of_outcomes(queries: pd.DataFrame, own: Mapping[int, pd.DataFrame], priors: Priors) -> Columns:
    def since(name: str, days: int = 0) -> np.ndarray:
        return _since(own, days, name)

    finished_90d = since("n", 90)
    columns: Columns = {
        "no_shows_30d": since("missed", 30),
        "no_shows_90d": since("missed", 90),
        "no_shows_lifetime": since("missed"),
        "no_show_rate": priors.no_show.shrink(since("missed"), since("labelled")),
        "no_show_rate_90d": priors.no_show.shrink(since("missed", 90), since("labelled", 90)),
        "kept_streak": own[0]["kept_streak"],
        "bad_streak": own[0]["bad_streak"],
        "last_minute_cancellations_90d": since("last_minute", 90),
        "last_minute_cancellations_4h_90d": since("very_last_minute", 90),
        "last_minute_cancellation_rate_90d": priors.last_minute.shrink(since("last_minute", 90), finished_90d),
        "last_minute_cancellation_rate_4h_90d": priors.very_last_minute.shrink(
            since("very_last_minute", 90), finished_90d
        ),
        "late_share": _where(since("timed_start") > 0, priors.late.shrink(since("late"), since("timed_start"))),
        "load_7d": since("labelled", 7),
        "sessions_trend_8w": _trend(queries, own),
    }
    for name, days in (("late_minutes_90d", 90), ("late_minutes_lifetime", 0)):
        timed = since("timed_start", days)
        columns[name] = _where(timed > 0, priors.late_minutes.shrink(since("late_minutes", days), timed))
    for name, days in (("taught_hours_30d", 30), ("taught_hours_90d", 90)):
        unknown = (since("timed", days) == 0) & (since("delivered", days) > 0)
        columns[name] = _where(~unknown, since("taught", days) / 3_600_000_000)
    return columns


def _trend(queries: pd.DataFrame, own: Mapping[int, pd.DataFrame], weeks: int = 8) -> np.ndarray:
    span, n_days = pd.Timedelta(weeks=weeks), 7 * weeks
    as_of = queries["time"].astype("datetime64[us, UTC]").astype(np.int64).to_numpy()
    middle = as_of - n_days * 86_400_000_000 // 2
    centred = _since(own, n_days, "labelled_at") - _since(own, n_days, "labelled") * middle
    observed = (own[0]["first"] <= queries["time"] - span).to_numpy()
    return _where(observed, centred * (12 / (weeks**3 * 7 * 86_400_000_000)))


def _of_moves(own: Mapping[int, pd.DataFrame], moved: Mapping[int, pd.DataFrame], priors: Priors) -> Columns:
    def rate(prior: Prior, name: str, days: int) -> np.ndarray:
        moves = _since(moved, days, name)
        return prior.shrink(moves, np.maximum(_since(own, days, "labelled"), moves))

    def share(prior: Prior, name: str, of: str) -> np.ndarray:
        total = _since(moved, 90, of)
        return _where(total > 0, prior.shrink(_since(moved, 90, name), total))

    noticed = _since(moved, 90, "noticed")
    columns: Columns = {f"reschedules_{days}d": _since(moved, days, "by_tutor") for days in (7, 30, 90)}
    columns |= {f"reschedule_rate_{days}d": rate(priors.reschedule, "by_tutor", days) for days in (7, 30, 90)}
    columns |= {name: share(prior, code, "reasoned") for name, (prior, code) in reason_shares(priors).items()}
    notice = _since(moved, 90, "notice") / 3_600_000_000
    return columns | {
        "student_reschedules_30d": _since(moved, 30, "by_student"),
        "student_reschedule_rate_90d": rate(priors.student_reschedule, "by_student", 90),
        "reschedule_notice_hours_90d": _where(noticed > 0, notice / np.maximum(noticed, 1)),
        "short_notice_share_90d": share(priors.short_notice, "short_notice", "noticed"),
    }


def _of_messages(queries: pd.DataFrame, messages: pd.DataFrame) -> Columns:
    written = messages[messages["sender"] == "tutor"]
    asked = messages.loc[messages["sender"] == "student", ["time", "tutor", "student_id"]]
    own = written[["time", "tutor"]].assign(last=written["time"], n=written.groupby("tutor").cumcount() + 1)
    wrote = {days: _asof(queries, own, "tutor", days) for days in (0, 14, 90)}
    first = _asof(queries, own, "tutor", 90, forward=True)["last"]
    replies = written[["time", "tutor", "student_id"]].assign(answered=written["time"])
    answers = pd.merge_asof(
        asked, replies, on="time", by=["tutor", "student_id"], direction="forward", allow_exact_matches=False
    ).dropna(subset=["answered"])
    answers = answers.assign(waited=(answers["answered"] - answers["time"]) / HOUR, time=answers["answered"])
    answers = answers[["time", "tutor", "waited"]].sort_values("time", kind="stable", ignore_index=True)
    grouped = answers.groupby("tutor")
    answers = answers.assign(waited=grouped["waited"].cumsum(), n=grouped.cumcount() + 1)
    answered = {days: _asof(queries, answers, "tutor", days) for days in (0, 30)}
    received = _asof(queries, asked[["time", "tutor"]].assign(n=asked.groupby("tutor").cumcount() + 1), "tutor")
    silent, n = _hours(queries["time"] - wrote[0]["last"]), _since(wrote, 90, "n")
    gap = _hours(wrote[0]["last"] - first) / np.where(n > 1, n - 1, np.nan)
    n_replies = _since(answered, 30, "n")
    return {
        "silence_hours": silent,
        "silence_ratio": np.where(gap > 0, silent / np.where(gap > 0, gap, 1), np.nan),
        "unanswered_messages": received["n"].fillna(0) - answered[0]["n"].fillna(0),
        "answer_hours_30d": _where(n_replies > 0, _since(answered, 30, "waited") / np.maximum(n_replies, 1)),
        "messages_14d": _since(wrote, 14, "n"),
    }


def _of_session(
    queries: pd.DataFrame, sessions: pd.DataFrame, events: pd.DataFrame, moves: pd.DataFrame, priors: Priors
) -> Columns:
    labelled, of = events[events["labelled"]], sessions.iloc[queries["row"].to_numpy()].reset_index(drop=True)
    columns: Columns = {}
    for name, (prior, owner) in missed_rates(priors).items():
        so_far = _totals(queries, labelled, owner, ("missed", "labelled"))[["missed", "labelled"]].fillna(0)
        columns[name] = prior.shrink(so_far["missed"].to_numpy(), so_far["labelled"].to_numpy())
    met = so_far["labelled"]  # of the last owner, the pair
    last = {
        "pair": _asof(queries, labelled[["time", "pair"]].assign(last=labelled["time"]), "pair")["last"],
        "own": _asof(queries, events.loc[events["delivered"], ["time", "tutor"]].assign(last=events["time"]), "tutor"),
    }
    so_often = moves[["time", "session_id"]].assign(n=moves.groupby("session_id").cumcount() + 1)
    time = queries["time"]
    tenure = _hours(time - of["started_at"]) / 24
    return columns | {
        "hours_to_start": _hours(of["starts_at"] - time),
        "lead_hours": _hours(of["starts_at"] - of["booked_at"]),
        "weekday": of["weekday"],
        "hour": of["hour"],
        "part_of_day": of["hour"] // 6,
        "holiday": of["holiday"],
        "session_reschedules": _asof(queries, so_often, "session_id")["n"].fillna(0),
        "pair_sessions": met,
        "pair_no_shows": so_far["missed"],
        "first_time_pair": (met == 0).astype(float),
        "pair_days_since_last": _hours(time - last["pair"]) / 24,
        "tenure_days": _where(tenure > 0, tenure),
        "days_since_last_session": _hours(time - last["own"]["last"]) / 24,
    }


def _calendar(sessions: pd.DataFrame) -> dict[str, np.ndarray]:
    known = np.maximum(sessions["booked_at"], sessions["scheduled_at"].fillna(sessions["booked_at"]))
    off = sessions["outcome_known_at"].where(sessions["status"] == "cancelled")
    times = {name: _us(column) for name, column in (("starts", sessions["starts_at"]), ("known", known))}
    booked = pd.DataFrame({"tutor": sessions["tutor"], "day": sessions["day"], **times})
    booked["ends"] = _us(sessions["ends_at"])
    booked["off"] = _us(off.fillna(pd.Timestamp.max.tz_localize("UTC").floor("us")))
    booked = booked.sort_values(["tutor", "starts"])
    # Tutor and start as one ascending number, so that one search finds the neighbours of all.
    span = booked["starts"].max() - booked["starts"].min() + 20 * 86_400_000_000
    key = (booked["tutor"] * span + booked["starts"] - booked["starts"].min()).to_numpy()
    first = np.searchsorted(key, key - 7 * 86_400_000_000)
    until = np.searchsorted(key, key + 25 * 3_600_000_000)
    parts = [_around(booked, first, until, at, at + CHUNK) for at in range(0, len(booked), CHUNK)]
    order = booked.index.to_numpy()
    found = {name: np.empty(order.size) for name in ("booked_7d", "booked_same_day", "booked_back_to_back")}
    for name in found:
        found[name][order] = np.concatenate([part[name] for part in parts])
    return found


def _around(
    booked: pd.DataFrame, first: np.ndarray, until: np.ndarray, begin: int, end: int
) -> Mapping[str, np.ndarray]:
    """Counts over the pairs of each session from `begin` to `end` and its neighbours."""
    sizes = (until - first)[begin:end]
    session = np.repeat(np.arange(sizes.size) + begin, sizes)
    other = np.arange(session.size) - np.repeat(np.cumsum(sizes) - sizes, sizes) + np.repeat(first[begin:end], sizes)
    tutor, starts, ends, day, known, off = (
        booked[name].to_numpy() for name in ("tutor", "starts", "ends", "day", "known", "off")
    )
    as_of = np.maximum(starts - 86_400_000_000, known)[session]
    kept = (known[other] < as_of) & (off[other] >= as_of) & (session != other) & (tutor[session] == tutor[other])
    session, other = session[kept], other[kept]
    start, near = starts[session], 900_000_000
    counts = {
        "booked_7d": starts[other] < start,
        "booked_same_day": day[other] == day[session],
        "booked_back_to_back": (np.abs(starts[other] - start) <= near) | (np.abs(ends[other] - start) <= near),
    }
    return {name: np.bincount(session - begin, flags, sizes.size) for name, flags in counts.items()}


def _us(times: pd.Series) -> np.ndarray:
    return times.astype("datetime64[us, UTC]").astype(np.int64).to_numpy()


def _hours(spans: pd.Series) -> np.ndarray:
    return (spans / HOUR).to_numpy()
