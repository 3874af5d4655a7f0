"""Pages of the tutor list: filtered and sorted, all pages as of the first one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, Row, TextClause, text

from domain.disclosure import disclosed
from domain.score_kinds import LISTED, SCORE_KINDS
from domain.scores import Reason, Score
from domain.vocabulary import Band, ScoreKind
from store.contacts.assignments import assignments, assignments_sql
from store.db.statements import ask
from store.scores.tutor_scores import score_of


class SortKey(StrEnum):
    """Sort key of the list."""

    SESSIONS_AT_RISK = "sessions_at_risk"
    HELP = "help"
    NO_SHOW_14D = "no_show_14d"
    CHURN_30D = "churn_30d"
    RESCHEDULE_RATE_30D = "reschedule_rate_30d"
    SESSION_QUALITY = "session_quality"
    NAME = "name"


@dataclass(frozen=True)
class Wanted:
    """Filter and order of tutors. `at_least` and `at_most` bound the value of a kind; None disables a filter."""

    sort: SortKey = SortKey.SESSIONS_AT_RISK
    descending: bool = True
    band: Band | None = None
    active: bool | None = None
    name: str | None = None
    at_least: Mapping[ScoreKind, float] = field(default_factory=dict)
    at_most: Mapping[ScoreKind, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PageStart:
    """The line before a page: its sorted value, None without one, and its tutor.

    `up_to` is the last score included in the first page; later scores change no following page.
    """

    up_to: int
    value: float | str | None
    tutor_id: str


@dataclass(frozen=True)
class ListedTutor:
    """One line: tutor, whether the last day's sweep scored them, and the newest scores by kind as they may be shown.

    `band`, `reasons` and `action` are those of `help`; without that score they are None or empty.
    """

    tutor_id: str
    name: str
    timezone: str | None
    active: bool
    scores: Mapping[ScoreKind, Score]

    @property
    def sessions_at_risk(self) -> Score | None:
        """The expected number of lost sessions, by which tutors are ranked."""
        return self.scores.get(ScoreKind.SESSIONS_AT_RISK)

    @property
    def help(self) -> Score | None:
        """The probability of a missed session or of leaving."""
        return self.scores.get(ScoreKind.HELP)

    @property
    def no_show_14d(self) -> Score | None:
        """The risk of a no-show within 14 days."""
        return self.scores.get(ScoreKind.NO_SHOW_14D)

    @property
    def churn_30d(self) -> Score | None:
        """The risk of leaving within 30 days."""
        return self.scores.get(ScoreKind.CHURN_30D)

    @property
    def band(self) -> Band | None:
        """The band of the need for help."""
        return self.help.band if self.help else None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The reasons that may be shown."""
        return self.help.reasons if self.help else ()

    @property
    def action(self) -> str | None:
        """The action that may be shown, or the sentence that it is withheld."""
        return self.help.action if self.help else None


@dataclass(frozen=True)
class TutorPage:
    """Lines of a page, and the start of the next page; None for the last page."""

    tutors: Sequence[ListedTutor]
    following: PageStart | None


def ranked_tutors(engine: Engine, now: datetime, limit: int | None = None) -> Sequence[ListedTutor]:
    """The active tutors, those with the most sessions at risk first. Raises DatabaseUnavailable."""
    return tutor_page(engine, Wanted(active=True), now, limit).tutors


def tutor_page(
    engine: Engine, wanted: Wanted, now: datetime, limit: int | None, after: PageStart | None = None
) -> TutorPage:
    """One page, or all lines without a limit. Raises DatabaseUnavailable."""
    values = _values(wanted) | {"limit": None if limit is None else limit + 1, "now": now}
    if after is not None:
        values |= {"up_to": after.up_to, "after_value": after.value, "after_id": after.tutor_id}
    rows = ask(engine, _question(wanted, after), values)
    lines = [rows[start : start + len(LISTED)] for start in range(0, len(rows), len(LISTED))]
    last = lines[limit - 1][0] if limit is not None and len(lines) > limit else None
    up_to = after.up_to if after else rows[0].last_score if rows else 0
    following = PageStart(up_to, last.sorted, last.tutor_id) if last else None
    return TutorPage([_listed(line) for line in lines[:limit]], following)


# The page is selected before its other scores are read: most tutors cost one index probe, not one per kind.
_PAGE = """
    WITH chosen AS MATERIALIZED (
        SELECT
            tutors.tutor_id, coalesce(tutors.name, tutors.tutor_id) AS name, tutors.timezone, {sorted} AS sorted
        FROM tutors {joins}
        WHERE {conditions}
        ORDER BY {sorted} {direction} NULLS LAST, tutors.tutor_id
        LIMIT :limit
    )
    SELECT
        chosen.*, score.*, plan.assignments, (SELECT coalesce(max(id), 0) FROM scores) AS last_score,
        coalesce(score.as_of > (SELECT as_of FROM last_sweep) - interval '1 day', false) AS is_recent
    FROM chosen
    CROSS JOIN LATERAL (
        {assignments}
    ) AS plan
    CROSS JOIN unnest(CAST(:kinds AS text[])) WITH ORDINALITY AS listed (listed_kind, place)
    LEFT JOIN LATERAL (
        SELECT
            subject_kind, subject_id, kind, value, low, high, out_of, reasons, action, what_if, act_from, model_version,
            as_of
        FROM scores
        WHERE subject_kind = 'tutor' AND subject_id = chosen.tutor_id AND scores.kind = listed_kind {until}
        ORDER BY scores.as_of DESC, id DESC LIMIT 1
    ) AS score ON true
    ORDER BY chosen.sorted {direction} NULLS LAST, chosen.tutor_id, place
"""
_PROBE = """
    LEFT JOIN LATERAL (
        SELECT value, act_from, as_of FROM scores
        WHERE subject_kind = 'tutor' AND subject_id = tutors.tutor_id AND kind = '{kind}' {until}
        ORDER BY as_of DESC, id DESC LIMIT 1
    ) AS of_{kind} ON true
"""
# `domain.scores.band_of` for a kind whose high values are bad; its threshold is a parameter.
_IN_BAND = f"""
    of_help.value IS NOT NULL AND :band = CASE
        WHEN of_help.value >= of_help.act_from THEN '{Band.ACT}'
        WHEN of_help.value >= :watch_from THEN '{Band.WATCH}' ELSE '{Band.OK}'
    END
"""
_ACTIVE = "of_help.as_of > (SELECT as_of FROM last_sweep) - interval '1 day'"


def _question(wanted: Wanted, after: PageStart | None) -> TextClause:
    is_name = wanted.sort is SortKey.NAME
    sort = "lower(coalesce(tutors.name, tutors.tutor_id))" if is_name else f"of_{wanted.sort}.value"
    until = "AND id <= :up_to" if after else ""  # the first page needs no condition, which would cost a third more
    probed = [kind for kind in LISTED if kind in _kinds_needed(wanted)]
    conditions = ["tutors.erased_at IS NULL", *_conditions(wanted), *([_beyond(wanted, after, sort)] if after else [])]
    return text(
        _PAGE.format(
            sorted=f'{sort} COLLATE "C"' if is_name else sort,
            joins="".join(_PROBE.format(kind=kind, until=until) for kind in probed),
            conditions=" AND ".join(f"({condition})" for condition in conditions) or "true",
            until=until,
            assignments=assignments_sql("chosen.tutor_id", "CAST(:now AS timestamptz)"),
            direction="DESC" if wanted.descending else "ASC",
        )
    )


def _kinds_needed(wanted: Wanted) -> set[ScoreKind]:
    needed = {*wanted.at_least, *wanted.at_most}
    if wanted.sort is not SortKey.NAME:
        needed.add(ScoreKind(wanted.sort.value))
    if wanted.band is not None or wanted.active is not None:
        needed.add(ScoreKind.HELP)
    return needed


def _conditions(wanted: Wanted) -> list[str]:
    found = [f"of_{kind}.value >= :least_{kind}" for kind in wanted.at_least]
    found += [f"of_{kind}.value <= :most_{kind}" for kind in wanted.at_most]
    if wanted.band is not None:
        found.append(_IN_BAND)
    if wanted.active is not None:
        found.append(f"coalesce({_ACTIVE}, false) = :active")
    if wanted.name is not None:
        found.append("starts_with(lower(coalesce(tutors.name, tutors.tutor_id)), lower(:name))")
    return found


def _beyond(wanted: Wanted, after: PageStart, sort: str) -> str:
    if after.value is None:
        return f"{sort} IS NULL AND tutors.tutor_id > :after_id"
    sign = "<" if wanted.descending else ">"
    collated = f'{sort} COLLATE "C"' if wanted.sort is SortKey.NAME else sort
    equal = f"{collated} = :after_value AND tutors.tutor_id > :after_id"
    return f"{collated} {sign} :after_value OR ({equal}) OR {sort} IS NULL"


def _values(wanted: Wanted) -> dict[str, Any]:
    values: dict[str, Any] = {"kinds": [kind.value for kind in LISTED]}
    values |= {f"least_{kind}": value for kind, value in wanted.at_least.items()}
    values |= {f"most_{kind}": value for kind, value in wanted.at_most.items()}
    return values | {
        "watch_from": SCORE_KINDS[ScoreKind.HELP].watch_from,
        "band": wanted.band,
        "active": wanted.active,
        "name": wanted.name,
    }


def _listed(line: Sequence[Row[Any]]) -> ListedTutor:
    first = line[0]
    planned = assignments(first.assignments)
    scores = [disclosed(score_of(row), planned) for row in line if row.value is not None]
    return ListedTutor(
        first.tutor_id, first.name, first.timezone, first.is_recent, {score.kind: score for score in scores}
    )
