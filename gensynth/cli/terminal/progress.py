"""A progress bar on a terminal for work that is counted in steps; otherwise nothing."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from gensynth.cli.terminal.messages import is_quiet


@contextlib.contextmanager
def progress_bar() -> Iterator[Callable[[str, float], None] | None]:
    """Yield a callback for the current task and fraction done; None without a terminal."""
    if is_quiet() or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:20}"), BarColumn(bar_width=30), TextColumn("{task.percentage:3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=1.0)

        def tell(title: str, done: float) -> None:
            bar.update(task, description=title, completed=done, refresh=True)

        yield tell
