"""Running exported graphs: with onnxruntime if it is installed, otherwise with onnx's reference evaluator."""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnx
import pandas as pd
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from gensynth.engine.inputs.images import under_fitted_name
from gensynth.errors import CapabilityError, DataError, ModelFileError
from gensynth.export.columns import MAP, NOISE, SCORES
from gensynth.export.feeds import feeds_of
from gensynth.export.metadata import Metadata

Arrays = Mapping[str, NDArray[Any]]
BLOCK = 2048
"""Rows per batch: smaller batches take longer per row, larger ones more memory."""
BLOCK_PIXELS = 2**16
"""Maximal number of image values per batch: feature maps take a hundred times their memory."""


class Session:
    """A graph that can be run.

    Parameters
    ----------
    model : ModelProto
        The graph.
    runtime : {"onnxruntime", "reference"} or None
        What runs it; None: onnxruntime where it is installed.
    threads : int
        Threads of onnxruntime.
    """

    def __init__(self, model: onnx.ModelProto, runtime: str | None = None, threads: int = 1) -> None:
        if runtime is None:
            runtime = "onnxruntime" if importlib.util.find_spec("onnxruntime") is not None else "reference"
        self.runtime = runtime
        self.outputs = [output.name for output in model.graph.output]
        self.block = _block(model)
        if runtime == "onnxruntime":
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
            options.log_severity_level = 3
            serialized = model.SerializeToString()
            self._run = onnxruntime.InferenceSession(serialized, options, providers=["CPUExecutionProvider"]).run
        else:
            from onnx.reference import ReferenceEvaluator

            self._run = ReferenceEvaluator(model).run

    @property
    def description(self) -> str:
        """What runs the graph, in words."""
        return (
            "onnx's reference evaluator, as onnxruntime is not installed"
            if self.runtime == "reference"
            else self.runtime
        )

    def run(self, feeds: Arrays, outputs: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """Return outputs (n, ...) by name, all of them if none are named."""
        names = self.outputs if outputs is None else list(outputs)
        with np.errstate(all="ignore"):  # the reference evaluator computes in numpy
            parts = [self._run(names, dict(block)) for block in _blocks(feeds, self.block)]
        return {name: np.concatenate([np.asarray(part[i]) for part in parts]) for i, name in enumerate(names)}


class OnnxScorer:
    """A scorer that was exported, for tables and images.

    Parameters
    ----------
    model : ModelProto
        Written by `gensynth.Synthesizer.to_onnx` or `gensynth.AnomalyDetector.to_onnx`.
    source : object
        What messages call it.
    threads : int
        Threads of onnxruntime.
    """

    def __init__(self, model: onnx.ModelProto, source: object = "the model", threads: int = 1) -> None:
        properties = {entry.key: entry.value for entry in model.metadata_props}
        self.source = source
        self.metadata = Metadata.from_properties(properties, source)
        if self.metadata.graph != "scorer":
            raise ModelFileError(f"{source} holds a {self.metadata.graph}, which cannot score rows; export a --scorer")
        self.session = Session(model, threads=threads)
        self._made_of = model.SerializeToString(), source, threads

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the graph: a session cannot be."""
        return _rebuilt, self._made_of

    @classmethod
    def load(cls, path: str | os.PathLike[str], threads: int = 1) -> Self:
        """Read a file; raise `ModelFileError` if it holds no scorer."""
        try:
            model = onnx.load_model_from_string(Path(path).read_bytes())
        except DecodeError as error:
            raise ModelFileError(f"{path} is no ONNX file: {error}") from error
        return cls(model, path, threads)

    def score(self, frame: pd.DataFrame) -> dict[str, NDArray[Any]]:
        """Return scores (n,), of a detector p-values and labels (1 normal, -1 anomaly) too, by name.

        Raises
        ------
        DataError
            The table lacks a column or holds a value that cannot be read; names it.
        """
        return self.session.run(self._feeds(frame), self.scores)

    @property
    def scores(self) -> list[str]:
        """Names of what `score` returns."""
        return [name for name in self.session.outputs if name in SCORES]

    def score_maps(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return (n, height, width) the contribution of each pixel to minus the scores.

        Raises
        ------
        CapabilityError
            The graph has no such output.
        DataError
            As for `score`.
        """
        if MAP not in self.session.outputs:
            raise CapabilityError(
                f"{self.source} has no output {MAP!r}: it was exported from a model of tables, or by a score method "
                "that does not tell the places of an image apart"
            )
        return self.session.run(self._feeds(frame), [MAP])[MAP]

    def _feeds(self, frame: pd.DataFrame) -> Arrays:
        if not len(frame):
            raise DataError("the table has 0 samples (rows); at least one is needed")
        schema = self.metadata.schema
        return feeds_of(under_fitted_name(frame, schema), schema, self.metadata.inputs)


def _block(model: onnx.ModelProto) -> int:
    """Return rows that are computed at a time."""
    ports = [one for one in (*model.graph.input, *model.graph.output) if one.name not in NOISE]
    sizes = [math.prod(d.dim_value or 1 for d in one.type.tensor_type.shape.dim[1:]) for one in ports]
    largest = max(sizes, default=1)  # a cell of a table is 1; an image may lie flat, in one axis
    return min(max(BLOCK_PIXELS // largest, 1), BLOCK)


def _blocks(feeds: Arrays, size: int) -> Iterator[Arrays]:
    """Yield the rows in blocks."""
    n = len(next(iter(feeds.values())))
    for start in range(0, max(n, 1), size):
        yield {name: array[start : start + size] for name, array in feeds.items()}


def _rebuilt(model: bytes, source: object, threads: int) -> OnnxScorer:
    return OnnxScorer(onnx.ModelProto.FromString(model), source, threads)
