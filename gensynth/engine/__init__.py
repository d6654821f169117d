"""A fitted model at work: rows drawn, scored, completed and explained, whatever estimator holds it."""

from __future__ import annotations
