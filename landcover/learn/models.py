"""A trained model of any kind: features in, class and confidence out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from landcover.errors import InputError
from landcover.learn.calibrator import Calibrator
from landcover.learn.classifiers import (
    feature_matrix,
    fit_estimator,
    require_kind,
    training_rows,
)
from landcover.learn.kinds.contract import Answers, Packed, TrainingRows, classifier_of
from landcover.learn.preparation import Preparation, fit_preparation, prepared_rows
from landcover.learn.preparation_files import append_preparation, load_preparation
from landcover.learn.recalibration import append_calibrator, load_calibrator, with_winner
from landcover.nouns.base import Noun
from landcover.nouns.classifiers import DEFAULT, ModelKind
from landcover.recipe.preparing import Preparing


class Decision(NamedTuple):
    """Classes of n rows, and what a map says of them."""

    winner: NDArray[np.intp]
    """Column of the class, (n,)."""
    probabilities: NDArray[np.float64]
    """Calibrated probabilities, (n, K), rows sum to 1; the class has the largest."""
    differs: NDArray[np.bool_] | None = None
    """Where the likeliest class before calibration is another than after, (n,); None where the
    model does not tell it."""


@dataclass(frozen=True)
class Model:
    """Arrays that classify; made by :func:`fit_classifier` or read by ``api.load_model``."""

    kind: ModelKind
    packed: Packed
    """Arrays of the kind."""
    prior: NDArray[np.float64] | None = None
    """Factor on the probability of each class, (K,), positive; None for none."""
    estimator: Any = None
    """What the kind fitted; None where the model was read."""
    preparation: Preparation | None = None
    """What happens to features before ``packed`` reads them; None where they stay as they are."""
    calibrator: Calibrator | None = None
    """Turns probabilities into ones that can be taken at their word; None where there is none."""

    @property
    def tells_differences(self) -> bool:
        """Whether a recipe calibrates it, so that where its class would change is of interest."""
        known = self.calibrator
        return known is not None and (known.reads_scores or known.decides)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Features in the order of the columns."""
        if self.preparation is not None:
            return self.preparation.feature_names
        return self.packed.feature_names

    @property
    def classes(self) -> NDArray[np.uint8]:
        """Class codes, ascending."""
        return self.packed.classes

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Compute class probabilities of pixels that have every feature, before calibration.

        The class of a pixel is the likeliest one here, and what a map says of it comes from
        :meth:`decided`, unless calibration decides it too.

        Args:
            features: Finite features in the model's order, float32, (n, d), in blocks.

        Returns:
            float64, (n, K), rows sum to 1.
        """
        found = classifier_of(self.kind).probabilities(self.packed, self._given(features))
        return self._weighed(found)

    def answers(self, features: NDArray[np.float32]) -> Answers:
        """Compute probabilities before calibration with the scores that calibration may read.

        Args:
            features: As of :meth:`probabilities`.
        """
        if self.calibrator is None or not self.calibrator.reads_scores:
            found = self.probabilities(features)
            return Answers(found, found)
        return self.scored(features)

    def scored(self, features: NDArray[np.float32]) -> Answers:
        """Compute probabilities with scores, whatever the calibrator reads."""
        found = classifier_of(self.kind).answers(self.packed, self._given(features))
        return Answers(self._weighed(found.probabilities), found.scores)

    def decided(self, answers: Answers) -> Decision:
        """Decide classes, and what a map says of them.

        Args:
            answers: Of :meth:`answers`; not changed.

        Returns:
            The class: the likeliest one before calibration, after it where the calibrator decides.
        """
        winner = answers.probabilities.argmax(axis=1)
        if self.calibrator is None:
            return Decision(winner, answers.probabilities)
        given = answers.scores if self.calibrator.reads_scores else answers.probabilities
        found = self.calibrator.probabilities(given)
        if not self.tells_differences:
            return Decision(winner, with_winner(found, winner))
        likeliest = found.argmax(axis=1)
        differs = likeliest != winner
        if self.calibrator.decides:
            return Decision(likeliest, found, differs)
        return Decision(winner, with_winner(found, winner), differs)

    def _given(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return features if self.preparation is None else self.preparation.transform(features)

    def _weighed(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.prior is not None:
            found *= self.prior
            found /= found.sum(axis=1, keepdims=True)
        return found

    @property
    def bytes_per_row(self) -> int:
        """Estimate the memory that :meth:`probabilities` takes for each row."""
        own = classifier_of(self.kind).bytes_per_row(self.packed)
        return own if self.preparation is None else own + self.preparation.bytes_per_row

    def predict(
        self, features: pd.DataFrame | ArrayLike
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Classify rows.

        Args:
            features: Table with the features by name, or an array (n, d) in the model's order;
                NaN where nodata.

        Returns:
            Class codes, uint8, (n,), 0 where a feature is not finite, ties to the lowest code;
            and the calibrated probability of that class, float64, (n,), NaN where the code is 0.

        Raises:
            InputError: A feature is missing.
        """
        rows = feature_matrix(features, self.feature_names)
        is_valid = np.isfinite(rows).all(axis=1)
        codes = np.zeros(len(rows), dtype=np.uint8)
        confidence = np.full(len(rows), np.nan)
        if is_valid.any():
            answers = self.answers(rows if is_valid.all() else rows[is_valid])
            winner, told, _ = self.decided(answers)
            codes[is_valid] = self.classes[winner]
            confidence[is_valid] = told[np.arange(len(winner)), winner]
        return codes, confidence


def fit_classifier(
    samples: pd.DataFrame | ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    feature_names: Sequence[str] | None = None,
    kind: ModelKind = DEFAULT,
    parameters: Noun | Mapping[str, Any] | None = None,
    weights: ArrayLike | None = None,
    prior_exponent: float = 0.0,
    limits: Mapping[str, tuple[float, float]] | None = None,
    preparing: Preparing | Preparation | None = None,
    seed: int = 0,
    threads: int = 1,
) -> Model:
    """Fit a model on samples that all have every feature.

    Args:
        samples: Table with the features by name, or an array (n, d), without NaN.
        labels: Class code of each row, integer, (n,), 1 … 255.
        groups: Group of each row (point, polygon); with them the rows that stop a network early
            are whole groups.
        feature_names: Features in the order that the model reads them; all columns of a table,
            or ``f0`` … of an array, where None.
        kind: Which classifier, a name of :data:`landcover.nouns.classifiers.CLASSIFIERS`.
        parameters: How it is fitted: the noun of the kind's row, or a mapping; its defaults, which
            are the paper's values, where None.
        weights: Weight of each row, (n,), not negative.
        prior_exponent: Probabilities are multiplied by the share of the class among the rows to
            this power, 0 (not at all) … 1 (docs/methods/classifiers.md#prior).
        limits: Feature → values that become -1 and 1 in kinds that scale their features; others
            are standardised.
        preparing: How features are scaled, chosen and turned into components first, fitted on the
            same rows; or what was fitted on them already.
        seed: Seed of the fit; the same seed gives the same model for any number of threads.
        threads: Threads of the fit.

    Returns:
        The model.

    Raises:
        InputError: A row lacks a feature, labels do not fit, only one class is there, or kind or
            parameters are unknown.
    """
    names = _names(samples, feature_names)
    if not 0 <= prior_exponent <= 1:
        raise InputError(
            f"Classifier: expected a prior exponent of 0 to 1, found {prior_exponent}."
        )
    require_kind(kind)
    rows = training_rows(
        samples, labels, groups, feature_names=names, weights=weights, limits=limits
    )
    preparation = _prepare(preparing, rows, seed)
    if preparation is not None:
        rows = prepared_rows(preparation, rows)
    estimator = fit_estimator(rows, kind=kind, parameters=parameters, seed=seed, threads=threads)
    packed: Packed = classifier_of(kind).pack(estimator, rows)
    prior = None
    if prior_exponent:
        _, counts = np.unique(rows.codes, return_counts=True)
        prior = (counts / counts.sum()) ** prior_exponent
    return Model(kind, packed, prior, estimator, preparation)


def _prepare(
    preparing: Preparing | Preparation | None, rows: TrainingRows, seed: int
) -> Preparation | None:
    if isinstance(preparing, Preparing):
        return None if preparing.is_nothing else fit_preparation(preparing, rows, seed=seed)
    return preparing


def save_arrays(model: Model) -> bytes:
    """Write what a map needs of a model as npz without pickle; equal models give equal bytes."""
    file = BytesIO()
    classifier_of(model.kind).save(model.packed, file)
    if model.preparation is not None:
        append_preparation(model.preparation, file)
    if model.calibrator is not None:
        append_calibrator(model.calibrator, file)
    return file.getvalue()


def load_arrays(file: BinaryIO, kind: ModelKind, prior: Sequence[float] = ()) -> Model:
    """Read the arrays of a model and check them.

    Args:
        file: npz file, open for reading.
        kind: Kind of the model's card.
        prior: Factors of the card; empty for none.

    Raises:
        InputError: The file is no model of this kind.
    """
    packed: Packed = classifier_of(kind).load(file)
    if prior and (len(prior) != packed.classes.size or min(prior) <= 0):
        raise InputError(
            f"Model: expected {packed.classes.size} positive factors of the classes, found {prior}."
        )
    calibrator = load_calibrator(file, packed.classes.size)
    factors = np.array(prior) if prior else None
    preparation = load_preparation(file, packed.feature_names)
    return Model(kind, packed, factors, preparation=preparation, calibrator=calibrator)


def _names(
    samples: pd.DataFrame | ArrayLike, feature_names: Sequence[str] | None
) -> tuple[str, ...]:
    if feature_names is not None:
        return tuple(feature_names)
    if isinstance(samples, pd.DataFrame):
        return tuple(str(name) for name in samples.columns)
    return tuple(f"f{column}" for column in range(np.asarray(samples).shape[-1]))
