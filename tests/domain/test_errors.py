import inspect

import pytest

from domain import errors
from domain.errors import MailOutcomeUnknown, TooManyRequests, TutorQualityError

STORED_OR_ANSWERED = {MailOutcomeUnknown, TooManyRequests}
"""Errors that never end a command: one is stored with its mail, the other answered by the API."""

ERRORS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, TutorQualityError)]


@pytest.mark.parametrize("kind", [kind for kind in ERRORS if kind is not TooManyRequests])
def test_an_error_without_a_message_has_the_sentence_of_its_docstring(kind: type[TutorQualityError]) -> None:
    assert str(kind()) == kind.__doc__
    assert str(kind("x17 is missing")) == "x17 is missing"


def test_a_limit_says_when_to_retry() -> None:
    assert "retry in 30 s" in str(TooManyRequests(30))
    assert TooManyRequests(30).wait_seconds == 30


@pytest.mark.parametrize("kind", [kind for kind in ERRORS if kind not in STORED_OR_ANSWERED | {TutorQualityError}])
def test_every_error_ends_a_command_with_a_documented_exit_code(kind: type[TutorQualityError]) -> None:
    assert kind().exit_code in {2, 4, 5, 6, 7}
