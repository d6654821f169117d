"""Ctrl-C, SIGTERM and SIGHUP: end a command with one message and without temporary files."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT
"""Exit code after Ctrl-C; after another signal likewise 128 and its number."""

_HANDLED = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "the terminal was closed"}
_SHOW_CURSOR = b"\x1b[?25h"


class SignalInterrupt(KeyboardInterrupt):
    """A signal asks the command to end.

    Parameters
    ----------
    number : int
        Number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def stop_message(error: BaseException | None) -> str:
    """Return the message for a command that a signal ended."""
    number = error.number if isinstance(error, SignalInterrupt) else signal.SIGINT
    return f"{_HANDLED[signal.Signals(number).name]}; no file was left half written"


def stop_code(error: BaseException | None) -> int:
    """Return the exit code of a command that a signal ended."""
    return 128 + error.number if isinstance(error, SignalInterrupt) else INTERRUPTED


class StopSignals:
    """Turn the first signal into an exception, for a clean end; the second ends the process at once.

    Attributes
    ----------
    raised : SignalInterrupt or None
        The exception of the first signal, which code on its way may have swallowed or hidden behind another.
    """

    def __init__(self) -> None:
        self.raised: SignalInterrupt | None = None
        self._over = False

    def install(self) -> None:
        """Handle the signals from now on; those that the parent process had set to be ignored stay so (``nohup``)."""
        for name in _HANDLED:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._handle)

    def finish(self) -> None:
        """Let a signal that comes while the interpreter ends do so at once, without a traceback."""
        self._over = True

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self._over or self.raised is not None:
            _end_at_once(number)
        self.raised = SignalInterrupt(number)
        raise self.raised


def _end_at_once(number: int) -> None:
    files = sys.modules.get("gensynth.files")  # not imported yet: no file was begun
    if files is not None:
        files.remove_temporary_files()
    if os.isatty(2):
        os.write(2, _SHOW_CURSOR)  # a progress bar hides it
    os._exit(128 + number)
