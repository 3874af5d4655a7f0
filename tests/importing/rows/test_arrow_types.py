"""Arrow types of Parquet columns: supported types, and rejection of the others."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.errors import InvalidDataset
from importing import ReadResult
from tests.lib.dataset_parts import SESSIONS, column, read, rejects

START = datetime(2026, 3, 2, tzinfo=UTC)
PARQUET = SESSIONS.replace("csv", "parquet")


def read_with(folder: Path, name: str, values: pa.Array, description: str = PARQUET) -> ReadResult:
    row = {"session_id": "s", "tutor_id": "t1", "booked_at": START, "starts_at": START, "status": "booked"}
    columns: dict[str, Any] = {n: pa.array([v] * len(values)) for n, v in row.items()}
    columns["session_id"] = pa.array([f"s{n}" for n in range(len(values))])
    pq.write_table(pa.table(columns | {name: values}), folder / "sessions.parquet")
    return read(folder, description)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([["t1"]]), "list<element: string>"),
        (pa.array([{"id": "t1"}]), "struct<id: string>"),
        (pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string())), "map<string, string"),
        (pa.array([b"t1"]), "binary"),
        (pa.array([b"t1"], pa.binary(2)), "fixed_size_binary[2]"),
        (pa.array([None], pa.null()), "null"),
        (pa.array([time(9)]), "time64[us]"),
        (pa.array([timedelta(1)]), "duration[us]"),
        (pa.array([Decimal(10) ** 60], pa.decimal256(70, 0)), "decimal256(70, 0)"),
        (pa.array([1.5], pa.float16()), "halffloat"),
        (pa.array([b"0123456789abcdef"], pa.uuid()), "extension<arrow.uuid>"),
        (pa.array(['{"a": 1}'], pa.json_()), "extension<arrow.json>"),
    ],
)
@pytest.mark.parametrize("used", ["tutor_id", "starts_at", "price"])
def test_a_type_outside_the_list_is_refused_by_column_and_type(
    tmp_path: Path, values: pa.Array, kind: str, used: str
) -> None:
    description = "sessions: {file: sessions.parquet, attributes: {price: numeric}}" if used == "price" else PARQUET
    with pytest.raises(InvalidDataset) as caught:
        read_with(tmp_path, used, values, description)

    assert f"the column `{used}` has type {kind}" in str(caught.value)
    assert ", which is not supported: " in str(caught.value)


def test_a_column_that_nothing_uses_may_have_any_type(tmp_path: Path) -> None:
    assert read_with(tmp_path, "extra", pa.array([["a"]])).counts["sessions"].good == 1


@pytest.mark.parametrize(
    ("name", "values", "read_as"),
    [
        ("tutor_id", pa.array([2**63], pa.uint64()), str(2**63)),
        ("tutor_id", pa.array([Decimal("12345678901234567890")]), "12345678901234567890"),
        ("tutor_id", pa.array([7], pa.int8()).dictionary_encode(), "7"),
        ("tutor_id", pa.array(["t1"], pa.string_view()), "t1"),
        ("rating", pa.array([4.5], pa.float32()), 4.5),
        ("rating", pa.array([Decimal("4.25")]), 4.25),
        ("rating", pa.array(["4.5"]).dictionary_encode(), 4.5),
        ("ends_at", pa.array([START], pa.timestamp("s", "UTC")).dictionary_encode(), START.isoformat()),
        ("ends_at", pa.array([START], pa.date64()), "2026-03-02T00:00:00+00:00"),
    ],
)
def test_a_type_that_fits_is_read_without_loss(tmp_path: Path, name: str, values: pa.Array, read_as: object) -> None:
    description = PARQUET if name != "ends_at" else "sessions: {file: sessions.parquet, columns: {starts_at: ends_at}}"

    assert column(read_with(tmp_path, name, values, description), "starts_at" if name == "ends_at" else name) == [
        read_as
    ]


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        (pa.array([1772442000]), "int64: seconds since 1970? add formats: {starts_at: epoch_s}"),
        (pa.array([1772442000000.0]), "double: milliseconds since 1970? add formats: {starts_at: epoch_ms}"),
        (pa.array([46083.375]), "double: an Excel day count? add formats: {starts_at: excel}"),
        (pa.array([20260302]), 'int64: a date in eight digits? add formats: {starts_at: "%Y%m%d"}'),
        (pa.array([7]), "int64"),
        (pa.array([True]), "bool"),
    ],
)
def test_a_number_is_a_time_only_by_a_format_which_is_named(tmp_path: Path, values: pa.Array, hint: str) -> None:
    with pytest.raises(InvalidDataset) as caught:
        read_with(tmp_path, "starts_at", values)

    assert str(caught.value).endswith(f"`starts_at` is a time, but the column `starts_at` has type {hint}")
    if "add " in hint:
        form = hint.partition("add ")[2].replace("starts_at", "ends_at")
        description = f"sessions: {{file: sessions.parquet, {form}}}"
        assert column(read_with(tmp_path, "ends_at", values, description), "ends_at")[0].startswith("2026-03-02T")


@pytest.mark.parametrize("values", [pa.array([True]), pa.array([START])])
def test_a_truth_value_or_time_is_no_number(tmp_path: Path, values: pa.Array) -> None:
    with pytest.raises(InvalidDataset, match="`rating` is a number, but the column `rating` has type"):
        read_with(tmp_path, "rating", values)


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.decimal128(20, 0)])
def test_a_whole_number_that_would_lose_digits_is_rejected(tmp_path: Path, kind: pa.DataType) -> None:
    description = "sessions: {file: sessions.parquet, attributes: {price: numeric}}"
    numbers = pa.array([2**53, 2**53 + 1, None]).cast(kind)
    result = read_with(tmp_path, "price", numbers, description)

    assert column(result, "attributes.price") == [float(2**53), None]
    assert rejects(result)[0][1:4] == (1, "price", str(2**53 + 1))
    assert rejects(result)[0][4].startswith("beyond 2^53")


def test_parquet_in_another_wrapping_is_named(tmp_path: Path) -> None:
    for content, message in ((b"\x1f\x8b\x08", "Parquet inside gzip"), (b"ARROW1\0\0", "an Arrow file")):
        with pytest.raises(InvalidDataset, match=message):
            read(tmp_path, PARQUET, sessions_parquet=content)
    with pytest.raises(InvalidDataset, match="not a readable Parquet file"):
        read(tmp_path, PARQUET, sessions_parquet="session_id")
