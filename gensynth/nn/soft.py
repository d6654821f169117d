"""Rows as flat vectors, real or generated: what lets gradients pass from a critic to a generator of codes."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from gensynth.encoding.layout import Layout
from gensynth.model import Batch
from gensynth.nn.buckets import Buckets


def gumbel_softmax(buckets: Buckets, logits: Tensor, temperature: float, rng: Generator) -> Tensor:
    """Return soft codes (n, n_slots): the slots of each column are >= 0 and sum to 1.

    The lower the temperature, the nearer they are to one-hot. The largest slot of a column is distributed as
    softmax(logits) at any temperature; `UNKNOWN` and padding get 0.
    Jang et al. 2017, "Categorical Reparameterization with Gumbel-Softmax", arXiv:1611.01144, eq. 2.
    """
    tiny = torch.finfo(logits.dtype).tiny
    uniform = torch.rand(logits.shape, generator=rng, device=logits.device, dtype=logits.dtype).clamp_(min=tiny)
    # an exponential draw e gives the Gumbel draw -log e
    exponential = uniform.log_().neg_().clamp_(min=tiny)
    return buckets.softmax((logits - exponential.log_()) / temperature)


def harden(buckets: Buckets, soft: Tensor) -> Tensor:
    """Return one-hot codes (n, n_slots) of the largest slots whose gradient is that of the soft ones.

    The straight-through estimator of Bengio et al. 2013, arXiv:1308.3432, as Jang et al. 2017 use it (section 2.2).
    """
    parts = []
    for bucket in buckets.buckets:
        view = bucket.view(soft)
        largest = torch.zeros_like(view).scatter_(-1, view.argmax(-1, keepdim=True), 1.0)
        parts.append(largest.flatten(-2))
    return soft + (torch.cat(parts, -1) - soft).detach()


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

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.buckets = Buckets(layout)
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

    def numbers(self, batch: Batch) -> Tensor:
        """Return the numbers of role "value" (n, n_numbers)."""
        return batch.numeric.index_select(1, self.values)

    def flatten(self, batch: Batch) -> Tensor:
        """Return real rows as flat rows (n, width): numbers and one-hot codes."""
        numbers = self.numbers(batch)
        slots = numbers.new_zeros(len(batch), self.n_slots)
        slots.scatter_(1, batch.codes + self.buckets.offsets, 1.0)
        return torch.cat([numbers, slots], 1)

    def write(self, outputs: Tensor, temperature: float, rng: Generator) -> Tensor:
        """Return flat rows (n, width) from outputs (n, width) of a generator: numbers and logits of the slots.

        The codes are one-hot, as a critic sees them in real rows, with the gradient of the soft ones.
        """
        numbers, logits = outputs[:, : self.n_numbers], outputs[:, self.n_numbers :]
        slots = harden(self.buckets, gumbel_softmax(self.buckets, logits, temperature, rng))
        if self.n_numbers:
            present = torch.zeros_like(numbers)
            present = present.index_add(1, self.active_values, slots.index_select(1, self.active_slots))
            numbers = numbers * present
        return torch.cat([numbers, slots], 1)

    def draw(self, outputs: Tensor, rng: Generator) -> Batch:
        """Return rows drawn from outputs (n, width) of a generator; positions are drawn uniformly."""
        numbers, logits = outputs[:, : self.n_numbers], outputs[:, self.n_numbers :]
        codes = self.buckets.sample(logits, rng)
        numeric = numbers.new_zeros(len(codes), len(self.owner))
        numeric = numeric.index_copy(1, self.values, numbers)
        uniform = torch.rand((len(codes), len(self.positions)), generator=rng, device=codes.device, dtype=numbers.dtype)
        numeric = numeric.index_copy(1, self.positions, uniform)
        of_number = codes.index_select(1, self.owner)
        return Batch(numeric * ((of_number >= self.low) & (of_number < self.high)), codes)
