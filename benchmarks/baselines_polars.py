"""All columns of the no-show model in Polars, as somebody who knows it well would write them.

Running totals over the owner, brought to the queries by `join_asof`: once at the moment asked about, and once at the
beginning of each window. `rolling_sum_by(...).over(...)` on one frame of events and queries takes three times as long
(0.67 s instead of 0.20 for the finished sessions at 1 million), `rolling(...).agg(...)` 0.5 s. The calendar depends on
two times, so it is a join on a range of starts, in chunks of tutors.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from benchmarks.baseline_columns import DELIVERED, MOVED, REASONS, missed_rates, reason_shares
from features.as_of.priors import Prior, Priors
from features.base.holidays import is_holiday

DAY, HOUR, QUARTER = 86_400_000_000, 3_600_000_000, 900_000_000
CHUNK = 1_000_000
"""Sessions whose calendars are joined at a time: each has some twenty neighbours."""

Tables = Mapping[str, pl.DataFrame]
COUNTED = ("missed", "labelled", "delivered", "last_minute", "very_last_minute", "timed_start", "late", "timed")
SUMMED = ("late_minutes", "taught", "labelled_at")


def frames(tables: Mapping[str, pa.Table]) -> Tables:
    """The tables as frames of strings and times, before the clock starts."""
    return {kind: pl.DataFrame(pl.from_arrow(table)) for kind, table in tables.items()}


class Reads(NamedTuple):
    """Running totals at the queries, lazy: by the days of their windows, 0 for the moment asked about."""

    own: Mapping[int, pl.LazyFrame]
    moves: Mapping[int, pl.LazyFrame]
    written: Mapping[int, pl.LazyFrame]
    answered: Mapping[int, pl.LazyFrame]
    others: Mapping[str, pl.LazyFrame]


def compute(tables: Tables, priors: Priors) -> dict[str, np.ndarray]:
    """The columns by name, in the order of the sessions."""
    tutors = tables["tutors"].with_row_index("tutor").select("tutor_id", "tutor", "timezone", "started_at")
    sessions = _coded(tables["sessions"], tutors, tables["students"].with_row_index("student"))
    queries, events = _queries(sessions), _events(sessions)
    reads = _reads(queries, events, tables, sessions, tutors)
    parts = [reads.own, reads.moves, reads.written, reads.answered, reads.others]
    plans = [plan for part in parts for plan in part.values()]
    frames_read = iter(pl.collect_all(plans))
    own, moves, written, answered, others = ({key: next(frames_read) for key in part} for part in parts)
    columns = (
        _of_outcomes(queries, own, priors)
        | _of_moves(own, moves, priors)
        | _of_messages(queries, written, answered, others)
        | _of_session(queries, others, priors)
    )
    order = queries["row"].to_numpy()
    found = {name: np.empty(order.size) for name in columns}
    for name, column in columns.items():
        found[name][order] = column.to_numpy() if isinstance(column, pl.Series) else column
    return found | _calendar(sessions)


def _coded(sessions: pl.DataFrame, tutors: pl.DataFrame, students: pl.DataFrame) -> pl.DataFrame:
    coded = sessions.lazy().with_row_index("row").join(tutors.lazy(), on="tutor_id", how="left")
    coded = coded.join(students.lazy().select("student", "student_id"), on="student_id", how="left")
    coded = coded.drop("tutor_id", "student_id").with_columns(pl.col("tutor", "student").cast(pl.Int64)).collect()
    parts = [
        part.with_columns(
            local=pl.col("starts_at").dt.convert_time_zone(part["timezone"][0]).dt.replace_time_zone(None)
        )
        for part in coded.partition_by("timezone")
    ]
    coded = pl.concat(parts).with_columns(
        weekday=pl.col("local").dt.weekday().cast(pl.Int64) - 1,
        hour=pl.col("local").dt.hour().cast(pl.Int64),
        day=pl.col("local").dt.epoch("d").cast(pl.Int32),
        pair=pl.col("tutor") * len(students) + pl.col("student"),
    )
    part = pl.col("hour") // 6
    return coded.with_columns(
        slot=(pl.col("tutor") * 7 + pl.col("weekday")) * 4 + part,
        own_weekday=pl.col("tutor") * 7 + pl.col("weekday"),
        own_part=pl.col("tutor") * 4 + part,
    )


def _queries(sessions: pl.DataFrame) -> pl.DataFrame:
    known = pl.max_horizontal(pl.col("starts_at") - pl.duration(hours=24), "booked_at", "scheduled_at")
    wanted = "row", "tutor", "slot", "own_weekday", "own_part", "pair", "weekday", "hour", "day", "timezone"
    times = "started_at", "starts_at", "booked_at"
    return sessions.select(*wanted, *times, "session_id", time=known).sort("time")


def _events(sessions: pl.DataFrame) -> pl.DataFrame:
    over = sessions.filter(pl.col("outcome_known_at").is_not_null() & (pl.col("status") != "booked")).sort("row")
    delivered, missed = pl.col("status").is_in(DELIVERED), pl.col("status") == "no_show"
    called_off = (pl.col("status") == "cancelled") & (pl.col("initiated_by") == "tutor").fill_null(False)
    notice = pl.col("starts_at") - pl.col("outcome_known_at")
    measured = delivered & pl.col("late_minutes").is_not_null()
    lasts = pl.coalesce(
        (pl.col("duration_minutes") * 60_000_000).round(),
        (pl.col("ends_at") - pl.col("starts_at")).dt.total_microseconds().cast(pl.Float64),
    ).cast(pl.Int64)
    timed = delivered & lasts.is_not_null()
    labelled = delivered | missed
    events = over.select(
        "tutor", "slot", "own_weekday", "own_part", "pair",
        time="outcome_known_at", missed=missed, labelled=labelled, delivered=delivered,
        last_minute=called_off & (notice < pl.duration(hours=24)),
        very_last_minute=called_off & (notice < pl.duration(hours=4)),
        timed_start=measured, late_minutes=pl.when(measured).then("late_minutes").otherwise(0.0),
        timed=timed, taught=pl.when(timed).then(lasts).otherwise(0),
        labelled_at=pl.when(labelled).then(pl.col("outcome_known_at").dt.epoch("us")).otherwise(0),
    ).sort("time", maintain_order=True)  # fmt: skip
    events = events.with_columns(late=pl.col("late_minutes") > 5)
    broken = pl.col("missed") | pl.col("last_minute")
    events = events.with_columns(
        kept_streak=_streak(pl.col("delivered"), broken),
        bad_streak=_streak(broken | pl.col("late"), pl.col("delivered") & ~pl.col("late")),
        last=pl.col("time"),
        first=pl.col("time").min().over("tutor"),
        n=pl.int_range(1, pl.len() + 1).over("tutor"),
    )
    totals = [pl.col(name).cast(pl.Int64).cum_sum().over("tutor").alias(f"sum_{name}") for name in COUNTED]
    totals += [pl.col(name).cum_sum().over("tutor").alias(f"sum_{name}") for name in SUMMED]
    by_owner = [
        pl.col(name).cast(pl.Int64).cum_sum().over(owner).alias(f"{owner}_{name}")
        for owner in ("slot", "own_weekday", "own_part", "pair")
        for name in ("missed", "labelled")
    ]
    return events.with_columns(*totals, *by_owner)


def _streak(counted: pl.Expr, breaks: pl.Expr) -> pl.Expr:
    """Counted events since the last one that broke the run, after each event of a tutor."""
    so_far = counted.cast(pl.Int64).cum_sum()
    at_break = pl.when(breaks).then(so_far).forward_fill().fill_null(0)
    return (so_far - at_break).over("tutor")


def _reads(
    queries: pl.DataFrame, events: pl.DataFrame, tables: Tables, sessions: pl.DataFrame, tutors: pl.DataFrame
) -> Reads:
    sums = [f"sum_{name}" for name in (*COUNTED, *SUMMED)]
    moves, messages = _moves(tables["reschedules"], tutors, sessions), _of_tutors(tables["messages"], tutors, "sent_at")
    written = messages.filter(pl.col("sender") == "tutor")
    written = written.with_columns(n=pl.int_range(1, pl.len() + 1).over("tutor"), last=pl.col("time"))
    received, answered = _questions(messages)
    last = events.filter("delivered").select("tutor", "time", "last")
    met = events.filter("labelled").select("pair", "time", "last")
    owners = {
        owner: _at(queries, events.lazy().filter("labelled"), owner, f"{owner}_missed", f"{owner}_labelled")
        for owner in ("slot", "own_weekday", "own_part", "pair")
    }
    return Reads(
        own={0: _at(queries, events.lazy(), "tutor", *sums, "n", "kept_streak", "bad_streak", "first")}
        | {days: _at(queries, events.lazy(), "tutor", *sums, "n", days=days) for days in (7, 30, 56, 90)},
        moves={days: _at(queries, moves.lazy(), "tutor", *MOVED, days=days) for days in (0, 7, 30, 90)},
        written={0: _at(queries, written.lazy(), "tutor", "n", "last")}
        | {days: _at(queries, written.lazy(), "tutor", "n", days=days) for days in (14, 90)},
        answered={days: _at(queries, answered.lazy(), "tutor", "n", "waited", days=days) for days in (0, 30)},
        others=owners
        | {
            "received": _at(queries, received.lazy(), "tutor", "n"),
            "first written": _first_after(queries, written.lazy(), 90),
            "delivered": _at(queries, last.lazy(), "tutor", "last"),
            "met": _at(queries, met.lazy(), "pair", "last"),
            "moved": _at(queries, _of_sessions(moves).lazy(), "session_id", "session_moves"),
        },
    )


def _at(queries: pl.DataFrame, totals: pl.LazyFrame, by: str, *names: str, days: int = 0) -> pl.LazyFrame:
    asked = queries.lazy().select(by, pl.col("time") - pl.duration(days=days))
    found = asked.join_asof(
        totals.select("time", by, *names), on="time", by=by, allow_exact_matches=False, check_sortedness=False
    )
    return found.select(names)


def _first_after(queries: pl.DataFrame, totals: pl.LazyFrame, days: int) -> pl.LazyFrame:
    """The first event at or after the beginning of the window."""
    asked = queries.lazy().select("tutor", pl.col("time") - pl.duration(days=days))
    found = asked.join_asof(
        totals.select("time", "tutor", "last"), on="time", by="tutor", strategy="forward", check_sortedness=False
    )
    return found.select("last")


def _of_tutors(rows: pl.DataFrame, tutors: pl.DataFrame, time: str) -> pl.DataFrame:
    coded = rows.join(tutors.select("tutor_id", "tutor"), on="tutor_id", how="left")
    return coded.with_columns(pl.col("tutor").cast(pl.Int64), time=time).sort("time", maintain_order=True)


def _moves(reschedules: pl.DataFrame, tutors: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    moves = _of_tutors(reschedules, tutors, "requested_at")
    by_tutor = pl.col("initiator") == "tutor"
    noticed = by_tutor & pl.col("old_starts_at").is_not_null()
    notice = (pl.max_horizontal("old_starts_at", "requested_at") - pl.col("requested_at")).dt.total_microseconds()
    moves = moves.with_columns(
        by_tutor=by_tutor, by_student=pl.col("initiator") == "student", noticed=noticed,
        notice=pl.when(noticed).then(notice).otherwise(0), short_notice=noticed & (notice < DAY),
        reasoned=by_tutor & pl.col("reason_code").is_not_null(),
        **{code: (by_tutor & (pl.col("reason_code") == code)).fill_null(False) for code in REASONS},
    )  # fmt: skip
    return moves.with_columns(pl.col(*MOVED).cast(pl.Int64).cum_sum().over("tutor"))


def _of_sessions(moves: pl.DataFrame) -> pl.DataFrame:
    return moves.select(
        "session_id", "time", session_moves=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("session_id")
    )


def _questions(messages: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Students' messages with their number so far; and those answered, at the answer, with the summed waiting time."""
    asked = messages.filter(pl.col("sender") == "student").select("tutor", "student_id", "time")
    written = messages.filter(pl.col("sender") == "tutor").select("tutor", "student_id", "time", answered="time")
    by = ["tutor", "student_id"]
    replies = asked.join_asof(
        written, on="time", by=by, strategy="forward", allow_exact_matches=False, check_sortedness=False
    ).filter(pl.col("answered").is_not_null())
    replies = replies.select("tutor", time="answered", waited=pl.col("answered") - pl.col("time")).sort("time")
    n = pl.int_range(1, pl.len() + 1).over("tutor")
    waited = pl.col("waited").dt.total_microseconds().cum_sum().over("tutor")
    return asked.with_columns(n=n), replies.with_columns(n=n, waited=waited)


def _since(frames_read: Mapping[int, pl.DataFrame], days: int, name: str) -> pl.Series:
    now = frames_read[0][name].fill_null(0)
    return now - frames_read[days][name].fill_null(0) if days else now


def _shrunk(prior: Prior, events: pl.Series, of: pl.Series) -> np.ndarray:
    return prior.shrink(events.to_numpy(), of.to_numpy())


def _where(some: pl.Series, values: np.ndarray) -> np.ndarray:
    return np.where(some.to_numpy(), values, np.nan)


def _of_outcomes(
    queries: pl.DataFrame, own: Mapping[int, pl.DataFrame], priors: Priors
) -> dict[str, pl.Series | np.ndarray]:
    def since(name: str, days: int = 0) -> pl.Series:
        return _since(own, days, f"sum_{name}")

    finished_90d = _since(own, 90, "n")
    columns: dict[str, pl.Series | np.ndarray] = {
        "no_shows_30d": since("missed", 30),
        "no_shows_90d": since("missed", 90),
        "no_shows_lifetime": since("missed"),
        "no_show_rate": _shrunk(priors.no_show, since("missed"), since("labelled")),
        "no_show_rate_90d": _shrunk(priors.no_show, since("missed", 90), since("labelled", 90)),
        "kept_streak": own[0]["kept_streak"],
        "bad_streak": own[0]["bad_streak"],
        "last_minute_cancellations_90d": since("last_minute", 90),
        "last_minute_cancellations_4h_90d": since("very_last_minute", 90),
        "last_minute_cancellation_rate_90d": _shrunk(priors.last_minute, since("last_minute", 90), finished_90d),
        "last_minute_cancellation_rate_4h_90d": _shrunk(
            priors.very_last_minute, since("very_last_minute", 90), finished_90d
        ),
        "late_share": _where(since("timed_start") > 0, _shrunk(priors.late, since("late"), since("timed_start"))),
        "load_7d": since("labelled", 7),
        "sessions_trend_8w": _trend(queries, own),
    }
    for name, days in (("late_minutes_90d", 90), ("late_minutes_lifetime", 0)):
        timed = since("timed_start", days)
        columns[name] = _where(timed > 0, _shrunk(priors.late_minutes, since("late_minutes", days), timed))
    for name, days in (("taught_hours_30d", 30), ("taught_hours_90d", 90)):
        unknown = (since("timed", days) == 0) & (since("delivered", days) > 0)
        columns[name] = _where(~unknown, (since("taught", days) / HOUR).to_numpy())
    return columns


def _trend(queries: pl.DataFrame, own: Mapping[int, pl.DataFrame], weeks: int = 8) -> np.ndarray:
    span = 7 * weeks * DAY
    as_of = queries["time"].dt.epoch("us")
    n, times = (_since(own, 7 * weeks, f"sum_{name}") for name in ("labelled", "labelled_at"))
    centred = times - n * (as_of - span // 2)
    observed = (own[0]["first"].dt.epoch("us") <= as_of - span).fill_null(False)
    return _where(observed, centred.to_numpy() * (12 / (weeks**3 * 7 * DAY)))


def _of_moves(
    own: Mapping[int, pl.DataFrame], moves: Mapping[int, pl.DataFrame], priors: Priors
) -> dict[str, pl.Series | np.ndarray]:
    def rate(prior: Prior, name: str, days: int) -> np.ndarray:
        moved, held = _since(moves, days, name), _since(own, days, "sum_labelled")
        return prior.shrink(moved.to_numpy(), np.maximum(held.to_numpy(), moved.to_numpy()))

    def share(prior: Prior, name: str, of: str) -> np.ndarray:
        total = _since(moves, 90, of)
        return _where(total > 0, _shrunk(prior, _since(moves, 90, name), total))

    columns: dict[str, pl.Series | np.ndarray] = {
        f"reschedules_{days}d": _since(moves, days, "by_tutor") for days in (7, 30, 90)
    }
    columns |= {f"reschedule_rate_{days}d": rate(priors.reschedule, "by_tutor", days) for days in (7, 30, 90)}
    noticed = _since(moves, 90, "noticed")
    notice = (_since(moves, 90, "notice") / HOUR).to_numpy()
    columns |= {name: share(prior, code, "reasoned") for name, (prior, code) in reason_shares(priors).items()}
    return columns | {
        "student_reschedules_30d": _since(moves, 30, "by_student"),
        "student_reschedule_rate_90d": rate(priors.student_reschedule, "by_student", 90),
        "reschedule_notice_hours_90d": _where(noticed > 0, notice / np.maximum(noticed.to_numpy(), 1)),
        "short_notice_share_90d": share(priors.short_notice, "short_notice", "noticed"),
    }


def _of_messages(
    queries: pl.DataFrame,
    written: Mapping[int, pl.DataFrame],
    answered: Mapping[int, pl.DataFrame],
    others: Mapping[str, pl.DataFrame],
) -> dict[str, pl.Series | np.ndarray]:
    silent = _hours(queries["time"] - written[0]["last"])
    n = _since(written, 90, "n").to_numpy()
    gap = _hours(written[0]["last"] - others["first written"]["last"]) / np.where(n > 1, n - 1, np.nan)
    replies = _since(answered, 30, "n").to_numpy()
    waited = _since(answered, 30, "waited").to_numpy() / HOUR
    return {
        "silence_hours": silent,
        "silence_ratio": np.where(gap > 0, silent / np.where(gap > 0, gap, 1), np.nan),
        "unanswered_messages": others["received"]["n"].fill_null(0) - answered[0]["n"].fill_null(0),
        "answer_hours_30d": np.where(replies > 0, waited / np.maximum(replies, 1), np.nan),
        "messages_14d": _since(written, 14, "n"),
    }


def _of_session(
    queries: pl.DataFrame, others: Mapping[str, pl.DataFrame], priors: Priors
) -> dict[str, pl.Series | np.ndarray]:
    def so_far(owner: str, name: str) -> pl.Series:
        return others[owner][f"{owner}_{name}"].fill_null(0)

    met = so_far("pair", "labelled")
    columns: dict[str, pl.Series | np.ndarray] = {
        name: _shrunk(prior, so_far(owner, "missed"), so_far(owner, "labelled"))
        for name, (prior, owner) in missed_rates(priors).items()
    }
    time = queries["time"]
    return columns | {
        "hours_to_start": _hours(queries["starts_at"] - time),
        "lead_hours": _hours(queries["starts_at"] - queries["booked_at"]),
        "weekday": queries["weekday"],
        "hour": queries["hour"],
        "part_of_day": queries["hour"] // 6,
        "holiday": _holidays(queries),
        "session_reschedules": others["moved"]["session_moves"].fill_null(0),
        "pair_sessions": met,
        "pair_no_shows": so_far("pair", "missed"),
        "first_time_pair": (met == 0).cast(pl.Float64),
        "pair_days_since_last": _hours(time - others["met"]["last"]) / 24,
        "tenure_days": _where(
            (queries["started_at"] < time).fill_null(False), _hours(time - queries["started_at"]) / 24
        ),
        "days_since_last_session": _hours(time - others["delivered"]["last"]) / 24,
    }


def _holidays(queries: pl.DataFrame) -> pl.Series:
    """The calendar of each zone's days, joined to the queries."""
    days = queries.select("timezone", "day").unique()
    zones: Sequence[str] = days["timezone"].unique().to_list()
    codes = days["timezone"].replace_strict(zones, range(len(zones)), return_dtype=pl.Int64).to_numpy()
    days = days.with_columns(holiday=pl.Series(is_holiday(days["day"].to_numpy(), codes, list(zones))))
    return queries.join(days, on=["timezone", "day"], how="left", maintain_order="left")["holiday"]


def _calendar(sessions: pl.DataFrame) -> dict[str, np.ndarray]:
    known = pl.max_horizontal("booked_at", "scheduled_at")
    off = pl.when(pl.col("status") == "cancelled").then("outcome_known_at")
    booked = sessions.select("tutor", "row", "starts_at", "ends_at", "day", known=known, off=off)
    booked = booked.with_columns(
        as_of=pl.max_horizontal(pl.col("starts_at") - pl.duration(hours=24), "known"),
        since=pl.col("starts_at") - pl.duration(days=7),
        until=pl.col("starts_at") + pl.duration(hours=25),
    )
    names = "booked_7d", "booked_same_day", "booked_back_to_back"
    found = {name: np.zeros(len(sessions)) for name in names}
    n_chunks = -(-len(sessions) // CHUNK)
    for chunk in booked.with_columns(chunk=pl.col("tutor") % n_chunks).partition_by("chunk"):
        around = _around(chunk)
        for name in names:
            found[name][around["row"].to_numpy()] = around[name].to_numpy()
    return found


def _around(booked: pl.DataFrame) -> pl.DataFrame:
    others = booked.lazy().select("tutor", "row", "starts_at", "ends_at", "day", "known", "off")
    asked = booked.lazy().select("tutor", "row", "starts_at", "day", "as_of", "since", "until")
    near = pl.duration(minutes=15)
    pairs = asked.join_where(
        others,
        pl.col("tutor") == pl.col("tutor_right"),
        pl.col("starts_at_right") >= pl.col("since"),
        pl.col("starts_at_right") < pl.col("until"),
    ).filter(
        (pl.col("known") < pl.col("as_of"))
        & (pl.col("off").is_null() | (pl.col("off") >= pl.col("as_of")))
        & (pl.col("row") != pl.col("row_right"))
    )
    from_start, from_end = ((pl.col(name) - pl.col("starts_at")).abs() for name in ("starts_at_right", "ends_at"))
    counts = pairs.group_by("row").agg(
        booked_7d=(pl.col("starts_at_right") < pl.col("starts_at")).sum(),
        booked_same_day=(pl.col("day_right") == pl.col("day")).sum(),
        booked_back_to_back=((from_start <= near) | (from_end <= near).fill_null(False)).sum(),
    )
    return counts.collect()


def _hours(spans: pl.Series) -> np.ndarray:
    return spans.dt.total_microseconds().cast(pl.Float64).to_numpy() / HOUR
