"""Coverage of the interval of the contacts' effect, against the effect planted in the simulator.

`python -m benchmarks.coverage [--repetitions N] [--reduction R] [--out FILE]`. Each repetition is a marketplace of its
own: for two months, every day, the sessions booked for the next are ranked by an imperfect risk, the list is drawn as
in production, its contacts prevent the planted share of no-shows, and the effect is estimated from what came of it.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from benchmarks.lines import Line, record
from domain.interventions import Arm, ContactOutcome, Effect, Estimate, PlannedContact
from domain.vocabulary import SessionStatus
from insights.contacts.effect import OutcomeColumns, effect
from insights.contacts.plan import ContactCandidate, contact_list, day_bounds
from simulator.contacts import contact
from simulator.marketplace import Market, simulate
from simulator.settings import MarketSettings, microseconds

REPETITIONS, REDUCTION = 200, 0.4
CAPACITY, HOLDOUT_SHARE, LISTED_DAYS = 30, 0.3, 60
ACTION = "Call to confirm"
BLUR = 0.7
"""Standard deviation of the error of a risk, in log-odds: a model sees less than the simulator."""

Plans = list[list[PlannedContact]]


@dataclass(frozen=True)
class Repetition:
    """Estimates of one repetition, with and without adjustment, and the true effect."""

    adjusted: Effect
    plain: Effect
    true_absolute: float


def settings_of(seed: int) -> MarketSettings:
    """A small marketplace."""
    return MarketSettings(tutors=150, days=75, sessions_per_day=300, seed=seed)


def repetition(seed: int, reduction: float) -> Repetition:
    """One marketplace, its lists, the contacts, and the estimate."""
    settings = settings_of(seed)
    market = simulate(settings)
    risks = true_risks(market)
    plans = make_plans(market, settings, risks, seed)
    chosen = [s.session_id for plan in plans for c in plan if c.arm is Arm.CONTACT for s in c.sessions]
    after = contact(market, settings, chosen, reduction, seed)
    outcomes = OutcomeColumns.of(list(rows_of(after, plans)))
    status = statuses(market)
    listed = [s.session_id for plan in plans for c in plan for s in c.sessions]
    missed = [0.0 if status[name] == SessionStatus.CANCELLED else risks[name] for name in listed]
    return Repetition(effect(outcomes), effect(outcomes, adjusted=False), -reduction * float(np.mean(missed)))


def true_risks(market: Market) -> dict[str, float]:
    """The true probability of a no-show, by session, where it is not called off."""
    truth = market.truth.filter(pc.equal(market.truth["kind"], "no_show"))
    return dict(zip(truth["subject_id"].to_pylist(), truth["value"].to_pylist(), strict=True))


def statuses(market: Market) -> dict[str, str]:
    """The status of each session."""
    table = market.dataset.tables["sessions"]
    return dict(zip(table["session_id"].to_pylist(), table["status"].to_pylist(), strict=True))


def make_plans(market: Market, settings: MarketSettings, risks: dict[str, float], seed: int) -> Plans:
    """The lists of the last two months."""
    rng = np.random.default_rng([seed, 2])  # independent of the market's random numbers
    blurred = {name: _blurred(risk, rng) for name, risk in risks.items()}
    last = settings.end.date() - timedelta(days=2)
    days = [last - timedelta(days=back) for back in range(LISTED_DAYS)]
    booked = {day: list(_booked(market, day, blurred)) for day in days}
    return [contact_list(booked[day], day, CAPACITY, HOLDOUT_SHARE, seed) for day in days]


def _blurred(risk: float, rng: np.random.Generator) -> float:
    return float(1 / (1 + np.exp(-(np.log(risk / (1 - risk)) + BLUR * rng.standard_normal()))))


def _booked(market: Market, day: date, risks: dict[str, float]) -> Iterator[ContactCandidate]:
    """The sessions that start on a day, as booked when its list was made: at the beginning of the day before."""
    start, end = day_bounds(day)
    table = market.dataset.tables["sessions"]
    made, known_at = _micro(start) - _micro_day(), _column(table, "outcome_known_at")
    starts_at = _column(table, "starts_at")
    rows = (starts_at >= _micro(start)) & (starts_at < _micro(end))
    rows &= (_column(table, "scheduled_at") < made) & ((known_at == 0) | (known_at >= made))
    for row in table.filter(pa.array(rows)).select(["session_id", "tutor_id", "starts_at"]).to_pylist():
        yield ContactCandidate(row["session_id"], row["tutor_id"], row["starts_at"], risks[row["session_id"]], ACTION)


def _column(table: pa.Table, name: str) -> np.ndarray:
    return table[name].cast(pa.int64()).fill_null(0).to_numpy()


def _micro(moment: datetime) -> int:
    return microseconds(moment.astimezone(UTC))


def _micro_day() -> int:
    return 86_400_000_000


def rows_of(market: Market, plans: Sequence[Sequence[PlannedContact]]) -> Iterator[ContactOutcome]:
    """Outcome of every session on the lists."""
    status = statuses(market)
    for number, of in enumerate(c for plan in plans for c in plan):
        for session in of.sessions:
            missed = status[session.session_id] == SessionStatus.NO_SHOW
            yield ContactOutcome(number, of.tutor_id, of.action, of.arm, session.risk, missed)


def covers(estimate: Estimate | None, true: float) -> bool:
    """Whether an interval contains the true value."""
    return estimate is not None and estimate.low <= true <= estimate.high


def binomial_interval(hits: int, n: int) -> tuple[float, float]:
    """Wilson's (1927) 95 % interval of a share."""
    z, share = 1.959964, hits / n
    middle, half = share + z**2 / (2 * n), z * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)


def summary(found: Sequence[Repetition], reduction: float) -> dict[str, object]:
    """Coverage with its interval, mean estimates, and what the adjustment saves in width."""
    said = [r for r in found if r.adjusted.absolute is not None and r.plain.absolute is not None]
    absolute = sum(covers(r.adjusted.absolute, r.true_absolute) for r in said)
    relative = sum(covers(r.adjusted.relative, reduction) for r in said)
    return {
        "repetitions": len(found),
        "too_few": len(found) - len(said),
        "coverage_absolute": [absolute / len(said), *binomial_interval(absolute, len(said))],
        "coverage_relative": [relative / len(said), *binomial_interval(relative, len(said))],
        "mean_absolute": [float(np.mean([r.adjusted.absolute.value for r in said if r.adjusted.absolute])),
                          float(np.mean([r.true_absolute for r in said]))],
        "mean_relative": [float(np.mean([r.adjusted.relative.value for r in said if r.adjusted.relative])), reduction],
        "width_adjusted_over_plain": float(np.mean([width(r.adjusted) / width(r.plain) for r in said])),
        "found_to_prevent": sum(r.adjusted.absolute.high < 0 for r in said if r.adjusted.absolute),
    }  # fmt: skip


def width(of: Effect) -> float:
    """Width of the interval of the absolute effect; not a number where there are too few to say."""
    return of.absolute.high - of.absolute.low if of.absolute else float("nan")


def main(repetitions: int, reduction: float, out: Path | None) -> None:
    """Repeat, and print the table."""
    began = time.perf_counter()
    found = summary([repetition(seed, reduction) for seed in range(repetitions)], reduction)
    found["seconds"] = round(time.perf_counter() - began, 1)
    table = Table("figure", "value", title=f"Planted: {reduction:.0%} of the no-shows of contacted sessions prevented")
    for name, value in found.items():
        shown = value if isinstance(value, list) else [value]
        table.add_row(name.replace("_", " "), "  ".join(f"{v:.4f}" if isinstance(v, float) else str(v) for v in shown))
    Console(width=100).print(table)
    highest = found["coverage_absolute"][2]
    record([Line("contacts: upper bound of the coverage of the 95 % interval", highest, "", target=0.95)])
    if out:
        out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--reduction", type=float, default=REDUCTION)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    main(arguments.repetitions, arguments.reduction, arguments.out)
