"""A model as the recipe asks for it, fitted on rows of a sample set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from landcover.learn.models import Model, fit_classifier
from landcover.learn.preparation import Preparation
from landcover.learn.weights import row_weights
from landcover.recipe import ModelRecipe


def fit_recipe(
    recipe: ModelRecipe,
    rows: pd.DataFrame,
    feature_names: Sequence[str],
    *,
    limits: Mapping[str, tuple[float, float]] | None = None,
    preparation: Preparation | None = None,
    seed: int | None = None,
    threads: int = 1,
) -> Model:
    """Fit the recipe's kind of model with its parameters and weights.

    Args:
        recipe: Model section of the recipe.
        rows: Rows with ``code``, ``group`` and the features, without NaN.
        feature_names: Features in the order that the model reads them.
        limits: As of :func:`~landcover.learn.models.fit_classifier`.
        preparation: What was fitted on the same rows already; the recipe's is fitted where None.
        seed: Seed of the fit; the recipe's where None.
        threads: Threads of the fit.

    Returns:
        The model.

    Raises:
        InputError: A feature is missing or not finite, or there is one class only.
    """
    codes, groups = rows["code"].to_numpy(), rows["group"].to_numpy()
    return fit_classifier(
        rows,
        codes,
        groups,
        feature_names=feature_names,
        kind=recipe.kind,
        parameters=recipe.parameters,
        weights=row_weights(
            codes, groups, class_weight=recipe.class_weight, group_weight=recipe.group_weight
        ),
        prior_exponent=recipe.prior_exponent,
        limits=limits,
        preparing=recipe.preparing if preparation is None else preparation,
        seed=recipe.seed if seed is None else seed,
        threads=threads,
    )
