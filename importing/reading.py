"""A whole dataset: every kind in the order in which they refer to each other, and what follows from all together."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from domain.errors import InvalidDataset, NothingUsable
from domain.schema import KINDS
from domain.wording import did_you_mean
from features.base.dataset import Dataset, Export, arrow_schema
from importing.files.files import open_file
from importing.files.sources import Opened
from importing.format.dataset_file import DERIVED, Problem, read_moment
from importing.format.description import Description, read_description
from importing.rows.checking import Checked, attributes_of, check_kind
from importing.rows.derived import named_in, with_last_reschedule
from importing.rows.plan import Plan, make_plan
from importing.rows.rejects import Counts
from importing.rows.rounded_ids import RoundedIds


@dataclass(frozen=True)
class ReadResult:
    """A dataset as read: its good rows, the rejected ones (`rejects.SCHEMA`), and how many of each by kind.

    `export` says which fields the files carry; `files` are the files it was read from, the dataset file under the
    key `dataset`.
    """

    dataset: Dataset
    export: Export
    rejects: pa.Table
    counts: Mapping[str, Counts]
    files: Mapping[str, Path]
    rounded: tuple[RoundedIds, ...] = ()
    """Columns of ids that a spreadsheet seems to have rounded."""

    @property
    def is_usable(self) -> bool:
        """Whether any session was good."""
        return self.counts["sessions"].good > 0

    def check_usable(self) -> None:
        """Raise NothingUsable, saying what became of the sessions, if none was good."""
        if not self.is_usable:
            counts = self.counts["sessions"]
            if not counts.read:
                raise NothingUsable(f"{self.files['sessions']}: it names its columns and has no rows.")
            raise NothingUsable(
                f"{self.files['sessions']}: no session can be used: of {counts.read:,} rows "
                f"{counts.rejected:,} were rejected and {counts.filtered:,} left out by filters."
            )


def read_dataset(path: Path, files: Mapping[str, Path] | None = None) -> ReadResult:
    """Read and check a dataset. `files` points kinds to other files than the dataset file names.

    Raises InvalidDataset naming what is wrong with the dataset file or a whole file, NothingUsable if no session
    row is good.
    """
    result = read_rows(path, files)
    result.check_usable()
    return result


def read_rows(path: Path, files: Mapping[str, Path] | None = None, exported_at: str | None = None) -> ReadResult:
    """Read and check a dataset of which it may be that no session is good: the rejects say why.

    `exported_at` replaces the moment in the dataset file. Raises InvalidDataset.
    """
    description = read_description(path)
    described = description.spec.kinds()
    for kind in set(files or {}) - set(described):
        raise InvalidDataset(f"{path} describes no `{kind}` to read from another file{did_you_mean(kind, described)}")
    # All plans before all reading: a slip in the last kind should not take the first kinds' time.
    plans = {kind: make_plan(description, kind, _open(description, kind, files or {})) for kind in described}
    checked = _check_all(description, plans)
    dataset = _dataset(plans, {kind: done.table for kind, done in checked.items()})
    derived = {kind: Counts(good=table.num_rows) for kind, table in dataset.tables.items()}
    return ReadResult(
        dataset,
        Export({kind: _carried(plans.get(kind)) for kind in KINDS}, _exported_at(description, exported_at)),
        pa.concat_tables(done.rejects for done in checked.values()),
        derived | {kind: done.counts for kind, done in checked.items()},
        {"dataset": path} | {kind: plan.opened.path for kind, plan in plans.items()},
        tuple(ids for done in checked.values() for ids in done.rounded),
    )


def fingerprints(files: Mapping[str, Path]) -> dict[str, str]:
    """SHA-256 of each file."""
    found = {}
    for kind, path in files.items():
        with path.open("rb") as file:
            found[kind] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _open(description: Description, kind: str, files: Mapping[str, Path]) -> Opened:
    spec, csv = description.spec.kinds()[kind], description.spec.csv_of(kind)
    if kind in files:
        return open_file(files[kind], str(files[kind]), csv, spec.sheet)
    named = spec.file
    try:
        return open_file(description.path.parent / named, named, csv, spec.sheet)
    except InvalidDataset as error:
        raise description.error(Problem((kind, "file"), str(error))) from error


def _check_all(description: Description, plans: Mapping[str, Plan]) -> dict[str, Checked]:
    checked: dict[str, Checked] = {}
    for kind, plan in plans.items():
        checked[kind] = check_kind(description, plan, {before: done.keys for before, done in checked.items()})
    return checked


def _dataset(plans: Mapping[str, Plan], read: Mapping[str, pa.Table]) -> Dataset:
    attributes = tuple(a for plan in plans.values() for a in attributes_of(plan))
    tables = dict(read)
    if "reschedules" in plans and not _is_said(plans["sessions"], "scheduled_at"):
        tables["sessions"] = with_last_reschedule(tables["sessions"], tables["reschedules"])
    for kind in KINDS:
        if kind not in read:
            tables[kind] = named_in(kind, read) if kind in DERIVED else arrow_schema(kind).empty_table()
    departures_given = "tutors" in plans and _is_said(plans["tutors"], "departed_at")
    return Dataset({kind: tables[kind] for kind in KINDS}, attributes, departures_given)


def _carried(plan: Plan | None) -> frozenset[str]:
    """The fields of a kind that its file or a declared fill supplies."""
    if plan is None:
        return frozenset()
    supplied = {field.name for field in plan.kind.fields if _is_said(plan, field.name)}
    # It follows from the status, so it is supplied with it: the outcome of a booked session is not known.
    return frozenset(supplied | ({"outcome_known_at"} & {field.name for field in plan.kind.fields}))


def _exported_at(description: Description, text: str | None) -> datetime | None:
    if text is None:
        return description.spec.exported_moment
    try:
        return read_moment(text, description.spec.timezone)
    except ValueError as error:
        raise InvalidDataset(f"--exported-at: {error}") from None


def _is_said(plan: Plan, field: str) -> bool:
    """Whether the dataset file or its data gives a field, rather than our default."""
    return field in plan.sources or field in plan.spec.fill
