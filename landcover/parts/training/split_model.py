"""A model of the same settings as the map's that did not see the held-out groups.

The map's model has learned from every label. Whoever wants to look into answers that are honest
(Shapley values, misclassified samples) needs one that has not; it is fitted again when it is asked
for, since it is no part of any map.
"""

from __future__ import annotations

import pandas as pd

from landcover.errors import InputError
from landcover.features.normalisation import paper_limits
from landcover.learn.fitting import fit_recipe
from landcover.learn.models import Model
from landcover.learn.out_of_fold import balanced
from landcover.ledger import outputs
from landcover.nouns.model import CURVES, ModelCard
from landcover.recipe import ModelRecipe
from landcover.stores.workspace import Workspace


def split_model(
    workspace: Workspace, card: ModelCard, table: pd.DataFrame, *, threads: int = 1
) -> Model:
    """Fit a model as the map's, on the groups of the split that train.

    Args:
        workspace: Where the map's model was trained.
        card: Its card.
        table: Its sample set, with ``is_train``.
        threads: Threads of the fit.

    Raises:
        InputError: The record of its training is not in the workspace.
    """
    recipe = recipe_of(workspace, card)
    rows = balanced(recipe, table[table["is_train"]])
    limits = paper_limits(card.features)
    return fit_recipe(recipe, rows, card.features.names, limits=limits, threads=threads)


def recipe_of(workspace: Workspace, card: ModelCard) -> ModelRecipe:
    """Give the model section that a model was fitted with, what a search chose included.

    Raises:
        InputError: The record of its training is not in the workspace.
    """
    made = outputs.find(workspace, card.id)
    if made is None:
        raise InputError(
            f"Model {card.id}: the record of its training is not in this workspace. Name the "
            "workspace that it was trained in with --workspace."
        )
    beside = ("features", "legend", CURVES)
    params = {name: value for name, value in made.wanted.params.items() if name not in beside}
    return chosen_settings(ModelRecipe.from_document(params), card)


def chosen_settings(recipe: ModelRecipe, card: ModelCard) -> ModelRecipe:
    """Put what a search chose into a model section."""
    if card.search is None:
        return recipe
    return recipe.with_settings(card.search.trials[card.search.chosen].settings)
