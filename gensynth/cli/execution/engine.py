"""``--engine``: computation in this process, or on the workers of a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.errors import OptionError

if TYPE_CHECKING:
    from gensynth.scale.cluster import Workers
    from gensynth.tables import TableStream

LOCAL, RAY = "local", "ray"


def workers_of(
    engine: str,
    count: int | None,
    cpus: int | None,
    gpus: float | None,
    places: Iterable[object] = (),
    threads: int | None = None,
) -> Workers | None:
    """Return the workers for ``--engine``; None for this process.

    Parameters
    ----------
    engine : str
        ``--engine``.
    count : int or None
        ``--workers``.
    cpus : int or None
        ``--worker-cpus``.
    gpus : float or None
        ``--worker-gpus``.
    places : iterable
        Where rows come from and go to.
    threads : int or None
        ``--threads`` of a command of which workers do all; None where this process computes too.

    Raises
    ------
    OptionError
        There is no such engine, it is another one that has such workers, or cannot read or write there.
    MissingPackageError
        Ray is not installed.
    """
    if engine not in (LOCAL, RAY):
        raise OptionError(f"--engine must be {LOCAL} or {RAY}, not {engine!r}")
    if engine == LOCAL:
        for option, value in (("--workers", count), ("--worker-cpus", cpus), ("--worker-gpus", gpus)):
            if value is not None:
                raise OptionError(f"{option} is of --engine {RAY}; add it, or leave out {option}")
        return None
    if threads is not None:
        raise OptionError(
            f"--threads is of this process, and with --engine {RAY} the workers compute; give --worker-cpus {threads}"
        )
    if any(str(place) == "-" for place in places):
        raise OptionError(
            f"--engine {RAY}: workers on other machines have no standard input and output (-); name a file"
        )
    if gpus and not (0.0001 <= gpus <= 1 or gpus.is_integer()):
        raise OptionError(f"--worker-gpus {gpus:g}: a share of one GPU, 0.0001 to 1, or a whole number of them")
    from gensynth.scale.cluster import Workers, check_installed

    check_installed()
    return Workers(count, cpus or 1, gpus or 0.0)


def check_spreads(workers: Workers | None, table: TableStream) -> None:
    """Raise `OptionError` if workers would have to read images, which are decoded into a local file."""
    from gensynth.tables.imagestream import ImageStream

    if workers is not None and isinstance(table, ImageStream):
        raise OptionError(f"--engine {RAY} is for tables, and {table.source} holds images; leave out --engine")


def running(workers: Workers | None) -> AbstractContextManager[Any]:
    """Keep one cluster for the whole block; do nothing without workers."""
    if workers is None:
        return nullcontext()
    from gensynth.scale.cluster import connected

    return connected()


@contextmanager
def drawing(workers: Workers | None) -> Iterator[None]:
    """Generate large samples of the block on workers; do nothing without workers."""
    if workers is None:
        yield
        return
    from gensynth.cli.execution.ray_rows import drawer_of
    from gensynth.engine.sampling.chunks import drawn_by

    with running(workers), drawn_by(drawer_of(workers)):
        yield


def path_for(workers: Workers | None, found: Any) -> Any:
    """Return a path that `gensynth.cli.options.paths.find` found as an absolute one for workers."""
    return found.absolute() if workers is not None and isinstance(found, Path) else found
