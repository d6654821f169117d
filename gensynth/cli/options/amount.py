"""Number of rows that ``gensynth augment`` adds: ``--balance``, ``--rows`` and ``--ratio``."""

from __future__ import annotations

from dataclasses import dataclass

from gensynth.defaults import AUTO_RATIO
from gensynth.errors import OptionError


@dataclass(frozen=True)
class Amount:
    """Requested number of rows.

    Parameters
    ----------
    rows : int or None
        So many.
    ratio : float, "auto" or None
        So many for each real row; "auto": rare classes get some, as `gensynth.augment` has it.
    balance : bool
        Whether every class gets as many as the largest has.
    """

    rows: int | None
    ratio: float | str | None
    balance: bool

    @classmethod
    def of(cls, rows: int | None, ratio: str | None, *, balance: bool) -> Amount:
        """Parse the options; by default as many rows as the table has.

        Raises
        ------
        OptionError
            More than one is given, or one too low, or ``--ratio`` is neither a number nor "auto".
        """
        options = {"--balance": balance or None, "--rows": rows, "--ratio": ratio}
        given = [name for name, value in options.items() if value is not None]
        if len(given) > 1:
            raise OptionError(f"{' and '.join(given)} exclude each other; keep one")
        if rows is not None and rows < 1:
            raise OptionError(f"--rows must be at least 1, not {rows}")
        if not given:
            return cls(None, 1.0, balance=False)
        return cls(rows, ratio if ratio in (None, AUTO_RATIO) else _number(ratio), balance)

    @property
    def by_class(self) -> bool:
        """Whether rows are added to classes, and not to the table as a whole."""
        return self.balance or self.ratio == AUTO_RATIO

    @property
    def option(self) -> str:
        """The option that was given."""
        return "--balance" if self.balance else "--ratio auto"

    def rows_for(self, n_real: int) -> int | None:
        """Return the number of rows, None if classes are balanced."""
        if self.by_class or self.rows is not None:
            return None if self.by_class else self.rows
        return round(float(self.ratio or 0.0) * n_real)


def _number(ratio: str) -> float:
    try:
        number = float(ratio)
    except ValueError:
        raise OptionError(f"--ratio must be auto or a number more than 0, not {ratio!r}") from None
    if not 0 < number < float("inf"):
        raise OptionError(f"--ratio must be auto or a number more than 0, not {number:g}")
    return number
