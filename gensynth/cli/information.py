"""What ``gensynth info`` tells of a model file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from gensynth.engine.facts import column_facts, family_facts, left_out, n_weights, training_facts
from gensynth.hookspecs import CAPABILITIES
from gensynth.persistence import FORMAT, load, read_archive

_MAX_ROUNDS = 10


def facts_of(path: Path) -> dict[str, Any]:
    """Return what a model file holds, as plain JSON values.

    Raises
    ------
    ModelFileError
        It is damaged, or of another format.
    UnknownModelError
        The plugin of its model is not installed.
    """
    archive = read_archive(path)
    fitted = load(path)
    models = [fitted.fitted_] if archive.kind == "synthesizer" else list(fitted.estimators_)
    first = models[0]
    facts: dict[str, Any] = {
        "file": str(path),
        "bytes": path.stat().st_size,
        "format": FORMAT,
        "gensynth": archive.version,
        "kind": archive.kind,
        **family_facts(first),
        "parameters": first.recipe.to_json(),
        "weights": sum(map(n_weights, models)),
        "networks": len(models),
        "can": sorted(first.recipe.able),
        "score_methods": list(first.recipe.score_methods),
        "seed": first.seed,
        "rows": first.encoder.layout.n_rows,
        "columns": [column_facts(column) for column in first.schema.columns],
        "left_out": left_out(first.schema),
        "relations": [str(relation) for relation in first.schema.relations],
        "training": training_facts(first),
    }
    if archive.kind == "detector":
        facts["threshold"] = float(fitted.offset_)
    return facts


def text_of(facts: dict[str, Any]) -> str:
    """Return the facts in lines for people."""
    training = facts["training"]
    seconds = "" if training["seconds"] is None else f" in {training['seconds']:.0f} s"
    networks = "" if facts["networks"] == 1 else f" in {facts['networks']} networks"
    lines = [
        ("file", f"{facts['file']}: {facts['bytes'] / 1e6:.1f} MB, written by gensynth {facts['gensynth']}"),
        ("holds", f"a {facts['kind']} of the family {facts['model']} ({facts['plugin']})"),
        ("can", ", ".join(CAPABILITIES[word] for word in facts["can"])),
        ("scores", ", ".join(facts["score_methods"])),
        ("size", f"{facts['weights']:,} weights{networks}"),
        ("trained", f"on {facts['rows']:,} rows, {training['epochs']} epochs{seconds}, seed {facts['seed']}"),
    ]
    if "threshold" in facts:
        lines.append(("threshold", f"{facts['threshold']:.4g}: rows with a lower score are anomalies"))
    settings = ", ".join(f"{name}={value}" for name, value in facts["parameters"].items())
    lines.append(("settings", settings))
    out = [f"{name + ':':11}{text}" for name, text in lines if text]
    out += ["", "columns:"]
    width = min(max(len(str(column["name"])) for column in facts["columns"]), 32)
    for column in facts["columns"]:
        why = facts["left_out"].get(str(column["name"]))
        extra = [column["dtype"], *(["with missing cells"] if column["missing"] else []), *([why] if why else [])]
        out.append(f"  {column['name']!s:{width}}  {column['kind']} ({', '.join(extra)})")
    if facts["relations"]:
        out += ["", "relations that every drawn row keeps:", *(f"  {relation}" for relation in facts["relations"])]
    out += _history(training["history"])
    return "\n".join(out)


def _history(rounds: list[dict[str, Any]]) -> list[str]:
    """Return the last rounds of the training."""
    shown = [row for row in rounds if "monitor" in row]
    if not shown:
        return []
    lines = ["", "training (loss on held-out rows):"]
    step = max(1, math.ceil(len(shown) / _MAX_ROUNDS))
    for row in [*shown[:-1:step], shown[-1]]:
        lines.append(f"  {row.get('stage', '')!s:12} epoch {row.get('epoch', 0):>6.4g}  {row['monitor']:.5g}")
    return lines
