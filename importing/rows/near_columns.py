"""Suggestions of columns with nearly the requested name."""

from collections.abc import Collection, Iterator

from domain.schema import KINDS
from domain.wording import did_you_mean, normalized, shown, yaml_text
from importing.files.sources import Opened
from importing.format.dataset_file import DatasetProblem, KindSpec


def no_column(name: str, opened: Opened) -> str:
    """Error for a missing column, with the nearest existing one."""
    near = _alike(name, opened.names)
    hint = f"; write {yaml_text(near)}" if near else did_you_mean(name, opened.names, cutoff=0)
    return f"{opened.label} has no column `{shown(name)}`{hint}"


def unread_columns(
    kind: str, spec: KindSpec, names: Collection[str], used: Collection[str]
) -> Iterator[DatasetProblem]:
    """Errors for columns that would be ignored because they differ from a field's name in case or white space."""
    lines, quoted, optional = [], [], []
    free = [name for name in names if name not in used and name not in spec.attributes]
    for field in KINDS[kind].fields:
        if field.name in spec.columns or field.name in names or not (near := _alike(field.name, free)):
            continue
        lines.append(f"{field.name}: {_plain_or_quoted(near)}")
        quoted.append(f"{yaml_text(near)} is nearly the field `{field.name}`")
        optional += [] if field.required else [f"{field.name}: ~"]
    if lines:
        or_not = f", or columns: {{{', '.join(optional)}}} to ignore it" if optional else ""
        message = f"the column {', '.join(quoted)}: write columns: {{{', '.join(lines)}}}{or_not}"
        yield DatasetProblem((kind,), message)


def _alike(name: str, names: Collection[str]) -> str | None:
    """The column that differs only in case and white space, or None."""
    return next((other for other in names if normalized(other) == normalized(name)), None)


def _plain_or_quoted(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else yaml_text(name)
