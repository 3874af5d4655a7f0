"""What can go wrong in a way a user can mend. The docstring is the default message."""


class TutorQualityError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class InvalidDataset(TutorQualityError):
    """The dataset file cannot be used."""


class NothingUsable(TutorQualityError):
    """No row of the dataset could be used."""


class NotEnoughData(TutorQualityError):
    """There is too little finished history to train on."""


class LateFeature(TutorQualityError):
    """A field written only after the outcome was asked for as a feature."""


class LeakSuspected(TutorQualityError):
    """A column seems to know the outcome it should foretell."""


class UnknownSubject(TutorQualityError):
    """There is no tutor or session of that id."""


class NoModel(TutorQualityError):
    """No model has been trained yet."""


class UnknownVersion(TutorQualityError):
    """The ledger knows no such version of the model."""


class NotPassed(TutorQualityError):
    """The gate has not passed this version: it is promoted by force only, with a reason."""


class ModelMismatch(TutorQualityError):
    """The model's bytes are not those the ledger recorded."""


class EngineUnavailable(TutorQualityError):
    """The engine that computes on many workers is not installed or does not answer."""


class DatabaseUnavailable(TutorQualityError):
    """The database does not answer."""


class InvalidSettings(TutorQualityError):
    """A setting is missing or wrong."""


class RegistryUnavailable(TutorQualityError):
    """The model registry does not answer."""


class InvalidMail(TutorQualityError):
    """A mail cannot be sent as it is written."""


class MailNotSent(TutorQualityError):
    """A mail was surely not sent, and can be tried again."""


class MailOutcomeUnknown(TutorQualityError):
    """A mail may or may not have been sent."""


class ContactClosed(TutorQualityError):
    """The contact cannot go from how it stands to what was asked."""


class Forbidden(TutorQualityError):
    """The caller is known, but may not do this."""


class UnknownCaller(TutorQualityError):
    """There is no key, or a wrong, expired or revoked one."""


class BadSignature(TutorQualityError):
    """The webhook is not signed with a secret known here."""


class InvalidEvent(TutorQualityError):
    """The event cannot be used as it is."""


class EventConflict(TutorQualityError):
    """An event of that id was taken before with another body."""


class RailsUnavailable(TutorQualityError):
    """The Rails app does not answer."""


class InvalidKey(TutorQualityError):
    """A key cannot be made as it was asked for."""


class TooManyRequests(TutorQualityError):
    """The caller asked more often than it may."""

    def __init__(self, wait_seconds: int, what: str = "too many requests") -> None:
        super().__init__(f"{what}: come again in {wait_seconds} s")
        self.wait_seconds = wait_seconds
