"""A long list with a filter, a search and pages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import panel as pn
import panel_material_ui as pmui

from ui.parts.rendering import piece

Row = TypeVar("Row")

PAGE_LENGTH = 25

_PLAIN_BUTTONS = {"& .MuiToggleButton-root": {"textTransform": "none", "whiteSpace": "nowrap", "padding": "8px 11px"}}


@dataclass(frozen=True)
class Shown(Generic[Row]):
    """What a listing shows: rows in order, filters by label, which row is wanted, and the template of a page.

    `wanted` takes a row, the value of the chosen filter and what is searched for, in lower case.
    """

    rows: Sequence[Row]
    filters: Mapping[str, str]
    wanted: Callable[[Row, str, str], bool]
    template: str


class Listing(Generic[Row]):
    """The list with its filter, its search and its pages. The first filter is chosen at first."""

    def __init__(self, shown: Shown[Row]) -> None:
        self.shown = shown
        first = next(iter(shown.filters.values()))
        self.filter = pmui.RadioButtonGroup(options=dict(shown.filters), value=first, sx=_PLAIN_BUTTONS, margin=(12, 0))
        self.search = pmui.TextInput(label="Search by name or id", value="", width=280, size="small", margin=(12, 0))
        self.page = pmui.Pagination(count=1, value=0, margin=(16, 0))
        self.listing = pn.Column(sizing_mode="stretch_width")
        self.searched = ""
        self.filter.param.watch(self._first_page, "value")
        self.search.param.watch(self._search, ["value", "value_input"])
        self.page.param.watch(self._show, "value")
        self._first_page()

    def view(self) -> pn.Column:
        """Everything, top to bottom."""
        filters = pn.FlexBox(self.filter, self.search, align_items="center", gap="1rem", sizing_mode="stretch_width")
        return pn.Column(filters, self.listing, self.page, sizing_mode="stretch_width")

    def follow(self, location: Any, name: str) -> None:
        """Take the filters from the address and keep them there, so that a filtered list can be shared."""
        location.sync(self.filter, {"value": name}, on_error=_leave)
        location.sync(self.search, {"value": "search"}, on_error=_leave)

    def _search(self, *events: Any) -> None:
        # As typed, or as committed or given in the address, whichever came last.
        self.searched = str(events[-1].new).strip().casefold()
        self._first_page()

    def _first_page(self, *_: Any) -> None:
        self.page.count = max(1, -(-len(self._matching()) // PAGE_LENGTH))
        self.page.value = 0
        self._show()

    def _show(self, *_: Any) -> None:
        start = self.page.value * PAGE_LENGTH
        self.listing[:] = [piece(self.shown.template, rows=self._matching()[start : start + PAGE_LENGTH])]

    def _matching(self) -> list[tuple[int, Row]]:
        """The wanted rows, each with its place in the whole list."""
        wanted, chosen = self.shown.wanted, str(self.filter.value)
        return [
            (place, row) for place, row in enumerate(self.shown.rows, start=1) if wanted(row, chosen, self.searched)
        ]


def _leave(_: Any) -> None:
    """An address may ask for a filter there is not: it stays as it is."""
