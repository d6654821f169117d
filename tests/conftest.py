"""Settings of every test: one thread, and hypothesis without clocks or chance."""

from __future__ import annotations

import os
import sys

from hypothesis import HealthCheck, settings

# Before torch is imported, here and in every subprocess: two threads on a shared machine spin each other to a halt.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "torch" in sys.modules:
    sys.modules["torch"].set_num_threads(1)

settings.register_profile(
    "gensynth",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("gensynth")
