"""What the slow ways of a recipe to choose features and settings ask for, before anything runs.

Method: docs/methods/svm.md#grids, docs/methods/preparation.md#selection.
"""

from __future__ import annotations

from landcover.features.plan import wanted_features
from landcover.recipe import ModelRecipe, Recipe

OUT_OF_FOLD = 5
"""Models that answer for the groups that they did not see."""
MOST_ROWS = 5_000
"""Rows of that measurement."""
FIT_SECONDS = 0.3
"""CPU s of one linear machine of nine classes on 5,000 rows of 167 features: 0.13 were measured on
71 simulated features (docs/performance.md#support-vector-machines)."""
MANY_FITS = 500
"""Fits of a search from which on a person is told before it begins."""


def effort_notes(recipe: Recipe) -> tuple[str, ...]:
    """Say how many fits ``rfecv`` and a full search of a recipe are, and how long they may take.

    Args:
        recipe: The recipe; labels and products are not looked at.

    Returns:
        One sentence each; none where the recipe asks for neither.
    """
    return (*_elimination(recipe), *_search(recipe.model))


def n_fitted_models(recipe: Recipe) -> int:
    """Count the models of training and validation, each of which prepares its own features.

    Those of a search share the features of a fold; halving counts as one round. Splits by tile
    and source, whose number depends on the labels, count as the others.
    """
    model, validation = recipe.model, recipe.validation
    searches = 0
    if model.search is not None:
        searches = 1 + (OUT_OF_FOLD if model.search.nested else 0)
    folds = 0 if model.search is None else model.search.folds
    # Answers out of fold judge the groups; with fit: all a model of the split judges the rest.
    splits = [name for name in validation.splits if name != "groups"]
    judged = len(splits) * validation.folds + validation.seeds + (model.fit == "all")
    return 1 + OUT_OF_FOLD + searches * folds + judged


def _elimination(recipe: Recipe) -> tuple[str, ...]:
    how = recipe.model.selection
    if how is None or how.method != "rfecv":
        return ()
    n_features = sum(1 for _ in wanted_features(recipe))
    # Each fold and all rows are eliminated, and what is left of those is fitted once more.
    each = (how.folds + 1) * -(-n_features // how.step) + 1
    times = n_fitted_models(recipe)
    # Half of the features are there on average; time grows faster than rows do.
    one = FIT_SECONDS * n_features / 167 / 2 * (min(how.rows, MOST_ROWS) / MOST_ROWS) ** 1.5
    return (
        f"model.selection.method rfecv fits {each:,} linear machines for each of about {times} "
        f"models (training and validation): {each * times:,} fits, up to "
        f"{_duration(each * times * one)} of CPU on {how.rows:,} rows. "
        f"model.selection.step={max(10, 2 * how.step)} and model.selection.rows=1000 take less; "
        "multicollinearity takes seconds.",
    )


def _search(model: ModelRecipe) -> tuple[str, ...]:
    if model.search is None or model.search.method != "full":
        return ()
    # What lists settings fits them too, and is heavy.
    from landcover.learn.search import settings_of

    n_settings = len(settings_of(model))
    machines = "nine machines each for nine classes" if _is_one_vs_all(model) else "one model each"
    n_fits = n_settings * model.search.folds * (1 + (OUT_OF_FOLD if model.search.nested else 0))
    if n_fits < MANY_FITS and not (_is_one_vs_all(model) and 9 * n_fits >= MANY_FITS):
        return ()
    return (
        f"model.search.method full tries {n_settings} settings in {model.search.folds} folds"
        + (f", once more in each of {OUT_OF_FOLD} nested searches" if model.search.nested else "")
        + f": {n_fits:,} fits, {machines}. method=halving tries most of them on few rows.",
    )


def _is_one_vs_all(model: ModelRecipe) -> bool:
    kinds = (model.search.grid.kind if model.search else ()) or (model.kind,)
    return "svm-binary" in kinds


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
