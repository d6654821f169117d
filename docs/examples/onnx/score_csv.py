"""Score a CSV file with nothing but onnxruntime and numpy: python score_csv.py scorer.onnx rows.csv."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1])
told = session.get_modelmeta().custom_metadata_map
rows = list(csv.DictReader(Path(sys.argv[2]).read_text("utf-8").splitlines()))
TRUTHS = {"true": 1, "false": 0, "": "nan"}


def cells(port: dict[str, Any]) -> Any:
    """Return the cells of one input as an array."""
    texts = [row[str(port["column"])] for row in rows]
    if port["type"] == "string":
        return np.array([text or port["missing"] for text in texts], dtype=object)
    if port["holds"] == "moment":  # an empty cell is NaT, the least int64
        return np.array([text or "NaT" for text in texts], dtype="M8[us]").astype(np.int64)
    if port["type"] == "int64":
        return np.array([int(text or port["missing"]) for text in texts])
    return np.array([TRUTHS.get(text.lower(), text) for text in texts], dtype=float).astype(port["type"])


ports = json.loads(told["gensynth.inputs"])
for score in session.run(["score"], {port["name"]: cells(port).reshape(-1, 1) for port in ports})[0]:
    print(score)
