"""`to_onnx` of synthesizers and detectors: files of scorers and samplers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from gensynth.engine.capabilities import require
from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.scoring.detector_score import DetectorScorer
from gensynth.engine.scoring.ensemble import Ensemble
from gensynth.engine.tensors import place_of
from gensynth.errors import OptionError

if TYPE_CHECKING:  # onnx is imported where something is exported
    from gensynth.export.check import GraphCheck
    from gensynth.export.write import CheckedGraph

Path = str | os.PathLike[str]


class ExportedSynthesizer:
    """For estimators that keep one `FittedModel` as ``fitted_``, which scores rows, or draws them."""

    fitted_: FittedModel

    def to_onnx(
        self,
        scorer: Path | None = None,
        sampler: Path | None = None,
        *,
        method: str | None = None,
        check: int = 1000,
    ) -> dict[str, GraphCheck]:
        """Write ONNX files: a scorer, raw columns in and scores out, a sampler, noise in and raw columns out.

        Images are columns: a scorer of images also says what each of their places adds to a score, where the score
        method can tell. See docs/onnx.md.

        Parameters
        ----------
        scorer, sampler : path-like or None
            The files; None: no such graph.
        method : str or None
            Score method; None for the model's first.
        check : int
            Rows of its own on which a graph is compared with this model before it is written; 0: none.

        Returns
        -------
        dict of str to GraphCheck
            For "scorer" and "sampler", of those asked for: how many rows were compared, by what, how far they differ.

        Raises
        ------
        CapabilityError
            The family or a column cannot be exported; names it.
        ExportError
            A graph does not compute what the model does; nothing is written.
        OptionError
            Neither file is named, both are one, or a method without a scorer.
        """
        check_is_fitted(self)
        from gensynth.export.write import sampler_graph, scorer_graph, write_graphs

        if scorer is None and sampler is None:
            raise OptionError("nothing to write: name a file for the scorer or for the sampler")
        if scorer is None and method is not None:
            raise OptionError(f"method={method!r} is how a scorer scores: name a file for the scorer, or leave it out")
        if scorer is not None and sampler is not None and os.path.realpath(scorer) == os.path.realpath(sampler):
            raise OptionError(f"scorer and sampler are the same file, {os.fspath(scorer)}; name two")
        graphs: dict[str, tuple[Path, CheckedGraph]] = {}
        if scorer is not None:
            require(self.fitted_.recipe, "score")
        with _on_cpu([self.fitted_]):
            if scorer is not None:
                named = self.fitted_.model.score_method(method)
                ensemble = Ensemble([self.fitted_], {named: 1.0})
                graphs["scorer"] = scorer, scorer_graph(ensemble, self.fitted_, method=named, check=check)
            if sampler is not None:
                graphs["sampler"] = sampler, sampler_graph(self.fitted_, check=check)
        write_graphs(dict(graphs.values()))
        return {name: graph.checked for name, (_, graph) in graphs.items()}


class ExportedDetector:
    """For detectors: several `FittedModel`, a combined score of theirs, and a threshold."""

    estimators_: list[FittedModel]
    scorer_: DetectorScorer
    method_: str
    offset_: float
    calibration_scores_: NDArray[np.float64]

    def to_onnx(self, scorer: Path, *, check: int = 1000) -> GraphCheck:
        """Write the detector as an ONNX file: raw columns in; scores, p-values and labels out.

        Of images also maps of what each of their places adds, where the score can tell. See docs/onnx.md.

        Parameters
        ----------
        scorer : path-like
            The file.
        check : int
            Rows of its own on which the graph is compared with this detector before it is written; 0: none.

        Returns
        -------
        GraphCheck
            How many rows were compared, by what, and the largest difference.

        Raises
        ------
        CapabilityError
            The family or a column cannot be exported; names it.
        ExportError
            The graph does not compute what the detector does; nothing is written.
        """
        check_is_fitted(self, "estimators_")
        from gensynth.export.scorer import Calibration
        from gensynth.export.write import scorer_graph, write_graphs

        calibration = Calibration(self.calibration_scores_, self.offset_)
        density = self.scorer_.density
        with _on_cpu([*self.estimators_, *([] if density is None else [density.model])]):
            graph = scorer_graph(
                self.scorer_, self.estimators_[0], method=self.method_, calibration=calibration, check=check
            )
        write_graphs({scorer: graph})
        return graph.checked


@contextlib.contextmanager
def _on_cpu(models: Sequence[FittedModel]) -> Iterator[None]:
    """Have models on the CPU within this block, where graphs are recorded and compared."""
    away = [(model, place_of(model.model)[0]) for model in models]
    away = [(model, device) for model, device in away if device.type != "cpu"]
    for model, _ in away:
        model.to("cpu")
    try:
        yield
    finally:
        for model, device in away:
            model.to(str(device))
