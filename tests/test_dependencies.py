"""Declared dependencies: an undeclared transitive one may disappear with another library's next version."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions

from tests.lib.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def _imported(folders: Iterable[str]) -> set[str]:
    """Imported top-level packages that belong neither to Python nor to this project."""
    found: set[str] = set()
    for file in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {*ROOMS, "benchmarks", "tests"}


def _declared(requirements: Iterable[str]) -> set[str]:
    names = (re.split(r"[^A-Za-z0-9._-]", one)[0] for one in requirements)
    return {re.sub(r"[._]", "-", name).lower() for name in names}


def _undeclared(folders: Iterable[str], requirements: Iterable[str]) -> set[str]:
    brought, declared = packages_distributions(), _declared(requirements)
    return {
        package
        for package in _imported(folders)
        if not declared & {re.sub(r"[._]", "-", name).lower() for name in brought.get(package, [package])}
    }


def test_what_the_rooms_import_is_declared() -> None:
    assert _undeclared(ROOMS, _runtime()) == set()


def test_what_tests_and_benchmarks_import_is_declared() -> None:
    assert _undeclared(["tests", "benchmarks"], [*_runtime(), *PROJECT["dependency-groups"]["dev"]]) == set()


def _runtime() -> list[str]:
    project = PROJECT["project"]
    return [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
