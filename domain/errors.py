"""Errors that a user can act on. Each docstring is the default message."""


class TutorQualityError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class InvalidDataset(TutorQualityError):
    """The dataset file cannot be used."""


class NothingUsable(TutorQualityError):
    """No row of the dataset could be used."""


class NotEnoughData(TutorQualityError):
    """Too few sessions have an outcome to train on."""


class LateFeature(TutorQualityError):
    """A field that is written only after the outcome was requested as a feature."""


class LeakSuspected(TutorQualityError):
    """A column appears to leak the outcome it should predict."""


class UnknownSubject(TutorQualityError):
    """There is no tutor or session with that id."""


class NoModel(TutorQualityError):
    """No model has been trained yet."""


class UnknownVersion(TutorQualityError):
    """The ledger has no such version of the model."""


class NotPassed(TutorQualityError):
    """The gate has not passed this version: promoting it requires force and a reason."""


class ModelMismatch(TutorQualityError):
    """The model's bytes differ from those recorded in the ledger."""


class EngineUnavailable(TutorQualityError):
    """The distributed compute engine is not installed or does not respond."""


class DatabaseUnavailable(TutorQualityError):
    """The database does not respond."""


class InvalidSettings(TutorQualityError):
    """A setting is missing or invalid."""


class RegistryUnavailable(TutorQualityError):
    """The model registry does not respond."""


class InvalidMail(TutorQualityError):
    """The mail is invalid and cannot be sent."""


class MailNotSent(TutorQualityError):
    """The mail was not sent; it is safe to retry."""


class MailOutcomeUnknown(TutorQualityError):
    """The mail may or may not have been sent."""


class ContactClosed(TutorQualityError):
    """The contact cannot change from its current status to the requested one."""


class Forbidden(TutorQualityError):
    """The caller is authenticated but lacks the permission."""


class UnknownCaller(TutorQualityError):
    """The API key or access token is missing, wrong, expired or revoked."""


class BadSignature(TutorQualityError):
    """The webhook's signature matches none of the configured secrets."""


class InvalidEvent(TutorQualityError):
    """The event is invalid."""


class EventConflict(TutorQualityError):
    """An event with that id was accepted before with a different body."""


class RailsUnavailable(TutorQualityError):
    """The Rails app does not respond."""


class InvalidKey(TutorQualityError):
    """The requested API key is invalid."""


class TooManyRequests(TutorQualityError):
    """The caller exceeded its rate limit."""

    def __init__(self, wait_seconds: int, what: str = "too many requests") -> None:
        super().__init__(f"{what}: retry in {wait_seconds} s")
        self.wait_seconds = wait_seconds
