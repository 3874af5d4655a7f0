"""Tables of an evaluation as text, for the command line and the model card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from models.evaluate.metrics import NOT_ENOUGH, Baseline, Evaluation, Figure, Origin, Removal, Slice, Tier
from models.evaluate.rolling import decay
from models.evaluate.slices import MIN_OUTCOMES, worst


@dataclass(frozen=True)
class Section:
    """One table: title, column headings, rows of cells, and an optional note under it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


MEASURED = (
    "tutor_figures",
    "tutor_ceiling",
    "tiers",
    "baselines",
    "slices",
    "origins",
    "alarms",
    "overridden",
    "fallback",
    "removals",
    "unconfirmed",
)
"""Parts of an evaluation document besides the figures."""


def sections(evaluation: Evaluation) -> tuple[Section, ...]:
    """Returns the tables of an evaluation except its figures; tables without measurements are left out."""
    tables = (
        figures_section("Tutors, 14 days", _beside_ceiling(evaluation.tutor_figures, evaluation.tutor_ceiling)),
        tiers_section(evaluation.tiers),
        baselines_section(evaluation.baselines),
        slices_section(evaluation.slices),
        origins_section(evaluation.origins),
        removals_section(evaluation.removals, evaluation.unconfirmed),
        overridden_section(evaluation.overridden),
        fallback_section(evaluation.fallback),
    )
    return tuple(section for section in tables if section.rows)


def _beside_ceiling(figures: dict[str, Figure], ceiling: dict[str, Figure]) -> dict[str, dict[str, Figure]]:
    return {"model": figures} | ({"ceiling": ceiling} if ceiling else {})


def figures_section(title: str, columns: Mapping[str, Mapping[str, Figure]]) -> Section:
    """Returns the figures of several scorers side by side, one row for each figure of the first."""
    names = list(next(iter(columns.values())))
    rows = [(name.replace("_", " "), *(cell(figures.get(name)) for figures in columns.values())) for name in names]
    return Section(title, ("", *columns), tuple(rows))


def tiers_section(tiers: Sequence[Tier]) -> Section:
    """Returns the results of the tiers, one column each."""
    cells = [_tier(tier) for tier in tiers]
    names = ("from risk", "flagged", "precision", "recall", "lift", "prevalence", "ceiling of recall")
    rows = [(name, *(column[i] for column in cells)) for i, name in enumerate(names)] if cells else []
    return Section("Tiers", ("", *(tier.name for tier in tiers)), tuple(rows))


def _tier(tier: Tier) -> tuple[str, ...]:
    if tier.threshold is None:
        return (NOT_ENOUGH, *[""] * 6)
    measured = (tier.flagged, tier.precision, tier.recall, tier.lift, tier.prevalence)
    return f"{tier.threshold:.3f}", *map(cell, measured), cell(tier.ceiling) if tier.ceiling else "unknown"


def baselines_section(baselines: Mapping[str, Baseline]) -> Section:
    """Returns the baselines and the model's gain over each."""
    rows = [
        (
            name.replace("_", " "),
            *(cell(b.figures.get(figure)) for figure in ("roc_auc", "pr_auc", "ece")),
            cell(b.gain),
            cell(b.brier_gain, digits=5),
        )
        for name, b in baselines.items()
    ]
    unbeaten = [name.replace("_", " ") for name, b in baselines.items() if not b.gain.low > 0]
    note = f"Not significantly better than: {', '.join(unbeaten)}." if unbeaten else "The model beats every baseline."
    measured = ("ROC AUC", "PR AUC", "calibration error")
    columns = ("baseline", *measured, "gain of the model in ROC AUC", "gain in Brier score")
    return Section("Baselines", columns, tuple(rows), note)


def baseline_words(name: str, baseline: Baseline, model: Figure | None) -> str:
    """Returns a sentence that compares the model with a baseline."""
    theirs = baseline.figures.get("roc_auc")
    if model is None or theirs is None:
        return f"The {name.replace('_', ' ')} could not be compared: {NOT_ENOUGH}."
    verdict = gain_words(baseline.gain, "better", "not shown to be better", "worse")
    title = name.replace("_", " ").replace("xgboost", "XGBoost")
    return f"The {title} reaches ROC AUC {theirs.value:.3f}, the model {model.value:.3f}: it is {verdict}."


def gain_words(gain: Figure, positive: str, unclear: str, negative: str) -> str:
    """Returns the words for a gain in ROC AUC by its 95 % interval, followed by the gain."""
    words = positive if gain.low > 0 else negative if gain.high < 0 else unclear
    return words if np.isnan(gain.value) else f"{words} ({gain.value:+.3f}, {gain.low:+.3f} to {gain.high:+.3f})"


def slices_section(slices: Sequence[Slice]) -> Section:
    """Returns the figures of the slices, with the worst one named in the note."""
    rows = [
        (part.by, part.group, f"{part.n:,}", f"{part.positives:,}", cell(part.roc_auc), cell(part.ece))
        for part in slices
    ]
    return Section(
        "Slices", ("by", "group", "rows", "positive", "ROC AUC", "calibration error"), tuple(rows), _worst(slices)
    )


def _worst(slices: Sequence[Slice]) -> str:
    poorest = worst(slices)
    if poorest is None or poorest.roc_auc is None:
        return f"No slice has {MIN_OUTCOMES} rows of each outcome: {NOT_ENOUGH}."
    return f"Worst slice: {poorest.by}, {poorest.group}, with ROC AUC {cell(poorest.roc_auc)}."


def origins_section(origins: Sequence[Origin]) -> Section:
    """Returns the results of the rolling origins, week by week."""
    means = decay(origins)
    columns = ("trained before", "rows", "ROC AUC, 4 weeks", *(f"week {i}" for i in range(1, len(means) + 1)))
    rows = tuple(_origin(origin, len(means)) for origin in origins)
    averages = ", ".join(f"{mean:.3f}" for mean in means if not np.isnan(mean))
    return Section(
        "Rolling origins", columns, rows, f"Mean ROC AUC by week after the origin: {averages}." if averages else ""
    )


def removals_section(removals: Sequence[Removal], unconfirmed: Removal | None = None) -> Section:
    """Returns the columns whose removal costs most, each with whether it is known when asked."""
    rows = [(r.column, f"{-r.loss:+.4f}", r.known_when_asked or "please confirm") for r in removals]
    if unconfirmed:
        rows.append(("all to confirm, together", f"{-unconfirmed.loss:+.4f}", unconfirmed.column))
    note = "Measured by permuting the column among the held-out rows, without training again."
    return Section("Columns that matter most", ("column", "ROC AUC without it", "known when asked?"), tuple(rows), note)


def fallback_section(fallback: str) -> Section:
    """Returns what is left of a model that held-out rows do not support in whole."""
    return Section("Fallback", ("what is left, and why",), ((fallback,),) if fallback else ())


def overridden_section(overridden: Sequence[str]) -> Section:
    """Returns the leak alarms that a person has overridden."""
    return Section("Overridden leak alarms", ("alarm and reason",), tuple((alarm,) for alarm in overridden))


def _origin(origin: Origin, weeks: int) -> tuple[str, ...]:
    by_week = [f"{week.value:.3f}" if week else "" for week in origin.by_week]
    day = f"{datetime.fromtimestamp(origin.cut / 1e6, UTC):%Y-%m-%d}"
    return day, f"{origin.n:,}", cell(origin.figures.get("roc_auc")), *by_week, *[""] * (weeks - len(by_week))


def cell(figure: Figure | None, digits: int = 4) -> str:
    """Returns a figure with its interval as text, or NOT_ENOUGH where it was not measured."""
    if figure is None:
        return NOT_ENOUGH
    if np.isnan(figure.value):
        return "none"
    value, low, high = (f"{number:.{digits}f}" for number in (figure.value, figure.low, figure.high))
    return value if np.isnan(figure.low) else f"{value} ({low} to {high})"


def document(evaluation: Evaluation) -> dict[str, Any]:
    """Returns the parts in MEASURED as JSON values: a figure is {value, low, high}, null where undefined."""
    parts = {name: _plain(getattr(evaluation, name)) for name in MEASURED}
    return parts | {"worst_slice": _plain(worst(evaluation.slices))}


def full_document(evaluation: Evaluation) -> dict[str, Any]:
    """Returns everything that was measured, including figures and ceiling, as JSON values."""
    whole = {name: _plain(getattr(evaluation, name)) for name in ("n_test", "base_rate", "figures", "ceiling")}
    return whole | document(evaluation)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value
