"""The second level of a model: fitted and written beside the first, and read for its maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.learn.accuracy import accuracy
from landcover.learn.models import Model, load_arrays, save_arrays
from landcover.learn.out_of_fold import OutOfFold
from landcover.learn.second_level import fit_second, predict_second
from landcover.ledger.outputs import sha256_of
from landcover.nouns.legend import Legend, LegendEntry
from landcover.nouns.model import ModelCard, SecondModel
from landcover.parts.class_names import Names
from landcover.parts.task import Task
from landcover.parts.training.held_out import DESIGN
from landcover.parts.training.second_legend import second_entries
from landcover.recipe import ModelRecipe
from landcover.stores.models import second_arrays_path


class SecondLevel(NamedTuple):
    """What the card of a model says of its second level."""

    models: tuple[SecondModel, ...] = ()
    """Models, by the class that they are asked in."""
    notes: tuple[str, ...] = ()
    """Classes of the second level that no map shows or no sample judges, one sentence each."""


def fit_second_level(
    task: Task,
    recipe: ModelRecipe,
    rows: pd.DataFrame,
    names: Sequence[str],
    limits: Mapping[str, tuple[float, float]],
) -> dict[int, Model]:
    """Fit a model within each class that has several classes of the second level.

    Samples, groups, features and parameters are those of the first level.

    Args:
        task: The run: threads.
        recipe: Model section as the first level was fitted with.
        rows: Rows that the first level was fitted on.
        names: Its features.
        limits: As of :func:`~landcover.learn.models.fit_classifier`.

    Returns:
        Class code → model; empty where the samples have no second level.
    """
    if "code2" not in rows.columns:
        return {}
    return dict(fit_second(recipe, rows, names, limits=limits, threads=task.job.threads))


def write_second(
    task: Task,
    path: Path,
    models: Mapping[int, Model],
    table: pd.DataFrame,
    rows: pd.DataFrame,
    found: OutOfFold,
) -> SecondLevel:
    """Write the models of the second level and say what they are worth.

    Args:
        task: The run: legend, whether its products are simulated.
        path: Folder of the model, where the arrays go.
        models: Of :func:`fit_second_level`.
        table: The whole sample set, with ``is_train``.
        rows: Rows of it that the models were fitted on.
        found: Answers to the samples by models that did not see their groups.

    Returns:
        What goes into the card; nothing where the samples have no second level.
    """
    if "code2" not in table.columns:
        return SecondLevel()
    inner, written = second_entries(task.recipe.labels.legend), []
    held = table.assign(answer=found.codes, second=found.second)
    held = held[~table["is_train"] & (held["second"] > 0)]
    for code, second in models.items():
        file = path / f"arrays_{code}.npz"
        file.write_bytes(save_arrays(second))
        own = rows[(rows["code"] == code) & (rows["code2"] > 0)].groupby("code2")["group"]
        codes = tuple(int(one) for one in second.classes)
        written.append(
            SecondModel(
                code=code,
                codes=codes,
                names=tuple(inner[one].name for one in codes),
                colours=tuple(inner[one].colour for one in codes),
                prior=() if second.prior is None else tuple(float(p) for p in second.prior),
                class_counts={int(str(one)): int(n) for one, n in own.size().items()},
                class_groups={int(str(one)): int(n) for one, n in own.nunique().items()},
                arrays_sha256=sha256_of(file),
                **_judged(task, code, held[held["code"] == code], inner),
            )
        )
    notes = _notes(task.recipe.labels.legend, table, rows, set(held["code2"]))
    return SecondLevel(tuple(written), tuple(notes))


def load_second(task: Task, key: str, card: ModelCard) -> dict[int, Model]:
    """Read the models of the second level.

    Args:
        task: Who asks.
        key: Key of the model's folder.
        card: Its card.

    Returns:
        Class code of the first level → model; empty where the model has no second level.

    Raises:
        InputError: Arrays are absent, or not those of the card.
    """
    found = {}
    for second in card.second:
        with task.local_at(key, second.arrays) as path:
            found[second.code] = open_second(path.parent, card, second)
    return found


def open_second(folder: Path, card: ModelCard, second: SecondModel) -> Model:
    """Read a model of the second level and check it against the card (InputError)."""
    with second_arrays_path(folder, second).open("rb") as file:
        model = load_arrays(file, card.kind, second.prior)
    if model.feature_names != card.features.names or tuple(model.classes) != second.codes:
        raise InputError(
            f"Model {card.id}: features or classes of {second.arrays} are not those of its card; "
            "train it again."
        )
    return model


def second_layer(
    models: Mapping[int, Model],
    codes: NDArray[np.uint8],
    features: NDArray[np.float32],
    pool: ThreadPoolExecutor,
    threads: int,
) -> NDArray[np.uint8]:
    """Answer a window with the second level.

    Args:
        models: As :func:`load_second` gives them.
        codes: Classes of the first level, uint8, (y, x).
        features: Features, float32, (feature, y, x).
        pool: Where parts of the window are worked on.
        threads: Number of parts; changes no value.

    Returns:
        Codes of the second level, uint8, (y, x), 0 where there is none.
    """
    first = codes.ravel()
    columns = features.reshape(len(features), -1)
    # Only pixels that are asked for are turned into rows: most classes have no second level.
    asked = np.flatnonzero(np.isin(first, list(models)))
    second = np.zeros_like(first)

    def answer(place: NDArray[np.intp]) -> NDArray[np.uint8]:
        rows = np.ascontiguousarray(columns[:, place].T)
        return predict_second(models, first[place], rows)

    parts = np.array_split(asked, threads)
    for place, found in zip(parts, pool.map(answer, parts), strict=True):
        second[place] = found
    return second.reshape(codes.shape)


def _judged(
    task: Task, code: int, held: pd.DataFrame, inner: Mapping[int, LegendEntry]
) -> dict[str, Any]:
    """Validate a model on the held-out samples of its class, alone and behind the first level."""
    if held.empty:
        return {}
    answers, truth = held["second"].to_numpy(), held["code2"].to_numpy()
    report = accuracy(
        answers,
        truth,
        legend=Names({one: entry.name for one, entry in inner.items()}),
        groups=held["group"].to_numpy(),
        title=f"Held-out samples of {task.recipe.labels.legend.name_of(code)}, second level",
        design=f"{DESIGN}; the first level is taken as known",
        simulated=task.run.simulated,
        seed=task.recipe.model.seed,
    )
    is_right = (held["answer"].to_numpy() == code) & (answers == truth)
    return {"held_out": report, "both_right": round(float(is_right.mean()), 4)}


def _notes(
    legend: Legend, table: pd.DataFrame, rows: pd.DataFrame, held: set[int]
) -> Iterator[str]:
    inner = second_entries(legend)
    trained = set(rows.loc[rows["code2"] > 0, "code2"])
    for code, own in table[table["code2"] > 0].groupby("code"):
        name, present = legend.name_of(int(str(code))), sorted(set(own["code2"]))
        known = [one for one in present if one in trained]
        if len(known) < 2:
            listed = ", ".join(inner[one].name for one in known) or "none"
            yield (
                f"{name} is not divided: a second level needs training samples of two classes, "
                f"found {listed}."
            )
            continue
        for one in present:
            what = f"{inner[one].name} ({name})"
            if one not in trained:
                yield f"{what} is never answered: all its groups are held out."
            elif one not in held:
                yield f"{what} was not validated: no held-out group of it met a model that knew it."
