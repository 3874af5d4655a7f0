"""The evaluation report: every table is described, missing figures are stated, and no NaN appears."""

import json

import numpy as np

from models.evaluate.metrics import Evaluation, Figure, Origin, Slice, Tier, compare, curves, figures_with_intervals
from models.evaluate.report import cell, document, figures_section, sections

RNG = np.random.default_rng(0)
SCORES = RNG.beta(1, 5, 3000)
LABELS = (RNG.random(3000) < SCORES).astype(float)
TUTORS = RNG.integers(0, 100, 3000)

FIGURE = Figure(0.7, 0.6, 0.8)


def evaluation() -> Evaluation:
    figures = figures_with_intervals(LABELS, SCORES, TUTORS, seed=0, repeats=20)
    others = {"base_rate": np.full(3000, LABELS.mean()), "twin": SCORES}
    return Evaluation(
        n_test=3000,
        base_rate=float(LABELS.mean()),
        figures=figures,
        curves=curves(LABELS, SCORES, TUTORS),
        tutor_figures=figures,
        tiers=(Tier("watch", 0.2, *[FIGURE] * 5, ceiling=FIGURE), Tier("act", None)),
        slices=(Slice("zone", "UTC", 900, 80, FIGURE, FIGURE), Slice("zone", "unknown", 30, 2)),
        baselines=compare(LABELS, SCORES, others, TUTORS, seed=0, repeats=20),
        origins=(Origin(0, 500, {"roc_auc": FIGURE}, (FIGURE, None)), Origin(86_400_000_000, 0, {}, ())),
    )


def test_every_part_has_its_table_and_every_row_fills_its_columns() -> None:
    parts = sections(evaluation())
    assert [s.title for s in parts] == ["Tutors, 14 days", "Tiers", "Baselines", "Slices", "Rolling origins"]
    for section in parts:
        assert all(len(row) == len(section.columns) for row in section.rows), section.title


def test_what_is_missing_or_poor_is_said() -> None:
    _, tiers, baselines, slices, origins = sections(evaluation())
    assert tiers.rows[0] == ("from risk", "0.200", "not enough data")
    assert baselines.note == "Not significantly better than: twin."
    assert slices.rows[1] == ("zone", "unknown", "30", "2", "not enough data", "not enough data")
    assert slices.note == "Worst slice: zone, UTC, with ROC AUC 0.7000 (0.6000 to 0.8000)."
    assert origins.rows[0] == ("1970-01-01", "500", "0.7000 (0.6000 to 0.8000)", "0.700", "")
    assert origins.rows[1] == ("1970-01-02", "0", "not enough data", "", "")
    assert origins.note == "Mean ROC AUC by week after the origin: 0.700."


def test_slices_that_are_all_too_small_say_so() -> None:
    small = Evaluation(3000, 0.1, {}, curves(LABELS, SCORES), slices=(Slice("zone", "UTC", 30, 2),))
    assert sections(small)[0].note == "No slice has 50 rows of each outcome: not enough data."


def test_parts_without_figures_have_no_table() -> None:
    assert sections(Evaluation(3000, 0.1, {}, curves(LABELS, SCORES))) == ()


def test_figures_stand_side_by_side_and_undefined_ones_are_none() -> None:
    section = figures_section("both", {"a": {"roc_auc": FIGURE, "ece": Figure(float("nan"))}, "b": {"roc_auc": FIGURE}})
    assert section.columns == ("", "a", "b")
    assert section.rows == (("roc auc", cell(FIGURE), cell(FIGURE)), ("ece", "none", "not enough data"))


def test_the_document_is_plain_json_with_the_worst_slice_named() -> None:
    summary = json.loads(json.dumps(document(evaluation()), allow_nan=False))
    assert summary["worst_slice"]["group"] == "UTC"
    assert summary["tiers"][0]["precision"] == {"value": 0.7, "low": 0.6, "high": 0.8}
    assert summary["tiers"][1]["threshold"] is None
    assert summary["baselines"]["twin"]["gain"] == {"value": 0, "low": 0, "high": 0}
    assert summary["origins"][0]["by_week"][1] is None
