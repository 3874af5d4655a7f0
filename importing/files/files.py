"""Opening of CSV, Parquet and Excel files."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from domain.errors import InvalidDataset
from domain.wording import shown
from importing.files.content import refuse_other_than_parquet
from importing.files.csv_files import open_csv
from importing.files.parsing import Signs
from importing.files.sources import Fault, Opened, Source, wanted
from importing.format.csv_section import CsvSpec
from importing.format.dataset_file import FILES

_PLAIN_CSV = CsvSpec.model_validate({})


def open_file(path: Path, label: str, csv: CsvSpec = _PLAIN_CSV, sheet: str | None = None) -> Opened:
    """Open a file and read its column names. Raises InvalidDataset if it is missing or has the wrong format."""
    name = path.name.lower()
    if not name.endswith(FILES):
        raise InvalidDataset(f"{label}: its name must end in one of {', '.join(FILES)}")
    try:
        if name.endswith(".parquet"):
            return _open_parquet(path, label)
        if name.endswith(".xlsx"):
            from importing.files.excel import open_excel

            return open_excel(path, label, sheet)
        return open_csv(path, label, csv)
    except FileNotFoundError:
        raise InvalidDataset(f"{label}: there is no such file in {path.absolute().parent}") from None
    except IsADirectoryError:
        raise InvalidDataset(f"{label}: is a folder, not a file; name the file in it") from None
    except OSError as error:
        raise InvalidDataset(f"{label}: cannot be read ({error.strerror or error})") from error


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file whose schema has been read."""

    label: str
    path: Path
    names: tuple[str, ...]
    signs: Signs = field(default_factory=Signs)
    form: str = "Parquet"

    def read(self, columns: Collection[str]) -> Source:
        """Read the given columns in their own types, dictionaries decoded. Raises InvalidDataset."""
        try:
            table = pq.ParquetFile(self.path).read(columns=wanted(self, columns))
        except (pa.ArrowException, OSError) as error:
            raise _not_parquet(self.label, error) from error
        return Source(self.label, _decoded(table), _Indices())


class _Indices:
    """Row numbering of Parquet files, from 0."""

    faults: Sequence[Fault] = ()

    def numbers(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the indices unchanged."""
        return indices


def _open_parquet(path: Path, label: str) -> ParquetFile:
    with path.open("rb") as file:
        refuse_other_than_parquet(file.read(4096), label)
    try:
        return ParquetFile(label, path, tuple(pq.read_schema(path).names))
    except pa.ArrowException as error:
        raise _not_parquet(label, error) from error


def _not_parquet(label: str, error: Exception) -> InvalidDataset:
    return InvalidDataset(f"{label}: not a readable Parquet file ({shown(str(error), 200)})")


def _decoded(table: pa.Table) -> pa.Table:
    for place, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            plain = table.column(place).cast(column.type.value_type)
            table = table.set_column(place, column.name, plain)
    return table
