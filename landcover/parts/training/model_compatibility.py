"""Whether a model fits the run that is to use it, said exactly where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from landcover.errors import InputError
from landcover.features.plan import has_index, plan_features
from landcover.ledger.claims import claimed
from landcover.ledger.models import COLLECTION, card_of, find_entry, require_not_retired
from landcover.ledger.outputs import sha256_of
from landcover.nouns.legend import Legend
from landcover.nouns.model import FeatureSet, ModelCard
from landcover.nouns.run_arguments import RunArguments
from landcover.parts.task import Task
from landcover.parts.training.run_features import run_features
from landcover.recipe import Recipe
from landcover.stores import layout
from landcover.stores.models import (
    ANSWERS,
    ARRAYS,
    CARD,
    TRUST,
    arrays_path,
    folder_of,
    read_card,
    second_arrays_path,
)
from landcover.stores.workspace import Workspace


def usable_model(workspace: Workspace, recipe: Recipe, arguments: RunArguments) -> RunArguments:
    """Check the model of a run before anything is computed.

    A folder is copied into the workspace, where every worker finds it.

    Returns:
        The arguments with the whole id of the model.

    Raises:
        InputError: There is no such model, it was retired or changed, or the recipe does not
            offer its features or has other classes.
    """
    text = str(arguments.model)
    folder = folder_of(text)
    entry = find_entry(workspace, text if folder is None else _adopt(workspace, folder))
    card = card_of(workspace, require_not_retired(entry))
    layers = set(recipe.composite.all_layers)
    offered, _ = plan_features(
        recipe,
        {season.name: layers for season in recipe.seasons},
        has_terrain=arguments.dem is not None,
    )
    hint = ""
    if arguments.dem is None and any(f.kind == "terrain" for f in card.features.features):
        hint = " Terrain comes with --dem."
    require_fit(card, offered, recipe, "the recipe", hint)
    return arguments.model_copy(update={"model": entry.id})


def require_task_fits(task: Task, card: ModelCard) -> None:
    """Check a model against what the run has prepared: a layer may be in no product.

    Raises:
        InputError: A feature of the model cannot be computed, or the classes differ.
    """
    offered, missing = run_features(task)
    absent = set(missing) & set(card.features.names)
    hint = " No product of the run has their layers." if absent else ""
    require_fit(card, offered, task.recipe, f"run {task.run.id}", hint)


def require_fit(
    card: ModelCard, offered: FeatureSet, recipe: Recipe, who: str, hint: str = ""
) -> None:
    """Refuse a model whose features or classes are not those at hand.

    Args:
        card: Card of the model.
        offered: Features that can be computed; those that the model does not read do not matter.
        recipe: Recipe with the legend of the map and the variant of its indices.
        who: Whose features these are, for the message.
        hint: A sentence about what to do.

    Raises:
        InputError: With every difference by name.
    """
    known = {feature.name: feature for feature in offered.features}
    missing = [f.name for f in card.features.features if f.name not in known]
    if missing:
        extra = [name for name in known if name not in card.features.names]
        instead = f"; it offers {_few(extra)}, which the model does not read" if extra else ""
        raise InputError(
            f"Model {card.id}: {who} does not offer {len(missing)} of its "
            f"{len(card.features.names)} features: {_few(missing)}{instead}.{hint} Use the recipe "
            "that the model was trained with."
        )
    other = [f.name for f in card.features.features if known[f.name] != f]
    if other:
        raise InputError(
            f"Model {card.id}: {_few(other)} of {who} is read from another period or layer, or "
            "made with other parameters, than the model's feature of that name. Use the recipe "
            "that the model was trained with."
        )
    variant = recipe.features.index_variant
    is_of_index = any(has_index(f, recipe) for f in card.features.features)
    if is_of_index and card.index_variant not in (None, variant):
        raise InputError(
            f"Model {card.id}: its indices are of the variant {card.index_variant}, those of {who} "
            f"are {variant}. Give --set features.index_variant={card.index_variant}."
        )
    differences = legend_differences(card, recipe.labels.legend)
    if differences:
        raise InputError(
            f"Model {card.id}: its classes are not those of the legend of {who}: "
            f"{_few(differences, 10)}. Give the legend that the model was trained with."
        )


def legend_differences(card: ModelCard, legend: Legend) -> list[str]:
    """List the codes that mean something else in the legend, or nothing, one phrase each.

    A class of the legend that the model never learned is no difference: it answers others.
    """
    names = dict(zip(legend.codes, legend.names, strict=True))
    renamed, absent = [], []
    for code, name in zip(card.codes, card.names, strict=True):
        if code not in names:
            absent.append(f"code {code} ({name} in the model) is not in the legend")
        elif names[code] != name:
            renamed.append(f"code {code} is {name} in the model and {names[code]} in the legend")
    return renamed + absent


def _adopt(workspace: Workspace, folder: Path) -> str:
    """Register a model from a folder; one that is known must be the same."""
    card = read_card(folder)
    arrays_path(folder, card)
    for second in card.second:
        second_arrays_path(folder, second)
    records = workspace.records
    checksum = sha256_of(folder / CARD)
    known = records.get(COLLECTION, card.id)
    if known is not None:
        if known.get("card_sha256") not in (None, checksum):
            raise InputError(
                f"{folder}: the workspace has a model {card.id} with another card (checksum "
                f"{str(known['card_sha256'])[:12]}, found {checksum[:12]}). Name it by its id, or "
                "train it again."
            )
        return card.id
    key = layout.model(card.id)
    with claimed(records, card.id), workspace.objects.publishing(key) as path:
        path.mkdir()
        # Models from before trust was measured, or answers were kept, have no file of them.
        further = [name for name in (TRUST, ANSWERS) if (folder / name).is_file()]
        for name in (CARD, ARRAYS, *(second.arrays for second in card.second), *further):
            (path / name).write_bytes((folder / name).read_bytes())
    document: dict[str, Any] = {
        "_id": card.id,
        "status": "candidate",
        "key": key,
        "kind": card.kind,
        "features": card.features.id,
        "n_features": len(card.features.names),
        "n_train_rows": card.n_train_rows,
        "card_sha256": checksum,
    }
    records.insert_one(COLLECTION, document)
    return card.id


def _few(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
