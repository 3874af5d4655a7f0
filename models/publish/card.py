"""Model card of a version: purpose, origin, evaluation and gate decision.

The parts follow Mitchell et al. 2019, Model cards for model reporting, FAT* 2019.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.promotion import Action, GateMode
from domain.vocabulary import Task
from models.artifact.matrix import features_of
from models.evaluate.report import Section, figures_section, sections
from models.gate.decision import GateDecision
from models.train.training import Training

TEMPLATES = Path(__file__).parent / "templates"
MOST_FEATURES = 20
"""Number of columns on the card, those with the largest importance."""

PURPOSE = MappingProxyType(
    {
        Task.NO_SHOW: "The probability that a tutor misses a booked session, as of 24 hours before it starts or at "
        "booking, if later; and from those of all booked sessions, that a tutor misses at least one in 14 days.",
        Task.CHURN: "The probability that an active tutor leaves, as of any moment: within 30 days, and within each "
        "other horizon the data allow.",
    }
)
USERS = "Staff who support tutors, to decide whom to contact first and about what."
LIMITS = (
    "A score shows where to look. It is not by itself a reason to sanction, pay less or dismiss anyone.",
    "The figures are valid for the market and the weeks they were measured on; the rolling origins show their decay.",
    "A tutor with little history has a score near the market's rate and a wide interval.",
    "Slices marked “not enough data” were not evaluated: the model may be poor there.",
)


@dataclass(frozen=True)
class Card:
    """Content of the card by part; `tables` are those of the evaluation, `checks` those of the gate."""

    title: str
    purpose: str
    facts: tuple[tuple[str, str], ...]
    outcome: str
    checks: tuple[tuple[str, str, str], ...]
    tables: tuple[Section, ...]
    users: str = USERS
    limits: Sequence[str] = LIMITS


def card_of(
    training: Training, version: str, decision: GateDecision | None, action: Action, mode: GateMode, git_commit: str
) -> Card:
    """Returns the card of a training registered as a version; `decision` is None where the gate was off."""
    sidecar, evaluation = training.model.sidecar, training.evaluation
    columns = {"model": evaluation.figures} | ({"ceiling": evaluation.ceiling} if evaluation.ceiling else {})
    checks = () if decision is None else decision.checks
    return Card(
        title=version,
        purpose=PURPOSE[sidecar.task],
        facts=tuple(_facts(training, git_commit).items()),
        outcome=_outcome(decision, action, mode),
        checks=tuple(("yes" if check.passed else "NO", check.name, check.words) for check in checks),
        tables=(figures_section("Figures", columns), *sections(evaluation), _features(training)),
    )


def markdown(card: Card) -> str:
    """Returns the card as Markdown."""
    return _environment().get_template("card.md").render(card=card)


def html(card: Card) -> str:
    """Returns the card as an HTML page, with all text escaped."""
    return _environment().get_template("card.html").render(card=card)


def _facts(training: Training, git_commit: str) -> Mapping[str, str]:
    sidecar, evaluated, test = training.model.sidecar, training.evaluated.sidecar, training.test
    share = f"{training.evaluation.base_rate:.1%}"
    first, last = (_day(int(moment)) for moment in (test.queries.as_of.min(), test.queries.as_of.max()))
    return {
        "Serves": f"fitted to all data known before {sidecar.known_before:%Y-%m-%d %H:%M} UTC",
        "Evaluated": f"the same recipe, fitted to {training.n_train:,} examples known before "
        f"{evaluated.known_before:%Y-%m-%d %H:%M} UTC",
        "Tested on": f"{len(test):,} rows as of {first} to {last}, {share} of them positive",
        "Censored": f"{training.n_censored:,} rows were observed for a part of their horizon and used up to then",
        "Data fingerprint": sidecar.data_fingerprint,
        "Features' source, SHA-256": sidecar.features_sha256,
        "Model, SHA-256": sidecar.model_sha256,
        "Git commit": git_commit,
    }


def _outcome(decision: GateDecision | None, action: Action, mode: GateMode) -> str:
    if decision is None:
        return f"The gate was off: {action}."
    result = "passed" if decision.passed else "failed"
    overruled = " The gate was in a dry run: the newest training serves regardless." if mode is GateMode.DRY_RUN else ""
    return f"The model {result} the gate: {action}.{overruled}"


def _features(training: Training) -> Section:
    meanings = {f.name: f"{f.meaning} [{f.unit}]" for f in features_of(training.model.sidecar.task)}
    shares = sorted(training.importance.items(), key=lambda pair: -pair[1])[:MOST_FEATURES]
    rows = tuple((name, meanings.get(name, "a column of the customer"), f"{share:.1%}") for name, share in shares)
    note = f"{len(rows)} of {len(training.importance)} columns with the largest share of contributions."
    return Section("Features", ("column", "meaning", "share of contributions"), rows, note)


def _day(microseconds: int) -> str:
    return f"{datetime.fromtimestamp(microseconds / 1e6, UTC):%Y-%m-%d}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=lambda name: name is None or not name.endswith(".md"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _table_cell
    return environment


def _table_cell(text: str) -> str:
    """Escape text for a cell of a Markdown table, also against HTML: customers choose the names of columns."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace("\\", "\\\\").replace("|", "\\|")
    return " ".join(plain.split())
