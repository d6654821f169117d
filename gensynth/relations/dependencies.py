"""Functional dependencies: ``city -> state``."""

from __future__ import annotations

from typing import Any

import numpy as np

from gensynth.relations.rule import Domains, Rule
from gensynth.relations.sheet import Bools, Floats, Sheet, Values
from gensynth.schema.relation import Relation

VALUE, MISSING, OPEN = 0, 1, 2
"""What a key determines: a value, that the cell is missing, or nothing."""

_CODES_CHANGE = 0.5
_MOST_SINGLE = 0.05
"""Maximal fraction of rows with a key of their own for a column to be implied: such rows keep any dependency."""
_MOST_SPAN = 2**16
"""Maximal range of integer keys for which the nearest key is tabulated."""


class DependencyRule(Rule):
    """Functional dependency: each value of the first column determines one value of the second.

    Parameters
    ----------
    relation : Relation
        The columns.
    domains : dict
        What they hold.
    keys : ndarray of shape (n_keys,)
        Values of the first column, ascending.
    values : ndarray of shape (n_keys + 1,)
        What each goes with; the last entry is for a missing key.
    says : ndarray of shape (n_keys + 1,)
        Whether that is a value (0), that it is missing (1), or nothing (2).
    counts : ndarray of shape (n_keys,)
        Fitted rows of each key.
    """

    def __init__(
        self, relation: Relation, domains: Domains, keys: Values, values: Values, says: Values, counts: Values
    ) -> None:
        super().__init__(relation, domains)
        self.key, self.target = relation.columns
        self.dependent = relation.columns[1]
        self.keys, self.values, self.says, self.counts = keys, values, says, counts
        settled = says[:-1] == VALUE
        changes = values[:-1][settled][1:] != values[:-1][settled][:-1]
        numbers = not domains[self.key].levels
        self.snaps = not numbers or bool(len(changes) and changes.mean() > _CODES_CHANGE)
        """Whether keys are codes, between which there is none; else the nearest key speaks for a number."""
        order = np.lexsort((np.arange(len(keys)), values[:-1]))
        self._order = order[says[:-1][order] == VALUE]
        self._says_missing = bool((says == MISSING).any())
        self._nearest_of: Values | None = None
        if len(keys) and keys.dtype.kind == "i" and int(keys[-1]) - int(keys[0]) < _MOST_SPAN:
            self._nearest_of = self._nearest(np.arange(keys[0], keys[-1] + 1))

    @classmethod
    def fit(cls, relation: Relation, domains: Domains, sheet: Sheet) -> DependencyRule:
        """Tabulate the values."""
        key, dependent = relation.columns
        there = ~sheet.missing[key]
        keys, which = np.unique(sheet.values[key][there], return_inverse=True)
        counts = np.bincount(which, minlength=len(keys))
        codes = np.full(len(sheet), len(keys), dtype=np.int64)
        codes[there] = which
        gap = sheet.missing[dependent]
        n_gaps = np.bincount(codes[gap], minlength=len(keys) + 1)
        n_there = np.bincount(codes[~gap], minlength=len(keys) + 1)
        values = np.zeros(len(keys) + 1, dtype=sheet.values[dependent].dtype)
        values[codes[~gap]] = sheet.values[dependent][~gap]
        says = np.where(n_there > 0, VALUE, np.where(n_gaps > 0, MISSING, OPEN))
        without_key = sheet.values[dependent][~there & ~gap]
        if len(without_key) and (without_key[0] != without_key).any():
            says[-1] = OPEN
        if ((n_there > 0) & (n_gaps > 0))[:-1].any():  # missing by chance: a key says the value, not that it is there
            says[says == MISSING] = OPEN
        elif n_there[-1] and n_gaps[-1]:
            says[-1] = OPEN
        return cls(relation, domains, keys, values, says, counts)

    def implies(self) -> bool:
        """Whether the key is a category, nearly all rows repeat one, and each says the cell or that it is missing."""
        if not self.domains[self.key].levels or (self.says[:-1] == OPEN).any():
            return False
        if self.domains[self.key].column.missing and self.says[-1] == OPEN:
            return False
        if self.domains[self.dependent].column.missing and not self._says_missing:  # missing by chance
            return False
        return bool(self.counts[self.counts == 1].sum() <= _MOST_SINGLE * self.counts.sum())

    def determines(self, name: str | int) -> bool:
        """The second column, and also the first if the dependency is one-to-one."""
        if name == self.dependent:
            return True
        used = self.values[:-1][self._order]
        return len(used) == len(self.keys) and len(np.unique(used)) == len(used)

    def _lookup(self, sheet: Sheet) -> tuple[Values, Values]:
        """Return each row's key and the value that it determines (`OPEN` for unseen keys)."""
        own = sheet.values[self.key]
        if not len(self.keys):
            at, known = np.zeros(len(sheet), dtype=np.int64), np.zeros(len(sheet), dtype=bool)
        else:
            at = self._nearest(own)
            known = self.keys[at] == own
        at = np.where(sheet.missing[self.key], len(self.keys), at)
        says = np.where(known | sheet.missing[self.key], self.says[at], OPEN)
        return self.values[at], np.where(says == MISSING, OPEN, says) if sheet.filling else says

    def _settle_between(self, sheet: Sheet, draws: Floats) -> None:
        """Give numbers between two keys the value of one of the two."""
        own = sheet.values[self.key]
        at = self._nearest(own)
        if not (self.keys[at] != own).any():
            return
        right = np.minimum(np.searchsorted(self.keys, own), len(self.keys) - 1)
        left = np.maximum(right - 1, 0)
        dependent = sheet.values[self.dependent]
        off = (self.keys[at] != own) & (self.says[at] == VALUE) & sheet.present((self.key, self.dependent))
        off &= (dependent != self.values[left]) & (dependent != self.values[right])
        free = off & sheet.may_change(self.dependent)
        sheet.put(self.dependent, free, self.values[at])
        rows = off & ~free & sheet.may_change(self.key)
        if rows.any():
            keys, found = self.solve(sheet, self.key, draws)
            sheet.put(self.key, rows & found, keys)

    def _nearest(self, own: Values) -> Values:
        if self._nearest_of is not None and own.dtype.kind == "i":
            return np.asarray(self._nearest_of[np.clip(own, self.keys[0], self.keys[-1]) - self.keys[0]])
        right = np.minimum(np.searchsorted(self.keys, own), len(self.keys) - 1)
        left = np.maximum(right - 1, 0)
        nearer = np.abs(self.keys[right] - own) <= np.abs(own - self.keys[left])
        return np.where(nearer, right, left)

    def broken(self, sheet: Sheet) -> Bools:
        """Return the rows whose second column differs from the value that the key determines."""
        values, says = self._lookup(sheet)
        gap = sheet.missing[self.dependent]
        never_missing = not self.domains[self.dependent].column.missing
        wrong = (says == VALUE) & np.where(gap, never_missing, sheet.values[self.dependent] != values)
        return np.asarray(wrong | ((says == MISSING) & ~gap))

    def solve(self, sheet: Sheet, name: str | int, draws: Floats) -> tuple[Values, Bools]:
        """Return the value that the key determines, or a key of the value, sampled by frequency."""
        if name == self.dependent:
            values, says = self._lookup(sheet)
            return values, says == VALUE
        wanted = sheet.values[self.dependent]
        values, counts = self.values[:-1][self._order], self.counts[self._order]
        if not len(values):
            return sheet.values[name], np.zeros(len(sheet), dtype=bool)
        start, stop = np.searchsorted(values, wanted, "left"), np.searchsorted(values, wanted, "right")
        ends = np.concatenate([[0], np.cumsum(counts)])
        goal = ends[start] + draws * (ends[stop] - ends[start])
        at = np.clip(np.searchsorted(ends[1:], goal, side="right"), start, np.maximum(stop - 1, start))
        found = (stop > start) & ~sheet.missing[self.dependent]
        return self.keys[self._order[np.minimum(at, len(values) - 1)]], found

    def infer_missing(self, sheet: Sheet, name: str | int) -> Bools:
        """Return where the key determines that the second column is missing."""
        if name != self.dependent or not self._says_missing:
            return super().infer_missing(sheet, name)
        return np.asarray(self._lookup(sheet)[1] == MISSING)

    def settle(self, sheet: Sheet, draws: Floats, turn: int = 0) -> None:
        """Change free keys to fitted ones; then derive the second column, or else the key."""
        if not self.snaps and len(self.keys):
            self._settle_between(sheet, draws)
        elif len(self.keys):
            own = sheet.values[self.key]
            off = sheet.may_change(self.key) & ~sheet.missing[self.key]
            at = self._nearest(own)
            off &= self.keys[at] != own
            if off.any():
                sheet.put(self.key, off, self.keys[at])
        says_missing = self.infer_missing(sheet, self.dependent) & sheet.may_change(self.dependent)
        if says_missing.any() and self.target is not None:
            sheet.missing[self.dependent] = sheet.missing[self.dependent] | says_missing
        super().settle(sheet, draws, turn)
        # a value where the key says that there is none, and only the key may be changed
        bad = self.broken(sheet) & sheet.may_change(self.dependent) & self.infer_missing(sheet, self.dependent)
        sheet.missing[self.dependent] = sheet.missing[self.dependent] | bad

    def arrays(self) -> dict[str, Any]:
        """Return the table."""
        return {"keys": self.keys, "values": self.values, "says": self.says.astype(np.int8), "counts": self.counts}


def usual_rows(relation: Relation, sheet: Sheet) -> Bools:
    """Return the rows (n,) whose second cell is the majority value of their first cell.

    Rows in which a cell is missing are among them.
    """
    both = sheet.present(relation.columns)
    key, dependent = (sheet.values[name][both] for name in relation.columns)
    keys, of_key = np.unique(key, return_inverse=True)
    values, of_value = np.unique(dependent, return_inverse=True)
    _, pair, counts = np.unique(of_key * len(values) + of_value, return_inverse=True, return_counts=True)
    out = np.ones(len(sheet), dtype=bool)
    out[both] = 2 * counts[pair] > np.bincount(of_key, minlength=len(keys))[of_key]
    return out
