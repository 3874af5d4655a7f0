"""Generated parts of docs/api.md: routes with their permissions, kinds of scores, codes of problems."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cli.docs.parts import filled
from domain.policy import ALLOWED, Permission, Role
from domain.scores import LOW_IS_BAD, QUALITY_ACT, RESCHEDULE_ACT, WATCH_FROM
from domain.vocabulary import ScoreKind
from insights.rates.tutor_rates import RATE_KINDS
from serving.guard.permissions import AnyCaller, Open, Rule, Signed
from serving.http.problem_codes import CODES
from serving.openapi import declared_access, document

KIND_WORDS: Mapping[ScoreKind, str] = {
    ScoreKind.NO_SHOW: "risk that the tutor misses the next booked session",
    ScoreKind.NO_SHOW_14D: "risk of at least one missed session in the next 14 days",
    ScoreKind.CHURN_7D: "risk that the tutor leaves within 7 days",
    ScoreKind.CHURN_14D: "risk that the tutor leaves within 14 days",
    ScoreKind.CHURN_30D: "risk that the tutor leaves within 30 days",
    ScoreKind.CHURN_90D: "risk that the tutor leaves within 90 days",
    ScoreKind.HELP: "chance of a missed session or of leaving: the order of the ranked list",
    ScoreKind.RESCHEDULE_RATE_7D: "share of the sessions of 7 days that the tutor moved",
    ScoreKind.RESCHEDULE_RATE_30D: "share of the sessions of 30 days that the tutor moved",
    ScoreKind.RESCHEDULE_RATE_90D: "share of the sessions of 90 days that the tutor moved",
    ScoreKind.SESSION_QUALITY: "how good the sessions of 90 days were by their ratings, 1 the best",
    ScoreKind.FIRST_SESSION_QUALITY: "the same of first sessions with new students",
}


def api_page(page: Path) -> str:
    """Returns the page with its generated parts filled in and everything around them unchanged."""
    return filled(page, _PARTS)


def _routes() -> Iterator[str]:
    paths: dict[str, dict[str, Any]] = json.loads(document())["paths"]
    declared = declared_access()
    yield from ("| route | summary | requires | roles |", "|---|---|---|---|")
    for path, operations in paths.items():
        for method, operation in operations.items():
            rule = declared[method.upper(), path].rule
            route = f"`{method.upper()} {path}`"
            yield f"| {route} | {operation['summary']} | {_needs(rule)} | {', '.join(_roles(rule, path))} |"


def _needs(rule: Rule) -> str:
    match rule:
        case Permission():
            return f"`{rule.value}`"
        case Signed():
            return "a signature or secret"
        case AnyCaller():
            return "any key"
        case Open():
            return "nothing"


def _roles(rule: Rule, path: str) -> list[str]:
    if not isinstance(rule, Permission):
        return []
    others = [role.value for role in Role if rule in ALLOWED[role] and role is not Role.TUTOR]
    return others + (["tutor (own data)"] if rule in ALLOWED[Role.TUTOR] and "{tutor_id}" in path else [])


def _kinds() -> Iterator[str]:
    yield from ("| kind | meaning | watch | act |", "|---|---|---|---|")
    for kind in ScoreKind:
        sign = "≤" if kind in LOW_IS_BAD else "≥"
        yield f"| `{kind}` | {KIND_WORDS[kind]} | {sign} {WATCH_FROM[kind]:g} | {_act(kind)} |"


def _act(kind: ScoreKind) -> str:
    if kind in LOW_IS_BAD:
        return f"≤ {QUALITY_ACT:g}"
    return f"≥ {RESCHEDULE_ACT:g}" if kind in RATE_KINDS.values() else "`act_from` of the score"


def _codes() -> Iterator[str]:
    yield from ("| status | `code` | meaning | what to do |", "|---|---|---|---|")
    for status, code, meaning, advice in CODES.values():
        yield f"| {status} | `{code}` | {meaning} | {advice} |"


_PARTS: Mapping[str, Callable[[], Iterator[str]]] = {"routes": _routes, "kinds": _kinds, "codes": _codes}
