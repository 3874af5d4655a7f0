"""Import of a module from the working directory with only the packages of a requirements file visible.

`python -S tests/lib/bare_import.py SITE_PACKAGES REQUIREMENTS MODULE`, with `-S` so that the editable install is
not visible.
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path


def brought(site: str, requirements: list[str]) -> set[str]:
    """Top-level modules of the required distributions and of their dependencies."""
    from importlib.metadata import distributions

    from packaging.utils import canonicalize_name

    installed = {canonicalize_name(d.metadata["Name"]): d for d in distributions(path=[site])}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [*_needed(requirements, frozenset())]
    while waiting:
        key = waiting.pop()
        if key not in seen and key[0] in installed:
            seen.add(key)
            waiting += _needed(installed[key[0]].requires or [], key[1])
    files = (file for name, _ in seen for file in installed[name].files or ())
    return {file.parts[0].partition(".")[0] for file in files}


def _needed(lines: list[str], extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    for line in lines:
        wanted = Requirement(line.strip())
        if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in extras or {""}):
            yield canonicalize_name(wanted.name), frozenset(wanted.extras)


def main(site: str, requirements: str, module: str) -> None:
    """Import the module; fails with the name of the first undeclared package."""
    sys.path.append(site)
    lines = [line for line in Path(requirements).read_text().splitlines() if line.strip()]
    tops = brought(site, lines)

    class Declared(PathFinder):
        """Finder of installed packages, limited to declared top-level modules."""

        @classmethod
        def find_spec(cls, name, path=None, target=None):  # type: ignore[no-untyped-def]
            known = path is not None or name.partition(".")[0] in tops
            return PathFinder.find_spec(name, [site] if path is None else path, target) if known else None

        @classmethod
        def find_distributions(cls, context):  # type: ignore[no-untyped-def]
            return PathFinder.find_distributions(type(context)(name=context.name, path=[site]))

    sys.path.remove(site)
    sys.path[0] = "."  # replaces the folder of this file
    sys.meta_path.append(Declared)
    for name in [n for n in sys.modules if n.partition(".")[0] == "packaging"]:
        del sys.modules[name]
    print(import_module(module).__file__)


if __name__ == "__main__":
    main(*sys.argv[1:])
