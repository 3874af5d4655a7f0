"""The list of tutors, the one who most needs help first."""

from collections.abc import Sequence

from domain.vocabulary import Band
from store.scores.ranking import RankedTutor
from ui.parts.listing import Listing, Shown
from ui.parts.words import BANDS

EVERY = "all"


def ranking(rows: Sequence[RankedTutor]) -> Listing[RankedTutor]:
    """The list of these tutors, filtered by level."""
    return Listing(Shown(rows, _levels(rows), _wanted, "ranking.html"))


def _wanted(row: RankedTutor, level: str, searched: str) -> bool:
    return level in {EVERY, row.band} and searched in f"{row.name} {row.tutor_id}".casefold()


def _levels(rows: Sequence[RankedTutor]) -> dict[str, str]:
    """Labels with counts, each to its value."""
    counts = {level: sum(row.band == level for row in rows) for level in (Band.ACT, Band.WATCH, Band.OK)}
    return {f"All ({len(rows):,})": EVERY} | {f"{BANDS[level]} ({n:,})": level.value for level, n in counts.items()}
