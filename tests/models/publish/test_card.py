"""The model card: required content, and escaping of customers' names."""

from dataclasses import replace
from html.parser import HTMLParser
from typing import ClassVar

from domain.promotion import Action, GateMode
from models.evaluate.metrics import Removal
from models.gate.checks import Policy
from models.gate.decision import CandidateEvaluation, decide
from models.publish.card import card_of, html, markdown
from models.train.training import Training
from tests.lib.trainings import training

GOOD = training()
HOSTILE = "</td><script>alert(1)</script> | a\nb"


def _texts(found: Training, mode: GateMode = GateMode.ON) -> tuple[str, str]:
    decision = decide(CandidateEvaluation(found.test.label, found.evaluation, 1.0), None, Policy(repeats=20), seed=0)
    card = card_of(found, "no_show/4", decision, Action.CHAMPION, mode, "a1b2c3")
    return markdown(card), html(card)


def test_the_card_tells_purpose_limits_data_figures_baselines_slices_features_and_decision() -> None:
    figure = GOOD.evaluation.figures["roc_auc"]
    for text in _texts(GOOD):
        for part in (
            "no_show/4", "misses a booked session", "not by itself a reason", "Data and origin", "f" * 64, "a1b2c3",
            "Figures", "ceiling", "Baselines", "Slices", "not enough data", "Features", "no_show_rate",
            "The model passed the gate: champion.", f"{figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})",
        ):  # fmt: skip
            assert part in text, part


def test_the_card_lists_the_columns_to_confirm_and_the_overridden_alarms() -> None:
    evaluation = replace(
        GOOD.evaluation,
        removals=(Removal("price", 0.0213), Removal("no_show_rate", 0.01, "computed as of the query")),
        unconfirmed=Removal("price, tier", 0.0345),
        overridden=("fee alone has ROC AUC 0.950; overridden: agreed at booking",),
    )
    for text in _texts(replace(GOOD, evaluation=evaluation)):
        for part in (
            "Columns that matter most", "-0.0213", "please confirm", "computed as of the query",
            "all to confirm, together", "-0.0345", "price, tier", "Overridden leak alarms", "agreed at booking",
        ):  # fmt: skip
            assert part in text, part


def test_every_row_of_a_markdown_table_has_the_columns_of_its_head() -> None:
    lines = _texts(GOOD)[0].splitlines()
    heads = [i for i, line in enumerate(lines) if line.startswith("|---")]
    assert len(heads) >= 5
    for i in heads:
        width = lines[i].count("|")
        rows = [line for line in lines[i - 1 : i + 3] if line.startswith("|")]
        assert {row.replace("\\|", "").count("|") for row in rows} == {width}


def test_a_customers_column_names_are_text_in_the_card_and_no_markup() -> None:
    hostile = replace(GOOD, importance={HOSTILE: 1.0})
    as_markdown, as_html = _texts(hostile)
    assert "<script" not in as_markdown
    assert "<script" not in as_html
    (line,) = [line for line in as_markdown.splitlines() if "alert(1)" in line]
    assert line.replace("\\|", "").count("|") == 4


def test_the_page_is_whole_and_asks_nothing_of_the_network() -> None:
    class Tags(HTMLParser):
        links: ClassVar[list[str]] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.links += [str(value) for name, value in attrs if name in {"src", "href"}]

    parser = Tags()
    parser.feed(_texts(GOOD)[1])
    assert parser.links == []
    assert _texts(GOOD)[1].rstrip().endswith("</html>")


def test_a_dry_run_says_that_it_was_one() -> None:
    assert "dry run" in _texts(GOOD, GateMode.DRY_RUN)[0]
