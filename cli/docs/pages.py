"""Documents generated from the code: written by `python -m cli.docs`, compared by `--check`."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from cli.docs.api import api_page
from cli.docs.architecture import architecture_page, decisions_page
from cli.docs.contacts import contacts_page
from cli.docs.dataset import dataset_page
from cli.docs.events import events_page
from cli.docs.ruby_rules import ruby_rules
from features.as_of.group_priors import RECENT_DAYS
from features.base.dataset import Group
from features.catalogue import CHURN_FEATURES, NO_SHOW_FEATURES
from features.columns import Feature
from features.columns.group_rates import RATES, column_names
from gateways.settings import Settings, variable_name
from models.train.groups import LEAST_SESSIONS, MOST_VALUES
from serving.openapi import document as openapi

DOCS = Path(__file__).parents[2] / "docs"


def features_page() -> str:
    """Returns the catalogue of features."""
    lines = [
        "# Features",
        "",
        "A column uses only what was known strictly before the as-of moment. Missing values are missing, never zero.",
        "",
        "| column | meaning | unit | theme | needs a history | no-show | churn |",
        "|---|---|---|---|---|---|---|",
        *(_row(f) for f in dict.fromkeys((*NO_SHOW_FEATURES, *CHURN_FEATURES))),
        "",
        *_groups(),
    ]
    return "\n".join(lines) + "\n"


def _row(feature: Feature) -> str:
    used = ["yes" if feature in features else "" for features in (NO_SHOW_FEATURES, CHURN_FEATURES)]
    past = "yes" if feature.history else ""
    return f"| `{feature.name}` | {feature.meaning} | {feature.unit} | {feature.theme} | {past} | {' | '.join(used)} |"


_GROUPS = f"""## Histories of groups

A group is the sessions that share a value of an attribute, or the student. The no-show model reads these columns of
each group that the dataset file names under `history`. Where no file does, the groups are the categorical attributes
with at most {MOST_VALUES} values, at least {LEAST_SESSIONS} finished sessions per value, and rates that differ between
days or months more than by chance. Columns of an attribute of tutors begin with `tutor_`. Days are whole UTC days
before that of the as-of moment (ADR 34).

| column | missed share of the group's held or missed sessions | shrunk toward |
|---|---|---|"""
_PARENTS = ("the marketplace's", "the group's so far", f"the group's in the last {RECENT_DAYS} days")


def _groups() -> list[str]:
    columns = zip(column_names(Group("sessions", "NAME")), RATES, _PARENTS, strict=True)
    return [_GROUPS, *(f"| `{name}` | {rate.when} | {parent} |" for name, rate, parent in columns)]


def settings_page() -> str:
    """Returns the table of settings."""
    lines = [
        "# Settings",
        "",
        "Environment variables. All are optional.",
        "",
        "| variable | meaning | default |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        lines.append(f"| `{variable_name(name)}` | {field.description} | {default} |")
    return "\n".join(lines) + "\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "features.md": features_page,
    "settings.md": settings_page,
    "contacts.md": contacts_page,
    "dataset.md": lambda: dataset_page(DOCS / "dataset.md"),
    "api.md": lambda: api_page(DOCS / "api.md"),
    "events.md": lambda: events_page(DOCS / "events.md"),
    "architecture.md": lambda: architecture_page(DOCS / "architecture.md"),
    "adr/README.md": lambda: decisions_page(DOCS / "adr"),
    "openapi.json": openapi,
    "../clients/ruby/lib/tutor_quality/rules.rb": ruby_rules,
}


def main(check: bool) -> int:
    """Write every page, or with `check` print those that differ from the code. Returns the exit code."""
    stale = [name for name, page in PAGES.items() if not _is_current(DOCS / name, page())]
    for name in stale:
        if check:
            print(f"docs/{name} is out of date: run `make docs`", file=sys.stderr)
        else:
            (DOCS / name).write_text(PAGES[name]())
    return 1 if check and stale else 0


def _is_current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text
