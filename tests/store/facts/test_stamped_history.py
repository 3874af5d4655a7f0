"""Extension of a tutor's history with the rows written since an earlier reading."""

from dataclasses import replace

import pyarrow as pa
import pytest
from sqlalchemy import Engine, text

from features.base.dataset import Dataset
from store.facts.history import HISTORY_KINDS, read_dataset
from store.facts.load import load
from store.facts.stamped_history import StampedHistory, read_stamped
from tests.lib.small_dataset import corners

TUTOR = "t1"


@pytest.fixture
def earlier(engine: Engine) -> StampedHistory:
    load(engine, corners())
    read = read_stamped(engine, TUTOR)
    assert read is not None
    return read


def _extended(engine: Engine, earlier: StampedHistory) -> Dataset:
    read = read_stamped(engine, TUTOR, earlier)
    assert read is not None
    return read.dataset


def test_only_rows_written_since_are_read_again(engine: Engine, earlier: StampedHistory) -> None:
    sessions = earlier.dataset.tables["sessions"]
    place = sessions.schema.get_field_index("rating")
    marked = sessions.set_column(place, "rating", pa.array([-1.0] * sessions.num_rows))
    tables = {**earlier.dataset.tables, "sessions": marked}
    earlier = replace(earlier, dataset=replace(earlier.dataset, tables=tables))
    assert _extended(engine, earlier).tables["sessions"] is marked
    one, *others = sessions["session_id"].to_pylist()
    with engine.begin() as connection:
        connection.execute(text("UPDATE sessions SET rating = 2 WHERE session_id = :one"), {"one": one})
    rows = _extended(engine, earlier).tables["sessions"]
    ratings = dict(zip(rows["session_id"].to_pylist(), rows["rating"].to_pylist(), strict=True))
    assert ratings == {one: 2.0, **dict.fromkeys(others, -1.0)}


def test_a_row_whose_transaction_was_running_at_the_earlier_reading_is_read(engine: Engine) -> None:
    load(engine, corners())
    with engine.begin() as slow:
        slow.execute(text("UPDATE messages SET sender = 'platform'"))
        with engine.begin() as quick:
            quick.execute(text("UPDATE sessions SET rating = 2"))
        earlier = read_stamped(engine, TUTOR)
        assert earlier is not None
        assert earlier.dataset.tables["messages"]["sender"].to_pylist() == ["tutor"]
    assert _extended(engine, earlier).tables["messages"]["sender"].to_pylist() == ["platform"]


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM messages WHERE message_id = (SELECT min(message_id) FROM messages WHERE tutor_id = 't1')",
        "UPDATE sessions SET tutor_id = 't2' WHERE session_id = (SELECT min(session_id) FROM sessions)",
        "UPDATE students SET timezone = 'Asia/Tokyo'",
        "UPDATE tutors SET timezone = 'Asia/Tokyo'",
        "UPDATE dataset_facts SET departures_given = NOT departures_given",
        "UPDATE attribute_definitions SET late = NOT late",
        "UPDATE reschedules SET reason_text = 'exam', reason_code = NULL",
    ],
)
def test_after_any_change_the_extension_equals_a_fresh_reading(
    engine: Engine, earlier: StampedHistory, change: str
) -> None:
    with engine.begin() as connection:
        assert connection.execute(text(change)).rowcount
    extended, stored = _extended(engine, earlier), read_dataset(engine, [TUTOR], HISTORY_KINDS)
    assert extended == stored
