"""Errors that a user can act on. Each docstring is the default message."""

from enum import IntEnum
from typing import ClassVar, NamedTuple


class ExitCode(IntEnum):
    """Exit code of the command `tqs` after an error. 3 means rejected rows, which is no error."""

    FAILURE = 1
    INVALID_INPUT = 2
    NOT_ENOUGH_DATA = 4
    SERVICE_UNAVAILABLE = 5
    INTEGRITY = 6
    GATE_NOT_PASSED = 7


class ProblemCode(NamedTuple):
    """One `code` of the API's problem documents: its HTTP status, what happened and what the caller should do."""

    status: int
    code: str
    meaning: str
    advice: str


RETRY_LATER = "Retry after `Retry-After` seconds."


class TutorQualityError(Exception):
    """Something went wrong."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILURE
    problem: ClassVar[ProblemCode] = ProblemCode(
        500, "internal_error", "An error in the service.", "Retry a few times, then report the `request_id`."
    )

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class InvalidDataset(TutorQualityError):
    """The dataset file cannot be used."""

    exit_code = ExitCode.INVALID_INPUT


class NothingUsable(TutorQualityError):
    """No row of the dataset could be used."""

    exit_code = ExitCode.INVALID_INPUT


class NotEnoughData(TutorQualityError):
    """Too few sessions have an outcome to train on."""

    exit_code = ExitCode.NOT_ENOUGH_DATA


class LateFeature(TutorQualityError):
    """A field that is written only after the outcome was requested as a feature."""

    exit_code = ExitCode.INVALID_INPUT


class LeakSuspected(TutorQualityError):
    """A column appears to leak the outcome it should predict."""

    exit_code = ExitCode.INVALID_INPUT


class UnknownSubject(TutorQualityError):
    """There is no tutor or session with that id."""

    exit_code = ExitCode.INVALID_INPUT
    problem = ProblemCode(
        404,
        "unknown_subject",
        "No tutor, session, student, transcript, key, delivery or parked event has this id.",
        "Check the id; for a tutor or session, send its event first.",
    )


class NotUpcoming(TutorQualityError):
    """The session has begun or is no longer booked."""

    exit_code = ExitCode.INVALID_INPUT
    problem = ProblemCode(
        409, "not_upcoming", "The session has begun or is no longer booked.", "No action: it is too late to predict."
    )


class NotActive(TutorQualityError):
    """The tutor has no recent session, or has left."""

    exit_code = ExitCode.INVALID_INPUT
    problem = ProblemCode(
        409,
        "not_active",
        "The tutor has no recent session, or has left.",
        "No action: the tutor is not active, so churn is not predicted.",
    )


class NoModel(TutorQualityError):
    """No model has been trained yet."""

    exit_code = ExitCode.NOT_ENOUGH_DATA
    problem = ProblemCode(503, "no_model", "No model has been trained yet.", "Train one: `tqs train`.")


class UnknownVersion(TutorQualityError):
    """The ledger has no such version of the model."""

    exit_code = ExitCode.INVALID_INPUT


class NotPassed(TutorQualityError):
    """The gate has not passed this version: promoting it requires force and a reason."""

    exit_code = ExitCode.GATE_NOT_PASSED


class ModelMismatch(TutorQualityError):
    """The model's bytes differ from those recorded in the ledger."""

    exit_code = ExitCode.INTEGRITY
    problem = ProblemCode(
        503,
        "model_mismatch",
        "The model's bytes differ from those recorded, or its columns no longer exist.",
        "Train again: `tqs train`.",
    )


class EngineUnavailable(TutorQualityError):
    """The distributed compute engine is not installed or does not respond."""

    exit_code = ExitCode.SERVICE_UNAVAILABLE


class DatabaseUnavailable(TutorQualityError):
    """The database does not respond."""

    exit_code = ExitCode.SERVICE_UNAVAILABLE
    problem = ProblemCode(503, "database_unavailable", "The database does not respond.", RETRY_LATER)


class InvalidSettings(TutorQualityError):
    """A setting is missing or invalid."""

    exit_code = ExitCode.INVALID_INPUT


class RegistryUnavailable(TutorQualityError):
    """The model registry does not respond."""

    exit_code = ExitCode.SERVICE_UNAVAILABLE


class InvalidMail(TutorQualityError):
    """The mail is invalid and cannot be sent."""

    exit_code = ExitCode.INVALID_INPUT


class MailNotSent(TutorQualityError):
    """The mail was not sent; it is safe to retry."""

    exit_code = ExitCode.SERVICE_UNAVAILABLE


class MailOutcomeUnknown(TutorQualityError):
    """The mail may or may not have been sent."""


class ContactClosed(TutorQualityError):
    """The contact cannot change from its current status to the requested one."""

    exit_code = ExitCode.INVALID_INPUT


class Forbidden(TutorQualityError):
    """The caller is authenticated but lacks the permission."""

    exit_code = ExitCode.INVALID_INPUT
    problem = ProblemCode(
        403, "forbidden", "The key is valid, but lacks the permission.", "Use a key with another role or scope."
    )


class UnknownCaller(TutorQualityError):
    """The API key or access token is missing, wrong, expired or revoked."""

    exit_code = ExitCode.INVALID_INPUT
    problem = ProblemCode(
        401,
        "wrong_key",
        "The key or token is missing, wrong, expired or revoked.",
        "Use another key; do not retry with this one.",
    )


class BadSignature(TutorQualityError):
    """The webhook's signature matches none of the configured secrets."""

    exit_code = ExitCode.INVALID_INPUT
    problem = ProblemCode(
        401,
        "bad_signature",
        "The webhook is not signed with our secret, was changed in transit, or is more than five minutes old.",
        "Check the secret and the clock, then sign and send again.",
    )


class InvalidEvent(TutorQualityError):
    """The event is invalid."""

    exit_code = ExitCode.INVALID_INPUT


class EventConflict(TutorQualityError):
    """An event with that id was accepted before with a different body."""

    exit_code = ExitCode.INVALID_INPUT
    problem = ProblemCode(
        409,
        "event_conflict",
        "An event with this id was accepted before with a different body.",
        "Send the change as a new event with a new id.",
    )


class RailsUnavailable(TutorQualityError):
    """The Rails app does not respond."""

    exit_code = ExitCode.SERVICE_UNAVAILABLE


class InvalidKey(TutorQualityError):
    """The requested API key is invalid."""

    exit_code = ExitCode.INVALID_INPUT
    problem = ProblemCode(422, "invalid_key", "The requested API key is invalid.", "Correct what `detail` names.")


class TooManyRequests(TutorQualityError):
    """The caller exceeded its rate limit."""

    problem = ProblemCode(429, "too_many_requests", "The caller exceeded its rate limit.", RETRY_LATER)

    def __init__(self, wait_seconds: int, what: str = "too many requests") -> None:
        super().__init__(f"{what}: retry in {wait_seconds} s")
        self.wait_seconds = wait_seconds
