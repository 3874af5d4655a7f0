"""`tqs import`, and the documents about it."""

from pathlib import Path

import pytest
import typer
from sqlalchemy import Engine

from cli.docs.dataset import dataset_page
from cli.import_dataset import import_dataset, load_file, parse_files
from domain.errors import DatabaseUnavailable, InvalidDataset, NothingUsable
from gateways.settings import load_settings
from store.facts.load import row_counts
from tests.lib.dataset_parts import GOOD, SESSIONS, csv, session, write
from tests.lib.paths import ROOT


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and an unreachable database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def test_importing_twice_changes_nothing_the_second_time(
    here: Path, engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    path = write(here, sessions_csv=csv(GOOD, session(session_id="s2", status="gone")))
    for expected in (["2", "1", "1", "0", "0", "1", "0", "0"], ["2", "1", "1", "0", "0", "0", "0", "1"]):
        with pytest.raises(typer.Exit) as ended:
            import_dataset(path)
        assert ended.value.exit_code == 3
        assert _numbers(capsys.readouterr().out, "sessions") == [*expected, "0", "0", "0"]

    assert row_counts(engine) | {"tutors": 1, "sessions": 1} == row_counts(engine)
    assert "gone" in (here / "dataset.rejects.csv").read_text()


def _numbers(table: str, kind: str) -> list[str]:
    row = next(line for line in table.splitlines() if line.strip("│ ").startswith(kind))
    return [cell.strip() for cell in row.strip("│ ").split("│")][1:]


def test_a_check_loads_nothing_and_ends_well_where_all_is_good(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import_dataset(write(here, sessions_csv=csv(GOOD)), check=True)

    assert "nothing loaded" in capsys.readouterr().out
    assert not list(here.glob("*.rejects.csv"))


def test_a_check_counts_the_sessions_whose_outcome_is_known_when_they_are_scored(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = "2026-03-02T09:00:00Z"
    early = session(session_id="s2", status="no_show", booked_at=start, outcome_known_at=start)
    path = write(here, sessions_csv=csv(GOOD, early))
    import_dataset(path, check=True)
    assert "Warning: 1 sessions do not train or test a model" in capsys.readouterr().out


def test_a_check_says_where_the_rejects_are(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(here, sessions_csv=csv(GOOD, session(session_id="s2", status="gone")))
    with pytest.raises(typer.Exit) as ended:
        import_dataset(path, check=True, rejects=Path("why.csv"))

    assert ended.value.exit_code == 3
    assert "1 rejected rows, each with its reason: why.csv" in capsys.readouterr().out
    assert len((here / "why.csv").read_text().splitlines()) == 2


def test_ids_that_a_spreadsheet_rounded_are_warned_of(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import_dataset(write(here, sessions_csv=csv(session(tutor_id="2.98725E+13"))), check=True)

    said = "Warning: sessions.csv: 1 value of `tutor_id` looks rounded by a spreadsheet, as 2.98725E+13: different ids"
    assert said in capsys.readouterr().out


def test_nothing_usable_is_said_after_the_rejects_are_written(here: Path) -> None:
    with pytest.raises(NothingUsable):
        import_dataset(write(here, sessions_csv=csv(session(status="gone"))))

    assert len((here / "dataset.rejects.csv").read_text().splitlines()) == 2


def test_rejects_of_an_earlier_import_do_not_outlive_the_mending(here: Path) -> None:
    (here / "dataset.rejects.csv").write_text("old\n")
    import_dataset(write(here, sessions_csv=csv(GOOD)), check=True)

    assert "old" not in (here / "dataset.rejects.csv").read_text()


def test_a_database_that_is_away_is_said(here: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        import_dataset(write(here, sessions_csv=csv(GOOD)))


def test_loading_a_file_says_what_it_did(here: Path, engine: Engine, database_url: str) -> None:
    imported = load_file(write(here, sessions_csv=csv(GOOD)), load_settings({"DATABASE_URL": database_url}))

    assert imported.in_words() == "2 rows loaded, 0 rejected"
    assert imported.loaded.new == 2


def test_files_are_given_as_kind_and_path() -> None:
    assert parse_files(["sessions=a=b.csv"]) == {"sessions": Path("a=b.csv")}
    assert parse_files(None) == {}
    with pytest.raises(InvalidDataset, match="did you mean `sessions`"):
        parse_files(["session=a.csv"])
    with pytest.raises(InvalidDataset, match="write KIND=PATH"):
        parse_files(["sessions"])


def test_the_page_of_the_format_is_what_the_code_says() -> None:
    page = ROOT / "docs/dataset.md"

    assert dataset_page(page) == page.read_text()


def test_the_example_of_the_page_is_accepted(here: Path) -> None:
    page = (ROOT / "docs/dataset.md").read_text()
    example = page.partition("```yaml\n")[2].partition("```")[0]
    header = "id,teacher,created,day,outcome,Age,is_test,Subject,Feedback"
    path = write(here, example.replace("csv.gz", "csv").replace("parquet", "csv"), tutors_csv="tutor_id\nt1\n")
    (here / "sessions.csv").write_text(csv("1,t1,01.03.2026 08:00,2026-03-02,Yes,30,no,maths,", header=header))

    import_dataset(path, check=True)


def test_the_plainest_dataset_is_one_line(here: Path) -> None:
    import_dataset(write(here, SESSIONS, sessions_csv=csv(GOOD)), check=True)
