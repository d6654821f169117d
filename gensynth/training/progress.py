"""A progress bar on a terminal or in a notebook; otherwise nothing."""

from __future__ import annotations

import importlib.util
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from gensynth.training.callbacks import EvaluationRound

if TYPE_CHECKING:
    import rich.console
    import rich.progress

REFRESH = 0.2
"""Seconds between updates."""


_bars: set[int] = set()
"""Identities of the bars on the screen."""


def is_shown() -> bool:
    """Return whether a bar is on the screen, which other output would disrupt."""
    return bool(_bars)


def _console() -> rich.console.Console:
    """Return the console of the bar; in notebooks rich needs ipywidgets, and warns at each step without."""
    from rich.console import Console

    has_widgets = importlib.util.find_spec("ipywidgets") is not None
    return Console(stderr=True, force_jupyter=None if has_widgets else False)


class Progress:
    """Shows stage, losses, monitor and the time left at most, on standard error.

    Parameters
    ----------
    show : {"auto", True, False}
        "auto": only when standard error is a terminal, or in a notebook that has ipywidgets.
    """

    def __init__(self, show: bool | Literal["auto"]) -> None:
        self.show = sys.stderr.isatty() or _console().is_jupyter if show == "auto" else show
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None
        self._stage = ""
        self._last = 0.0

    def __enter__(self) -> Progress:
        if self.show:
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            console = _console()
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                TimeElapsedColumn(),
                TextColumn("at most"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[losses]}"),
                console=console,
                transient=console.is_terminal,
            )
            self._bar.start()
            _bars.add(id(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            if self._task is not None and kind is None:
                self._bar.update(self._task, completed=1.0)
            if self._bar.console.is_jupyter:  # where rich does not show the final state of the bar
                self._bar.refresh()
            self._bar.stop()
            _bars.discard(id(self))
            self._bar = None

    def show_step(self, stage: str, used: float) -> None:
        """Show the used fraction of the stage's budget, in [0, 1]."""
        if self._bar is None:
            return
        now = time.monotonic()
        if stage == self._stage and now - self._last < REFRESH:
            return
        if self._task is None or stage != self._stage:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(stage, total=1.0, losses="")
        self._stage, self._last = stage, now
        self._bar.update(self._task, completed=used)

    def show_round(self, info: EvaluationRound) -> None:
        """Show the losses of an evaluation round."""
        if self._bar is not None and self._task is not None:
            losses = " ".join(f"{name} {value:.4g}" for name, value in info.losses.items())
            text = f"{losses} | held out {info.monitor:.4g} (best {info.best:.4g})"
            self._bar.update(self._task, losses=text)
