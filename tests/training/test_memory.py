from __future__ import annotations

import sys

from gensynth.training import memory


def test_thresholds_are_set_with_glibc_only(monkeypatch):
    memory.keep_freed_memory.cache_clear()
    assert isinstance(memory.keep_freed_memory(), bool)
    memory.keep_freed_memory.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert memory.keep_freed_memory() is False
    memory.keep_freed_memory.cache_clear()
