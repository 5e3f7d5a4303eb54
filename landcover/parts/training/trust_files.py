"""What a model's folder holds so that its maps can say where they are not to be trusted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.learn.applicability import (
    Applicability,
    fit_applicability,
    is_outside,
    outside_of_others,
)
from landcover.learn.bootstrap import range_of_difference
from landcover.learn.classifiers import feature_matrix
from landcover.learn.conformal import Coverage, check_coverage, conformal_scores
from landcover.learn.layers import ExtraLayers
from landcover.learn.models import Model
from landcover.learn.out_of_fold import BY_THE_MAP, OutOfFold
from landcover.learn.trust import Trust, load_trust, save_trust
from landcover.ledger.outputs import sha256_of
from landcover.nouns.legend import Legend
from landcover.nouns.model import ModelCard
from landcover.nouns.trust import ApplicabilityReport, CoverageReport, TrustReport
from landcover.parts.task import Task
from landcover.recipe import Classify
from landcover.stores.models import TRUST

COVERAGES = (0.8, 0.9, 0.95)
"""Stated coverages that the card tells the measured ones of."""


def write_trust(
    task: Task,
    path: Path,
    model: Model,
    table: pd.DataFrame,
    rows: pd.DataFrame,
    found: OutOfFold,
) -> TrustReport:
    """Write ``trust.npz`` beside a model's arrays.

    Args:
        task: The run: legend, and seed of what is drawn.
        path: Folder of the model.
        model: The model as it was fitted.
        table: The whole sample set.
        rows: Rows of it that the model was fitted on, with their place in the table as index.
        found: Answers to the samples by models that did not see their groups.

    Returns:
        What was measured, for the card.
    """
    seed = task.recipe.model.seed
    features = feature_matrix(rows, model.feature_names)
    groups = rows["group"].to_numpy()
    # A network has no importances of its own, and those of prepared features are of others: there
    # all features count the same.
    importance = getattr(model.estimator, "feature_importances_", None)
    if model.preparation is not None:
        importance = None
    applicability = None
    if len(set(groups)) > 1 and np.ptp(features, axis=0).any():
        applicability = fit_applicability(features, groups, importance, seed=seed)
    judged = found.knows
    probability, codes = found.probabilities[judged], table["code"].to_numpy()[judged]
    own = table["group"].to_numpy()[judged]
    scores = conformal_scores(probability, model.classes, codes, own) if judged.any() else None
    (path / TRUST).write_bytes(save_trust(Trust(model.feature_names, applicability, scores)))
    coverages: tuple[CoverageReport, ...] = ()
    if scores is not None and len(set(own)) > 1:
        coverages = tuple(
            _told(
                check_coverage(probability, model.classes, codes, own, coverage=share, seed=seed),
                scores.threshold(share),
                task.recipe.labels.legend,
            )
            for share in COVERAGES
        )
    reach = applicability and _tell(applicability, features, rows, table, found, seed)
    return TrustReport(
        applicability=reach,
        n_held_out_groups=len(set(own)),
        sha256=sha256_of(path / TRUST),
        coverages=coverages,
    )


def extra_layers(task: Task, key: str, card: ModelCard, recipe: Classify) -> ExtraLayers:
    """Find what the further layers of a map need.

    Args:
        task: Who asks.
        key: Key of the model's folder.
        card: Its card.
        recipe: What is asked for.

    Raises:
        InputError: The model cannot tell what is asked for.
    """
    applicability, threshold = None, None
    asked = [str(name) for name in recipe.keep if name in ("trust", "set_size")]
    if asked:
        trust = _read_trust(task, key, card, asked)
        if "trust" in asked and trust.applicability is None:
            raise InputError(
                f"classify.keep: model {card.id} cannot tell where to trust it, its training "
                "samples are of a single group. Give more labels or leave trust out."
            )
        if "set_size" in asked and trust.scores is None:
            raise InputError(
                f"classify.keep: model {card.id} has no held-out samples, so sets of classes "
                "cannot be promised. Give more labels or leave set_size out."
            )
        applicability = trust.applicability if "trust" in asked else None
        if "set_size" in asked and trust.scores is not None:
            threshold = trust.scores.threshold(recipe.coverage)
    return ExtraLayers(
        probabilities="probabilities" in recipe.keep,
        entropy="entropy" in recipe.keep,
        margin="margin" in recipe.keep,
        applicability=applicability,
        set_threshold=threshold,
    )


def _read_trust(task: Task, key: str, card: ModelCard, asked: list[str]) -> Trust:
    if card.trust is None or TRUST not in task.workspace.objects.sizes(key):
        raise InputError(
            f"classify.keep: model {card.id} has no {TRUST}, which {' and '.join(asked)} need. "
            "Train it again, or leave them out."
        )
    with task.local_at(key, TRUST) as path:
        if sha256_of(path) != card.trust.sha256:
            raise InputError(
                f"Model {card.id}: {TRUST} is not the one that its card was written for; train the "
                "model again."
            )
        with path.open("rb") as file:
            trust = load_trust(file)
    if trust.feature_names != card.features.names:
        raise InputError(
            f"Model {card.id}: {TRUST} is of other features than its card; train it again."
        )
    return trust


def _told(found: Coverage, limit: float, legend: Legend) -> CoverageReport:
    return CoverageReport(
        stated=found.stated,
        mean=round(found.mean, 4),
        lowest=round(found.lowest, 4),
        highest=round(found.highest, 4),
        mean_size=round(found.size, 3),
        by_class={legend.name_of(code): round(share, 4) for code, share in found.by_class.items()},
        score_limit=round(limit, 6) if np.isfinite(limit) else None,
    )


def _tell(
    applicability: Applicability,
    features: NDArray[np.float32],
    rows: pd.DataFrame,
    table: pd.DataFrame,
    found: OutOfFold,
    seed: int,
) -> ApplicabilityReport:
    """Compare accuracy inside and outside; no sample is compared with its own group."""
    outside = np.zeros(len(table), dtype=np.bool_)
    groups = rows["group"].to_numpy()
    outside[rows.index] = outside_of_others(applicability, features, groups, seed=seed)
    names = [str(name) for name in found.feature_names]
    rest = np.setdiff1d(np.flatnonzero(found.fold == BY_THE_MAP), rows.index.to_numpy())
    if rest.size:
        outside[rest] = is_outside(applicability, feature_matrix(table.iloc[rest], names))
    # What balancing left out of the fit was compared with nothing.
    asked = found.knows & ((found.fold == BY_THE_MAP) | np.isin(np.arange(len(table)), rows.index))
    far, own = outside[asked], table["group"].to_numpy()[asked].astype(str)
    is_right = found.codes[asked] == table["code"].to_numpy()[asked]
    inside, beyond = _share(is_right[~far]), _share(is_right[far])
    return ApplicabilityReport(
        n_references=len(applicability.references),
        index_threshold=round(applicability.index_threshold, 4),
        training_outside_percent=round(100 * applicability.outside, 2),
        held_out_outside_percent=_share(far, 100),
        accuracy_inside=inside,
        accuracy_outside=beyond,
        difference=None if inside is None or beyond is None else round(inside - beyond, 4),
        interval=range_of_difference(is_right, far, own, seed=seed),
    )


def _share(which: NDArray[np.bool_], of: float = 1.0) -> float | None:
    return round(of * float(which.mean()), 4) if which.size else None
