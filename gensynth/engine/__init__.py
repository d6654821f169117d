"""Inference with a fitted model: sampling, scores, imputation and explanation, for every estimator.

`fitted_model` joins schema, encoder and network. Estimators derive from `estimator`, `sampler` and `transformer`, take
tables by `inputs`, and delegate the work to `sampling` and `scoring`.
"""

from __future__ import annotations
