"""Datasets loaded and read back without change."""

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest
from sqlalchemy import Engine, text

from domain.errors import InvalidDataset
from domain.schema import KINDS
from domain.vocabulary import AttributeType
from features.base.dataset import Attribute, Dataset
from store.facts.history import read_dataset
from store.facts.load import KindSummary, load, record_import, row_counts
from tests.lib.small_dataset import ATTRIBUTES, NOON, corners, dataset, session


def _set(given: Dataset, kind: str, column: str, values: list[object]) -> Dataset:
    table = given.tables[kind]
    index = table.schema.get_field_index(column)
    changed = table.set_column(index, table.schema.field(index), pa.array(values, table.schema.field(index).type))
    return replace(given, tables={**given.tables, kind: changed})


def test_a_dataset_reads_back_as_it_was_loaded(engine: Engine) -> None:
    load(engine, corners())
    back = read_dataset(engine)
    assert back.attributes == ATTRIBUTES
    for kind in KINDS:
        assert back.tables[kind].to_pylist() == corners().tables[kind].to_pylist()


def test_an_empty_store_reads_as_an_empty_dataset(engine: Engine) -> None:
    assert all(table.num_rows == 0 for table in read_dataset(engine).tables.values())


def test_the_reason_why_an_attribute_is_known_is_kept_and_replaced_by_that_of_the_next_import(engine: Engine) -> None:
    for reason in ("written at booking", "read from the contract"):
        explained = tuple(replace(attribute, known_when_asked=reason) for attribute in ATTRIBUTES)
        load(engine, replace(corners(), attributes=explained))
        assert read_dataset(engine).attributes == explained


def test_whether_departures_were_given_is_kept(engine: Engine) -> None:
    load(engine, replace(corners(), departures_given=False))
    assert read_dataset(engine).departures_given is False
    load(engine, corners())
    assert read_dataset(engine).departures_given is True


def test_a_second_load_changes_nothing(engine: Engine) -> None:
    first, second = load(engine, corners()), load(engine, corners())
    assert (first.new, first.changed, first.unchanged) == (10, 0, 0)
    assert (second.new, second.changed, second.unchanged) == (0, 0, 10)


def test_a_changed_row_replaces_the_old_and_a_new_one_is_added(engine: Engine) -> None:
    load(engine, corners())
    changed = _set(corners(), "sessions", "status", ["completed", "no_show", "booked"])
    changed = _set(changed, "sessions", "session_id", ["x1", "x2", "x4"])
    assert load(engine, changed).kinds["sessions"] == KindSummary(new=1, changed=1, unchanged=1)
    back = read_dataset(engine).tables["sessions"]
    assert back["session_id"].to_pylist() == ["x1", "x2", "x3", "x4"]
    assert back["status"].to_pylist() == ["completed", "no_show", "booked", "booked"]


def test_a_value_that_becomes_null_and_an_attribute_count_as_changes(engine: Engine) -> None:
    load(engine, corners())
    changed = _set(corners(), "sessions", "rating", [None, None, None])
    changed = _set(changed, "tutors", "attributes.grade", [0.3, 2.0])
    summary = load(engine, changed)
    assert (summary.kinds["sessions"].changed, summary.kinds["tutors"].changed) == (1, 2)
    assert read_dataset(engine).tables["tutors"]["attributes.grade"].to_pylist() == [0.3, 2.0]


def test_a_row_that_breaks_a_rule_leaves_everything_as_it_was(engine: Engine) -> None:
    load(engine, corners())
    orphan = dataset(tutors=[{"tutor_id": "t9", "timezone": "UTC"}], sessions=[session("x9", "nobody")])
    with pytest.raises(InvalidDataset, match="nobody"):
        load(engine, orphan)
    assert row_counts(engine)["tutors"] == 2


@pytest.mark.parametrize("wrong", [{"status": "lost"}, {"ends_at": NOON - timedelta(hours=1)}, {"tutor_id": "nobody"}])
def test_a_row_that_breaks_a_rule_is_refused_by_an_empty_store_too(engine: Engine, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidDataset, match="Nothing was loaded"):
        load(engine, dataset(tutors=[{"tutor_id": "t1"}], sessions=[session("x1", **wrong)]))
    assert row_counts(engine)["tutors"] == 0


def test_an_attribute_cannot_come_back_with_another_type(engine: Engine) -> None:
    load(engine, corners())
    with pytest.raises(InvalidDataset, match="subject"):
        load(engine, dataset((Attribute("sessions", "subject", AttributeType.NUMERIC),)))


def test_no_number_in_an_attribute_is_left_out(engine: Engine) -> None:
    rows = [{"tutor_id": str(i), "attributes.grade": v} for i, v in enumerate([float("nan"), float("inf"), 1.5])]
    load(engine, dataset(tutors=rows))
    assert read_dataset(engine).tables["tutors"]["attributes.grade"].to_pylist() == [None, None, 1.5]


def test_reading_one_tutor_gives_only_what_is_theirs(engine: Engine) -> None:
    load(engine, corners())
    one = read_dataset(engine, ["t1"])
    assert {kind: table.num_rows for kind, table in one.tables.items()} == {
        "tutors": 1, "students": 1, "sessions": 2, "reschedules": 1, "messages": 1, "transcripts": 1,
    }  # fmt: skip
    assert read_dataset(engine, ["o'nobody"]).tables["sessions"].num_rows == 0


def test_kinds_not_asked_for_stay_empty(engine: Engine) -> None:
    load(engine, corners())
    some = read_dataset(engine, kinds={"tutors", "sessions"})
    assert [kind for kind, table in some.tables.items() if table.num_rows] == ["tutors", "sessions"]


def test_the_notice_of_a_reschedule_is_worked_out_by_the_database(engine: Engine) -> None:
    load(engine, corners())
    with engine.connect() as connection:
        assert connection.execute(text("SELECT notice_hours FROM reschedules")).scalar() == 6.5


def test_an_import_of_the_same_files_is_noted_once(engine: Engine) -> None:
    summary = load(engine, corners())
    assert record_import(engine, "small.yaml", {"sessions.csv": "ab12"}, summary, NOON, rejected=1)
    assert not record_import(engine, "small.yaml", {"sessions.csv": "ab12"}, summary, NOON)
    assert record_import(engine, "small.yaml", {"sessions.csv": "cd34"}, summary, NOON)
    with engine.connect() as connection:
        body = connection.execute(text("SELECT body FROM inbox ORDER BY id LIMIT 1")).scalar_one()
    assert body["loaded"]["sessions"] == summary.kinds["sessions"].counts()
    assert body["rejected"] == 1
