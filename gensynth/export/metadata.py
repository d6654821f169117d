"""What an exported graph says of itself, as properties of the ONNX model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from gensynth.errors import ModelFileError
from gensynth.export.columns import ColumnPort
from gensynth.schema import TableSchema
from gensynth.version import __version__

PREFIX = "gensynth."
SIGN = "higher = more normal"


@dataclass
class Metadata:
    """What an exported graph says of itself.

    Parameters
    ----------
    graph : {"scorer", "sampler"}
        What it computes.
    schema : TableSchema
        What the columns of the table hold.
    facts : dict
        More: the model, the score method, the threshold, columns left out.
    inputs, outputs : list of ColumnPort
        The columns that it reads and writes.
    missing_text : str
        What stands for a missing text.
    """

    graph: str
    schema: TableSchema
    facts: dict[str, Any] = field(default_factory=dict)
    inputs: list[ColumnPort] = field(default_factory=list)
    outputs: list[ColumnPort] = field(default_factory=list)
    missing_text: str = ""

    def set_inputs(self, ports: Sequence[ColumnPort], missing_text: str) -> None:
        """Set what the graph reads."""
        self.inputs, self.missing_text = list(ports), missing_text

    def to_properties(self) -> dict[str, str]:
        """Return the properties of the model; each is JSON."""
        state = {
            "graph": self.graph,
            "version": __version__,
            "inputs": [port.to_json() for port in self.inputs],
            "outputs": [port.to_json() for port in self.outputs],
            "missing_text": self.missing_text,
            "schema": self.schema.to_json(),
            **self.facts,
        }
        return {f"{PREFIX}{n}": json.dumps(value, ensure_ascii=False, allow_nan=False) for n, value in state.items()}

    @classmethod
    def from_properties(cls, properties: Mapping[str, str], source: object) -> Self:
        """Read `to_properties`; raise `ModelFileError` for a model that has none."""
        own = {n.removeprefix(PREFIX): json.loads(text) for n, text in properties.items() if n.startswith(PREFIX)}
        if "graph" not in own or "schema" not in own:
            raise ModelFileError(f"{source} is no graph that gensynth export wrote; it lacks the metadata")
        ports = {name: [ColumnPort(**port) for port in own.pop(name)] for name in ("inputs", "outputs")}
        schema, graph, missing = TableSchema.from_json(own.pop("schema")), own.pop("graph"), own.pop("missing_text")
        return cls(graph, schema, own, ports["inputs"], ports["outputs"], missing)
