"""Recipes of docs/contributing.md, followed on a copy of the project.

Each recipe edits exactly the files that the page lists for it; then the documents are generated and the checks of the
additions run in the copy.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.lib.paths import ROOT

PAGE = (ROOT / "docs" / "contributing.md").read_text()

Edit = str | tuple[tuple[str, str], ...]
"""Text appended to a file, which is created if missing; or a pattern and its replacement for each edited place."""

FEATURE: Mapping[str, Edit] = {
    "features/columns/activity.py": '''

@feature("sessions", "load", CHURN, count("session", "in the last 21 days"))
def load_21d(past: Past) -> Column:
    """Sessions of the tutor in the last 21 days that were held or missed."""
    return _sessions(past, 21)
''',
    "tests/lib/oracle_tutor.py": """

@oracle
def load_21d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(held_or_missed(rows, query, 21))
""",
}
ROUTE: Mapping[str, Edit] = {
    "serving/routes/bands.py": '''"""Route of the bands of scores."""

from fastapi import APIRouter

from domain.policy import Permission
from domain.vocabulary import Band
from serving.guard.permissions import access

router = APIRouter(prefix="/api/bands", tags=["scores"])


@router.get("", summary="List the bands of scores")
@access(Permission.SCORES_READ, example=["ok", "watch", "act"])
def bands() -> list[Band]:
    """Return every band, the least urgent first."""
    return list(Band)
''',
    "serving/app.py": (
        (r"\n    events,\n", "\n    bands,\n    events,\n"),
        (r"\n        oauth,\n", "\n        oauth,\n        bands,\n"),
    ),
    "tests/serving/routes/test_bands.py": """from domain.policy import Permission
from domain.vocabulary import Band
from serving.openapi import declared_access
from serving.routes.bands import bands


def test_bands_are_listed_for_callers_who_may_read_scores() -> None:
    assert bands() == [Band.OK, Band.WATCH, Band.ACT]
    assert declared_access()["GET", "/api/bands"].rule is Permission.SCORES_READ
""",
}
DASHBOARD_PAGE: Mapping[str, Edit] = {
    "ui/pages/limits.py": '''"""Page of limits: the risk at which each band begins."""

import panel as pn

from domain.horizons import WATCH_RISK
from domain.policy import Permission
from ui.page import Page, PageRequest
from ui.parts.rendering import piece


def limits_view(request: PageRequest) -> pn.pane.HTML:
    """The risk from which a score is Watch."""
    return piece("limits.html", watch=WATCH_RISK)


PAGE = Page("limits", "Limits", Permission.SCORES_READ, limits_view)
''',
    "ui/pages/limits.html": "<p>Watch begins at {{ watch|points }} of 100.</p>\n",
    "ui/app.py": (
        (r"from ui\.pages import contacts, ", "from ui.pages import contacts, limits, "),
        (r"(PAGES: tuple[^)]*)\)", r"\1, limits.PAGE)"),
    ),
    "docs/admin.md": (
        (
            r"(\| \[One tutor\][^\n]*\n)",
            r"\1| [Limits](#limits) | `limits` | `scores:read` | At which risk does a band begin? |\n",
        ),
        (r"\Z", "\n## Limits\n\nThe risk at which each band begins.\n\nWhat to do: nothing.\n"),
    ),
    "tests/ui/pages/test_limits.py": """from datetime import UTC, datetime
from typing import Any

from ui.app import PAGES
from ui.page import PageRequest
from ui.pages import limits


def test_the_page_shows_the_risk_at_which_watch_begins() -> None:
    engine: Any = None
    assert limits.PAGE in PAGES
    assert "Watch begins at 20 of 100." in limits.limits_view(PageRequest(engine, datetime.now(UTC))).object
""",
}
FINDING: Mapping[str, Edit] = {
    "monitoring/findings.py": '''

def judge_processors(processors: int) -> Finding:
    """Number of processors of this machine."""
    if processors >= 2:
        return Finding("processors", Level.OK, f"{processors} are available")
    return Finding("processors", Level.WARNING, "only one is available", "Use a machine with at least two.")
''',
    "cli/examination.py": (
        (r"\nimport shutil\n", "\nimport os\nimport shutil\n"),
        (
            r"(    return \[judge\.judge_disk\([^\]]*)\]",
            r"\1, judge.judge_processors(os.cpu_count() or 1)]",
        ),
    ),
    "tests/monitoring/test_findings.py": """

def test_a_single_processor_is_a_warning() -> None:
    assert [judge.judge_processors(n).level for n in (1, 2)] == [Level.WARNING, Level.OK]
""",
}
LATEST = max(path.name[:4] for path in (ROOT / "store" / "migrations" / "versions").glob("0*.py"))
"""Number of the newest migration."""

MIGRATION = f"store/migrations/versions/{int(LATEST) + 1:04}_rate_14d"
SCORE_KIND: Mapping[str, Edit] = {
    "domain/vocabulary.py": (
        (
            r'\n    RESCHEDULE_RATE_30D = "reschedule_rate_30d"',
            '\n    RESCHEDULE_RATE_14D = "reschedule_rate_14d"\n    RESCHEDULE_RATE_30D = "reschedule_rate_30d"',
        ),
    ),
    "domain/score_kinds.py": (
        (
            r"( +)ScoreKind\.RESCHEDULE_RATE_30D: ",
            r"\1ScoreKind.RESCHEDULE_RATE_14D: _reschedule_rate(14),\n\1ScoreKind.RESCHEDULE_RATE_30D: ",
        ),
    ),
    f"{MIGRATION}.py": f'''"""Scores of the kind reschedule_rate_14d."""

from pathlib import Path

from alembic import op

revision = "{int(LATEST) + 1:04}"
down_revision = "{LATEST}"


def upgrade() -> None:
    """Allow the kind."""
    op.execute(Path(__file__).with_suffix(".up.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Delete its scores and reject it."""
    op.execute(Path(__file__).with_suffix(".down.sql").read_text(encoding="utf-8"))
''',
    f"{MIGRATION}.up.sql": """ALTER TABLE scores DROP CONSTRAINT ck_scores_kind;
ALTER TABLE scores ADD CONSTRAINT ck_scores_kind CHECK (kind IN (
    'no_show', 'no_show_14d', 'churn_7d', 'churn_14d', 'churn_30d', 'churn_90d', 'help', 'reschedule_rate_7d',
    'reschedule_rate_14d', 'reschedule_rate_30d', 'reschedule_rate_90d', 'session_quality', 'first_session_quality'
));
""",
    f"{MIGRATION}.down.sql": """ALTER TABLE scores DISABLE TRIGGER USER;
DELETE FROM scores WHERE kind = 'reschedule_rate_14d';
ALTER TABLE scores ENABLE TRIGGER USER;
ALTER TABLE scores DROP CONSTRAINT ck_scores_kind;
ALTER TABLE scores ADD CONSTRAINT ck_scores_kind CHECK (kind IN (
    'no_show', 'no_show_14d', 'churn_7d', 'churn_14d', 'churn_30d', 'churn_90d', 'help', 'reschedule_rate_7d',
    'reschedule_rate_30d', 'reschedule_rate_90d', 'session_quality', 'first_session_quality'
));
""",
    "tests/insights/rates/test_tutor_rates.py": (
        (
            r"ScoreKind\.RESCHEDULE_RATE_7D, ScoreKind\.RESCHEDULE_RATE_30D",
            "ScoreKind.RESCHEDULE_RATE_7D, ScoreKind.RESCHEDULE_RATE_14D, ScoreKind.RESCHEDULE_RATE_30D",
        ),
    ),
}
RECIPES: Mapping[str, Mapping[str, Edit]] = {
    "Add a feature": FEATURE,
    "Add a route": ROUTE,
    "Add a page": DASHBOARD_PAGE,
    "Add a score kind": SCORE_KIND,
    "Add an alert rule": FINDING,
}
GENERATED = {"docs/api.md", "docs/features.md", "docs/openapi.json"}
CHECKS = (
    "tests/domain/test_score_kinds.py",
    "tests/features/columns/test_values.py::test_in_a_busy_marketplace_every_column_equals_the_oracle_and_takes_many_values",
    "tests/insights/rates/test_tutor_rates.py",
    "tests/monitoring/test_findings.py",
    "tests/serving/routes/test_bands.py",
    "tests/serving/test_openapi.py",
    "tests/store/schema/test_schema.py::test_migrations_run_up_down_and_up_again",
    "tests/store/schema/test_schema.py::test_tables_equal_the_migrated_schema",
    "tests/test_layers.py",
    "tests/test_tree.py",
    "tests/ui/pages/test_limits.py",
    "tests/ui/test_admin_docs.py",
)


def _listed(recipe: str) -> set[str]:
    """Files in the first column of the recipe's table on the page."""
    section = PAGE.partition(f"### {recipe}\n")[2].partition("\n##")[0]
    return {
        path for row in re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE) for path in re.findall(r"`(\S+)`", row)
    }


def _edit(path: Path, edit: Edit) -> None:
    text = path.read_text() if path.exists() else ""
    if isinstance(edit, str):
        text += edit
    else:
        for pattern, replacement in edit:
            text, places = re.subn(pattern, replacement, text, count=1)
            assert places == 1, f"{path.name} has no {pattern}"
    path.write_text(text)


def _run(copy: Path, *arguments: str) -> str:
    """Output of a Python module in the copy, which is imported from there."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=copy,
        env=environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{arguments}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project after every recipe. Compiled kernels are copied with it."""
    copy = tmp_path_factory.mktemp("recipes") / "project"
    ignored = shutil.ignore_patterns(".git", ".venv", ".uv", ".data", ".hypothesis", ".*_cache")
    shutil.copytree(ROOT, copy, ignore=ignored)
    for recipe in RECIPES.values():
        for path, edit in recipe.items():
            _edit(copy / path, edit)
    _run(copy, "cli.docs")
    return copy


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_lists_every_file_that_it_edits(recipe: str) -> None:
    listed = {re.sub("NAME|NUMBER|THEME", r"\\w+", re.escape(path)) for path in _listed(recipe) - GENERATED}
    matched = {path: [pattern for pattern in listed if re.fullmatch(pattern, path)] for path in RECIPES[recipe]}
    assert [path for path, patterns in matched.items() if len(patterns) != 1] == []
    assert {pattern for patterns in matched.values() for pattern in patterns} == listed


def test_the_documents_follow_the_recipes(copy: Path) -> None:
    changed = {name for name in GENERATED if (copy / name).read_text() != (ROOT / name).read_text()}
    assert changed == GENERATED == {name for recipe in RECIPES for name in _listed(recipe)} & GENERATED
    assert "`reschedule_rate_14d`" in (copy / "docs" / "api.md").read_text()
    assert "`load_21d`" in (copy / "docs" / "features.md").read_text()
    assert "`GET /api/bands`" in (copy / "docs" / "api.md").read_text()


def test_the_checks_pass_after_the_recipes(copy: Path) -> None:
    done = _run(copy, "pytest", "-p", "no:cacheprovider", "-m", "not slow", *CHECKS)
    assert "failed" not in done
