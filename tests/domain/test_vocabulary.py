import re
from enum import StrEnum

import pytest

from domain import vocabulary

WORDS = [kind for kind in vars(vocabulary).values() if isinstance(kind, type) and issubclass(kind, StrEnum)]


@pytest.mark.parametrize("kind", [kind for kind in WORDS if kind is not StrEnum])
def test_every_word_is_spelt_as_its_name_in_lower_case(kind: type[StrEnum]) -> None:
    for word in kind:
        assert word.value == word.name.lower()
        assert re.fullmatch(r"[a-z0-9_]+", word.value)
