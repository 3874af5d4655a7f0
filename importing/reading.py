"""Reading of a whole dataset: all kinds in load order, then the derived kinds and fields."""

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
from importing.format.dataset_file import DERIVED, DatasetProblem, DatasetSpec, read_moment
from importing.format.declarations import declared_histories, parse_asked
from importing.format.description import Description, read_description
from importing.rows.checking import Checked, attributes_of, check_kind
from importing.rows.derived import named_in, with_last_reschedule
from importing.rows.plan import ReadPlan, make_plan
from importing.rows.rejects import RejectCounts
from importing.rows.rounded_ids import RoundedIds


@dataclass(frozen=True)
class ReadResult:
    """A dataset as read: good rows, rejected rows (`rejects.SCHEMA`), and counts by kind.

    `export` lists the fields that the files carry; `files` are the source files, the dataset file under the key
    `dataset`.
    """

    dataset: Dataset
    export: Export
    rejects: pa.Table
    counts: Mapping[str, RejectCounts]
    files: Mapping[str, Path]
    rounded: tuple[RoundedIds, ...] = ()
    """Id columns that a spreadsheet seems to have rounded."""

    @property
    def is_usable(self) -> bool:
        """Whether at least one session is good."""
        return self.counts["sessions"].good > 0

    def check_usable(self) -> None:
        """Raise NothingUsable, with the counts of sessions, if none is good."""
        if not self.is_usable:
            counts = self.counts["sessions"]
            if not counts.read:
                raise NothingUsable(f"{self.files['sessions']}: the file has a header but no rows.")
            raise NothingUsable(
                f"{self.files['sessions']}: no session can be used: of {counts.read:,} rows "
                f"{counts.rejected:,} were rejected and {counts.filtered:,} excluded by filters."
            )


def read_dataset(path: Path, files: Mapping[str, Path] | None = None) -> ReadResult:
    """Read and check a dataset. `files` replaces files of the dataset file, by kind.

    Raises InvalidDataset for errors of the dataset file or of a whole file, NothingUsable if no session row is good.
    """
    result = read_rows(path, files)
    result.check_usable()
    return result


def read_rows(path: Path, files: Mapping[str, Path] | None = None, exported_at: str | None = None) -> ReadResult:
    """Read and check a dataset that may have no good session; the rejects state the reasons.

    `exported_at` overrides the moment in the dataset file. Raises InvalidDataset.
    """
    description = read_description(path)
    described = description.spec.kinds()
    for kind in set(files or {}) - set(described):
        raise InvalidDataset(f"{path} describes no `{kind}` to read from another file{did_you_mean(kind, described)}")
    # All plans before any reading: an error in the last kind should be reported before the first kinds are read.
    plans = {kind: make_plan(description, kind, _open(description, kind, files or {})) for kind in described}
    checked = _check_all(description, plans)
    dataset = _dataset(description.spec, plans, {kind: done.table for kind, done in checked.items()})
    derived = {kind: RejectCounts(good=table.num_rows) for kind, table in dataset.tables.items()}
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
    digests = {}
    for kind, path in files.items():
        with path.open("rb") as file:
            digests[kind] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def _open(description: Description, kind: str, files: Mapping[str, Path]) -> Opened:
    spec, csv = description.spec.kinds()[kind], description.spec.csv_of(kind)
    if kind in files:
        return open_file(files[kind], str(files[kind]), csv, spec.sheet)
    named = spec.file
    try:
        return open_file(description.path.parent / named, named, csv, spec.sheet)
    except InvalidDataset as error:
        raise description.error(DatasetProblem((kind, "file"), str(error))) from error


def _check_all(description: Description, plans: Mapping[str, ReadPlan]) -> dict[str, Checked]:
    checked: dict[str, Checked] = {}
    for kind, plan in plans.items():
        checked[kind] = check_kind(description, plan, {before: done.keys for before, done in checked.items()})
    return checked


def _dataset(spec: DatasetSpec, plans: Mapping[str, ReadPlan], read: Mapping[str, pa.Table]) -> Dataset:
    attributes = tuple(a for plan in plans.values() for a in attributes_of(plan))
    tables = dict(read)
    if "reschedules" in plans and not _is_supplied(plans["sessions"], "scheduled_at"):
        tables["sessions"] = with_last_reschedule(tables["sessions"], tables["reschedules"])
    for kind in KINDS:
        if kind not in read:
            tables[kind] = named_in(kind, read) if kind in DERIVED else arrow_schema(kind).empty_table()
    departures_given = "tutors" in plans and _is_supplied(plans["tutors"], "departed_at")
    return Dataset(
        {kind: tables[kind] for kind in KINDS},
        attributes,
        departures_given,
        declared_histories({kind: described.history for kind, described in spec.kinds().items()}),
        None if spec.sessions.asked is None else parse_asked(spec.sessions.asked),
    )


def _carried(plan: ReadPlan | None) -> frozenset[str]:
    """Fields of a kind that its file or a declared fill supplies."""
    if plan is None:
        return frozenset()
    supplied = {field.name for field in plan.kind.fields if _is_supplied(plan, field.name)}
    # Derived from the status, so it is supplied with it: the outcome of a booked session is not known.
    return frozenset(supplied | ({"outcome_known_at"} & {field.name for field in plan.kind.fields}))


def _exported_at(description: Description, text: str | None) -> datetime | None:
    if text is None:
        return description.spec.exported_moment
    try:
        return read_moment(text, description.spec.timezone)
    except ValueError as error:
        raise InvalidDataset(f"--exported-at: {error}") from None


def _is_supplied(plan: ReadPlan, field: str) -> bool:
    """Whether the dataset file or its data supplies a field, rather than a default fill."""
    return field in plan.sources or field in plan.choices or field in plan.spec.fill
