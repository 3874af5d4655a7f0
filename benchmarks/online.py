"""Predictions about stored sessions, the features computed from the database at the moment of asking.

`python -m benchmarks.online [--rate 50] [--seconds 20] [--tutors 100] [--sessions 1000] [--out FILE]`. Every tutor has
so many past sessions, half as many messages and a tenth as many reschedules. The service is one worker process; it and
its PostgreSQL share one core, the load has the other. Requests arrive at a fixed rate and a latency counts from the
moment a request was due. Histories are kept between questions; the last line is of a question a tutor, each the first
after a session of that tutor was rated. "steps" are of a question about a tutor whose history is not kept, in one
process without HTTP.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from benchmarks.load import SERVER_CORE, offer, request, saturate
from benchmarks.servers import pin, service
from benchmarks.stored import Stored, stored
from features.history.history import History
from models.score.scoring import score_sessions
from quality.reasons import with_reason_codes
from store.db.engine import make_engine
from store.facts.history import HISTORY_KINDS, read_dataset

KEY = "a-key-for-the-benchmark"
HEADERS = {"Authorization": f"Bearer {KEY}"}
ASKED = 500
PATH = "/api/predict/no_show"
STEPS = ("read the history", "classes of reasons", "code the history", "columns, model, score")
_RATE_ONE = text("""
    UPDATE sessions SET rating = 4 WHERE session_id IN (
        SELECT max(session_id) FROM sessions WHERE status = 'completed' GROUP BY tutor_id
    )
""")

Figures = dict[str, dict[str, Any]]


def questions(made: Stored) -> Mapping[str, list[bytes]]:
    """The requests of each sort: a session that is booked, one that is described, and the first explained."""
    tutor_of = made.tutor_of()
    known = [{"session_id": session_id} for session_id in made.booked()[:ASKED]]
    tomorrow = (made.now + timedelta(days=1)).isoformat()
    described = [{"tutor_id": tutor_of[str(body["session_id"])], "starts_at": tomorrow} for body in known]
    bodies: dict[str, list[dict[str, Any]]] = {
        "a booked session": known,
        "a described session": described,
        "a booked session, explained": [body | {"explain": True} for body in known],
    }
    return {name: [request("POST", PATH, body, HEADERS) for body in of] for name, of in bodies.items()}


def measure(address: str, made: Stored, rate: float, seconds: float) -> Figures:
    """Latencies of each kind of request at a rate, and the maximum throughput."""
    found: Figures = {}
    for name, asked in questions(made).items():
        saturate(address, asked, 3, 2)
        found[name] = offer(address, asked, rate, seconds).summary()
        found[name]["most a second"] = saturate(address, asked, 5, 4).rate
    found["the first about a tutor"] = first_questions(address, made, rate)
    return found


def first_questions(address: str, made: Stored, rate: float) -> dict[str, Any]:
    """Latency of a request after a write about the same tutor."""
    tutor_of = made.tutor_of()
    one_each = {tutor_of[session_id]: session_id for session_id in made.booked()}.values()
    asked = [request("POST", PATH, {"session_id": session_id}, HEADERS) for session_id in one_each]
    engine = make_engine(made.url)
    with engine.begin() as connection:
        connection.execute(_RATE_ONE)
        connection.execute(text("UPDATE tutors SET history_stamp = gen_random_uuid()"))
    engine.dispose()
    return offer(address, asked, rate, len(asked) / rate).summary()


def steps(made: Stored) -> dict[str, float]:
    """Median milliseconds of each step, with sequential requests."""
    tutor_of = made.tutor_of()
    engine = make_engine(made.url)
    taken: dict[str, list[float]] = {name: [] for name in STEPS}
    for session_id in made.booked()[:ASKED]:
        for name, milliseconds in zip(STEPS, _timed(made, engine, session_id, tutor_of[session_id]), strict=True):
            taken[name].append(milliseconds)
    engine.dispose()
    return {name: statistics.median(values) for name, values in taken.items()}


def _timed(made: Stored, engine: Any, session_id: str, tutor_id: str) -> list[float]:
    moments = [time.perf_counter()]

    def done(result: Any) -> Any:
        moments.append(time.perf_counter())
        return result

    dataset = done(read_dataset(engine, [tutor_id], HISTORY_KINDS))
    dataset = done(with_reason_codes(dataset))
    history = History(dataset)
    rows = dataset.tables["sessions"]
    place = rows["session_id"].to_pylist().index(session_id)
    session = done(history.columns_of(rows.slice(place, 1)))
    done(score_sessions(made.model, "1", history, [session_id], session, made.now, with_reasons=False))
    return [1000 * (after - before) for before, after in pairwise(moments)]


@contextmanager
def running(tutors: int, sessions: int) -> Iterator[tuple[str, Stored]]:
    """The service on its core, on a database of such tutors."""
    with ExitStack() as stack:
        pin()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o711)  # the database's account must be able to enter
        made = stack.enter_context(stored(folder, tutors, sessions, trees=300))
        settings = {"TQS_API_KEY": KEY, "TQS_RATE_LIMIT": "999999/second"}
        yield stack.enter_context(service(made.url, folder, SERVER_CORE, **settings)), made


def show(found: Figures, of_steps: Mapping[str, float], console: Console) -> None:
    table = Table("asked about", "a second", "p50 ms", "p95 ms", "p99 ms", "most a second", "answers")
    for name, f in found.items():
        figures = [str(f[key]) for key in ("rate", "p50", "p95", "p99")]
        most = f"{f['most a second']:.0f}" if "most a second" in f else ""
        table.add_row(name, *figures, most, str(f["statuses"]))
    console.print(table)
    each = Table("step", "median ms")
    for name, milliseconds in of_steps.items():
        each.add_row(name, f"{milliseconds:.2f}")
    console.print(each)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--tutors", type=int, default=100)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with running(options.tutors, options.sessions) as (address, made):
        found = measure(address, made, options.rate, options.seconds)
        of_steps = steps(made)
    show(found, of_steps, Console(width=140))
    if options.out:
        options.out.write_text(json.dumps({"questions": found, "steps": of_steps}, indent=1))


if __name__ == "__main__":
    main()
