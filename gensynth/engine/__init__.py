"""Inference with a fitted model: sampling, scores, imputation and explanation, for every estimator."""

from __future__ import annotations
