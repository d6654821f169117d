"""Checks of the contract suite for observed cells: conditions of a sample, and imputation."""

from __future__ import annotations

import torch
from torch import Generator

from gensynth.errors import CapabilityError
from gensynth.model import UNKNOWN, Batch, Observed
from gensynth.testing.trained import SEED, Trained, generate, require, require_observed, require_valid, untouched


def check_conditions(trained: Trained) -> None:
    """Given cells are returned exactly in valid rows, if the recipe has the capability; otherwise refused.

    "conditional": cells of any column; "conditional-on-fitted": of the first ``layout.n_conditions`` columns.
    """
    layout, rows = trained.model.layout, trained.case.rows[:50]
    able = trained.recipe.able
    wanted = [(0,), tuple(range(len(layout.columns))), (len(layout.columns) - 1,)]
    if layout.n_conditions:
        wanted.append(tuple(range(layout.n_conditions)))
    for columns in wanted:
        if (rows.codes[:, list(columns)] == UNKNOWN).any():
            raise AssertionError("the cases of the suite hold unknown codes")
        told = "conditional-on-fitted" in able and max(columns) < layout.n_conditions
        declared = "conditional" in able or told
        try:
            batch = generate(trained.model, len(rows), observed=Observed.of_columns(columns, rows))
        except CapabilityError as error:
            require(not declared, f"capabilities has a conditional one, but cells of {columns} are refused: {error}")
            continue
        require(declared, f"cells of columns {columns} are taken as given, but capabilities has no 'conditional'")
        require_valid(trained, batch, len(rows))
        require_observed(layout, batch, rows, Observed.of_columns(columns, rows).mask)


def check_imputation(trained: Trained) -> None:
    """Missing cells are imputed and others unchanged, if the recipe has "impute"; otherwise refused."""
    layout, rows = trained.model.layout, trained.case.rows[:50]
    missing = torch.rand(rows.codes.shape, generator=Generator().manual_seed(SEED)) < 0.4
    missing[0], missing[1] = True, False
    codes, numeric = torch.where(missing, UNKNOWN, rows.codes), rows.numeric.clone()
    for j, column in enumerate(layout.columns):
        if column.numeric is not None:
            numeric[missing[:, j], column.numeric.index] = 0.0
    gappy = Batch(numeric.clone(), codes.clone(), pixels=rows.pixels)
    try:
        with untouched("imputation"):
            batch = generate(trained.model, len(rows), observed=Observed(gappy, ~missing, impute=True))
    except CapabilityError as error:
        require("impute" not in trained.recipe.able, f"capabilities has 'impute', but generate says: {error}")
        return
    require("impute" in trained.recipe.able, "generate fills missing cells, but capabilities has no 'impute'")
    require(torch.equal(gappy.codes, codes) and torch.equal(gappy.numeric, numeric), "generate changes its argument")
    require_valid(trained, batch, len(rows))
    require_observed(layout, batch, rows, ~missing)
    for j, column in enumerate(layout.columns):
        left = column.missing is not None and bool((batch.codes[missing[:, j], j] == column.missing).any())
        require(not left, f"missing cells of column {j} are filled with the code for missing")
