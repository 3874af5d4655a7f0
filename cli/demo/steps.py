"""Steps of the demo that load data, train and score; each continues from an earlier start."""

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from cli.demo.plan import CONTACTS, CONTINUE, FEATURES, LOAD, MONITOR, NEWS, SCORE, SIMULATE, TRAIN
from domain.errors import NotEnoughData
from domain.vocabulary import Task

if TYPE_CHECKING:
    from cli.demo.command import DemoStage
    from cli.demo.home import DemoHome, Progress
    from cli.steps import Steps
    from features.base.dataset import Dataset
    from gateways.settings import Settings
    from store.db.engine import Engine


PAST_WEEKS = 4
"""Past weeks that are scored as known then, so that trends exist."""


def wipe(home: "DemoHome", settings: "Settings") -> None:
    """Delete the demo's databases and files; passwords and keys in files are kept."""
    from gateways.embedded_postgres.databases import empty_database
    from gateways.embedded_postgres.server import running_database

    with running_database(settings) as url:
        for name in ("mlflow", "tqs"):
            empty_database(url, name)
    home.delete_files()


def fill(steps: "Steps", stage: "DemoStage", progress: "Progress") -> "Progress":
    """Load the marketplace as known now, or only the new data if an earlier start loaded it."""
    return _continue(steps, stage, progress) if progress.loaded_until else _begin(steps, stage, progress)


def _begin(steps: "Steps", stage: "DemoStage", progress: "Progress") -> "Progress":
    from features.base.known import known_at
    from simulator.files import read

    with steps.step(SIMULATE) as notes:
        if not stage.home.market.exists():
            _simulate(stage, progress)
        dataset = known_at(read(stage.home.market).dataset, stage.now)
        notes.append(f"{dataset.tables['sessions'].num_rows:,} sessions")
    with steps.step(LOAD) as notes:
        notes.append(_load(stage, dataset, "dataset"))
    return stage.home.keep(replace(progress, loaded_until=stage.now))


def _simulate(stage: "DemoStage", progress: "Progress") -> None:
    """Write the marketplace, future included, under a temporary name and rename it once it is complete."""
    from cli.demo.home import AHEAD
    from simulator.files import write
    from simulator.marketplace import simulate
    from simulator.settings import MarketSettings

    size = progress.size
    market = MarketSettings(
        tutors=size.tutors, days=size.days + AHEAD.days, sessions_per_day=size.sessions_per_day, seed=progress.seed,
        end=progress.market_end,
    )  # fmt: skip
    making = stage.home.market.with_name("market.new")
    shutil.rmtree(making, ignore_errors=True)
    write(simulate(market), making)
    making.rename(stage.home.market)


def _continue(steps: "Steps", stage: "DemoStage", progress: "Progress") -> "Progress":
    from simulator.files import read
    from simulator.news import news

    since = progress.loaded_until
    assert since is not None
    with steps.step(CONTINUE) as notes:
        dataset = news(read(stage.home.market).dataset, since, stage.now)
        notes.append(_in_words(dataset, stage))
    with steps.step(NEWS) as notes:
        some = dataset.tables["sessions"].num_rows > 0 and since < stage.now
        notes.append(_load(stage, dataset, "news") if some else "nothing new")
    return stage.home.keep(replace(progress, loaded_until=max(since, stage.now)))


def _in_words(dataset: "Dataset", stage: "DemoStage") -> str:
    from cli.demo.plan import utc_minute

    words = f"{dataset.tables['sessions'].num_rows:,} sessions booked, moved or ended"
    if stage.now < utc_minute():
        words += f"; the marketplace is simulated only up to {stage.now:%Y-%m-%d}, FRESH=1 creates a new one"
    return words


def _load(stage: "DemoStage", dataset: "Dataset", name: str) -> str:
    """Write a dataset as files and import them like any other. Returns the counts in words."""
    from cli.import_dataset import load_file
    from simulator.files import write_dataset

    folder = stage.home.path / name
    try:
        return load_file(write_dataset(dataset, folder), stage.settings).in_words()
    finally:
        shutil.rmtree(folder)


def learn(steps: "Steps", stage: "DemoStage", engine: "Engine") -> None:
    """Build features, train tasks without a champion, score, plan contacts, check for drift."""
    from flows.build_features import build_features
    from flows.contacts import contacts
    from flows.monitor import monitor
    from flows.score import score
    from flows.standalone import run

    as_of = stage.now.isoformat()
    with steps.step(FEATURES) as notes:
        notes.append(f"{run(build_features, as_of=as_of):,} rows")
    with steps.step(TRAIN) as notes:
        notes += _train(stage, engine)
    with steps.step(SCORE) as notes:
        notes.append(f"{run(score, as_of=as_of, weeks=PAST_WEEKS):,} scores")
    with steps.step(CONTACTS) as notes:
        notes.append(f"{run(contacts, as_of=as_of)} tutors on the list")
    with steps.step(MONITOR) as notes:
        notes.append(run(monitor, as_of=as_of))


def _train(stage: "DemoStage", engine: "Engine") -> list[str]:
    """Train the tasks without a champion. Returns one line per task."""
    from flows.standalone import run
    from flows.train import train
    from store.ledger.models import champion_key

    serving = {task: champion_key(engine, task) for task in Task}
    missing = [task for task in Task if serving[task] is None]
    notes = [f"{key[0]} kept" for key in serving.values() if key]
    if not missing:
        return notes
    which = "all" if len(missing) == len(Task) else missing[0]
    try:
        return [*notes, *run(train, task_name=which, truth_file=str(stage.home.market / "truth.parquet")).values()]
    except NotEnoughData:
        if not notes:  # without any model the demo has nothing to show
            raise
        return [*notes, f"still too little history for {which}"]
