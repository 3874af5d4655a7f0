"""Summary of an import or a check, as tables or one JSON object."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from cli.printing import shown

if TYPE_CHECKING:
    from importing import ReadResult, RejectCounts
    from store.facts.load_summary import FieldChanges, KindSummary, LoadSummary

_READ = ("read", "good", "rejected", "excluded", "repeated")
_LOADED = ("new", "changed", "unchanged", "left alone", "conflicting", "erased")


def print_summary(console: Console, read: "ReadResult", changes: "LoadSummary | None", check: bool) -> None:
    """Print row counts by kind, then changes by field, and reasons for rows that were not written."""
    table = Table("", title="Checked, nothing loaded" if check or not changes else "Loaded")
    for name in (*_READ, *(_LOADED if changes else ())):
        table.add_column(name, justify="right")
    for kind, counts in read.counts.items():
        if counts.read or counts.good:
            table.add_row(*_cells(kind, counts, changes.kinds[kind] if changes else None))
    console.print(table)
    for warning in warnings(read, check):
        console.print(f"Warning: {shown(warning)}", soft_wrap=True)
    for kind, summary in changes.kinds.items() if changes else ():
        for line in _lines(kind, summary, dated=read.export.exported_at is not None):
            console.print(shown(line), soft_wrap=True)


def as_json(
    read: "ReadResult", changes: "LoadSummary | None", check: bool, note: str | None, rejects: Path | None
) -> dict[str, Any]:
    """The summary as a JSON object. `note` is the reason why nothing was compared, None if it was."""
    kinds = {
        kind: asdict(counts) | (_changes(changes.kinds[kind]) if changes else {})
        for kind, counts in read.counts.items()
        if counts.read or counts.good
    }
    moment = read.export.exported_at
    return {
        "loaded": bool(changes) and not check,
        "compared": changes is not None,
        "note": note,
        "exported_at": moment.isoformat() if moment else None,
        "warnings": warnings(read, check),
        "rejects": str(rejects) if rejects else None,
        "kinds": kinds,
    }


def warnings(read: "ReadResult", check: bool) -> list[str]:
    """Warnings about the rows read; a check also counts the sessions that training would leave out."""
    rounded = [ids.in_words() for ids in read.rounded]
    if not check or not read.is_usable:
        return rounded
    from features.as_of.queries import decided_when_asked
    from features.base.coding import CodedDataset

    left_out = int(decided_when_asked(CodedDataset(read.dataset).sessions).sum())
    if not left_out:
        return rounded
    return [*rounded, f"{left_out:,} {DECIDED_WHEN_ASKED}"]


DECIDED_WHEN_ASKED = (
    "sessions do not train or test a model: the outcome of each was known by the moment as of which it is scored"
)


def _changes(summary: "KindSummary") -> dict[str, Any]:
    fields = {name: asdict(change) for name, change in summary.fields.items()}
    return summary.counts() | {"fields": fields, "examples": {n: list(k) for n, k in summary.examples.items()}}


def _cells(kind: str, counts: "RejectCounts", summary: "KindSummary | None") -> list[str]:
    title = kind if counts.read else f"{kind} (derived)"
    numbers = [counts.read, counts.good, counts.rejected, counts.filtered, counts.duplicates]
    numbers += summary.counts().values() if summary else ()
    return [title, *(f"{number:,}" for number in numbers)]


def _lines(kind: str, summary: "KindSummary", dated: bool) -> list[str]:
    lines = [f"{kind}.{name}: {_in_words(change)}" for name, change in summary.fields.items()]
    if summary.changed:
        lines.append(f"{kind}: changed, for example {_examples(summary, 'changed')}")
    if summary.left_alone:
        why = "the stored rows are newer than the export" if dated else _UNDATED
        lines.append(f"{kind}: {summary.left_alone:,} left alone ({_examples(summary, 'left_alone')}): {why}")
    if summary.conflicting:
        why = "combined with stored times missing from the file, their times are out of order; add those columns"
        lines.append(f"{kind}: {summary.conflicting:,} conflicting ({_examples(summary, 'conflicting')}): {why}")
    if summary.erased:
        lines.append(f"{kind}: {summary.erased:,} not loaded: they concern erased tutors or students")
    return lines


_UNDATED = (
    "events or a dated export wrote them; declare when the files were exported, as in "
    "`exported_at: 2026-11-30T12:00Z` or --exported-at, to overwrite older data"
)


def _in_words(change: "FieldChanges") -> str:
    return ", ".join(f"{count:,} {name}" for name, count in asdict(change).items() if count)


def _examples(summary: "KindSummary", name: str) -> str:
    return ", ".join(summary.examples[name])
