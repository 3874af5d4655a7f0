"""Import cycles between modules; the packages above them are checked by import-linter."""

import tomllib
from graphlib import CycleError, TopologicalSorter

from importlinter.adapters.building import GraphBuilder

from tests.lib.paths import ROOT

ROOMS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]


def test_no_module_imports_itself_through_others() -> None:
    # Imports inside functions count; those under TYPE_CHECKING do not, because they never run.
    graph = GraphBuilder().build(ROOMS, cache_dir=None, exclude_type_checking_imports=True)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        raise AssertionError("import cycle: " + " -> ".join(error.args[1][::-1])) from None
