"""Classes within a class: a model of its own for each, asked after the first level has answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.learn.fitting import fit_recipe
from landcover.learn.models import Model
from landcover.learn.predict import BLOCK, block_of
from landcover.recipe import ModelRecipe


def fit_second(
    recipe: ModelRecipe,
    rows: pd.DataFrame,
    feature_names: Sequence[str],
    *,
    limits: Mapping[str, tuple[float, float]] | None = None,
    threads: int = 1,
) -> Iterator[tuple[int, Model]]:
    """Fit a model within each class that has at least two classes of the second level.

    Args:
        recipe: Model section of the recipe; each model is fitted as the first level is.
        rows: Training rows with ``code``, ``code2`` (0 where there is none), ``group`` and the
            features, without NaN.
        feature_names: Features in the order that the models read them.
        limits: As of :func:`~landcover.learn.models.fit_classifier`.
        threads: Threads of the fit.

    Yields:
        Class code and its model, by code.
    """
    inner = rows[rows["code2"] > 0]
    for code, own in inner.groupby("code"):
        if own["code2"].nunique() > 1:
            own = own.assign(code=own["code2"])
            yield (
                int(str(code)),
                fit_recipe(recipe, own, feature_names, limits=limits, threads=threads),
            )


def predict_second(
    models: Mapping[int, Model],
    first_codes: NDArray[np.uint8],
    features: NDArray[np.float32],
    *,
    block: int = BLOCK,
) -> NDArray[np.uint8]:
    """Answer with the second level where the first level has a model of its own.

    Args:
        models: Class code of the first level → the model within it.
        first_codes: Answers of the first level, uint8, (n,), 0 where nodata.
        features: Features in the models' order, float32, (n, d), NaN where nodata.
        block: Most pixels at a time; changes no value.

    Returns:
        Codes of the second level, uint8, (n,); 0 where the first level is nodata or a class
        without a model, or a feature is not finite.

    Raises:
        InputError: The shapes do not fit, or ``block`` is below 1.
    """
    if block < 1 or first_codes.shape != features.shape[:1]:
        raise InputError(
            f"Second level: expected blocks of at least 1 pixel and a code for each of the "
            f"{len(features)} pixels, found {block} and codes of shape {first_codes.shape}."
        )
    second = np.zeros(first_codes.shape, dtype=np.uint8)
    for code, model in models.items():
        place = np.flatnonzero(first_codes == code)
        step = min(block, block_of(model))
        for start in range(0, len(place), step):
            here = place[start : start + step]
            second[here] = model.predict(features[here])[0]
    return second
