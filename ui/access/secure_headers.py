"""Security headers of every dashboard response: pages, static files, redirects and errors."""

from typing import Any

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform

PAGE_POLICY = (
    # Bokeh compiles parts of its pages in the browser and Panel loads components from blobs: hence eval and blob.
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
REPORT_POLICY = (
    # Evidently's page contains inline scripts. The sandbox denies them the dashboard's cookies and pages.
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class SecureHeaders(OutputTransform):
    """Adds the headers that a handler has not set itself. Tornado applies it to every response."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """The response with the headers added."""
        for name, value in _HEADERS.items():
            if name not in headers:
                headers[name] = value
        headers.pop("Server", None)  # hides the server's version
        return status_code, headers, chunk


def log_request(handler: Any) -> None:
    """Log a failed request by its handler, never by path or query, which may contain a tutor's id."""
    from tornado.log import access_log

    status = handler.get_status()
    if status >= 500:
        access_log.error("%d %s %s", status, handler.request.method, type(handler).__name__)
