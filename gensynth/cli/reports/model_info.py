"""The content of ``gensynth info`` for a model file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from gensynth.engine.model_summary import column_facts, family_facts, kinds_told, left_out, n_weights, training_facts
from gensynth.errors import counted
from gensynth.hookspecs import CAPABILITIES
from gensynth.persistence import FORMAT, load, read_archive
from gensynth.training import Trainer

_MAX_ROUNDS = 10


def facts_of(path: Path) -> dict[str, Any]:
    """Return the facts of a model file as plain JSON values.

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
    layout = first.encoder.layout
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
        "trainer": _trainer(fitted),
        "can": sorted(first.recipe.able),
        "score_methods": list(first.recipe.score_methods),
        "seed": first.seed,
        "rows": layout.n_rows,
        "kinds": kinds_told(first.schema.columns),
        "columns": [column_facts(column) for column in first.schema.columns],
        "condition_on": [column.name for column in layout.columns[: layout.n_conditions]],
        "left_out": left_out(first.schema),
        "relations": [str(relation) for relation in first.schema.relations],
        "training": training_facts(first),
    }
    if archive.kind == "detector":
        facts |= _of_detector(fitted)
    return facts


def _of_detector(fitted: Any) -> dict[str, Any]:
    density = fitted.density_
    return {
        "threshold": float(fitted.offset_),
        "method": fitted.method_,
        "contamination": fitted.contamination_,
        "contamination_range": fitted.contamination_range_,
        "novelty": fitted.novelty,
        "calibration_rows": len(fitted.calibration_scores_),
        "density_weights": None if density is None else n_weights(density.model),
    }


def _trainer(fitted: Any) -> dict[str, Any]:
    """Return the settings of the trainer that are not the defaults."""
    default = Trainer().get_params()
    settings = {} if fitted.trainer is None else fitted.trainer.get_params()
    return {name: _plain(value) for name, value in settings.items() if value != default.get(name)}


def _plain(value: Any) -> Any:
    """Return a JSON value: a text where it is none."""
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)


def text_of(facts: dict[str, Any]) -> str:
    """Return the facts as lines of text."""
    training = facts["training"]
    seconds = "" if training["seconds"] is None else f" in {training['seconds']:.0f} s"
    networks = "" if facts["networks"] == 1 else f" in {facts['networks']} networks"
    density = facts.get("density_weights")
    beside = "" if density is None else f", and a density of {density:,} beside"
    epochs = counted(training["epochs"], "epoch")
    set_here = {name: value for name, value in facts["parameters"].items() if value is not None}
    lines = [
        ("file", f"{facts['file']}: {facts['bytes'] / 1e6:.1f} MB, written by gensynth {facts['gensynth']}"),
        ("holds", f"a {facts['kind']} of the family {facts['model']} ({facts['plugin']})"),
        ("can", ", ".join(CAPABILITIES[word] for word in facts["can"])),
        ("given", ", ".join(map(str, facts["condition_on"]))),
        ("scores", ", ".join(facts["score_methods"])),
        ("size", f"{facts['weights']:,} weights{networks}{beside}"),
        ("trained", f"on {counted(facts['rows'], 'row')}, {epochs}{seconds}, seed {facts['seed']}"),
        *(_decisions(facts) if facts["kind"] == "detector" else ()),
        ("settings", _told(set_here)),
        ("trainer", _told(facts["trainer"])),
    ]
    out = [f"{name + ':':11}{text}" for name, text in lines if text]
    out += ["", *_columns(facts)]
    if facts["relations"]:
        who = "every drawn row keeps" if facts["kind"] == "synthesizer" else "fitted rows keep"
        out += ["", f"relations that {who}:", *(f"  {relation}" for relation in facts["relations"])]
    out += _history(training)
    return "\n".join(out)


def _decisions(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return how a detector decides what is an anomaly."""
    found = facts["contamination_range"]
    reach = "" if found is None else f"; it could be {100 * found[0]:.3g} to {100 * found[1]:.3g} %"
    rows = "kept out of the training" if facts["novelty"] else "trained on"
    return [
        ("threshold", f"{facts['threshold']:.4g}: rows with a lower score are anomalies"),
        ("share", f"{100 * facts['contamination']:.3g} % of {counted(facts['calibration_rows'], 'row')} {rows}{reach}"),
        ("method", facts["method"]),
    ]


def _told(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items())


def _columns(facts: dict[str, Any]) -> list[str]:
    """Return the kinds of the columns, and why some are not learned."""
    columns, why = facts["columns"], facts["left_out"]
    aside = f"; {len(why)} not learned" if why else ""
    out = [f"{counted(len(columns), 'column')} ({facts['kinds']}{aside}):"]
    width = min(max(len(str(column["name"])) for column in columns), 32)
    for column in columns:
        extra = [column["dtype"], *([column["format"]] if "format" in column else [])]
        extra += ["with missing cells"] if column["missing"] else []
        extra += [why[str(column["name"])]] if str(column["name"]) in why else []
        out.append(f"  {column['name']!s:{width}}  {column['kind']} ({', '.join(extra)})")
    return out


def _history(training: dict[str, Any]) -> list[str]:
    """Return some evaluations of the training, including the best of each stage."""
    shown = [row for row in training["history"] if "monitor" in row]
    if not shown:
        return []
    lines = ["", "training (loss on held-out rows):"]
    step = max(1, math.ceil(len(shown) / _MAX_ROUNDS))
    for number, row in enumerate(shown):
        stage = str(row.get("stage", ""))
        best = row["monitor"] == training["stages"][stage]["best"]
        if best or number % step == 0 or number == len(shown) - 1:
            told = "  the best" if best else ""
            lines.append(f"  {stage:12} epoch {row.get('epoch', 0):>6.4g}  {row['monitor']:.5g}{told}")
    return lines
