"""``gensynth fit --engine ray``: the command as a function for workers that train together."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gensynth.cli.execution.engine import LOCAL
from gensynth.cli.options.declarations import use_threads
from gensynth.cli.terminal import processes
from gensynth.cli.terminal.messages import FAILED, be_quiet, errors_as_exit_codes, warnings_as_notes
from gensynth.errors import OptionError, command_line_hints
from gensynth.scale.together import WorkerError, run_together
from gensynth.training.distributed import TIMEOUT

if TYPE_CHECKING:
    from gensynth.datasets import Card
    from gensynth.scale.cluster import Workers

_PATHS = ("output", "settings_file", "save_progress", "checkpoint")


def fit_by_workers(fit: Callable[..., None], options: Mapping[str, Any], found: Path | Card, workers: Workers) -> None:
    """Run the command ``fit`` with these options on workers, and show the output of the first.

    Raises
    ------
    OptionError
        Several workers would share a GPU, which they cannot while they train together; or ``torchrun`` runs this.
    TrainingError
        A worker was lost.
    """
    if processes.count() > 1:
        raise OptionError("--engine ray starts the workers itself: run the command without torchrun")
    if workers.gpus != int(workers.gpus):
        raise OptionError(
            "--worker-gpus: workers that train together have a GPU each, or none; give 1, or leave it out"
        )
    # workers have another working directory
    own = {name: Path(options[name]).absolute() for name in _PATHS if options[name] is not None}
    folder = own["output"].parent
    named = {"data": str(found.absolute())} if isinstance(found, Path) else {}
    here = {"engine": LOCAL, "worker_count": None, "worker_cpus": None, "worker_gpus": None, "threads": workers.cpus}
    try:
        said = run_together(_Fit(fit, {**options, **own, **named, **here}), workers, folder, TIMEOUT)
    except WorkerError as error:
        said = _CommandOutput(FAILED, "", str(error))
    typer.echo(said.err, nl=False, err=True)
    typer.echo(said.out, nl=False)
    if said.code:
        raise typer.Exit(said.code)


@dataclass(frozen=True)
class _CommandOutput:
    """Exit code, standard output and standard error of a command."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class _Fit:
    """The command in one of the workers."""

    fit: Callable[..., None]
    options: dict[str, Any]

    def __call__(self) -> _CommandOutput:
        """Run it.

        Raises
        ------
        WorkerError
            It fails, and this worker, which is not the first, is the one that says why.
        """
        code = 0
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            be_quiet(self.options["quiet"])
            try:
                with command_line_hints(), warnings_as_notes(), errors_as_exit_codes():
                    use_threads(self.options["threads"])
                    self.fit(**self.options)
            except typer.Exit as end:
                code = end.exit_code
        if code and err.getvalue() and not processes.is_first():
            raise WorkerError(err.getvalue())
        return _CommandOutput(code, out.getvalue(), err.getvalue())
