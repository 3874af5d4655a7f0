"""Time zones: one database for validation and computation, independent of the machine's."""

import logging
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from domain.time_zones import is_time_zone, time_zone
from features.base.dataset import Dataset
from features.base.local_time import local_hours
from features.base.zone_offsets import local, to_utc
from jobs.scoring import without_unreadable
from tests.lib.small_dataset import corners

ZONES = ("US/Pacific", "Asia/Calcutta", "Europe/Kyiv", "Africa/Casablanca", "Australia/Lord_Howe", "EST5EDT", "UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("zone", ZONES)
def test_the_local_clock_is_that_of_zoneinfo_also_around_changes_and_far_away(zone: str) -> None:
    seconds = np.random.default_rng(0).integers(946_684_800, 4_133_980_800, 2000)
    place = time_zone(zone)
    wanted = [datetime.fromtimestamp(second, place).replace(tzinfo=UTC) for second in seconds.tolist()]
    found = local(seconds * 1_000_000, zone)
    assert [EPOCH + timedelta(microseconds=moment) for moment in found.tolist()] == wanted


def test_a_time_that_comes_twice_is_the_first_and_one_that_is_skipped_the_end_of_the_gap() -> None:
    clock = np.array(["2026-10-25T02:30", "2026-03-29T02:30", "2026-07-01T12:00"], "datetime64[us]").astype(np.int64)
    found = to_utc(clock, "Europe/Berlin").astype("datetime64[us]").astype(str).tolist()
    assert [moment[:16] for moment in found] == ["2026-10-25T00:30", "2026-03-29T01:00", "2026-07-01T10:00"]


@pytest.mark.parametrize(
    "name", ["Factory", "localtime", "posixrules", "right/UTC", "posix/Europe/Berlin", "", "GMT+2"]
)
def test_what_is_no_zone_of_the_package_is_refused(name: str) -> None:
    assert not is_time_zone(name)
    with pytest.raises(ValueError, match="is not a time zone"):
        time_zone(name)


def test_a_tutor_with_an_unreadable_zone_is_left_out_with_a_warning_and_the_others_stay(
    caplog: pytest.LogCaptureFixture,
) -> None:
    dataset = corners()
    tutors = dataset.tables["tutors"]
    first, *others = tutors["tutor_id"].to_pylist()
    zones = pa.array(["Mars/Olympus"] + ["Europe/Berlin"] * len(others), pa.string())
    planted = tutors.set_column(tutors.schema.get_field_index("timezone"), "timezone", zones)
    dataset = Dataset({**dataset.tables, "tutors": planted}, dataset.attributes, dataset.departures_given)
    with caplog.at_level(logging.WARNING, logger="tutor_quality.scoring"):
        kept = without_unreadable(dataset)
    assert kept.tables["tutors"]["tutor_id"].to_pylist() == others
    assert f"{first!r} is not scored" in caplog.text
    assert "Mars/Olympus" in caplog.text
    assert local_hours(np.array([0]), np.array([0]), ["Mars/Olympus"]).tolist() == [0]
