"""``gensynth drift``."""

from __future__ import annotations

from typing import Annotated

import typer

from gensynth.cli.options.declarations import AsJson, Data, Kinds, Missing, Quiet, Seed


def drift(
    old: Data,
    new: Annotated[str, typer.Argument(metavar="NEW", help="A table with the same columns.", show_default=False)],
    kinds: Kinds = None,
    missing: Missing = None,
    rows: Annotated[
        int,
        typer.Option(
            "--rows", metavar="N", min=3, help="Maximal number of rows of each table to compare, drawn at random."
        ),
    ] = 100_000,
    seed: Seed = 0,
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
    as_json: AsJson = False,
) -> None:
    """Compare the distributions of two tables, column by column and as a whole.

    Kolmogorov-Smirnov tests for numbers and dates, chi-squared tests for other columns, with p-values corrected for
    the number of columns (Holm); a classifier of the two tables for whole rows. Identifiers are left out.
    """
    from gensynth.cli.input.tables import stream
    from gensynth.cli.options.columns import declared_kinds
    from gensynth.cli.options.paths import find
    from gensynth.cli.reports.summary_json import print_json
    from gensynth.cli.terminal.messages import say, table
    from gensynth.errors import listed

    found = [find(data, several=True) for data in (old, new)]
    seed = 0 if seed is None else seed
    frames = [stream(one, missing, kinds).sample(rows, seed).frame for one in found]
    from gensynth.cli.input.drift import comparable
    from gensynth.metrics.drift import drift as drift_of

    declared = declared_kinds(kinds, [str(name) for name in frames[0].columns])
    before, after, left_out = comparable(frames[0], frames[1], declared)
    result = drift_of(before, after, random_state=seed)
    if as_json:
        print_json({**result.to_json(), "left_out": left_out})
        return
    lines = [
        (str(c.name), c.test, f"{c.statistic:.4g}", f"{c.distance:.3f}", f"{c.p_value:.3g}", f"{c.adjusted:.3g}",
         "moved" if c.moved else "")
        for c in result.columns
    ]  # fmt: skip
    lines.append(("(rows as a whole)", "classifier", f"{result.auc:.4f}", "", f"{result.p_value:.3g}", "", ""))
    table(("column", "test", "statistic", "distance", "p", "corrected p", ""), lines)
    if left_out:
        say(f"left out, as identifiers always differ: {listed(left_out)}")
    moved = result.moved
    say(f"distributions that moved: {listed(moved)}" if moved else "no distribution moved")
