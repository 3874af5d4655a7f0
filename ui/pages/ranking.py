"""Ranking page: active tutors by need of help, highest score first."""

from collections.abc import Sequence

import panel as pn
from panel.viewable import Viewable

from domain.policy import Permission
from domain.vocabulary import Band
from store.scores.tutor_list import ListedTutor, ranked_tutors
from ui.page import FRONT, Page, PageRequest
from ui.parts.listing import ListContent, Listing
from ui.parts.rendering import piece
from ui.parts.verdict import warning, without_scores
from ui.parts.words import BANDS

EVERY = "all"


def ranking_view(request: PageRequest) -> Viewable:
    """The ranking with its filter and search kept in the address. Raises DatabaseUnavailable."""
    rows = ranked_tutors(request.engine, request.now)
    if not rows:
        return without_scores(request.engine)
    listing = ranking(rows)
    if pn.state.location:
        listing.follow(pn.state.location, "level")
    head = piece("ranking_head.html", rows=rows)
    return pn.Column(*warning(request.engine), head, listing.view(), sizing_mode="stretch_width")


PAGE = Page(FRONT, "Tutors", Permission.SCORES_READ, ranking_view)


def ranking(rows: Sequence[ListedTutor]) -> Listing[ListedTutor]:
    """The list of ranked tutors, filtered by band."""
    return Listing(ListContent(rows, _levels(rows), _wanted, "ranking.html"))


def _wanted(row: ListedTutor, level: str, search_text: str) -> bool:
    return level in {EVERY, row.band} and search_text in f"{row.name} {row.tutor_id}".casefold()


def _levels(rows: Sequence[ListedTutor]) -> dict[str, str]:
    """Filter values by label; each label carries its row count."""
    counts = {level: sum(row.band == level for row in rows) for level in (Band.ACT, Band.WATCH, Band.OK)}
    return {f"All ({len(rows):,})": EVERY} | {f"{BANDS[level]} ({n:,})": level.value for level, n in counts.items()}
