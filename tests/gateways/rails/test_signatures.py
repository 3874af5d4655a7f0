"""Signatures, verified against the reference library of the standard."""

import pytest
from standardwebhooks import Webhook

from domain.errors import BadSignature
from gateways.clock import utc_now
from gateways.rails.signatures import Signatures, incoming, outgoing
from gateways.settings import load_settings
from tests.lib.event_parts import NEXT_SECRET, NOW, SECRET

BODY = '{"text": "Grüße, 🌍"}'


@pytest.mark.parametrize("secret", [SECRET, NEXT_SECRET])
def test_what_we_sign_another_library_takes_by_either_secret(secret: str) -> None:
    headers = Signatures((SECRET, NEXT_SECRET)).sign("id-1", BODY, utc_now())
    Webhook(secret).verify(BODY, headers, json_parse=False)


def test_what_another_library_signs_is_taken_whichever_secret_is_the_newest() -> None:
    for secret in (SECRET, NEXT_SECRET):
        stamp = str(int(NOW.timestamp()))
        signature = Webhook(secret).sign("id-1", NOW, BODY)
        headers = {"webhook-id": "id-1", "webhook-timestamp": stamp, "webhook-signature": f"v2,x {signature}"}
        assert Signatures((SECRET, NEXT_SECRET)).check(headers, BODY.encode(), NOW) == "id-1"


def test_with_no_secret_nothing_is_taken() -> None:
    headers = Signatures((SECRET,)).sign("id-1", BODY, NOW)
    with pytest.raises(BadSignature):
        Signatures(()).check(headers, BODY.encode(), NOW)


def test_a_body_that_is_no_text_is_not_signed() -> None:
    with pytest.raises(BadSignature):
        Signatures((SECRET,)).check(Signatures((SECRET,)).sign("id-1", BODY, NOW), b"\xff", NOW)


def test_neither_an_error_nor_a_printed_object_tells_a_secret() -> None:
    found = Signatures((SECRET,))
    with pytest.raises(BadSignature) as refused:
        found.check({"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,x"}, b"", NOW)
    assert SECRET[6:] not in repr(found) + str(refused.value)


def test_a_secret_nobody_chose_is_made_once_and_signs_both_ways(tmp_path: object) -> None:
    settings = load_settings({"TQS_DATA_DIR": str(tmp_path)})
    (secret,) = incoming(settings).secrets
    assert incoming(settings).secrets == (secret,)
    assert outgoing(settings).secrets == (secret,)
    assert secret.startswith("whsec_")
    # The generated secret is also valid as a setting.
    again = load_settings({"TQS_DATA_DIR": str(tmp_path), "TQS_WEBHOOK_SECRETS": secret})
    headers = incoming(again).sign("id-1", BODY, NOW)
    assert incoming(settings).check(headers, BODY.encode(), NOW) == "id-1"


def test_two_chosen_secrets_are_both_good_and_outgoing_ones_are_of_their_own() -> None:
    settings = load_settings({"TQS_WEBHOOK_SECRETS": f"{SECRET}, {NEXT_SECRET}", "TQS_RAILS_WEBHOOK_SECRETS": SECRET})
    assert incoming(settings).secrets == (SECRET, NEXT_SECRET)
    assert outgoing(settings).secrets == (SECRET,)
