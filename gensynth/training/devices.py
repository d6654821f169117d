"""Where to compute, and randomness that leaves the caller's alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import torch

from gensynth.errors import OptionError


def pick_device(device: str | torch.device) -> torch.device:
    """Return the device asked for; "auto" takes CUDA, then Apple's MPS, then the CPU.

    Parameters
    ----------
    device : str or torch.device
        "auto", "cpu", "cuda", "cuda:1", "mps".

    Raises
    ------
    OptionError
        Not the name of a device, or this machine does not have it.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if isinstance(device, str) and device == "auto":
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    try:
        picked = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise OptionError(f"device={device!r} is not a device: use 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'") from error
    there = {"cpu": 1, "cuda": torch.cuda.device_count() if cuda else 0, "mps": int(mps)}
    if picked.type not in there:
        raise OptionError(f"device={device!r} is not supported: use 'auto', 'cpu', 'cuda' or 'mps'")
    if (picked.index or 0) >= there[picked.type]:
        raise OptionError(
            f"device={device!r} is not on this machine (found: {', '.join(k for k, n in there.items() if n)}); "
            "use device='auto' to take what is there"
        )
    return picked


def derive_seed(seed: int, purpose: int) -> int:
    """Return an independent seed below 2**63 for one of several uses of ``seed`` (>= 0)."""
    return int(np.random.SeedSequence([seed, purpose]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def get_global_states(device: torch.device) -> dict[str, torch.Tensor]:
    """Return the state of torch's global generators that computing on ``device`` uses."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_global_states(states: dict[str, torch.Tensor], device: torch.device) -> None:
    """Put back what `get_global_states` returned; states of other kinds of device are left out."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
    elif device.type == "mps" and "mps" in states:
        torch.mps.set_rng_state(states["mps"])


@contextlib.contextmanager
def forked_random(seed: int, device: torch.device | str = "cpu") -> Iterator[None]:
    """Seed torch's global generators within the block and put them back after it.

    Initialisation and dropout draw from the global generators. Only those of the CPU and of ``device`` are touched
    (``torch.manual_seed`` would seed every device).

    Parameters
    ----------
    seed : int
        Seed in [0, 2**63).
    device : torch.device or str
        Device that the block computes on.
    """
    device = torch.device(device)
    before = get_global_states(device)
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)
    try:
        yield
    finally:
        set_global_states(before, device)
