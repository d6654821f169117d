"""The ``gensynth`` command. Each command imports torch and pandas only when it runs."""

from __future__ import annotations

TYPE_CHECKING = False  # until `main` runs Ctrl-C ends in a traceback: import as little as possible here
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments after the program's name. Default: those of the process, which then is the command's own: signals
        are handled, and standard streams that are closed or full are replaced.

    Returns
    -------
    int
        0: done; 2: bad usage, bad input or an output that cannot be written, with one message on standard error;
        130, 143, 129: ended by Ctrl-C, SIGTERM or SIGHUP; 141: the reader of standard output went away.
    """
    if arguments is not None:
        return _run(arguments)
    try:
        from gensynth.cli.terminal.signals import StopSignals
    except KeyboardInterrupt:
        return 130
    signals = StopSignals()
    try:
        signals.install()
        code = _run_process()
    except BaseException:
        # the signal's exception itself, or another that a library made of it
        if signals.raised is None:
            raise
        from gensynth.cli.terminal.messages import stopped
        from gensynth.cli.terminal.signals import stop_code

        stopped(signals.raised)
        code = stop_code(signals.raised)
    signals.finish()
    return code


def _run_process() -> int:
    from gensynth.cli.terminal.standard_streams import repair_streams

    repair_streams()
    from gensynth.cli.terminal.messages import flushed

    return flushed(_run(None))


def _run(arguments: Sequence[str] | None) -> int:
    import os

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
