"""Paginated list with a filter and a search."""

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
class ListContent(Generic[Row]):
    """Content of a listing: rows in order, filter values by label, the row predicate and the template of a page.

    `wanted` takes a row, the value of the chosen filter and the search text in lower case.
    """

    rows: Sequence[Row]
    filters: Mapping[str, str]
    wanted: Callable[[Row, str, str], bool]
    template: str


class Listing(Generic[Row]):
    """A list with filter, search and pagination. The first filter is selected initially."""

    def __init__(self, content: ListContent[Row]) -> None:
        self.content = content
        first = next(iter(content.filters.values()))
        self.filter = pmui.RadioButtonGroup(
            options=dict(content.filters), value=first, sx=_PLAIN_BUTTONS, margin=(12, 0)
        )
        self.search = pmui.TextInput(label="Search by name or id", value="", width=280, size="small", margin=(12, 0))
        self.page = pmui.Pagination(count=1, value=0, margin=(16, 0))
        self.listing = pn.Column(sizing_mode="stretch_width")
        self.search_text = ""
        self.filter.param.watch(self._first_page, "value")
        self.search.param.watch(self._search, ["value", "value_input"])
        self.page.param.watch(self._show, "value")
        self._first_page()

    def view(self) -> pn.Column:
        """Filter, search, list and page selector as one column."""
        filters = pn.FlexBox(self.filter, self.search, align_items="center", gap="1rem", sizing_mode="stretch_width")
        return pn.Column(filters, self.listing, self.page, sizing_mode="stretch_width")

    def follow(self, location: Any, name: str) -> None:
        """Sync filter and search with the address, so that a filtered list can be shared."""
        location.sync(self.filter, {"value": name}, on_error=_ignore)
        location.sync(self.search, {"value": "search"}, on_error=_ignore)

    def _search(self, *events: Any) -> None:
        # The last of three sources: typing, commit, address.
        self.search_text = str(events[-1].new).strip().casefold()
        self._first_page()

    def _first_page(self, *_: Any) -> None:
        self.page.count = max(1, -(-len(self._matching()) // PAGE_LENGTH))
        self.page.value = 0
        self._show()

    def _show(self, *_: Any) -> None:
        start = self.page.value * PAGE_LENGTH
        self.listing[:] = [piece(self.content.template, rows=self._matching()[start : start + PAGE_LENGTH])]

    def _matching(self) -> list[tuple[int, Row]]:
        """Rows that match filter and search, each with its place in the whole list, from 1."""
        wanted, filter_value = self.content.wanted, str(self.filter.value)
        return [
            (place, row)
            for place, row in enumerate(self.content.rows, start=1)
            if wanted(row, filter_value, self.search_text)
        ]


def _ignore(_: Any) -> None:
    """Keep the current filter when the address names an unknown one."""
