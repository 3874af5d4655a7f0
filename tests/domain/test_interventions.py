from datetime import UTC, datetime
from itertools import product

import pytest

from domain.errors import ContactClosed
from domain.interventions import (
    Arm,
    ArmCount,
    ContactStatus,
    Effect,
    Estimate,
    PlannedContact,
    PlannedSession,
    Verdict,
    can_become,
    check_becomes,
)

ALLOWED = {("planned", "unreached"), ("planned", "done"), ("unreached", "done")}


@pytest.mark.parametrize(("status", "to"), [*product(ContactStatus, ContactStatus)])
def test_a_contact_goes_on_to_unreached_or_done_and_never_back(status: ContactStatus, to: ContactStatus) -> None:
    assert can_become(status, to) is ((status, to) in ALLOWED)
    if can_become(status, to):
        check_becomes(4, status, to)
    else:
        with pytest.raises(ContactClosed, match=f"contact 4 is {status}"):
            check_becomes(4, status, to)


def test_the_risk_of_a_contact_is_the_expected_number_of_its_no_shows() -> None:
    sessions = tuple(
        PlannedSession(f"s{i}", datetime(2026, 3, 2, tzinfo=UTC), risk) for i, risk in enumerate((0.25, 0.5))
    )
    assert PlannedContact("t1", Arm.CONTACT, "Call", 1, None, sessions).risk == 0.75
    assert PlannedContact("t1", Arm.CONTACT, "Call", 1, None, ()).risk == 0


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        (None, Verdict.TOO_FEW),
        ((-0.2, -0.01), Verdict.PREVENTS),
        ((-0.2, 0.0), Verdict.UNCLEAR),
        ((0.0, 0.2), Verdict.UNCLEAR),
        ((0.01, 0.2), Verdict.HARMS),
    ],
)
def test_the_verdict_follows_from_the_interval_alone(interval: tuple[float, float] | None, verdict: Verdict) -> None:
    absolute = Estimate(sum(interval) / 2, *interval) if interval else None
    count = ArmCount(10, 20, 5, 3)
    assert Effect("Call", 0.95, count, count, absolute, None, None).verdict is verdict
