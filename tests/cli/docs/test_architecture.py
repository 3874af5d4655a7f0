"""Agreement of the architecture pages with the code."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from cli.docs import project
from cli.docs.architecture import decisions_page
from cli.docs.rooms import table
from tests.lib.paths import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RECORDS = sorted((ROOT / "docs" / "adr").glob("0*.md"))


def test_every_package_of_the_project_is_a_room() -> None:
    folders = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"benchmarks", "tests"}
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert folders == set(project.rooms()) == set(packages["packages"])


def test_every_package_says_what_it_contains() -> None:
    assert [p for room in project.rooms() for p in project.packages(room) if not project.summary(p)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_and_links_in_documents_exist(page: Path) -> None:
    text = page.read_text()
    paths = set(re.findall(r"`([a-z_]+/[a-z_/]+(?:\.py|\.toml|\.yaml)?)`", text))
    rooms = {*project.rooms(), "tests", "benchmarks", "docs", "clients"}
    missing = {p for p in paths if p.partition("/")[0] in rooms and not (ROOT / p).exists()}
    links = set(re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text))
    missing |= {link for link in links if "://" not in link and not (page.parent / link).exists()}
    assert missing == set()


def test_a_decision_without_a_status_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "0001-first.md").write_text("# 1. First\n\nDate: 2026-12-01\n\nText.\n")
    with pytest.raises(ValueError, match=r"0001-first\.md must begin with"):
        decisions_page(tmp_path)


def test_decisions_are_numbered_as_their_files() -> None:
    for file in RECORDS:
        assert file.read_text().startswith(f"# {int(file.name[:4])}. "), file.name
    assert len({file.name[:4] for file in RECORDS}) == len(RECORDS)


def test_the_glossary_defines_each_term_once() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    terms = [term for term, _ in rows if term not in ("term", "---") and set(term) != {"-"}]
    assert len(terms) == len(set(terms)) > 40
    assert all(meaning.endswith(".") for term, meaning in rows if term in terms)


def test_imports_are_counted_by_room(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[[tool.importlinter.contracts]]\ntype = "layers"\nlayers = ["cli", "domain"]\n'
    )
    for room, text in {"cli": "import domain.a\n\ndef f():\n    from domain import a, b\n", "domain": ""}.items():
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("")
        (tmp_path / room / "a.py").write_text(text)
    assert "| cli | 1 | 4 | 1 | 1 |" in table(tmp_path)
    assert "2 import statements between rooms, 0 inside rooms." in table(tmp_path)


def test_make_help_lists_every_target() -> None:
    targets = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    command = ["make", "--no-print-directory", "help"]  # the suite itself may run under make
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert targets
    assert {line.split()[0] for line in shown.splitlines()} == set(targets[1].split())
