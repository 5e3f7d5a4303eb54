"""Answers to rows that a model has not seen, with the trust figures that its training gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from landcover.bench.models import Samples

COVERAGES = (0.8, 0.9, 0.95)
"""Shares of the rows whose class shall be in their set."""
FOLDS = 5


def answer(
    known: Samples, rest: pd.DataFrame, test: pd.DataFrame, seed: int, threads: int
) -> dict[str, NDArray[Any]]:
    """Answer rows by a model of others, with the trust figures that its training gives."""
    import numpy as np

    from landcover.learn.applicability import dissimilarity, fit_applicability, is_outside
    from landcover.learn.classifiers import feature_matrix
    from landcover.learn.conformal import conformal_scores, is_plausible
    from landcover.learn.fitting import fit_recipe
    from landcover.learn.sampling import split_by_group
    from landcover.recipe import ModelRecipe

    split = split_by_group(rest["code"], rest["group"], seed=seed, rare="train")
    trained, held = rest[split.is_train], rest[~split.is_train]
    model = fit_recipe(ModelRecipe(), trained, known.names, seed=seed, threads=threads)
    area = fit_applicability(
        feature_matrix(trained, known.names), trained["group"].to_numpy(),
        model.estimator.feature_importances_, seed=seed,
    )  # fmt: skip
    features, code = feature_matrix(test, known.names), test["code"].to_numpy()
    probability = model.probabilities(features)
    column = np.minimum(np.searchsorted(model.classes, code), model.classes.size - 1)
    is_known = model.classes[column] == code
    own = 1 - probability[np.arange(len(code)), column]
    scores = conformal_scores(
        model.probabilities(feature_matrix(held, known.names)),
        model.classes, held["code"].to_numpy(), held["group"].to_numpy(),
    )  # fmt: skip
    limits = [scores.threshold(coverage) for coverage in COVERAGES]
    sets = [is_plausible(probability, limit) for limit in limits]
    rank = _rank(np.where(is_known, own, np.inf), scores, np.random.default_rng(seed))
    return {
        "right": model.classes[probability.argmax(axis=1)] == code,
        "confidence": probability.max(axis=1),
        "index": dissimilarity(area, features),
        "outside": is_outside(area, features),
        "covered": np.stack([s[np.arange(len(s)), column] & is_known for s in sets], axis=1),
        "size": np.stack([s.sum(axis=1) for s in sets], axis=1),
        "bare": np.stack([(own <= limit) & is_known for limit in limits], axis=1),
        "smoothed": rank[:, None] <= np.array(COVERAGES),
    }


def _rank(own: NDArray[np.float64], scores: Any, rng: np.random.Generator) -> NDArray[np.float64]:
    """Place scores among those of held-out samples, ties at random: uniform on 0 … 1 if alike.

    The sample itself has the weight that the held-out groups leave, 1 / (G + 1).
    """
    import numpy as np

    share = np.concatenate([[0.0], scores.share])
    below = share[np.searchsorted(scores.score, own, side="left")]
    upto = share[np.searchsorted(scores.score, own, side="right")]
    return np.asarray(below + rng.random(own.size) * (upto - below + 1 - share[-1]))


def auroc(is_error: NDArray[np.bool_], doubt: NDArray[np.float64]) -> float:
    """Tell how well doubt ranks errors above right answers, 0.5 for not at all; NaN without."""
    from scipy.stats import rankdata  # type: ignore[import-untyped, unused-ignore]

    n, wrong = is_error.size, int(is_error.sum())
    if wrong in (0, n):
        return float("nan")
    ranks = rankdata(doubt)[is_error].sum()
    return float((ranks - wrong * (wrong + 1) / 2) / (wrong * (n - wrong)))
