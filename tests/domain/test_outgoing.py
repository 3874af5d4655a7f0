"""Delivery policies: webhooks are retried for three days, mails never."""

from datetime import timedelta

import pytest

from domain.outgoing import JITTER, POLICIES, Channel

WEBHOOK, MAIL = POLICIES[Channel.WEBHOOK], POLICIES[Channel.MAIL]


def test_a_webhook_is_tried_ten_times_in_a_little_over_three_days() -> None:
    waits = [WEBHOOK.retry_wait(tries, 0.0) for tries in range(1, 11)]
    assert waits[-1] is None
    total = sum((wait for wait in waits if wait), timedelta())
    assert timedelta(days=3) < total < timedelta(days=3.5)
    assert waits[:-1] == sorted(waits[:-1])


def test_jitter_only_lengthens_a_wait_and_the_receiver_may_ask_for_a_longer_one() -> None:
    assert WEBHOOK.retry_wait(1, 1.0) == timedelta(seconds=5) * (1 + JITTER)
    assert WEBHOOK.retry_wait(1, 0.0, timedelta(hours=1)) == timedelta(hours=1)
    assert WEBHOOK.retry_wait(9, 0.0, timedelta(hours=1)) == timedelta(hours=24)


@pytest.mark.parametrize("tries", [1, 2])
def test_a_mail_is_never_retried(tries: int) -> None:
    assert MAIL.at_most_once
    assert MAIL.retry_wait(tries, 0.0) is None
