"""Compute engines for the parts of a marketplace: threads of this process, or workers of a Dask cluster.

Both share the parts with the work and run one call per part.
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

CONNECT_SECONDS = 5
"""Timeout of the connection to a scheduler."""


@dataclass(frozen=True)
class Threads:
    """Threads of this process; `workers` parts run concurrently."""

    workers: int

    def share(self, parts: Partition) -> Parts:
        """Return the parts unchanged, as threads share memory."""
        return parts

    def each(self, work: Callable[[int], T], n: int) -> list[T]:
        """Results of the work for 0..n - 1, in this order. Raises what the work raises."""
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(work, range(n)))


@dataclass(frozen=True)
class Dask:
    """Workers of a Dask cluster; `folder` is readable by them."""

    client: Any
    folder: Path

    def share(self, parts: Partition) -> Parts:
        """Write the parts as files."""
        return write_parts(parts, self.folder)

    def each(self, work: Callable[[int], T], n: int) -> list[T]:
        """Results of the picklable work for 0..n - 1 on the workers. Slower workers get fewer parts."""
        futures = self.client.map(work, range(n), pure=False)
        return list(self.client.gather(futures, direct=True))


Engine = Threads | Dask


@contextmanager
def open_engine(settings: Settings) -> Iterator[Engine]:
    """Open the engine of the settings for the length of the block. Raises EngineUnavailable."""
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
    """Open a Dask client for the length of the block: of the scheduler in the settings, or of local workers.

    Local workers listen on loopback only, serve no dashboard and spill into the data folder.
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
            client = Client(settings.dask_scheduler, timeout=CONNECT_SECONDS)
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
