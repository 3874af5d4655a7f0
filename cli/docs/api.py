"""Generated parts of docs/api.md: routes with their permissions, kinds of scores, codes of problems."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cli.docs.parts import filled
from domain.policy import ALLOWED, Permission, Role
from domain.score_kinds import SCORE_KINDS
from serving.guard.permissions import AnyCaller, Open, Rule, Signed
from serving.http.problem_codes import CODES
from serving.openapi import declared_access, document


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
    for kind, described in SCORE_KINDS.items():
        sign = "≤" if described.low_is_bad else "≥"
        act = "`act_from` of the score" if described.act_from is None else f"{sign} {described.act_from:g}"
        yield f"| `{kind}` | {described.meaning} | {sign} {described.watch_from:g} | {act} |"


def _codes() -> Iterator[str]:
    yield from ("| status | `code` | meaning | what to do |", "|---|---|---|---|")
    for status, code, meaning, advice in CODES.values():
        yield f"| {status} | `{code}` | {meaning} | {advice} |"


_PARTS: Mapping[str, Callable[[], Iterator[str]]] = {"routes": _routes, "kinds": _kinds, "codes": _codes}
