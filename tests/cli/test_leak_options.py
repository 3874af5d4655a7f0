"""`--known-when-asked`: a reason overrides the leak alarm about its column, and no other."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from cli.leak_options import parse_reasons
from cli.main import app
from domain.errors import InvalidDataset, LeakSuspected
from domain.vocabulary import AttributeType, SessionStatus
from features.base.dataset import Attribute, Dataset
from simulator.files import write_dataset
from tests.lib.markets import FEW, market


def test_a_reason_may_contain_equals_signs_and_white_space() -> None:
    assert parse_reasons(["price=set at booking, vat=19 %", "fee= agreed "]) == {
        "price": "set at booking, vat=19 %",
        "fee": "agreed",
    }
    assert parse_reasons(None) == {}


@pytest.mark.parametrize("text", ["price", "price=", "price=  ", "=why"])
def test_an_option_without_column_or_reason_is_refused(text: str) -> None:
    with pytest.raises(InvalidDataset, match="write COLUMN=REASON"):
        parse_reasons([text])


def test_a_backtest_still_stops_at_the_column_without_a_reason(tmp_path: Path) -> None:
    plain = market(FEW).dataset
    table = plain.tables["sessions"]
    booked = np.asarray(table["status"]) == str(SessionStatus.BOOKED)
    fields = tuple(Attribute("sessions", name, AttributeType.NUMERIC) for name in ("minutes", "invoiced"))
    for field in fields:
        table = table.append_column(field.column, pa.array(np.where(booked, None, 50.0), pa.float64()))
    leaking = Dataset(
        {**plain.tables, "sessions": table}, (*plain.attributes, *fields), departures_given=plain.departures_given
    )
    command = ["backtest", "no_show", str(write_dataset(leaking, tmp_path))]
    both = CliRunner().invoke(app(), command).exception
    assert isinstance(both, LeakSuspected)
    assert {"minutes", "invoiced"} < set(str(both).split())
    other = CliRunner().invoke(app(), [*command, "--known-when-asked", "minutes=the length booked"]).exception
    assert isinstance(other, LeakSuspected)
    assert str(other).startswith("invoiced appears to be written after the query")
    assert "minutes" not in str(other)
