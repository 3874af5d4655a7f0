"""Rooms of the project: import layers, packages, modules and imports between them."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def layers(root: Path = ROOT) -> list[list[str]]:
    """Returns the rooms by import layer, the topmost layer first, from the import contract in pyproject.toml."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (declared,) = (each["layers"] for each in contracts if each["type"] == "layers" and "domain" in each["layers"])
    return [[room.strip() for room in layer.split("|")] for layer in declared]


def rooms(root: Path = ROOT) -> list[str]:
    """Returns every room, the topmost layer first."""
    return [room for layer in layers(root) for room in layer]


def packages(room: str, root: Path = ROOT) -> list[Path]:
    """Returns the packages of a room, relative to the root; the room itself is the first."""
    return sorted(file.parent.relative_to(root) for file in (root / room).rglob("__init__.py"))


def modules(room: str, root: Path = ROOT) -> list[Path]:
    """Returns the modules of a room at any depth, without `__init__.py` and migrations."""
    files = sorted((root / room).rglob("*.py"))
    return [file for file in files if file.name != "__init__.py" and "migrations" not in file.parts]


def summary(package: Path, root: Path = ROOT) -> str:
    """Returns the first paragraph of a package's docstring, on one line."""
    doc = ast.get_docstring(ast.parse((root / package / "__init__.py").read_text())) or ""
    return " ".join(doc.partition("\n\n")[0].split())


def imported(module: Path) -> Iterator[str]:
    """Yields the dotted names of the modules that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
