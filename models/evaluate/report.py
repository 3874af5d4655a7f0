"""An evaluation as tables of words, the same for the command line and the model card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from models.evaluate.metrics import NOT_ENOUGH, Baseline, Evaluation, Figure, Origin, Slice, Tier
from models.evaluate.rolling import decay
from models.evaluate.slices import MIN_OUTCOMES, worst


@dataclass(frozen=True)
class Section:
    """One table: a title, the headings of its columns, its rows of cells, and a sentence under it, or none."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


MEASURED = ("tutor_figures", "tutor_ceiling", "tiers", "baselines", "slices", "origins", "alarms")
"""What a document of an evaluation tells besides its figures."""


def sections(evaluation: Evaluation) -> tuple[Section, ...]:
    """Every table of an evaluation but its figures: those for which nothing was measured are left out."""
    found = (
        figures_section("Tutors, 14 days", _beside_ceiling(evaluation.tutor_figures, evaluation.tutor_ceiling)),
        tiers_section(evaluation.tiers),
        baselines_section(evaluation.baselines),
        slices_section(evaluation.slices),
        origins_section(evaluation.origins),
    )
    return tuple(section for section in found if section.rows)


def _beside_ceiling(figures: dict[str, Figure], ceiling: dict[str, Figure]) -> dict[str, dict[str, Figure]]:
    return {"model": figures} | ({"ceiling": ceiling} if ceiling else {})


def figures_section(title: str, columns: Mapping[str, Mapping[str, Figure]]) -> Section:
    """Figures of several scorers side by side: a row a figure of the first of them."""
    names = list(next(iter(columns.values())))
    rows = [(name.replace("_", " "), *(cell(figures.get(name)) for figures in columns.values())) for name in names]
    return Section(title, ("", *columns), tuple(rows))


def tiers_section(tiers: Sequence[Tier]) -> Section:
    """What comes of watching and of acting, a column a tier."""
    found = [_tier(tier) for tier in tiers]
    names = ("from risk", "flagged", "precision", "recall", "lift", "prevalence", "ceiling of recall")
    rows = [(name, *(column[i] for column in found)) for i, name in enumerate(names)] if found else []
    return Section("Tiers", ("", *(tier.name for tier in tiers)), tuple(rows))


def _tier(tier: Tier) -> tuple[str, ...]:
    if tier.threshold is None:
        return (NOT_ENOUGH, *[""] * 6)
    measured = (tier.flagged, tier.precision, tier.recall, tier.lift, tier.prevalence)
    return f"{tier.threshold:.3f}", *map(cell, measured), cell(tier.ceiling) if tier.ceiling else "unknown"


def baselines_section(baselines: Mapping[str, Baseline]) -> Section:
    """The plain ways to score, and the model's gain over each."""
    rows = [
        (name.replace("_", " "), cell(b.figures.get("roc_auc")), cell(b.gain), cell(b.brier_gain, digits=5))
        for name, b in baselines.items()
    ]
    level = [name.replace("_", " ") for name, b in baselines.items() if not b.gain.low > 0]
    note = f"The model is not surely better than: {', '.join(level)}." if level else "The model is better than each."
    columns = ("baseline", "ROC AUC", "the model's gain in ROC AUC", "its gain in Brier")
    return Section("Baselines", columns, tuple(rows), note)


def slices_section(slices: Sequence[Slice]) -> Section:
    """The figures of parts of the rows, the poorest named."""
    rows = [
        (each.by, each.group, f"{each.n:,}", f"{each.positives:,}", cell(each.roc_auc), cell(each.ece))
        for each in slices
    ]
    return Section(
        "Slices", ("by", "group", "rows", "positive", "ROC AUC", "calibration error"), tuple(rows), _worst(slices)
    )


def _worst(slices: Sequence[Slice]) -> str:
    found = worst(slices)
    if found is None or found.roc_auc is None:
        return f"No slice has {MIN_OUTCOMES} of both outcomes: {NOT_ENOUGH}."
    return f"Worst slice: {found.by}, {found.group}, with ROC AUC {cell(found.roc_auc)}."


def origins_section(origins: Sequence[Origin]) -> Section:
    """The same recipe trained earlier, week by week after its origin."""
    means = decay(origins)
    columns = ("trained before", "rows", "ROC AUC, 4 weeks", *(f"week {i}" for i in range(1, len(means) + 1)))
    rows = tuple(_origin(origin, len(means)) for origin in origins)
    some = ", ".join(f"{mean:.3f}" for mean in means if not np.isnan(mean))
    return Section("Rolling origins", columns, rows, f"Mean ROC AUC by week after the origin: {some}." if some else "")


def _origin(origin: Origin, weeks: int) -> tuple[str, ...]:
    by_week = [f"{week.value:.3f}" if week else "" for week in origin.by_week]
    day = f"{datetime.fromtimestamp(origin.cut / 1e6, UTC):%Y-%m-%d}"
    return day, f"{origin.n:,}", cell(origin.figures.get("roc_auc")), *by_week, *[""] * (weeks - len(by_week))


def cell(figure: Figure | None, digits: int = 4) -> str:
    """A figure with its interval in words; what there is not enough data for says so."""
    if figure is None:
        return NOT_ENOUGH
    if np.isnan(figure.value):
        return "none"
    value, low, high = (f"{number:.{digits}f}" for number in (figure.value, figure.low, figure.high))
    return value if np.isnan(figure.low) else f"{value} ({low} to {high})"


def document(evaluation: Evaluation) -> dict[str, Any]:
    """The same as plain JSON values: a figure is {value, low, high}, null where undefined or not measured."""
    found = {name: _plain(getattr(evaluation, name)) for name in MEASURED}
    return found | {"worst_slice": _plain(worst(evaluation.slices))}


def full_document(evaluation: Evaluation) -> dict[str, Any]:
    """Everything that was measured, figures and ceiling among it, as plain JSON values."""
    whole = {name: _plain(getattr(evaluation, name)) for name in ("n_test", "base_rate", "figures", "ceiling")}
    return whole | document(evaluation)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and np.isnan(value) else value
