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


class UnknownSubject(TutorQualityError):
    """There is no tutor or session of that id."""


class NoModel(TutorQualityError):
    """No model has been trained yet."""


class ModelMismatch(TutorQualityError):
    """The model's bytes are not those the ledger recorded."""


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
