"""Metadata of an exported graph, as properties of the ONNX model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from gensynth.engine.csv_rules import ReadingRules
from gensynth.errors import ModelFileError
from gensynth.export.columns import ColumnPort
from gensynth.export.pixels import PIXELS, ImagePort
from gensynth.export.ports import Port
from gensynth.schema import TableSchema
from gensynth.version import __version__

PREFIX = "gensynth."
SIGN = "higher = more normal"


@dataclass(frozen=True)
class Metadata:
    """Metadata of an exported graph.

    Parameters
    ----------
    graph : {"scorer", "sampler"}
        What it computes.
    model : str
        Name of the family.
    schema : TableSchema
        What the columns of the table hold.
    reading : ReadingRules
        What cells of CSV files mean.
    missing_text : str
        What stands for a missing text.
    inputs, outputs : list of ColumnPort or ImagePort
        The columns that it reads and writes.
    facts : dict
        More: the score method, the threshold, the noise, columns left out.
    """

    graph: str
    model: str
    schema: TableSchema
    reading: ReadingRules
    missing_text: str
    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def to_properties(self) -> dict[str, str]:
        """Return the properties of the model; each is JSON."""
        state = {
            "graph": self.graph,
            "model": self.model,
            "version": __version__,
            "inputs": [port.to_json() for port in self.inputs],
            "outputs": [port.to_json() for port in self.outputs],
            "missing_text": self.missing_text,
            "reading": self.reading.to_json(),
            "schema": self.schema.to_json(),
            **self.facts,
        }
        return {f"{PREFIX}{n}": json.dumps(value, ensure_ascii=False, allow_nan=False) for n, value in state.items()}

    @classmethod
    def from_properties(cls, properties: Mapping[str, str], source: object) -> Self:
        """Read `to_properties`; raise `ModelFileError` for a model that lacks some, or of another version."""
        try:
            own = {n.removeprefix(PREFIX): json.loads(text) for n, text in properties.items() if n.startswith(PREFIX)}
            return cls(
                own.pop("graph"),
                own.pop("model"),
                TableSchema.from_json(own.pop("schema")),
                ReadingRules.from_json(own.pop("reading")),
                own.pop("missing_text"),
                [_port_of(port) for port in own.pop("inputs")],
                [_port_of(port) for port in own.pop("outputs")],
                own,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(
                f"{source} lacks the metadata that gensynth export writes, or has those of another version ({error}); "
                "export the model again"
            ) from error


def _port_of(state: Mapping[str, Any]) -> Port:
    return ImagePort.from_json(state) if state["holds"] == PIXELS else ColumnPort.from_json(state)
