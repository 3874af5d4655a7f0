import pytest

from domain.vocabulary import ReasonCode
from quality.reasons import classify, most_frequent, with_reason_codes
from simulator.texts import REASON_TEXTS
from tests.lib.small_dataset import dataset


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in REASON_TEXTS.items() for text in texts])
def test_plainly_written_reasons_find_their_class(code: ReasonCode, text: str) -> None:
    assert classify(text) is code


def test_words_count_only_whole() -> None:
    assert classify("Still silly about the coworking skill") is ReasonCode.UNCLEAR


def test_a_chosen_code_is_believed_before_the_words() -> None:
    reasons = [(ReasonCode.FAMILY, "I have the flu"), (ReasonCode.FAMILY, None), (None, "I have the flu"), (None, None)]
    assert most_frequent(reasons) == (ReasonCode.FAMILY, 2, 3)


def test_nobody_gave_a_reason() -> None:
    assert most_frequent([(None, None), (None, "")]) is None


def test_written_reasons_get_a_class_and_chosen_ones_keep_theirs() -> None:
    moved = [
        {"reschedule_id": f"r{i}", "reason_text": text, "reason_code": code}
        for i, (text, code) in enumerate(
            [("I have the flu", None), ("I have the flu", "family"), (None, None), ("", None)]
        )
    ]
    before = dataset(reschedules=moved)
    after = with_reason_codes(before)
    assert after.tables["reschedules"]["reason_code"].to_pylist() == ["illness", "family", None, "unclear"]
    assert before.tables["reschedules"]["reason_code"].null_count == 3
    assert with_reason_codes(dataset()).tables["reschedules"].num_rows == 0
