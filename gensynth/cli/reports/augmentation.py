"""The evaluation page of ``gensynth augment --report`` for synthetic rows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.cli.input.tables import stream
from gensynth.cli.options.amount import Amount
from gensynth.cli.options.paths import (
    ARCHIVE_ENDINGS,
    PAGE_ENDINGS,
    STANDARD_INPUT,
    TABLE_ENDINGS,
    check_distinct,
    checked_output,
    find,
)
from gensynth.errors import DataError, OptionError, counted

if TYPE_CHECKING:
    import pandas as pd

    from gensynth.augmentation import AugmentResult, ComparedRows
    from gensynth.datasets import Card
    from gensynth.evaluation import Evaluation

_MAX_CLASSES = 10


@dataclass(frozen=True)
class AddedRows:
    """Rows to be added and evaluated.

    Parameters
    ----------
    target : str or None
        Column of classes, or what is predicted.
    amount : Amount
        How many rows.
    schema : dict or None
        Declared kinds of columns.
    """

    target: str | None
    amount: Amount
    schema: Any = None

    def check(self, real: pd.DataFrame, holdout: pd.DataFrame | None) -> None:
        """Raise an error if such rows cannot be evaluated, tested with real rows of the same classes."""
        from gensynth.augmentation import compared_rows
        from gensynth.augmentation.adding import stand_ins
        from gensynth.augmentation.strategy import filled
        from gensynth.evaluation.samples import MIN_ROWS, Samples

        n = self.amount.rows_for(len(real))
        places = stand_ins(real, self.target, n, filled(balance=self.amount.balance))
        if len(places) < MIN_ROWS:
            raise OptionError(
                f"--report needs at least {MIN_ROWS} new rows, and {len(places)} are to be added; ask for more "
                "(--rows N), or leave --report out"
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what there is to say is said of the new rows
            rows = compared_rows(real, real.iloc[places], self.target, holdout, by_class=n is None)
            Samples.of(rows.real, rows.synthetic, rows.holdout, target=self.target, schema=self.schema)


@dataclass(frozen=True)
class AddedReport:
    """A requested evaluation page of synthetic rows.

    Parameters
    ----------
    page : Path
        Where it is written.
    data, output : str
        What the real rows, and the table with the new ones, are called.
    holdout : DataFrame or None
        Real rows that the model does not see.
    held_out : str or None
        What these are called.
    """

    page: Path
    data: str
    output: str
    holdout: pd.DataFrame | None = None
    held_out: str | None = None

    def write(
        self, result: AugmentResult, target: str | None, *, by_class: bool, schema: Any, seed: int | None
    ) -> Evaluation:
        """Evaluate new rows, write the page, and return what was found.

        Raises
        ------
        DataError
            There are too few rows to compare. The new rows are written by then.
        """
        from gensynth.augmentation import compared_rows
        from gensynth.cli.terminal.progress import progress_bar
        from gensynth.report.evaluation import write_evaluation

        seed = (seed or 0) % 2**31
        try:
            rows = compared_rows(
                result.real, result.synthetic, target, self.holdout, by_class=by_class, random_state=seed
            )
            with progress_bar() as progress:
                found = rows.evaluate(schema=schema, random_state=seed, progress=progress)
        except DataError as error:
            raise DataError(f"{self.output} is written, but not {self.page}: {error}") from error
        facts = self._facts(rows, result)
        if found.target is not None:
            facts.append(("Target", str(found.target)))
        write_evaluation(found, self.page, title=f"the new rows of {self.output}", facts=facts)
        return found

    def _facts(self, rows: ComparedRows, result: AugmentResult) -> list[tuple[str, str]]:
        """Return which rows were compared, as facts for the page."""
        n_real, n_new = result.report.n_real, result.report.n_synthetic
        facts = [
            ("Real rows", f"{_part(len(rows.real), n_real)} of {self.data}, the training set of the model"),
            ("Synthetic rows", f"{_part(len(rows.synthetic), n_new)} that were added"),
        ]
        if rows.classes:
            more = f" and {len(rows.classes) - _MAX_CLASSES} more" if len(rows.classes) > _MAX_CLASSES else ""
            names = ", ".join(map(str, rows.classes[:_MAX_CLASSES]))
            alike = ", in the same proportions in each table" if len(rows.classes) > 1 else ""
            facts.append(("Classes", f"{names}{more}: the classes with new rows{alike}"))
        if self.holdout is None or rows.holdout is None:
            facts.append(
                ("Held-out rows", "none, so memorisation of the training rows was not tested; --holdout TABLE names "
                 "real rows that the model does not see")
            )  # fmt: skip
        else:
            told = f"{_part(len(rows.holdout), len(self.holdout))} of {self.held_out}, which the model did not see"
            facts.append(("Held-out rows", told))
        return facts


def added_report(
    page: Path | None,
    holdout: str | None,
    found: Path | Card,
    real: pd.DataFrame,
    output: Path,
    new: AddedRows,
    **reading: Any,
) -> AddedReport | None:
    """Return the report requested by ``--report`` and ``--holdout``, checked before training; None without.

    Parameters
    ----------
    page, holdout : Path, str or None
        The options.
    found : Path or Card
        Where the real rows are from.
    real : DataFrame
        The real rows.
    output : Path
        What is written besides.
    new : AddedRows
        What is to be added.
    **reading
        How the held-out rows are read, as `gensynth.cli.input.tables.stream` takes it.

    Raises
    ------
    OptionError
        The page cannot be written, or ``--holdout`` stands alone.
    DataError
        There are too few rows, or too few of the classes that are filled up, or the held-out ones have other columns
        or cells that are not such as the real ones.
    """
    if page is None:
        if holdout is not None:
            raise OptionError("--holdout is for the page of --report PAGE; name a page, or leave --holdout out")
        return None
    if holdout == str(STANDARD_INPUT) and found == STANDARD_INPUT:
        raise OptionError("DATA and --holdout are both standard input (-), which holds one table; name a file")
    held = None if holdout is None else find(holdout, several=True)
    page = checked_output(page, PAGE_ENDINGS, [found, *([] if held is None else [held])], "--report")
    check_distinct({"--output": output, "--report": page})
    if held is not None and output.suffix:  # what is read is not to be overwritten
        checked_output(output, (*TABLE_ENDINGS, *ARCHIVE_ENDINGS), [held])
    rows = None if held is None else stream(held, **reading).whole().frame
    new.check(real, rows)
    return AddedReport(page, str(found) if isinstance(found, Path) else found.name, str(output), rows, holdout)


def _part(n: int, of: int) -> str:
    return counted(n, "row") if n == of else f"{n:,} of the {counted(of, 'row')}"
