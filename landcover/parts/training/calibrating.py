"""Calibration as a step of training: on answers to groups that trained none of who answered."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.learn.calibrator import LEAST, Calibrator
from landcover.learn.folds import unit_folds
from landcover.learn.models import Model
from landcover.learn.out_of_fold import BY_THE_MAP, OutOfFold
from landcover.learn.recalibration import Recalibration, judge_change, recalibrate
from landcover.learn.score_calibration import (
    calibrator_for,
    compare_variants,
    few_samples,
    require_every_class,
)
from landcover.nouns.legend import Legend
from landcover.nouns.out_of_fold import CalibrationVariant
from landcover.recipe import ModelRecipe
from landcover.recipe.calibrating import Calibrating


class Calibrated(NamedTuple):
    """A model with its calibrator, and what is known of it."""

    model: Model
    found: OutOfFold
    """Answers that judge the model; those that calibrated it are no longer among them."""
    recalibrated: Recalibration | None
    """What calibration does to them; None where there are none."""
    how: str = ""
    """The recipe's way; empty where it names none."""
    variants: tuple[CalibrationVariant, ...] = ()
    """Every way side by side, where the recipe names one."""
    notes: tuple[str, ...] = ()
    """Sentences for the card."""


def calibrate_model(
    recipe: ModelRecipe, model: Model, found: OutOfFold, table: pd.DataFrame, legend: Legend
) -> Calibrated:
    """Calibrate a model as its recipe says.

    Args:
        recipe: Model section.
        model: The map's model.
        found: Answers to the sample set by models that did not see a group.
        table: The sample set.
        legend: Names the classes.

    Raises:
        InputError: ``deck`` has too few held-out groups, or they lack a class.
    """
    if not found.knows.any():
        return Calibrated(model, found, None)
    how = recipe.calibration
    if how is None:
        known = recalibrate(*_given(found, table, found.knows), seed=recipe.seed)
        return Calibrated(replace(model, calibrator=known.calibrator), found, known)
    names = [legend.name_of(int(code)) for code in found.classes]
    name = _name_of(how)
    if how.variant == "deck":
        return _as_deck(how, name, recipe.seed, model, found, table, names)
    p, truth, fold, groups = _given(found, table, found.knows)
    scores = found.scores[found.knows]
    known = recalibrate(
        p, truth, fold, groups, scores=scores, fit=partial(calibrator_for, how), seed=recipe.seed
    )
    variants = compare_variants(p, scores, truth, fold)
    notes = _notes(how, truth, names)
    return Calibrated(
        replace(model, calibrator=known.calibrator), found, known, name, variants, notes
    )


def _as_deck(
    how: Calibrating, name: str, seed: int, model: Model, found: OutOfFold, table: pd.DataFrame,
    names: list[str],
) -> Calibrated:  # fmt: skip
    """Calibrate on half of the held-out groups, and judge on the other half."""
    held = np.flatnonzero(found.knows & (found.fold == BY_THE_MAP))
    groups = table["group"].to_numpy().astype(str)
    if np.unique(groups[held]).size < 2:
        raise InputError(
            f"Calibration: expected at least two held-out groups, found "
            f"{np.unique(groups[held]).size} (model.calibration.variant: deck). Lower "
            "model.train_fraction, or use variant: ours."
        )
    half = unit_folds(table["code"].to_numpy()[held], groups[held], 2, seed=seed)
    calibrates = np.zeros(len(table), dtype=np.bool_)
    calibrates[held[half == 0]] = True
    _, truth, _, own = _given(found, table, calibrates)
    require_every_class(truth, names, np.unique(own).size)
    calibrator = calibrator_for(how, found.scores[calibrates], truth)
    # To what calibrated there is no answer that could judge: as if nobody had been asked.
    decided = np.where(calibrates, 0, _decided(calibrator, found)).astype(np.uint8)
    judged = replace(found, knows=found.knows & ~calibrates, decided=decided)
    p, true, _, by = _given(judged, table, judged.knows)
    told = calibrator.probabilities(judged.scores[judged.knows])
    change = judge_change(p, told, true, by, seed=seed)
    both = np.concatenate([np.flatnonzero(calibrates), held[half == 1]])
    variants = compare_variants(
        found.probabilities[both], found.scores[both],
        np.searchsorted(found.classes, table["code"].to_numpy()[both]),
        np.repeat([0, 1], [int(calibrates.sum()), int((half == 1).sum())]), judged=1,
    )  # fmt: skip
    return Calibrated(
        replace(model, calibrator=calibrator), judged, Recalibration(calibrator, told, *change),
        name, variants, (_what_calibrated(own), *_notes(how, truth, names)),
    )  # fmt: skip


def _what_calibrated(groups: NDArray[np.str_]) -> str:
    return (
        f"Calibration: {len(groups):,} samples of {np.unique(groups).size:,} held-out groups "
        "fitted it (model.calibration.variant: deck); they judge nothing."
    )


def _given(
    found: OutOfFold, table: pd.DataFrame, rows: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.int64], NDArray[np.str_]]:
    """Give probabilities, columns of the true class, folds and groups of some rows."""
    truth = np.searchsorted(found.classes, table["code"].to_numpy()[rows])
    groups = table["group"].to_numpy().astype(str)[rows]
    return found.probabilities[rows], truth, found.fold[rows], groups


def _decided(calibrator: Calibrator, found: OutOfFold) -> NDArray[np.uint8]:
    answers = np.zeros(len(found.scores), dtype=np.uint8)
    is_answered = np.isfinite(found.scores[:, 0])
    winner = calibrator.probabilities(found.scores[is_answered]).argmax(axis=1)
    answers[is_answered] = found.classes[winner]
    return answers


def _name_of(how: Calibrating) -> str:
    combine = "" if how.method == "temperature" else f", {how.combine}"
    return f"{how.variant} {how.method}{combine}"


def _notes(how: Calibrating, truth: NDArray[np.intp], names: list[str]) -> tuple[str, ...]:
    """Say which classes have too few calibration samples for steps."""
    if how.method != "isotonic":
        return ()
    return tuple(
        f"Calibration: {names[k]} has {n} calibration samples, fewer than {LEAST}, so "
        + ("a sigmoid takes the place of steps" if n else "the curve of all classes together "
           "takes the place of its own")
        + "; add points of it, or choose model.calibration.method: sigmoid for all."
        for k, n in few_samples(truth, len(names))
    )  # fmt: skip
