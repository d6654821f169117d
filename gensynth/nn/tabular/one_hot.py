"""Rows as one-hot vectors, and relaxed draws of them with a straight-through (ReinMax) gradient."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.encoding.layout import Layout
from gensynth.model import Batch
from gensynth.nn.categorical import draw_codes
from gensynth.nn.tabular.categorical_slots import CategoricalSlots


class _StraightThrough(torch.autograd.Function):
    """Forward: one-hot draws. Backward: the second-order estimate of how the expectation moves with the logits."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, code_slots: CategoricalSlots, rng: Generator) -> Tensor:
        """Return one-hot codes drawn from softmax(logits), column by column."""
        probabilities = code_slots.softmax(logits)
        drawn = torch.zeros_like(probabilities)
        for group in code_slots.groups:
            codes = draw_codes(group.view(probabilities), rng)
            group.view(drawn).scatter_(-1, codes.unsqueeze(-1), 1.0)
        ctx.save_for_backward(probabilities, drawn)
        ctx.code_slots = code_slots
        return drawn

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Return 2 J(m) g - J(p) g / 2: p the probabilities, m halfway from p to the draw, J the softmax's Jacobian."""
        probabilities, drawn = ctx.saved_tensors
        parts = []
        for group in ctx.code_slots.groups:
            p, g = group.view(probabilities), group.view(gradient)
            middle = 0.5 * (p + group.view(drawn))
            part = 2.0 * middle * (g - (middle * g).sum(-1, keepdim=True))
            parts.append((part - 0.5 * p * (g - (p * g).sum(-1, keepdim=True))).flatten(-2))
        return torch.cat(parts, -1), None, None


def straight_through(code_slots: CategoricalSlots, logits: Tensor, rng: Generator) -> Tensor:
    """Return one-hot codes (n, n_slots) drawn from softmax(logits), with a gradient; never `UNKNOWN`, never padding.

    The gradient is ReinMax's (Liu et al. 2023, "Bridging Discrete and Backpropagation: Straight-Through and Beyond",
    arXiv:2304.08612, algorithm 2): exact for functions of the codes that are quadratic, where Gumbel-softmax trades
    bias for noise by a temperature.
    """
    codes: Tensor = _StraightThrough.apply(logits, code_slots, rng)  # type: ignore[no-untyped-call] # torch types it not
    return codes


class OneHotRows(nn.Module):
    """Conversion between batches and one-hot rows of ``n_numbers + n_slots`` entries.

    The numbers of a one-hot row are those of role "value" only, first, and 0 where the code says that there is none;
    the slots are those of `CategoricalSlots`. One-hot rows are made for one batch at a time, never for a table. Numbers
    of role "position" are not part of a one-hot row: they are uniform given the code, and drawn so.

    Parameters
    ----------
    layout : Layout
        Shape of the rows.
    """

    owner: Tensor
    low: Tensor
    high: Tensor
    values: Tensor
    positions: Tensor
    active_slots: Tensor
    active_values: Tensor
    slot_number: Tensor
    slot_active: Tensor

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.code_slots = CategoricalSlots(layout, padded=False)
        self.n_slots = self.code_slots.n_slots
        owned = [(c.numeric, i, c) for i, c in enumerate(layout.columns) if c.numeric is not None]
        owned.sort(key=lambda entry: entry[0])
        values = [numeric for numeric, _, c in owned if c.role == "value"]
        self.n_numbers = len(values)
        self.width = self.n_numbers + self.n_slots
        slots, of_value = [], []
        for j, numeric in enumerate(values):
            _, position, column = owned[numeric]
            first = int(self.code_slots.offsets[position])
            slots += [first + code for code in range(*column.active)]
            of_value += [j] * (column.active[1] - column.active[0])
        slot_number, slot_active = torch.zeros(2, self.n_slots, dtype=torch.long)
        for numeric, position, column in owned:
            first = int(self.code_slots.offsets[position])
            slot_number[first + column.active[0] : first + column.active[1]] = numeric
            slot_active[first + column.active[0] : first + column.active[1]] = 1
        for name, content in (
            ("owner", [position for _, position, _ in owned]),
            ("low", [c.active[0] for _, _, c in owned]),
            ("high", [c.active[1] for _, _, c in owned]),
            ("values", values),
            ("positions", [numeric for numeric, _, c in owned if c.role != "value"]),
            ("active_slots", slots),
            ("active_values", of_value),
        ):
            self.register_buffer(name, torch.tensor(content, dtype=torch.long), persistent=False)
        self.register_buffer("slot_number", slot_number, persistent=False)
        self.register_buffer("slot_active", slot_active, persistent=False)

    def numbers(self, batch: Batch) -> Tensor:
        """Return the numbers of role "value" (n, n_numbers)."""
        return batch.numeric.index_select(1, self.values)

    def flatten(self, batch: Batch) -> Tensor:
        """Return real rows as one-hot rows (n, width): numbers and one-hot codes."""
        numbers = self.numbers(batch)
        slots = numbers.new_zeros(len(batch), self.n_slots)
        slots.scatter_(1, batch.codes + self.code_slots.offsets, 1.0)
        return torch.cat([numbers, slots], 1)

    def project(self, batch: Batch, weight: Tensor) -> Tensor:
        """Return ``flatten(batch) @ weight`` (n, m) for a weight (width, m) by looking rows of it up."""
        products = F.embedding_bag(batch.codes + (self.code_slots.offsets + self.n_numbers), weight, mode="sum")
        if self.n_numbers:
            products = products + self.numbers(batch) @ weight[: self.n_numbers]
        return products

    def sample_relaxed(self, outputs: Tensor, rng: Generator) -> Tensor:
        """Return one-hot rows (n, width) from outputs (n, width) of a generator: numbers and logits of the slots.

        The codes are one-hot, as a critic sees them in real rows, with the gradient of `straight_through`.
        """
        numbers, logits = outputs[:, : self.n_numbers], outputs[:, self.n_numbers :]
        slots = straight_through(self.code_slots, logits, rng)
        if self.n_numbers:
            present = torch.zeros_like(numbers)
            present = present.index_add(1, self.active_values, slots.index_select(1, self.active_slots))
            numbers = numbers * present
            return torch.cat([numbers, slots], 1)
        return slots

    def numbers_of_slots(self, flat: Tensor, known: Batch | None, rng: Generator) -> Tensor:
        """Return (n, n_slots): the number beside each code, should it be the row's own, about its centre.

        0 where a code has none. Those of role "value" are read from the one-hot rows (n, width), those of role
        "position" from the ``known`` rows, or drawn.
        """
        like = flat[:, : self.n_numbers]
        if known is None:
            shape = (len(flat), len(self.owner))
            numbers = torch.rand(shape, generator=rng, device=flat.device, dtype=flat.dtype) - 0.5
        else:
            numbers = known.numeric - 0.5
        if self.n_numbers:
            numbers = numbers.index_copy(1, self.values, like)
        return numbers.index_select(1, self.slot_number) * self.slot_active

    def log_likelihood(self, batch: Batch, outputs: Tensor, spread: Tensor) -> Tensor:
        """Return (n,): log-density of rows whose codes and numbers of role "value" are drawn from outputs (n, width).

        The codes' is that of a softmax, in which `UNKNOWN` keeps a chance so that every row has a finite value; a
        number's is normal about its output, with log standard deviation ``spread`` (n_numbers,). Numbers of role
        "position" are not looked at.
        """
        logits = outputs[:, self.n_numbers :]
        total = outputs.new_zeros(len(batch))
        for group in self.code_slots.groups:
            own = group.view(logits)  # (n, columns, width)
            codes = batch.codes[:, list(group.columns)]
            chosen = F.cross_entropy(own.flatten(0, 1), codes.flatten(), reduction="none")
            total = total - chosen.view(codes.shape).sum(1)
        if self.n_numbers:
            z = (self.numbers(batch) - outputs[:, : self.n_numbers]) * (-spread).exp()
            density = -0.5 * z.square() - spread - 0.5 * math.log(2.0 * math.pi)
            owner = self.owner.index_select(0, self.values)
            codes = batch.codes.index_select(1, owner)
            low, high = self.low.index_select(0, self.values), self.high.index_select(0, self.values)
            total = total + torch.where((codes >= low) & (codes < high), density, 0.0).sum(1)
        return total

    def draw(self, outputs: Tensor, rng: Generator) -> Batch:
        """Return rows drawn from outputs (n, width) of a generator; positions are drawn uniformly."""
        numbers, logits = outputs[:, : self.n_numbers], outputs[:, self.n_numbers :]
        codes = self.code_slots.sample(logits, rng)
        numeric = numbers.new_zeros(len(codes), len(self.owner))
        if not len(self.owner):
            return Batch(numeric, codes)
        numeric = numeric.index_copy(1, self.values, numbers)
        uniform = torch.rand((len(codes), len(self.positions)), generator=rng, device=codes.device, dtype=numbers.dtype)
        numeric = numeric.index_copy(1, self.positions, uniform)
        of_number = codes.index_select(1, self.owner)
        return Batch(numeric * ((of_number >= self.low) & (of_number < self.high)), codes)
