import secrets

import pytest

from domain.keys import KeyWish, digest, make_key, parts
from domain.policy import Role
from tests.lib.api_parts import NOW


def test_a_key_holds_256_random_bits_in_url_safe_letters_and_is_kept_as_a_hash() -> None:
    sizes: list[int] = []

    def random(size: int) -> bytes:
        sizes.append(size)
        return secrets.token_bytes(size)

    key, written = make_key(KeyWish("Rails", Role.READ), NOW, "tests", random)
    assert max(sizes) >= 32
    assert written.isascii()
    assert written.count("_") == 3
    assert parts(written) == (key.id, written.rpartition("_")[2])
    assert written.rpartition("_")[2] not in str(key)
    assert key.secret_sha256 == digest(written.rpartition("_")[2])
    assert make_key(KeyWish("Rails", Role.READ), NOW, "tests", random)[1] != written


@pytest.mark.parametrize(
    "written", ["", "tqs_live_", "tqs_live_a_", "tqs_test_a_b", "tqs_live_a_b_c", "tqs_live_a_b\n", "a_b"]
)
def test_what_is_not_written_as_a_key_is_none(written: str) -> None:
    assert parts(written) is None
