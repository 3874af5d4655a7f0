"""Test files mirror the packages of the project."""

import pytest

from tests.lib.paths import ROOT

TESTED_BY_NAME = ("domain", "insights", "models", "monitoring", "quality")
"""Rooms that hold rules: each of their modules has a test file of its name."""

ACROSS_ROOMS = {"acceptance", "lib"}


@pytest.mark.parametrize("room", TESTED_BY_NAME)
def test_every_module_of_a_room_of_rules_has_a_test_file_of_its_name(room: str) -> None:
    modules = [path for path in sorted((ROOT / room).rglob("*.py")) if path.name != "__init__.py"]
    assert modules
    missing = [
        str(path.relative_to(ROOT))
        for path in modules
        if not (ROOT / "tests" / path.parent.relative_to(ROOT) / f"test_{path.name}").exists()
    ]
    assert not missing, f"add tests/<room>/test_<module>.py for {missing}"


def test_every_folder_of_tests_is_a_room() -> None:
    folders = [path for path in (ROOT / "tests").rglob("*") if path.is_dir() and any(path.glob("test_*.py"))]
    rooms = [path.relative_to(ROOT / "tests") for path in folders]
    strangers = [str(room) for room in rooms if room.parts[0] not in ACROSS_ROOMS and not (ROOT / room).is_dir()]
    assert not strangers
