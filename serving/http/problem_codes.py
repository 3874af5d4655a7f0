"""Every `code` of a problem document: those of the HTTP layer, and those declared on the domain errors."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from types import MappingProxyType

from domain.errors import RETRY_LATER, Forbidden, ProblemCode, TutorQualityError, UnknownCaller

HTTP_CODES = (
    ProblemCode(400, "bad_request", "The bytes of the request cannot be decoded.", "Correct the sender."),
    ProblemCode(400, "unknown_version", "`TQS-Version` names no existing version.", "Send one that `detail` names."),
    ProblemCode(400, "invalid_scope", "The requested scope exceeds that of the key.", "Request fewer permissions."),
    ProblemCode(
        400,
        "unsupported_grant_type",
        "The grant is not `client_credentials`.",
        "Send `grant_type=client_credentials`.",
    ),
    ProblemCode(
        401, "invalid_client", "The client is unknown, or its secret is wrong.", "Check the key's id and secret."
    ),
    ProblemCode(403, "unclassified", "The route declares no permission.", "Report it: it is a bug of the service."),
    ProblemCode(404, "not_found", "There is nothing at this path.", "Check the path."),
    ProblemCode(405, "method_not_allowed", "The path exists, but not with this method.", "See the header `Allow`."),
    ProblemCode(408, "request_timeout", "The body did not arrive within 30 seconds.", "Send it again."),
    ProblemCode(413, "body_too_large", "The body has more than 1,500,000 bytes.", "Send smaller bodies."),
    ProblemCode(415, "not_json", "The body is not `application/json`.", "Send that `Content-Type`."),
    ProblemCode(
        422,
        "invalid_request",
        "Fields of the request are invalid; `errors` names each.",
        "Correct them; do not retry unchanged.",
    ),
    ProblemCode(503, "unavailable", "The service is temporarily unavailable.", RETRY_LATER),
)
"""Codes of refusals that are no domain errors."""


def _domain_codes(error: type[TutorQualityError] = TutorQualityError) -> Iterator[ProblemCode]:
    yield error.problem
    for kind in error.__subclasses__():
        yield from _domain_codes(kind)


def _codes() -> Iterator[ProblemCode]:
    every = dict.fromkeys((UnknownCaller.problem, Forbidden.problem, *HTTP_CODES, *_domain_codes()))
    return iter(sorted(every, key=lambda code: code.status))


CODES: Mapping[str, ProblemCode] = MappingProxyType({code.code: code for code in _codes()})
"""By code, ordered by status. The first code of a status is its default."""

_DEFAULTS: Mapping[int, str] = {code.status: code.code for code in reversed(tuple(CODES.values()))}


def default_code(status: int) -> str:
    """The code of a response with this status that names none itself."""
    return _DEFAULTS.get(status, HTTPStatus(status).name.lower())
