"""Throughput and latency of reading scores: `python -m benchmarks.reading`.

10,000 tutors with all kinds of scores, saved every hour of the last day and daily before; the service as
`python -m serving` runs it on core 0, PostgreSQL and the load generator on core 1. A month of hourly scores of all
kinds would be 86 million rows: it makes the index that is probed one level deeper and nothing else, so the default
history is shorter; `--hours` makes it longer.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.load import LOAD_CORE, offer, request
from benchmarks.servers import pin, service
from domain.score_kinds import SCORE_KINDS
from domain.vocabulary import SubjectKind
from gateways.embedded_postgres.databases import empty_database
from gateways.embedded_postgres.server import EmbeddedServer
from store.db.engine import Engine, make_engine, upgrade

KEY = "a-key-for-the-benchmark"
HEADERS = {"X-API-Key": KEY}
WARM_SECONDS = 3.0
BOOKED, PAST = 3, 40
"""Sessions of each tutor to come and held."""

_FILL = (
    "INSERT INTO tutors (tutor_id, name) SELECT 't' || n, 'Tutor ' || n FROM generate_series(0, :last) AS n",
    """
    INSERT INTO sessions (session_id, tutor_id, booked_at, starts_at, status, outcome_known_at)
    SELECT
        format('s%s-%s', n, k), 't' || n, start - interval '3 days', start,
        CASE WHEN k < :booked THEN 'booked' ELSE 'completed' END,
        CASE WHEN k >= :booked THEN start + interval '1 hour' END
    FROM generate_series(0, :last) AS n, generate_series(0, :sessions) AS k,
        LATERAL (SELECT now() + interval '1 hour' * ((:booked - k) * 9 - 4) AS start) AS at
    """,
    """
    INSERT INTO scores (subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of)
    SELECT 'session', format('s%s-%s', n, k), 'no_show', random(), 0.1, 0.9, :reasons, 'Call', '7', now()
    FROM generate_series(0, :last) AS n, generate_series(0, 2) AS k
    """,
)
_SWEEP = text("""
    INSERT INTO scores (subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of)
    SELECT
        'tutor', 't' || n, kind, random(), 0.1, 0.9, :reasons, 'Call and ask how things are going', 'no_show 7',
        now() - interval '1 hour' * :age
    FROM unnest(CAST(:kinds AS text[])) AS kind, generate_series(0, :last) AS n
""")
REASONS = [
    {"theme": "no-shows", "text": "4 no-shows in the last 30 days (usual 0)", "effect": 1.2},
    {"theme": "silence", "text": "31 hours since the tutor last wrote (usual 9 hours)", "effect": 0.4},
    {"theme": "load", "text": "18 sessions in the last 7 days (usual 7)", "effect": 0.2},
]


@contextmanager
def filled(folder: Path, tutors: int, hours: int, days: int) -> Iterator[str]:
    """The address of a database with so many tutors, scored hourly for so many hours and daily before."""
    with EmbeddedServer(folder) as url:
        engine = make_engine(empty_database(url, "reading"))
        upgrade(engine)
        fill(engine, tutors, [*range(hours), *range(24 * max(hours // 24, 1), 24 * days, 24)])
        address = engine.url.render_as_string(hide_password=False)
        engine.dispose()
        yield address


def fill(engine: Engine, tutors: int, ages: list[int]) -> None:
    """Tutors, their sessions and the scores of sweeps so many hours ago."""
    common = {"last": tutors - 1, "reasons": json.dumps(REASONS)}
    kinds = [kind.value for kind, described in SCORE_KINDS.items() if described.subject is SubjectKind.TUTOR]
    with engine.begin() as connection:
        for statement in _FILL:
            values = {"booked": BOOKED, "sessions": BOOKED + PAST - 1} | common
            connection.execute(text(statement), values)
    for age in sorted(ages, reverse=True):
        with engine.begin() as connection:
            connection.execute(_SWEEP, common | {"age": age, "kinds": kinds})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def measured(address: str, tutors: int, rate: float, seconds: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """Answers a second and latencies in ms of each reading route at its rate, one after the other."""
    # A prime step, so that neighbours in the database are not asked for one after another.
    ids = [f"t{n * 7919 % tutors}" for n in range(tutors)]
    scores = [request("GET", f"/api/tutors/{tutor}/scores", headers=HEADERS) for tutor in ids]
    lists = [request("GET", f"/api/tutors?{query}", headers=HEADERS) for query in ("", "band=act", "sort=-churn_30d")]
    names = [request("GET", "/api/tutors?sort=name&limit=50", headers=HEADERS)]
    advice = [request("GET", f"/api/tutors/{tutor}/recommendations", headers=HEADERS) for tutor in ids]
    warm = round(rate * WARM_SECONDS)
    offer(
        address, scores[-warm:], rate, WARM_SECONDS
    )  # other tutors than the measured ones, until connections are open
    yield "scores", offer(address, scores, rate, seconds).summary()
    # Few connections: the service closes those that are silent for five seconds.
    yield "tutors", offer(address, lists, 5, seconds, connections=8).summary()
    yield "tutors by name", offer(address, names, 20, seconds).summary()
    yield "recommendations", offer(address, advice, 20, seconds).summary()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tutors", type=int, default=10_000)
    parser.add_argument("--hours", type=int, default=24, help="hours of hourly scores")
    parser.add_argument("--days", type=int, default=10, help="days of daily scores before")
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second for the scores of a tutor")
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    pin(LOAD_CORE)
    with tempfile.TemporaryDirectory(prefix="tqs-reading-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        began = time.monotonic()
        with filled(folder / "pg", asked.tutors, asked.hours, asked.days) as url:
            print(f"filled in {time.monotonic() - began:.0f} s")
            with service(url, folder, TQS_API_KEY=KEY, TQS_RATE_LIMIT="900000/minute") as address:
                for route, figures in measured(address, asked.tutors, asked.rate, asked.seconds):
                    print(f"{route:16} {json.dumps(figures)}", flush=True)


if __name__ == "__main__":
    main()
