"""The ``gensynth`` command. Importing it imports neither torch nor pandas; each command does when it runs."""

from __future__ import annotations

import os
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments after the program's name; default: those of the process.

    Returns
    -------
    int
        0: done; 2: bad usage, bad input or an output that cannot be written, with one message on standard error;
        130: interrupted; 141: the reader of standard output went away.
    """
    # read when torch starts OpenMP: spinning threads make training on a shared machine up to 40 times slower
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import typer.main

    from gensynth.cli.app import app

    command = typer.main.get_command(app)
    try:
        command.main(args=None if arguments is None else list(arguments), prog_name="gensynth")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
