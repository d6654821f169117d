"""Search spaces of models as distributions for scikit-learn's searches."""

from __future__ import annotations

from typing import Any

from gensynth.constraints import Among, Between, search_space_of
from gensynth.engine.parameters import make_recipe
from gensynth.errors import OptionError
from gensynth.model import Recipe
from gensynth.synthesizer import Synthesizer


def space_of(model: str | Recipe) -> dict[str, Among | Between]:
    """Return the search space that a model's recipe declares.

    Raises
    ------
    UnknownModelError
        No model has this name.
    OptionError
        The model declares nothing to search.
    """
    recipe = make_recipe(model)
    found = search_space_of(type(recipe))
    if not found:
        raise OptionError(f"{type(recipe).__name__} declares no search_space; there is nothing to tune")
    return found


def param_distributions(estimator: str | Recipe | Synthesizer, prefix: str = "model__") -> dict[str, Any]:
    """Return the search space of a synthesizer's model for scikit-learn's randomised searches.

    Parameters
    ----------
    estimator : str, Recipe or Synthesizer
        The model whose hyperparameters are searched, or a synthesizer that has it.
    prefix : str, default="model__"
        What stands before the names: where the recipe is among the parameters of what is searched over.

    Returns
    -------
    dict of str to list or distribution
        For ``param_distributions`` of `sklearn.model_selection.RandomizedSearchCV` and its like. What is not among it
        keeps its value.

    Raises
    ------
    UnknownModelError, OptionError
        As `space_of`.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import RandomizedSearchCV
    >>> from gensynth import Synthesizer, Trainer
    >>> from gensynth.tuning import param_distributions
    >>> synthesizer = Synthesizer("vae", trainer=Trainer(max_epochs=1, progress=False), random_state=0)
    >>> search = RandomizedSearchCV(synthesizer, param_distributions("vae"), n_iter=2, cv=2, random_state=0)
    >>> sorted(search.fit(load_wine(as_frame=True).data).best_params_)[:2]
    ['model__beta', 'model__embedding_dim']
    """
    model = estimator.model if isinstance(estimator, Synthesizer) else estimator
    space = space_of(model)
    return {f"{prefix}{n}": list(c.values) if isinstance(c, Among) else c for n, c in space.items()}
