"""Route of the drift reports in the data folder, behind the sign-in."""

from collections.abc import Callable
from pathlib import Path

from tornado.web import HTTPError, RequestHandler, StaticFileHandler

from domain.errors import DatabaseUnavailable, Forbidden, UnknownCaller
from domain.policy import Permission, Principal, check
from ui.access.secure_headers import REPORT_POLICY

PATTERN = r"/reports/(drift-[0-9]{4}-[0-9]{2}-[0-9]{2}\.html)"


def report_route(
    folder: Path, user_of: Callable[[RequestHandler], str | None], principal_of: Callable[[str], Principal]
) -> tuple[str, type[RequestHandler], dict[str, str]]:
    """The route of the reports in `folder`, for principals with SCORES_READ.

    `user_of` returns the user who is signed in, `principal_of` the principal of a user.
    """

    class Report(StaticFileHandler):
        """One report. Without a sign-in, a redirect to the sign-in page, which leads back here."""

        def set_extra_headers(self, path: str) -> None:
            self.set_header("Content-Security-Policy", REPORT_POLICY)
            self.set_header("Cache-Control", "private, no-cache")

        def prepare(self) -> None:
            user = user_of(self)
            if user is None:
                self.redirect(f"/login?next={self.request.path}")
                return
            try:
                check(principal_of(user), Permission.SCORES_READ)
            except (Forbidden, UnknownCaller) as error:
                raise HTTPError(403, str(error)) from None
            except DatabaseUnavailable:
                raise HTTPError(503) from None

    return PATTERN, Report, {"path": str(folder)}
