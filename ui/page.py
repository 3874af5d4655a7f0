"""Declaration of one dashboard page."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from panel.viewable import Viewable

from domain.policy import Permission
from store.db.engine import Engine

FRONT = "./"
"""Address of the first page: relative, so that links work behind a proxy with a path."""


@dataclass(frozen=True)
class PageRequest:
    """Arguments of a page's view. `tutor_id` is the `id` in the address, empty without one."""

    engine: Engine
    now: datetime
    tutor_id: str = ""


@dataclass(frozen=True)
class Page:
    """One page: its address, title, required permission and view.

    A page with `per_tutor` shows the tutor named by `?id=` in its address, so it is not in the navigation.
    The view raises DatabaseUnavailable.
    """

    address: str
    title: str
    permission: Permission
    view: Callable[[PageRequest], Viewable]
    per_tutor: bool = False

    @property
    def route(self) -> str:
        """The address as the server registers it."""
        return "/" if self.address == FRONT else self.address
