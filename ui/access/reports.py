"""Drift reports: pages that a check wrote into the data folder, for those who are signed in."""

from collections.abc import Callable
from pathlib import Path

from tornado.web import HTTPError, RequestHandler, StaticFileHandler

from domain.errors import DatabaseUnavailable, Forbidden, UnknownCaller
from domain.policy import Permission, Principal, check
from ui.access.secure_headers import REPORT_POLICY

PATTERN = r"/reports/(drift-[0-9]{4}-[0-9]{2}-[0-9]{2}\.html)"


def report_route(
    folder: Path, user_of: Callable[[RequestHandler], str | None], named: Callable[[str], Principal]
) -> tuple[str, type[RequestHandler], dict[str, str]]:
    """The route of the reports in a folder, for those who may read scores.

    `user_of` gives the user who is signed in, `named` the principal of a user.
    """

    class Report(StaticFileHandler):
        """One report; without a sign-in the way to the sign-in page and back."""

        def set_extra_headers(self, path: str) -> None:
            self.set_header("Content-Security-Policy", REPORT_POLICY)
            self.set_header("Cache-Control", "private, no-cache")

        def prepare(self) -> None:
            user = user_of(self)
            if user is None:
                self.redirect(f"/login?next={self.request.path}")
                return
            try:
                check(named(user), Permission.SCORES_READ)
            except (Forbidden, UnknownCaller) as error:
                raise HTTPError(403, str(error)) from None
            except DatabaseUnavailable:
                raise HTTPError(503) from None

    return PATTERN, Report, {"path": str(folder)}
