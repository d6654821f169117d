"""Rows as flat vectors, real or generated: what lets gradients pass from a critic to a generator of codes."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.encoding.layout import Layout
from gensynth.model import Batch
from gensynth.nn.buckets import Buckets, draw_codes


class _StraightThrough(torch.autograd.Function):
    """Forward: one-hot draws. Backward: the second-order estimate of how the expectation moves with the logits."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, buckets: Buckets, rng: Generator) -> Tensor:
        """Return one-hot codes drawn from softmax(logits), column by column."""
        shares = buckets.softmax(logits)
        drawn = torch.zeros_like(shares)
        for bucket in buckets.buckets:
            codes = draw_codes(bucket.view(shares), rng)
            bucket.view(drawn).scatter_(-1, codes.unsqueeze(-1), 1.0)
        ctx.save_for_backward(shares, drawn)
        ctx.buckets = buckets
        return drawn

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Return 2 J(m) g - J(p) g / 2, with p the shares, m halfway from p to the draw, J the softmax's Jacobian."""
        shares, drawn = ctx.saved_tensors
        parts = []
        for bucket in ctx.buckets.buckets:
            p, g = bucket.view(shares), bucket.view(gradient)
            middle = 0.5 * (p + bucket.view(drawn))
            part = 2.0 * middle * (g - (middle * g).sum(-1, keepdim=True))
            parts.append((part - 0.5 * p * (g - (p * g).sum(-1, keepdim=True))).flatten(-2))
        return torch.cat(parts, -1), None, None


def straight_through(buckets: Buckets, logits: Tensor, rng: Generator) -> Tensor:
    """Return one-hot codes (n, n_slots) drawn from softmax(logits), with a gradient; never `UNKNOWN`, never padding.

    The gradient is ReinMax's (Liu et al. 2023, "Bridging Discrete and Backpropagation: Straight-Through and Beyond",
    arXiv:2304.08612, algorithm 2): exact for functions of the codes that are quadratic, where Gumbel-softmax trades
    bias for noise by a temperature.
    """
    codes: Tensor = _StraightThrough.apply(logits, buckets, rng)  # type: ignore[no-untyped-call] # torch types it not
    return codes


class FlatRows(nn.Module):
    """Two-way street between batches and flat rows of ``n_numbers + n_slots`` entries.

    The numbers of a flat row are those of role "value" only, first, and 0 where the code says that there is none;
    the slots are those of `Buckets`. Flat rows are made for one batch at a time, never for a table. Numbers of role
    "position" are not part of a flat row: they are uniform given the code, and drawn so.

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
        self.buckets = Buckets(layout, padded=False)
        self.n_slots = self.buckets.n_slots
        owned = [(c.numeric, i, c) for i, c in enumerate(layout.columns) if c.numeric is not None]
        owned.sort(key=lambda entry: entry[0])
        values = [numeric for numeric, _, c in owned if c.role == "value"]
        self.n_numbers = len(values)
        self.width = self.n_numbers + self.n_slots
        slots, of_value = [], []
        for j, numeric in enumerate(values):
            _, position, column = owned[numeric]
            first = int(self.buckets.offsets[position])
            slots += [first + code for code in range(*column.active)]
            of_value += [j] * (column.active[1] - column.active[0])
        slot_number, slot_active = torch.zeros(2, self.n_slots, dtype=torch.long)
        for numeric, position, column in owned:
            first = int(self.buckets.offsets[position])
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
        """Return real rows as flat rows (n, width): numbers and one-hot codes."""
        numbers = self.numbers(batch)
        slots = numbers.new_zeros(len(batch), self.n_slots)
        slots.scatter_(1, batch.codes + self.buckets.offsets, 1.0)
        return torch.cat([numbers, slots], 1)

    def shares(self, batch: Batch) -> Tensor:
        """Return (n_slots,): how often each code stands in the rows; of every column they add up to 1."""
        slots = (batch.codes + self.buckets.offsets).flatten()
        return torch.bincount(slots, minlength=self.n_slots).to(batch.numeric.dtype) / len(batch)

    def project(self, batch: Batch, weight: Tensor) -> Tensor:
        """Return ``flatten(batch) @ weight`` (n, m) for a weight (width, m) by looking rows of it up."""
        products = F.embedding_bag(batch.codes + (self.buckets.offsets + self.n_numbers), weight, mode="sum")
        if self.n_numbers:
            products = products + self.numbers(batch) @ weight[: self.n_numbers]
        return products

    def write(self, outputs: Tensor, rng: Generator) -> Tensor:
        """Return flat rows (n, width) from outputs (n, width) of a generator: numbers and logits of the slots.

        The codes are one-hot, as a critic sees them in real rows, with the gradient of `straight_through`.
        """
        numbers, logits = outputs[:, : self.n_numbers], outputs[:, self.n_numbers :]
        slots = straight_through(self.buckets, logits, rng)
        if self.n_numbers:
            present = torch.zeros_like(numbers)
            present = present.index_add(1, self.active_values, slots.index_select(1, self.active_slots))
            numbers = numbers * present
            return torch.cat([numbers, slots], 1)
        return slots

    def numbers_of_slots(self, flat: Tensor, known: Batch | None, rng: Generator) -> Tensor:
        """Return (n, n_slots): the number beside each code, should it be the row's own, about its centre.

        0 where a code has none. Those of role "value" are read from the flat rows (n, width), those of role
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
        for bucket in self.buckets.buckets:
            own = bucket.view(logits)  # (n, columns, width)
            codes = batch.codes[:, list(bucket.columns)]
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
        codes = self.buckets.sample(logits, rng)
        numeric = numbers.new_zeros(len(codes), len(self.owner))
        if not len(self.owner):
            return Batch(numeric, codes)
        numeric = numeric.index_copy(1, self.values, numbers)
        uniform = torch.rand((len(codes), len(self.positions)), generator=rng, device=codes.device, dtype=numbers.dtype)
        numeric = numeric.index_copy(1, self.positions, uniform)
        of_number = codes.index_select(1, self.owner)
        return Batch(numeric * ((of_number >= self.low) & (of_number < self.high)), codes)
