"""``gensynth impute``."""

from __future__ import annotations

from gensynth.cli.options.declarations import (
    Data,
    Missing,
    ModelFile,
    Output,
    PartRows,
    PipeFormat,
    Quiet,
    ResumeParts,
    Seed,
    Threads,
)
from gensynth.errors import counted


def impute(
    model: ModelFile,
    data: Data,
    output: Output,
    missing: Missing = None,
    seed: Seed = None,
    part_rows: PartRows = None,
    resume: ResumeParts = False,
    pipe: PipeFormat = None,
    threads: Threads = None,  # noqa: ARG001 - its callback did it
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
) -> None:
    """Impute the missing cells of DATA with a trained model.

    Each is sampled given the other cells of its row; all other cells are written unchanged.
    """
    from gensynth.cli.input.tables import stream
    from gensynth.cli.options.paths import find, model_file
    from gensynth.cli.output.tables import digest_of, identity_of, table_output
    from gensynth.cli.terminal.messages import say

    source, found = model_file(model), find(data, several=True)
    out = table_output(output, [source, found], part_rows=part_rows, resume=resume, pipe=pipe)
    from dataclasses import replace

    from gensynth.cli.input.models import load_synthesizer
    from gensynth.cli.output.cells import imputed
    from gensynth.engine.capabilities import require

    synthesizer = load_synthesizer(source, "impute")
    require(synthesizer.recipe_, "impute")
    table = stream(found, missing, like=synthesizer, pipe=out.pipe)
    like = synthesizer.fitted_.container.style
    run = {
        "command": "impute",
        "model": digest_of(source),
        "data": identity_of(found),
        "missing": missing,
        "seed": seed,
    }
    cells = 0
    with out.writer(table.n_rows, run) as writer:
        csv, n = writer.format == "csv", table.n_rows - writer.start
        for rows, filled in synthesizer.impute_batches(table, random_state=seed, start=writer.start):
            cells += int((rows.frame.isna() & ~filled.isna()).to_numpy().sum())
            styled = replace(rows, style=table.style) if csv else rows
            writer.write(imputed(styled, filled, table.held, like=like, csv=csv))
    say(f"{counted(cells, 'missing cell')} of {counted(n, 'row')} filled, written to {out}")
