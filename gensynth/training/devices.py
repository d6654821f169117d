"""Devices, and seeds of random draws."""

from __future__ import annotations

import numpy as np
import torch

from gensynth.errors import OptionError, hint
from gensynth.nn import ranks


def pick_device(device: str | torch.device) -> torch.device:
    """Return the device asked for; "auto" takes CUDA, then Apple's MPS, then the CPU.

    Several processes that train together have no MPS.

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
        return torch.device("cuda" if cuda else "mps" if mps and ranks.size() == 1 else "cpu")
    try:
        picked = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise OptionError(
            f"{hint('', 'trainer.')}device={device!r} is not a device: use 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'"
        ) from error
    there = {"cpu": 1, "cuda": torch.cuda.device_count() if cuda else 0, "mps": int(mps)}
    if picked.type not in there:
        raise OptionError(
            f"{hint('', 'trainer.')}device={device!r} is not supported: use 'auto', 'cpu', 'cuda' or 'mps'"
        )
    if (picked.index or 0) >= there[picked.type]:
        raise OptionError(
            f"{hint('', 'trainer.')}device={device!r} is not on this machine (found: "
            f"{', '.join(k for k, n in there.items() if n)}); take 'auto' for what is there"
        )
    return picked


def derive_seed(seed: int, purpose: int) -> int:
    """Return an independent seed below 2**63 for one of several uses of ``seed`` (>= 0)."""
    return int(np.random.SeedSequence([seed, purpose]).generate_state(1, np.uint64)[0] >> np.uint64(1))
