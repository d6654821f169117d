"""scikit-learn estimator tags, with those that imbalanced-learn requires of samplers."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from sklearn.utils import InputTags, Tags, TargetTags


@dataclass(slots=True)
class SamplerInputTags(InputTags):
    """scikit-learn's tags and imbalanced-learn's ``dataframe``."""

    dataframe: bool = True


@dataclass(slots=True)
class SamplerTags:
    """imbalanced-learn's tags of a sampler."""

    sample_indices: bool = False


@dataclass(slots=True)
class SamplingTags(Tags):
    """scikit-learn's tags and imbalanced-learn's ``sampler_tags``."""

    sampler_tags: SamplerTags = field(default_factory=SamplerTags)


def sampling_tags(tags: Tags) -> SamplingTags:
    """Return an estimator's tags as those of a sampler of tables of any kind."""
    base = {f.name: getattr(tags, f.name) for f in fields(tags)}
    base["input_tags"] = SamplerInputTags(two_d_array=True, string=True, allow_nan=True, categorical=True)
    base["estimator_type"] = "sampler"
    base["target_tags"] = TargetTags(required=True)
    base["transformer_tags"] = None
    return SamplingTags(**base)
