"""What computes the parts of a marketplace: the threads of this process, or the workers of a Dask cluster.

Both are asked the same: to hold the parts where the work can read them, and to do one piece of work a part.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, TypeVar

from domain.errors import EngineUnavailable
from features.partitions import Partition
from gateways.settings import Compute, Settings
from jobs.part_files import PartFiles, write_parts

T = TypeVar("T")
Parts = Partition | PartFiles

PATIENCE = 5
"""Seconds a scheduler has to answer."""


@dataclass(frozen=True)
class Threads:
    """So many parts at once in this process."""

    workers: int

    def share(self, parts: Partition) -> Parts:
        """The parts as they are: threads see them."""
        return parts

    def each(self, work: Callable[[int], T], n: int) -> list[T]:
        """The work's answer for each of 0..n - 1, in this order. Raises what the work raises."""
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(work, range(n)))


@dataclass(frozen=True)
class Dask:
    """The workers of a cluster; `folder` is one they can read."""

    client: Any
    folder: Path

    def share(self, parts: Partition) -> Parts:
        """The parts as files."""
        return write_parts(parts, self.folder)

    def each(self, work: Callable[[int], T], n: int) -> list[T]:
        """The same, on the workers; the work must pickle. A worker that takes longer has fewer parts, none waits."""
        futures = self.client.map(work, range(n), pure=False)
        return list(self.client.gather(futures, direct=True))


Engine = Threads | Dask


@contextmanager
def open_engine(settings: Settings) -> Iterator[Engine]:
    """The engine the settings choose, for the length of a block. Raises EngineUnavailable."""
    if settings.engine is Compute.THREADS:
        yield Threads(settings.workers)
        return
    with open_client(settings) as client:
        scratch = settings.data_dir.resolve() / "parts"
        scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(dir=scratch))
        try:
            yield Dask(client, folder)
        finally:
            rmtree(folder)


@contextmanager
def open_client(settings: Settings) -> Iterator[Any]:
    """A Dask client: of the scheduler in the settings, or of workers started here for the length of a block.

    Workers started here listen on loopback only, serve no dashboard and spill into the data folder.
    Raises EngineUnavailable.
    """
    try:
        from distributed import Client, LocalCluster
    except ModuleNotFoundError as error:
        raise EngineUnavailable(
            f"{error.name} is not installed. Install the extra `scale`, or unset TQS_ENGINE."
        ) from None
    if settings.dask_scheduler:
        try:
            client = Client(settings.dask_scheduler, timeout=PATIENCE)
        except OSError:
            raise EngineUnavailable(
                f"{settings.dask_scheduler} does not answer. Start `dask scheduler` there, or unset TQS_DASK_SCHEDULER."
            ) from None
        with client:
            yield client
        return
    scratch = settings.data_dir.resolve() / "dask"
    with (
        LocalCluster(
            n_workers=settings.workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            local_directory=str(scratch),
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client
