"""Parser of relations: ``total = net + vat``, ``start <= end``, ``city -> state``, ``a, b missing together``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from gensynth.errors import OptionError, SchemaError
from gensynth.schema.relation import Relation

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?")
_OPERATOR = re.compile(r"<->|<=>|->|<=|>=|==?|[-+*/,<>]")
_FORMS = "'total = net + vat', 'vat = 0.21 * net', 'amount = price * quantity', 'start <= end', 'city -> state' or 'a, b missing together'"  # noqa: E501

Token = tuple[str, Any]
"""("name", label), ("number", float) or ("operator", text)."""


def declared_relations(relations: Any, names: Sequence[str | int]) -> tuple[Relation, ...] | None:
    """Return relations that were declared; None for "auto": they are to be found.

    Parameters
    ----------
    relations : "auto", False, None, or a sequence of str or Relation
        False and None declare that there are none.
    names : sequence of column labels
        The columns of the table.

    Raises
    ------
    OptionError
        Not a relation.
    SchemaError
        A relation names an unknown column.
    """
    if isinstance(relations, str) and relations == "auto":
        return None
    if relations is False or relations is None:
        return ()
    if relations is True or isinstance(relations, str | Relation) or not isinstance(relations, Iterable):
        raise OptionError(f"relations={relations!r}: expected 'auto', False, or a list of relations such as {_FORMS}")
    found: list[Relation] = []
    for one in relations:
        if isinstance(one, Relation):
            absent = [name for name in one.columns if name not in names]
            if absent:
                raise SchemaError(f"the relation {str(one)!r} names the column {absent[0]!r}, which the table lacks")
            found.append(one)
        elif isinstance(one, str):
            found += parse_relation(one, names)
        else:
            raise OptionError(f"relations: {one!r} is no relation; expected texts such as {_FORMS}")
    return tuple(dict.fromkeys(found))


def parse_relation(text: str, names: Sequence[str | int]) -> list[Relation]:
    """Return the relations that a text says; ``low <= mid <= high`` says two.

    Names may hold blanks and signs; one that could be taken for something else is written in quotes.
    """
    tokens = _tokens(text, names)
    operators = [value for kind, value in tokens if kind == "operator"]
    if tokens[-1] == ("operator", "missing together"):
        columns = _names(text, tokens[:-1], ",")
        if len(columns) < 2:
            raise _unreadable(text)
        return [Relation("missing", tuple(columns))]
    if "->" in operators:
        determinants = _names(text, tokens, "->")
        return [Relation("dependency", pair) for pair in pairwise(determinants)]
    if "<->" in operators or "<=>" in operators:
        one, other = _names(text, tokens, "<->" if "<->" in operators else "<=>")[:2]
        return [Relation("dependency", (one, other)), Relation("dependency", (other, one))]
    for sign in ("<=", ">="):
        if sign in operators:
            chain = _names(text, tokens, sign)
            chain = chain if sign == "<=" else chain[::-1]
            return [Relation("order", pair) for pair in pairwise(chain)]
    if operators.count("=") == 1:
        return [_equation(text, tokens)]
    raise _unreadable(text)


def _tokens(text: str, names: Sequence[str | int]) -> list[Token]:
    by_length = sorted(names, key=lambda name: -len(str(name)))
    rest = text
    together = re.sub(r"[\s,]*\bmissing\s+together\s*$", "", text)
    if together != text and "missing together" not in map(str, names):
        rest = together
    tokens: list[Token] = []
    while rest := rest.lstrip():
        if rest[0] in "'\"":
            name, closed, after = rest[1:].partition(rest[0])
            known = next((n for n in names if str(n) == name), None)
            if not closed or known is None:
                raise _unknown(text, name, names)
            tokens.append(("name", known))
            rest = after
            continue
        known = next((n for n in by_length if isinstance(n, str) and n and _starts(rest, n)), None)
        if known is not None:
            tokens.append(("name", known))
            rest = rest[len(known) :]
        elif match := _OPERATOR.match(rest):
            tokens.append(("operator", "=" if match[0] == "==" else match[0]))
            rest = rest[match.end() :]
        elif match := _NUMBER.match(rest):
            tokens.append(("number", float(match[0])))
            rest = rest[match.end() :]
        else:
            word = re.match(r"\w+|.", rest)
            raise _unknown(text, word[0] if word else rest, names)
    if together != text and "missing together" not in map(str, names):
        tokens.append(("operator", "missing together"))
    if not tokens:
        raise _unreadable(text)
    return tokens


def _starts(rest: str, name: str) -> bool:
    """Whether a text starts with a name that ends there."""
    if not rest.startswith(name):
        return False
    after = rest[len(name) : len(name) + 1]
    return not (after.isalnum() or after == "_") or not (name[-1].isalnum() or name[-1] == "_")


def _names(text: str, tokens: list[Token], separator: str) -> list[str | int]:
    """Return the names of ``a SEP b SEP c``."""
    right = all(
        kind == "name" if i % 2 == 0 else (kind, value) == ("operator", separator)
        for i, (kind, value) in enumerate(tokens)
    )
    if not right or len(tokens) < 3 or len(tokens) % 2 == 0:
        raise _unreadable(text)
    return [value for kind, value in tokens if kind == "name"]


def _equation(text: str, tokens: list[Token]) -> Relation:
    at = tokens.index(("operator", "="))
    left, right = _terms(text, tokens[:at]), _terms(text, tokens[at + 1 :])
    if len(right) == 1 and len(left) == 1 and len(left[0][1]) == 1 and left[0][0] == 1:
        factor, factors, under = right[0]
        if len(factors) == 2 and factor == 1 and under is None:
            return Relation("product", (left[0][1][0], *factors))
        if len(factors) == 1 and factor == 1 and under is not None:
            return Relation("ratio", (left[0][1][0], factors[0], under))
    weights: dict[str | int, float] = {}
    constant = 0.0
    for side, terms in ((1, left), (-1, right)):
        for factor, factors, under in terms:
            if len(factors) > 1 or under is not None:
                raise _unreadable(text)
            if factors:
                weights[factors[0]] = weights.get(factors[0], 0.0) + side * factor
            else:
                constant += side * factor
    weights = {name: weight for name, weight in weights.items() if weight}
    if len(weights) < 2:
        raise _unreadable(text)
    target, own = next(iter(weights.items()))
    others = [name for name in weights if name != target]
    factors_ = [-weights[name] / own for name in others]
    if len(others) == 1 and abs(factors_[0]) != 1:
        return Relation("factor", (target, others[0]), (factors_[0], -constant / own))
    return Relation("sum", (target, *others), (-constant / own, *factors_))


def _terms(text: str, tokens: list[Token]) -> list[tuple[float, list[str | int], str | int | None]]:
    """Return (factor, names multiplied, name divided by) of each term of a sum."""
    terms: list[tuple[float, list[str | int], str | int | None]] = []
    sign, factor = 1.0, 1.0
    names: list[str | int] = []
    under: str | int | None = None
    waiting, operation = True, "*"
    for kind, value in [*tokens, ("operator", "+")]:
        if kind == "operator" and value in "+-" and waiting and not names and factor == 1.0:
            sign = -sign if value == "-" else sign
        elif kind == "operator" and value in "+-" and not waiting:
            terms.append((sign * factor, names, under))
            sign, factor, names, under, waiting, operation = (-1.0 if value == "-" else 1.0), 1.0, [], None, True, "*"
        elif kind == "operator" and value in "*/" and not waiting:
            waiting, operation = True, value
        elif kind != "operator" and waiting:
            waiting = False
            if kind == "number":
                factor = factor * value if operation == "*" else factor / value
            elif operation == "*":
                names.append(value)
            elif under is None:
                under = value
            else:
                raise _unreadable(text)
        else:
            raise _unreadable(text)
    if not terms or not waiting:
        raise _unreadable(text)
    return terms


def _unreadable(text: str) -> OptionError:
    return OptionError(f"relation {text!r}: expected one such as {_FORMS}")


def _unknown(text: str, word: str, names: Sequence[str | int]) -> SchemaError:
    import difflib

    near = difflib.get_close_matches(word, [str(name) for name in names], n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    shown = ", ".join(repr(name) for name in names[:10]) + (", ..." if len(names) > 10 else "")
    return SchemaError(f"relation {text!r}: there is no column {word!r}; {hint}the columns are {shown}")
