"""Delivery faults: events dropped, duplicated, reordered, late, sent slowly or disconnected."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from simulator.day import Event

ONE_PATH, BATCH_PATH = "/api/sessions", "/api/sessions/batch"
NEAR, FAR = 20.0, 0.2
"""Maximum displacement of a reordered event, in places, and of a late one, as a share of the day."""

Share = Field(0.0, ge=0, le=1)


class Faults(BaseModel):
    """Shares of the events with each fault.

    drop: never sent, so that only a sync fetches it. duplicate: sent a second time later. reorder: sent after some
    later events. delay: hours late. slow: its body is sent slowly. hang_up: the connection is closed before the
    response, and the event is sent again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    drop: float = Share
    duplicate: float = Share
    reorder: float = Share
    delay: float = Share
    slow: float = Share
    hang_up: float = Share


@dataclass(frozen=True)
class Letter:
    """One request, with the same id and body in every attempt."""

    id: str
    path: str
    body: bytes
    slow: bool = False
    hang_up: bool = False


@dataclass(frozen=True)
class SendingPlan:
    """Letters in the order of sending, and the ids of dropped events."""

    letters: tuple[Letter, ...]
    dropped: frozenset[str]


def plan(events: Sequence[Event], faults: Faults, seed: int, batch: int = 1) -> SendingPlan:
    """Plan letters of `batch` events each, with faults drawn independently for each event."""
    rng = np.random.default_rng(seed)
    n = len(events)
    place = np.arange(n, dtype=np.float64)
    place += (rng.random(n) < faults.reorder) * rng.uniform(0, NEAR, n)
    place += (rng.random(n) < faults.delay) * rng.uniform(0, FAR * n, n)
    sent = np.flatnonzero(rng.random(n) >= faults.drop)
    again = sent[rng.random(sent.size) < faults.duplicate]
    places = np.concatenate([place[sent], place[again] + rng.uniform(0, FAR * n, again.size)])
    order = np.concatenate([sent, again])[np.argsort(places, kind="stable")].tolist()
    letters = [_letter([events[row] for row in order[i : i + batch]], i) for i in range(0, len(order), batch)]
    slow, hang_up = rng.random(len(letters)) < faults.slow, rng.random(len(letters)) < faults.hang_up
    spoilt = zip(letters, slow.tolist(), hang_up.tolist(), strict=True)
    dropped = {events[row]["id"] for row in set(range(n)) - set(sent.tolist())}
    return SendingPlan(tuple(Letter(x.id, x.path, x.body, *how) for x, *how in spoilt), frozenset(dropped))


def _letter(events: list[Event], number: int) -> Letter:
    if len(events) == 1:
        return Letter(events[0]["id"], ONE_PATH, json.dumps(events[0]).encode())
    # A batch contains each event once: a second one with the same id would be identical.
    once = list({event["id"]: event for event in events}.values())
    return Letter(f"batch-{number}", BATCH_PATH, json.dumps({"events": once}).encode())
