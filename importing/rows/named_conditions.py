"""Conditions of a dataset file, with the names that they use checked against fields and columns."""

from collections.abc import Collection

from domain.wording import did_you_mean
from importing.files.sources import Opened
from importing.format.dataset_file import DatasetProblem, KindSpec
from importing.format.expressions import Condition, condition


def filters_of(
    kind: str, spec: KindSpec, opened: Opened, fields: set[str]
) -> tuple[dict[str, Condition], list[DatasetProblem]]:
    """Filters of a kind by their text, and errors."""
    conditions, problems = {}, []
    for number, text in enumerate(spec.filters):
        try:
            conditions[text] = named_condition(text, [*fields, *opened.names])
        except ValueError as error:
            problems.append(DatasetProblem((kind, "filters", number), str(error)))
    return conditions, problems


def named_condition(text: str, known: Collection[str]) -> Condition:
    """Parse a condition on known fields and columns. Raises ValueError with the nearest name."""
    parsed = condition(text)
    for name in parsed.names:
        if name not in known:
            hint = did_you_mean(name, known) or "; write text in quotes, as in 'cancelled'"
            raise ValueError(f"`{text}`: `{name}` is neither a field nor a column{hint}")
    return parsed
