"""The list of tutors, the one who most needs help first."""

from collections.abc import Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui

from domain.vocabulary import Band
from store.views import RankedTutor
from ui.rendering import piece
from ui.words import BANDS

PAGE_LENGTH = 25
EVERY = "all"

_PLAIN_BUTTONS = {"& .MuiToggleButton-root": {"textTransform": "none", "whiteSpace": "nowrap", "padding": "8px 11px"}}


class Ranking:
    """The list with its level filter, its search and its pages."""

    def __init__(self, rows: Sequence[RankedTutor]) -> None:
        self.rows = rows
        self.level = pmui.RadioButtonGroup(options=_levels(rows), value=EVERY, sx=_PLAIN_BUTTONS, margin=(12, 0))
        self.search = pmui.TextInput(label="Search by name or id", value="", width=280, size="small", margin=(12, 0))
        self.page = pmui.Pagination(count=1, value=0, margin=(16, 0))
        self.listing = pn.Column(sizing_mode="stretch_width")
        self.wanted = ""
        self.level.param.watch(self._first_page, "value")
        self.search.param.watch(self._search, ["value", "value_input"])
        self.page.param.watch(self._show, "value")
        self._first_page()

    def view(self) -> pn.Column:
        """Everything, top to bottom."""
        filters = pn.FlexBox(self.level, self.search, align_items="center", gap="1rem", sizing_mode="stretch_width")
        return pn.Column(filters, self.listing, self.page, sizing_mode="stretch_width")

    def follow(self, location: Any) -> None:
        """Take the filters from the address and keep them there, so that a filtered list can be shared."""
        location.sync(self.level, {"value": "level"}, on_error=_leave)
        location.sync(self.search, {"value": "search"}, on_error=_leave)

    def _search(self, *events: Any) -> None:
        # As typed, or as committed or given in the address, whichever came last.
        self.wanted = str(events[-1].new).strip().casefold()
        self._first_page()

    def _first_page(self, *_: Any) -> None:
        self.page.count = max(1, -(-len(self._matching()) // PAGE_LENGTH))
        self.page.value = 0
        self._show()

    def _show(self, *_: Any) -> None:
        start = self.page.value * PAGE_LENGTH
        self.listing[:] = [piece("ranking.html", rows=self._matching()[start : start + PAGE_LENGTH])]

    def _matching(self) -> list[tuple[int, RankedTutor]]:
        return [
            (place, row)
            for place, row in enumerate(self.rows, start=1)
            if self.level.value in {EVERY, row.band} and self.wanted in f"{row.name} {row.tutor_id}".casefold()
        ]


def _levels(rows: Sequence[RankedTutor]) -> dict[str, str]:
    """Labels with counts, each to its value."""
    counts = {level: sum(row.band == level for row in rows) for level in (Band.ACT, Band.WATCH, Band.OK)}
    return {f"All ({len(rows):,})": EVERY} | {f"{BANDS[level]} ({n:,})": level.value for level, n in counts.items()}


def _leave(_: Any) -> None:
    """An address may ask for a level there is not: the filter stays as it is."""
