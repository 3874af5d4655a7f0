import pytest
import yaml

from domain.wording import did_you_mean, normalized, shown, yaml_text


def test_the_nearest_choice_is_offered_whatever_its_case_and_none_where_none_is_near() -> None:
    assert "`Tutor_ID`" in did_you_mean("tutorid", ["Session_ID", "Tutor_ID"])
    assert did_you_mean("price", ["zone", "tutor_id"]) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u200bb", "a\\u200bb"),
        ("a\nb", "a\\x0ab"),
        ("e\u0301", "é"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, expected: str) -> None:
    assert shown(text).isprintable()
    if "\\" in expected:
        assert shown(text) == expected


def test_a_long_text_is_cut() -> None:
    assert shown("x" * 200, longest=10) == "x" * 10 + "…"
    assert shown("x" * 10, longest=10) == "x" * 10


@pytest.mark.parametrize("text", ['say "hi"', "back\\slash", "tab\there", "zero\u200bwidth", "\U0001f600"])
def test_a_quoted_text_reads_back_as_it_was(text: str) -> None:
    quoted = yaml_text(text)
    assert quoted.isprintable()
    assert yaml.safe_load(quoted) == text


def test_a_column_name_is_compared_without_case_spaces_and_invisible_characters() -> None:
    assert normalized("\ufeff Tutor  ID\u200b ") == "tutor_id"
