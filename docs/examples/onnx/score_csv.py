"""Score a CSV file with nothing but onnxruntime and numpy: python score_csv.py scorer.onnx rows.csv.

Numbers have a decimal point, dates are written as 2026-01-31 or 2026-01-31 12:30:59.
"""

import csv
import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

TRUTHS = {"true": 1.0, "yes": 1.0, "1": 1.0, "false": 0.0, "no": 0.0, "0": 0.0}
MARKS = {"positive", "negative", "zero", "decimal", "thousands"}  # none of them: 1234.5 and -1234.5
DATE = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

session = onnxruntime.InferenceSession(sys.argv[1])
properties = session.get_modelmeta().custom_metadata_map.items()
metadata = {k: json.loads(v) for k, v in properties if k.startswith("gensynth.")}
ports, reading = metadata["gensynth.inputs"], metadata["gensynth.reading"]
columns = {column["name"]: column for column in metadata["gensynth.schema"]["columns"]}
with Path(sys.argv[2]).open(encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))


def is_missing(column: str, text: str) -> bool:
    """Whether a cell is one of those that gensynth takes for missing values."""
    usual = ("",) if column in reading["categories"] else reading["usual"]
    return text.strip() in (usual if reading["missing"] is None else ("", *reading["missing"]))


def value(port: dict[str, Any], text: str) -> Any:
    """Return a cell that is not missing in the type of an input; raise `ValueError` if it cannot be read."""
    holds, kind, column = port["holds"], port["type"], columns[port["column"]]
    if holds == "text":
        if text == port["missing"]:
            raise ValueError("this text stands for a missing value")
        return text
    if holds == "truth":
        return TRUTHS[text.strip().lower()]
    if holds == "moment":
        written = column.get("format", "%Y-%m-%d")
        if port["unit"] == "periods" or "," in column["dtype"] or "z" in written or written[:8] != "%Y-%m-%d":
            raise ValueError("this example does not read dates of this column's format")
        if not DATE.fullmatch(text.strip()):
            raise ValueError("not a date as in 2026-01-31 or 2026-01-31 12:30:59")
        return np.datetime64(text.strip(), "ns").astype(f"M8[{port['unit']}]").astype(np.int64)
    if MARKS & set(column.get("notation", ())):
        raise ValueError("this example does not read numbers in a notation such as 1.234,50")
    if not NUMBER.fullmatch(text.strip()):
        raise ValueError("not a number")
    if kind == "double":
        return float(text)
    number = Decimal(text.strip()).scaleb(int(port["unit"]) if holds == "ticks" else 0)
    if number != int(number):
        raise ValueError("more decimals than the column has")
    return int(number)


def cell(port: dict[str, Any], text: str) -> Any:
    """Return a cell of an input; texts among numbers or dates go to the input for such texts."""
    missing = {"NaN": np.nan}.get(port["missing"], port["missing"])
    if is_missing(port["column"], text):
        if missing is None:
            raise ValueError("a missing value, and the column had none when it was fitted")
        return missing
    among = next((p for p in ports if p["holds"] == "special" and p["column"] == port["column"]), None)
    special = text in columns[port["column"]].get("specials", ())
    if port is among:
        return text if special else missing
    return missing if special else value(port, text)


def cells(port: dict[str, Any]) -> Any:
    """Return an input: the cells of a column as an array (n, 1)."""
    kinds = {"double": float, "int64": np.int64, "bool": bool, "string": object}
    out = np.empty((len(rows), 1), dtype=kinds[port["type"]])
    for i, row in enumerate(rows):
        try:
            out[i, 0] = cell(port, row[port["column"]])
        except (KeyError, ValueError, ArithmeticError) as error:
            sys.exit(f"column {port['column']!r}, row {i}: {row.get(port['column'])!r} cannot be read ({error})")
    return out


for score in session.run(["score"], {port["name"]: cells(port) for port in ports})[0]:
    print(score)
