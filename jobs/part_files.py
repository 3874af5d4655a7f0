"""A partition as files for the workers of an engine: one folder per part, one Arrow file per kind."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from domain.schema import KINDS
from domain.vocabulary import AttributeType
from features.base.dataset import Attribute, Dataset
from features.partitions import Part, Partition, as_table

_ABOUT, _ROWS = "about.json", "rows.npy"


@dataclass(frozen=True)
class PartFiles:
    """Parts in a folder that every worker can read; only a path and a number are sent."""

    folder: Path
    n: int

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> Part:
        folder = self.folder / str(i)
        about = json.loads((self.folder / _ABOUT).read_text())
        attributes = tuple(Attribute(**(a | {"type": AttributeType(a["type"])})) for a in about["attributes"])
        tables = {kind: _read(folder / f"{kind}.arrow") for kind in KINDS}
        asked = None if about["asked"] is None else timedelta(seconds=about["asked"])
        dataset = Dataset(tables, attributes, about["departures_given"], asked=asked)
        return Part(dataset, np.load(folder / _ROWS))


def write_parts(parts: Partition, folder: Path) -> PartFiles:
    """Write each part into a folder of its own under `folder`."""
    dataset = parts.dataset
    about = {
        "attributes": [asdict(a) for a in dataset.attributes],
        "departures_given": dataset.departures_given,
        "asked": dataset.asked and dataset.asked.total_seconds(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _ABOUT).write_text(json.dumps(about))
    for i, part in enumerate(parts):
        _write(part, folder / str(i))
    return PartFiles(folder, len(parts))


def _write(part: Part, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    np.save(folder / _ROWS, part.rows)
    for kind, rows in part.dataset.tables.items():
        table = as_table(rows)
        with pa.ipc.new_file(str(folder / f"{kind}.arrow"), table.schema) as file:
            file.write_table(table)


def _read(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as file:  # loaded on access, and shared by workers on one machine
        return pa.ipc.open_file(file).read_all()
