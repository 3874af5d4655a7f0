"""Which error ends the command with which exit code. Nothing prints a traceback to a user."""

from collections.abc import Mapping
from types import MappingProxyType

from domain import errors

EXIT_CODES: Mapping[type[errors.TutorQualityError], int] = MappingProxyType(
    {
        errors.InvalidDataset: 2,
        errors.NothingUsable: 2,
        errors.InvalidSettings: 2,
        errors.LateFeature: 2,
        errors.LeakSuspected: 2,
        errors.UnknownSubject: 2,
        errors.UnknownVersion: 2,
        errors.ContactClosed: 2,
        errors.NotEnoughData: 4,
        errors.NoModel: 4,
        errors.DatabaseUnavailable: 5,
        errors.ModelMismatch: 6,
        errors.NotPassed: 7,
        errors.RegistryUnavailable: 5,
        errors.EngineUnavailable: 5,
        errors.MailNotSent: 5,
        errors.InvalidMail: 2,
        errors.InvalidEvent: 2,
        errors.InvalidKey: 2,
        errors.EventConflict: 2,
        errors.Forbidden: 2,
        errors.UnknownCaller: 2,
        errors.BadSignature: 2,
        errors.RailsUnavailable: 5,
    }
)
"""2: the input; 3 (import only): some rows rejected; 4: not enough to work with; 5: a service is away; 6: integrity;
7: refused by the gate."""


def exit_code(error: errors.TutorQualityError) -> int:
    """The exit code of an error; 1 for one without its own."""
    return next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), 1)
