"""The search among settings of the recipe's model, as a step of training."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from landcover.learn.fitting import fit_recipe
from landcover.learn.models import Model
from landcover.learn.preparation import Preparation
from landcover.learn.sampling import thin_by_group
from landcover.learn.search import Round, Searched, plan_rounds, search, settings_of
from landcover.nouns.model import FeatureSet
from landcover.nouns.search import SearchReport, Trial
from landcover.parts.task import Job
from landcover.recipe import ModelRecipe
from landcover.recipe.preparing import Preparing

ONE_VS_ALL = "svm-binary"
"""The kind whose machines are searched one by one."""
log = logging.getLogger(__name__)


def tuned(
    recipe: ModelRecipe,
    rows: pd.DataFrame,
    features: FeatureSet,
    limits: Mapping[str, tuple[float, float]],
    job: Job,
    *,
    span: tuple[float, float],
) -> tuple[ModelRecipe, SearchReport | None]:
    """Choose the settings of a model where the recipe asks for a search.

    Args:
        recipe: Model section of the recipe.
        rows: Training rows; what is held out plays no part.
        features: Features of the model.
        limits: As of :func:`~landcover.learn.models.fit_classifier`.
        job: Is told how far it is and how long it takes, and may stop it.
        span: Shares of the stage's progress at which the search begins and ends.

    Returns:
        The section with the chosen values, and how they were chosen; the section as it is, and
        None, where it asks for no search.
    """
    if recipe.search is None:
        return recipe, None
    how, settings = recipe.search, settings_of(recipe)
    if how.method == "halving" and len(rows) > how.rows:
        keep = thin_by_group(rows["code"], rows["group"], how.rows, seed=recipe.seed)
        rows = rows[keep]
    rounds = (
        plan_rounds(len(settings), len(rows))
        if how.method == "halving"
        else [Round(len(rows), len(settings))]
    )
    recipes = [recipe.with_settings(setting) for setting in settings]

    prepared: dict[tuple[Preparing, bytes], Preparation | None] = {}

    def fit(one: ModelRecipe, part: pd.DataFrame) -> Model:
        # All settings of a fold are given the same features, which are prepared once.
        key = (one.preparing, part.index.to_numpy().tobytes())
        model = fit_recipe(
            one, part, features.names, limits=limits, preparation=prepared.get(key),
            threads=job.threads,
        )  # fmt: skip
        prepared[key] = model.preparation
        return model

    search_among = partial(
        search, rows, fit=fit, folds=how.folds, judged_by=how.judged_by, seed=recipe.seed
    )
    searched = search_among(
        recipes, rounds=rounds, progress=_teller(job, len(settings), rounds, how.folds, span)
    )
    if recipes[searched.best].kind == ONE_VS_ALL:
        by_class = own_settings(recipes, searched)
        both = [recipes[searched.best], recipes[searched.best].with_settings(by_class)]
        again = search_among(both, rounds=[Round(len(rows), 2)])
        settings.append({**settings[searched.best], **by_class})
        recipes.append(both[1])
        searched = _joined(searched, again, len(settings) - 1)
    report = _report(recipe, settings, searched)
    best, own = searched.found[searched.best], searched.found[0]
    log.info(
        "search: %s, %s %.4f (the recipe's own values %.4f)",
        settings[searched.best] or "the recipe's own values",
        how.judged_by,
        best.score(how.judged_by),
        own.score(how.judged_by),
    )
    return recipes[searched.best], report


def own_settings(recipes: Sequence[ModelRecipe], searched: Searched) -> dict[str, Any]:
    """Give every class of one-vs-all the setting of the last round that is best for it alone.

    Args:
        recipes: What was tried.
        searched: How each did.
    """
    last = max(one.n_rows for one in searched.found)
    judged = [
        (one.by_class, recipe.parameters)
        for one, recipe in zip(searched.found, recipes, strict=True)
        if one.n_rows == last and recipe.kind == ONE_VS_ALL and one.by_class
    ]
    codes = sorted(set.intersection(*(set(by_class) for by_class, _ in judged)))
    own = []
    for code in codes:
        # max() takes the first of equal ones: the smaller price, then the smaller gamma.
        best = max(judged, key=lambda pair: pair[0][code])[1].to_document()
        own.append({"code": code, **{name: best[name] for name in ("c", "gamma", "class_weight")}})
    return {"svm_binary.own": own}


def _joined(searched: Searched, again: Searched, place: int) -> Searched:
    """Add the setting with values of each class, and choose it where it did no worse."""
    common, own = again.found
    keeps = own.failed or np.mean(own.macro_f1) < np.mean(common.macro_f1)
    return Searched(
        (*searched.found, own), searched.best if keeps else place, searched.n_fits + again.n_fits
    )


def _teller(
    job: Job, n_settings: int, rounds: list[Round], folds: int, span: tuple[float, float]
) -> Callable[[float], None]:
    """Make what tells of the search: its size first, its time as soon as one model is fitted."""
    sizes = ", then ".join(f"{one.n_settings} on {one.n_rows} rows" for one in rounds)
    what = f"choosing of {n_settings} settings"
    log.info(
        "search: %s in %s folds: %s, %s models (svm-binary: a machine for each class in each)",
        what, folds, sizes, folds * sum(one.n_settings for one in rounds),
    )  # fmt: skip
    job.check()
    job.progress(span[0], f"{what}: {sizes}")
    began, is_told = time.monotonic(), False

    def tell(share: float) -> None:
        nonlocal is_told
        job.check()
        left = (time.monotonic() - began) * (1 - share) / share
        if not is_told:
            log.info("search: about %.0f s", left)
            is_told = True
        job.progress(span[0] + (span[1] - span[0]) * share, f"{what}, about {left:.0f} s left")

    return tell


def _report(
    recipe: ModelRecipe, settings: list[dict[str, Any]], searched: Searched
) -> SearchReport:
    assert recipe.search is not None
    return SearchReport(
        method=recipe.search.method,
        judged_by=recipe.search.judged_by,
        folds=recipe.search.folds,
        n_rows=max(one.n_rows for one in searched.found),
        n_fits=searched.n_fits,
        trials=tuple(
            Trial(
                settings=setting,
                n_rows=one.n_rows,
                macro_f1=float(np.mean(one.macro_f1)),
                overall=float(np.mean(one.overall)),
                lowest=min(one.macro_f1),
                highest=max(one.macro_f1),
            )
            for setting, one in zip(settings, searched.found, strict=True)
        ),
        chosen=searched.best,
    )
