"""``gensynth impute``."""

from __future__ import annotations

from gensynth.cli.options import Data, Missing, ModelFile, Output, Quiet, Seed
from gensynth.errors import counted


def impute(
    model: ModelFile,
    data: Data,
    output: Output,
    missing: Missing = None,
    seed: Seed = None,
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
) -> None:
    """Fill the missing cells of DATA by a trained model.

    Each is drawn given the other cells of its row; cells that are there are written as they were.
    """
    from gensynth.cli.paths import checked_output, find, model_file, read
    from gensynth.cli.terminal import say

    source, found = model_file(model), find(data)
    path = checked_output(output, inputs=[source, found])
    from gensynth.cli.fitted import load_synthesizer
    from gensynth.cli.rows import write_imputed
    from gensynth.engine.capabilities import require

    synthesizer = load_synthesizer(source, "impute")
    require(synthesizer.recipe_, "impute")
    table = read(found, missing, like=synthesizer)
    filled = synthesizer.impute(table.frame, random_state=seed)
    cells = int((table.frame.isna() & ~filled.isna()).to_numpy().sum())
    write_imputed(table, filled, path, synthesizer.fitted_.container.style)
    say(f"{counted(cells, 'missing cell')} of {counted(len(filled), 'row')} filled, written to {path}")
