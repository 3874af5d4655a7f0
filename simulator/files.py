"""Files of a market, in the format of the import and the backtest."""

from pathlib import Path

import pyarrow.parquet as pq
import yaml

from domain.schema import KINDS
from features.base.dataset import ATTRIBUTE_PREFIX, Dataset, arrow_schema
from simulator.marketplace import Market
from simulator.tables import ATTRIBUTES

TRUTH_FILE = "truth.parquet"


def write(market: Market, folder: Path) -> Path:
    """Write one Parquet file per kind, `truth.parquet` and `dataset.yaml`. Returns the path of the last."""
    description = write_dataset(market.dataset, folder)
    pq.write_table(market.truth, folder / TRUTH_FILE)
    return description


def write_dataset(dataset: Dataset, folder: Path) -> Path:
    """Write one Parquet file per kind and `dataset.yaml`. Returns the path of the last."""
    folder.mkdir(parents=True, exist_ok=True)
    document: dict[str, object] = {"version": 1, "name": "simulated", "timezone": "UTC"}
    for kind in KINDS:
        table = dataset.tables[kind]
        plain = table.rename_columns([name.removeprefix(ATTRIBUTE_PREFIX) for name in table.column_names])
        pq.write_table(plain, folder / f"{kind}.parquet")
        attributes = {a.name: str(a.type) for a in dataset.attributes if a.kind == kind}
        document[kind] = {"file": f"{kind}.parquet"} | ({"attributes": attributes} if attributes else {})
    description = folder / "dataset.yaml"
    description.write_text(yaml.safe_dump(document, sort_keys=False))
    return description


def read(folder: Path) -> Market:
    """Read a market written by `write`."""
    tables = {}
    for kind in KINDS:
        schema = arrow_schema(kind, ATTRIBUTES)
        table = pq.read_table(folder / f"{kind}.parquet").rename_columns(schema.names)
        tables[kind] = table.cast(schema)
    return Market(Dataset(tables, ATTRIBUTES), pq.read_table(folder / TRUTH_FILE))
