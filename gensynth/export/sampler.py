"""Samplers as graphs: noise and given cells in, raw columns and images out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import onnx
import torch
from torch import Generator, Tensor

from gensynth.engine.capabilities import able
from gensynth.engine.fitted_model import FittedModel
from gensynth.errors import CapabilityError
from gensynth.export.columns import MAP, NOISE, SCORES, ColumnPort, ports_of, reserved_text
from gensynth.export.decoder import decode_rows
from gensynth.export.emit import emit
from gensynth.export.encoder import encode_some
from gensynth.export.graph import GraphBuilder
from gensynth.export.metadata import Metadata
from gensynth.export.pixels import levels_of
from gensynth.export.ports import Port, example_cells, read_port, table_ports, write_port
from gensynth.export.program import reasons_of
from gensynth.export.recording import primes_for, record
from gensynth.model import Batch, GenerativeModel, Observed
from gensynth.nn.noise import Noise, NoiseWidths, noise_widths, rows_from_noise

GIVEN = "given:"
"""Prefix of the names of inputs for conditions."""


@dataclass(frozen=True)
class SamplerPlan:
    """Inputs and outputs of a sampler's graph.

    Parameters
    ----------
    fitted : FittedModel
        The model.
    widths : NoiseWidths
        Numbers that a row of a sample takes.
    given : list of ColumnPort
        Cells that are given, of families that are fitted to be given some.
    outputs : list of ColumnPort or ImagePort
        The columns.
    missing_text : str
        What stands for a missing text.
    model : GenerativeModel
        What draws: the fitted network, which computes in float32, or its copy in float64.
    """

    fitted: FittedModel
    widths: NoiseWidths
    given: list[ColumnPort]
    outputs: list[Port]
    missing_text: str
    model: GenerativeModel

    @classmethod
    def of(cls, fitted: FittedModel) -> Self:
        """Plan the sampler of a fitted model, in float32; raise `CapabilityError` if none can be written."""
        encoder, reserved = fitted.encoder, reserved_text(fitted.encoder)
        outputs = table_ports(fitted, reserved)
        conditions = [name for name in encoder.first if name in encoder.columns]
        given = []
        if conditions and not able(fitted.recipe, "conditional") and able(fitted.recipe, "conditional-on-fitted"):
            taken = [*SCORES, MAP, *NOISE, *(port.name for port in outputs)]
            given = ports_of(encoder, conditions, reserved, taken, GIVEN)
        widths = _widths(fitted, conditioned=bool(given))
        if not any(widths):
            raise CapabilityError(f"{type(fitted.recipe).__name__} cannot be exported: it draws nothing")
        return cls(fitted, widths, given, outputs, reserved, fitted.model)

    def in_float64(self) -> Self:
        """Return the plan with networks that compute in float64."""
        return replace(self, model=self.fitted.in_float64().model)

    @property
    def exact(self) -> bool:
        """Whether the networks compute in float64, and not in float32 as in `GenerativeModel.generate`."""
        return self.model is not self.fitted.model

    @property
    def columns(self) -> list[ColumnPort]:
        """The outputs that are no images."""
        return [port for port in self.outputs if isinstance(port, ColumnPort)]

    @property
    def noise_inputs(self) -> list[tuple[str, int]]:
        """Names and widths of the inputs of noise."""
        return [(name, width) for name, width in zip(NOISE, self.widths, strict=True) if width]

    def rows(self, noise: Noise, given: Sequence[Tensor] = ()) -> Batch:
        """Return the encoded rows of noise (n, width) and of given cells (n,), as inputs hold them."""
        observed, dtype = None, torch.float64 if self.exact else torch.float32
        if self.given:
            positions, rows = encode_some(self.fitted.encoder, self.given, given)
            observed = Observed.of_columns(positions, Batch(rows.numeric.to(dtype), rows.codes))
        return rows_from_noise(self.model, Noise(noise.uniform.to(dtype), noise.normal.to(dtype)), observed)


def sampler_model(plan: SamplerPlan, metadata: Metadata) -> onnx.ModelProto:
    """Return the graph of a sampler.

    Raises
    ------
    CapabilityError
        The family, or a column, cannot be exported; says which and why.
    """
    encoder = plan.fitted.encoder
    named = [name for name, _ in plan.noise_inputs]

    def function(*inputs: Tensor) -> Sequence[Tensor]:
        noise = dict(zip(named, inputs, strict=False))
        n = len(inputs[0])
        parts = (noise.get(name, inputs[0].new_zeros(n, 0)) for name in NOISE)
        rows = plan.rows(Noise(*parts), inputs[len(named) :])
        cells = decode_rows(encoder, plan.columns, rows)
        if encoder.image is None:
            return cells
        return [*cells, levels_of(encoder.image.image, rows.images)]

    def example(n: int) -> list[Tensor]:
        rng = Generator().manual_seed(0)
        noise = [torch.rand(n, width, generator=rng) for _, width in plan.noise_inputs]
        return noise + [example_cells(port, n) for port in plan.given]

    with reasons_of(metadata.model):
        program = record(function, example, primes_for(encoder.layout))
        ports = [*named, *(port.name for port in (*plan.given, *plan.outputs))]
        builder = GraphBuilder(program.rows, ports)
        inputs = [builder.input(name, onnx.TensorProto.FLOAT, (width,)) for name, width in plan.noise_inputs]
        made = emit(program, builder, inputs + [read_port(builder, encoder, port) for port in plan.given])
    for port, cells in zip(plan.outputs, made, strict=True):
        write_port(builder, encoder, port, cells)
    return builder.finish("sampler", metadata.to_properties())


def _widths(fitted: FittedModel, *, conditioned: bool) -> NoiseWidths:
    """Return the numbers that a row takes; with given cells those of a row in which all condition columns are."""
    if not conditioned:
        return noise_widths(fitted.model)
    layout = fitted.encoder.layout
    codes = torch.ones(1, len(layout.columns), dtype=torch.int64)
    rows = Batch(torch.zeros(1, layout.n_numeric), codes)
    return noise_widths(fitted.model, Observed.of_columns(tuple(range(layout.n_conditions)), rows))
