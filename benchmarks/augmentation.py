"""Whether synthetic rows of a rare class help a classifier, beside what takes no model.

The rare class is thinned out to a small share of the rows to learn from, a few times by other seeds. Average precision
is of boosted trees on all held-out real rows, weighted so that the class has the same share there.

Example: python benchmarks/augmentation.py --data DIR --sets telco_churn,magic_gamma --seeds 3
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from bench_print import add_common_options, print_stamp, print_table, progress, use_threads, write_csv
from bench_sets import DataSet, add_set_options, load_sets, model_names, split

RESULTS = Path(__file__).parent / "results" / "augmentation.csv"
WAYS: dict[str, dict[str, Any]] = {
    "filled up": {},
    "filled up in part, the likeliest of two": {"sampling_strategy": "partial", "candidates": 2},
}
"""How an `Augmenter` adds rows."""


def thinned(data: DataSet, share: float, seed: int) -> pd.DataFrame:
    """Return the rows to learn from with the rare class at a share of them."""
    is_rare, _ = rows_of_rare(data.train, data)
    n = round((~is_rare).sum() * share / (1.0 - share))
    drawn = np.random.default_rng(seed).choice(np.flatnonzero(is_rare), min(n, int(is_rare.sum())), replace=False)
    kept = np.sort(np.concatenate([np.flatnonzero(~is_rare), drawn]))
    return data.train.iloc[kept].reset_index(drop=True)


def rows_of_rare(frame: pd.DataFrame, data: DataSet) -> tuple[np.ndarray, Any]:
    """Return which rows are of the rarest class, and this class."""
    rare = data.train[data.target].value_counts().index[-1]
    return (frame[data.target] == rare).to_numpy(dtype=bool), rare


class Judge:
    """Average precision of trees on held-out real rows."""

    def __init__(self, train: pd.DataFrame, data: DataSet, share: float) -> None:
        self.train, self.data = train, data
        self.truth, self.rare = rows_of_rare(data.test, data)
        self.weight = np.where(self.truth, share / (1.0 - share) * (~self.truth).sum() / self.truth.sum(), 1.0)

    def __call__(self, new: pd.DataFrame | None = None, sampler: str | None = None, **options: Any) -> float:
        """Return it for rows added, or for what a sampler does with the real ones; ``options`` are of the trees."""
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.metrics import average_precision_score

        from gensynth.augmentation import baselines
        from gensynth.metrics.learners import stacked

        target = self.data.target
        taught = self.train if new is None else pd.concat([self.train, new[list(self.train)]], ignore_index=True)
        rows = stacked(taught.drop(columns=target), self.data.test.drop(columns=target))
        X, y = rows.X[: len(taught)], (taught[target] == self.rare).to_numpy().astype(np.int64)
        if sampler == "oversampling":
            X, y = baselines.oversampled(X, y, 0)
        elif sampler == "SMOTE":
            found = baselines.smote(X, y, rows.is_category, 0)
            if found is None:
                return float("nan")
            X, y = found
        trees = HistGradientBoostingClassifier(categorical_features=rows.is_category, random_state=0, **options)
        chances = trees.fit(X, y).predict_proba(rows.X[len(taught) :])[:, 1]
        return float(average_precision_score(self.truth, chances, sample_weight=self.weight))


def scores(data: DataSet, options: argparse.Namespace, seed: int) -> Iterator[tuple[str, float]]:
    """Yield the name of each way, and what it reaches."""
    from gensynth import Augmenter, Trainer

    train = thinned(data, options.share, seed)
    judge = Judge(train, data, options.share)
    yield "nothing", judge()
    yield "class weights", judge(class_weight="balanced")
    yield "random oversampling", judge(sampler="oversampling")
    yield "SMOTE(NC)", judge(sampler="SMOTE")
    X, y = train.drop(columns=data.target), train[data.target]
    for model in model_names(options.models):
        for way, settings in WAYS.items():
            augmenter = Augmenter(model, trainer=Trainer(progress=False), random_state=seed, **settings)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                X_new, y_new = augmenter.fit_resample(X, y)
            new = X_new.iloc[len(X) :].assign(**{data.target: y_new.iloc[len(X) :]})
            yield f"{model}, {way}", judge(new)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_set_options(parser, "adult,telco_churn,default_credit_card,online_shoppers,magic_gamma")
    parser.add_argument("--models", default="vlae", help="names that `gensynth models` lists (default: %(default)s)")
    parser.add_argument("--share", type=float, default=0.04, help="of the rare class (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=5, help="how many (default: %(default)s)")
    add_common_options(parser)
    parser.set_defaults(csv=RESULTS)
    options = parser.parse_args()
    sets = load_sets(options)
    use_threads(options.threads)
    print_stamp(f"average precision of a class of {options.share:g} of the rows, mean over seeds (standard error)")
    found: dict[str, dict[str, list[float]]] = {}
    for seed in range(options.seed, options.seed + options.seeds):  # every set early, so that a part is worth something
        for data in sets:
            for way, score in scores(data, options, seed):
                found.setdefault(way, {}).setdefault(data.name, []).append(score)
                progress(f"{data.name}, seed {seed}, {way}: {score:.4f}")
            write_csv(_table(found, split(options.sets)), options.csv)
    print()
    print_table(_table(found, split(options.sets)), options.csv)


def _table(found: dict[str, dict[str, list[float]]], sets: list[str]) -> list[dict[str, Any]]:
    """Return a line a way: of each set the mean and its standard error, and the mean of the sets."""
    lines = []
    for way, by_set in found.items():
        line: dict[str, Any] = {"rows": way}
        for name in sets:
            own = np.array(by_set.get(name, []))
            error = f" ({own.std(ddof=1) / np.sqrt(len(own)):.3f})" if len(own) > 1 else ""
            line[name] = f"{own.mean():.3f}{error}" if len(own) else None
        line["mean"] = float(np.mean([np.mean(values) for values in by_set.values()]))
        lines.append(line)
    return lines


if __name__ == "__main__":
    main()
