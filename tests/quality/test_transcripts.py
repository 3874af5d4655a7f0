import pytest
from pydantic import ValidationError

from quality.transcripts import RubricScore, accepted_message


class _Scorer:
    name = "made up"

    def score(self, transcript: str) -> tuple[RubricScore, ...]:
        return (RubricScore(point="engagement", value=0.5, quotes=(transcript,)),)


def test_the_answer_says_whether_anything_will_read_the_transcript() -> None:
    assert accepted_message(None) != accepted_message(_Scorer())
    assert "no transcript scorer" in accepted_message(None)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_value_is_a_fraction(value: float) -> None:
    with pytest.raises(ValidationError):
        RubricScore(point="engagement", value=value, quotes=())
