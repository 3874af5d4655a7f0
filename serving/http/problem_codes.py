"""What each `code` of a problem means and what to do about it, for docs/api.md. A test looks that none is missing."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Meaning(NamedTuple):
    """The status a code comes with, what happened, and what to do."""

    status: int
    meaning: str
    advice: str


_LATER = "Try again after `Retry-After` seconds."

CODES: Mapping[str, Meaning] = MappingProxyType(
    {
        "bad_request": Meaning(
            400, "The bytes cannot be read, as those of a body that is no JSON.", "Mend the sender."
        ),
        "unknown_version": Meaning(400, "`TQS-Version` names no version there is.", "Send one that `detail` names."),
        "invalid_scope": Meaning(400, "A token was asked for what the key may not do.", "Ask for less."),
        "unsupported_grant_type": Meaning(
            400, "The grant is not `client_credentials`.", "Send `grant_type=client_credentials`."
        ),
        "wrong_key": Meaning(
            401, "There is no key or token, or a wrong, expired or revoked one.", "Get another; do not try again."
        ),
        "invalid_client": Meaning(
            401, "The client is unknown, or its secret is wrong.", "Check the key's id and secret."
        ),
        "bad_signature": Meaning(
            401,
            "The webhook is not signed with our secret, was changed on its way, or is more than five minutes old.",
            "Check the secret and the clock, sign again, send again.",
        ),
        "forbidden": Meaning(403, "The key is good, but may not do this.", "Use a key of another role or scope."),
        "unclassified": Meaning(403, "The route is on no list of permissions.", "Tell us: that is our mistake."),
        "not_found": Meaning(404, "There is nothing at this path.", "Check the path."),
        "unknown_subject": Meaning(
            404,
            "There is nothing with this id: no tutor, session, student, transcript, key, delivery or parked event.",
            "Check the id; of a tutor or session, send its event first.",
        ),
        "method_not_allowed": Meaning(405, "The path is there, the method is not.", "See the header `Allow`."),
        "not_upcoming": Meaning(
            409, "The session has begun or is no longer booked.", "Nothing: it is too late to predict."
        ),
        "not_active": Meaning(
            409, "The tutor delivered no session lately, or has left.", "Nothing: nobody can leave twice."
        ),
        "event_conflict": Meaning(
            409, "The id was taken before with another body.", "Send what changed as a new event with a new id."
        ),
        "request_timeout": Meaning(408, "The body did not come within 30 seconds.", "Send it again."),
        "body_too_large": Meaning(413, "The body has more than 1,500,000 bytes.", "Send less at once."),
        "not_json": Meaning(415, "The body is not `application/json`.", "Send that `Content-Type`."),
        "invalid_request": Meaning(
            422, "Fields cannot be used; `errors` names each.", "Mend them; do not try again as it is."
        ),
        "invalid_key": Meaning(422, "A key cannot be made as asked for.", "Mend what `detail` names."),
        "too_many_requests": Meaning(429, "More requests than the limit.", _LATER),
        "internal_error": Meaning(500, "An error of ours.", "Try again a few times; tell us the `request_id`."),
        "unavailable": Meaning(503, "The service cannot answer now.", _LATER),
        "database_unavailable": Meaning(503, "The database does not answer.", _LATER),
        "no_model": Meaning(503, "No model has been trained yet.", "Train one: `tqs train`."),
        "model_mismatch": Meaning(
            503, "The model's bytes are not those recorded, or its columns are gone.", "Train again."
        ),
    }
)
"""By code."""
