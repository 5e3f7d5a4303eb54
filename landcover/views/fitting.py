"""A classifier fitted on a table of samples, classes by code or by name."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray
from numpy.typing import ArrayLike, NDArray

from landcover.errors import InputError
from landcover.learn.models import fit_classifier as fit
from landcover.nouns.base import Noun
from landcover.nouns.classifiers import DEFAULT, ModelKind
from landcover.nouns.legend import MEDITERRANEAN, Legend
from landcover.nouns.model import FeatureSet, feature_set
from landcover.recipe.preparing import Preparing
from landcover.views.dimensions import as_table
from landcover.views.models import OpenedModel, XarrayObject
from landcover.views.saving import Fit, write_fitted


def fit_classifier(
    samples: pd.DataFrame | ArrayLike | XarrayObject,
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    legend: Legend | None = None,
    feature_names: Sequence[str] | None = None,
    kind: ModelKind = DEFAULT,
    parameters: Noun | Mapping[str, Any] | None = None,
    weights: ArrayLike | None = None,
    prior_exponent: float = 0.0,
    limits: Mapping[str, tuple[float, float]] | None = None,
    preparing: Preparing | Mapping[str, Any] | None = None,
    seed: int = 0,
    threads: int = 1,
) -> OpenedModel:
    """Fit a model on samples that all have every feature.

    Args:
        samples: Table with the features by name (of ``api.sample_at``: those of its source, other
            columns are left alone), a dataset of columns, or an array (n, d); without NaN.
        labels: Class of each row, (n,): codes 1 … 255, or names. Names get the codes and colours
            of the legend, else codes from 1 in alphabetical order.
        groups: Group of each row (point, polygon); with them the rows that stop a network early
            are whole groups.
        legend: Classes; of names that all belong to the legend of the mediterranean recipe, that
            legend if None.
        feature_names: Features in the order that the model reads them; those that the table tells,
            all columns of a table that tells none, or ``f0`` … of an array, where None.
        kind: Which classifier, a name of :data:`landcover.nouns.classifiers.CLASSIFIERS`.
        parameters: How it is fitted: the noun of the kind's row, or a mapping; its defaults, which
            are the paper's values, where None.
        weights: Weight of each row, (n,), not negative.
        prior_exponent: Probabilities are multiplied by the share of the class among the rows to
            this power, 0 (not at all) … 1 (docs/methods/classifiers.md#prior).
        limits: Feature → values that become -1 and 1 in kinds that scale their features; others
            are standardised.
        preparing: How features are scaled, chosen and turned into components first, as the
            sections of a recipe's model: ``{"scaling": {"method": "standard"}}``.
        seed: Seed of the fit; the same seed gives the same model for any number of threads.
        threads: Threads of the fit.

    Returns:
        The model: ``.predict``, ``.predict_proba``, ``.save``.

    Raises:
        InputError: A row lacks a feature, labels do not fit, a name is not in the legend, only one
            class is there, or kind or parameters are unknown.

    Examples:
        >>> import pandas as pd
        >>> from landcover import api
        >>> table = pd.DataFrame({"ndvi": [0.2, 0.3, 0.7, 0.8], "slope": [4.0, 5.0, 6.0, 5.0]})
        >>> model = api.fit_classifier(table, ["bare", "bare", "crop", "crop"])
        >>> dict(model.names)
        {1: 'bare', 2: 'crop'}
        >>> model.predict(table)[0]
        array([1, 1, 2, 2], dtype=uint8)
    """
    is_xarray = isinstance(samples, xarray.DataArray | xarray.Dataset)
    table: Any = as_table(samples) if is_xarray else samples
    told = _told(table, feature_names)
    if told is not None:
        feature_names = told.names
    codes, names, colours = _coded(np.asarray(labels), legend)
    model = fit(
        table,
        codes,
        None if groups is None else np.asarray(groups),
        feature_names=feature_names,
        kind=kind,
        parameters=parameters,
        weights=None if weights is None else np.asarray(weights),
        prior_exponent=prior_exponent,
        limits=limits,
        preparing=_preparing(preparing),
        seed=seed,
        threads=threads,
    )
    origin = Fit(
        table=table,
        codes=codes,
        groups=None if groups is None else np.asarray(groups),
        parameters=parameters,
        seed=seed,
        index_variant=getattr(table, "attrs", {}).get("index_variant"),
    )
    return OpenedModel.of(
        model, names=names, colours=colours, features=told, write=partial(write_fitted, origin)
    )


def _preparing(given: Preparing | Mapping[str, Any] | None) -> Preparing | None:
    if given is None or isinstance(given, Preparing):
        return given
    return Preparing.from_document(dict(given))


def _told(table: Any, names: Sequence[str] | None) -> FeatureSet | None:
    """Find the features that a table tells of, in the order wanted; None where it tells of none."""
    text = getattr(table, "attrs", {}).get("feature_set")
    if text is None:
        return None
    known = {one.name: one for one in FeatureSet.from_json(text).features}
    wanted = [name for name in known if name in table] if names is None else list(names)
    if not wanted or not set(wanted) <= set(known):
        return None
    return feature_set(known[name] for name in wanted)


def _coded(
    labels: NDArray[Any], legend: Legend | None
) -> tuple[NDArray[Any], dict[int, str], dict[int, str]]:
    """Give codes for labels, and name and colour of each code."""
    if labels.dtype.kind not in "OUST":
        present = [int(code) for code in np.unique(labels)] if labels.dtype.kind in "iub" else []
        if legend is None:
            return labels, {c: f"class {c}" for c in present}, _drawn(present)
        return (
            labels,
            {code: legend.name_of(code) for code in present},
            {code: legend.colour_of(code) for code in present},
        )
    words = sorted({str(word) for word in labels})
    if legend is None and not set(words) <= set(MEDITERRANEAN.names):
        numbered = {word: number for number, word in enumerate(words, 1)}
        codes = np.array([numbered[str(word)] for word in labels])
        return codes, dict(enumerate(words, 1)), _drawn(list(numbered.values()))
    known = legend or MEDITERRANEAN
    code_of = {word: known.code_of(word) for word in words}
    unknown = [word for word, code in code_of.items() if code is None]
    if unknown:
        raise InputError(
            f"Labels: {', '.join(unknown[:5])} not in the legend, whose classes are "
            f"{', '.join(known.names)}."
        )
    codes = np.array([code_of[str(word)] for word in labels])
    present = [int(code) for code in np.unique(codes)]
    return (
        codes,
        {code: known.name_of(code) for code in present},
        {code: known.colour_of(code) for code in present},
    )


def _drawn(codes: Sequence[int]) -> dict[int, str]:
    """Draw a colour for each code: hues a golden angle apart, so that neighbours differ."""
    colours = {}
    for number, code in enumerate(codes):
        parts = colorsys.hsv_to_rgb(0.1 + 0.618034 * number, 0.6, 0.85)
        colours[code] = "#" + "".join(f"{round(255 * part):02X}" for part in parts)
    return colours
