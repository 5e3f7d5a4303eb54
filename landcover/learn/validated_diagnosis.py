"""The class doctor after the map was judged: held-out rows beside independent points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.learn.advice import advise_pair, advise_small_classes, feature_title
from landcover.learn.diagnosis import (
    MEASURED,
    MOST_PAIRS,
    MOST_TILES,
    NAMED,
    pair_distance,
)
from landcover.learn.separability import apart_by_feature
from landcover.nouns.accuracy import AccuracyReport
from landcover.nouns.explanation import (
    ENOUGH,
    ENOUGH_OF_EACH,
    ConfusedPair,
    ExplainedClass,
    Explanation,
    IndependentValidation,
    MisclassifiedPoint,
    ValidatedExplanation,
    ValidatedPair,
)
from landcover.nouns.model import ModelCard
from landcover.nouns.validation import Independent

NOT_VALIDATED = (
    "No independent test points (--test-labels) were used here: what is confused is known of "
    "held-out samples only."
)


def without_validation(explanation: Explanation) -> Explanation:
    """Say in an explanation that no independent points judged a map of the model."""
    return explanation.model_copy(update={"notes": (*explanation.notes, NOT_VALIDATED)})


def with_validation(
    explanation: Explanation,
    card: ModelCard,
    independent: Independent,
    trained: pd.DataFrame,
    *,
    run: str,
    points: tuple[MisclassifiedPoint, ...] = (),
) -> ValidatedExplanation:
    """Join the explanation of a model with what independent points say of its map.

    A pair goes by the independent points where they are enough or nothing was held out, else by
    the held-out rows. Pairs that only the points find confused are added.

    Args:
        explanation: The model on its held-out rows.
        card: Card of the model.
        independent: The map at independent points.
        trained: Training rows of the sample set: features by name and ``code``; may be empty.
        run: Run that made and judged the map.
        points: Independent points that the model gets wrong, explained.

    Returns:
        The explanation with pairs, advice and notes that go by both.
    """
    report = independent.agreement
    matrix = _of_model(report, card.codes)
    found = [
        _join(known, matrix, explanation, card, points)
        for known in _pairs(explanation, card, matrix, trained)
    ]
    found = sorted(found, key=_rank)[:MOST_PAIRS]
    pairs, validated = tuple(pair for pair, _ in found), tuple(entry for _, entry in found)
    named = [pair.advice for pair, entry in found if _share(pair, entry) > 0][:NAMED]
    known = {name: value for name, value in explanation if name not in JOINED}
    return ValidatedExplanation(
        **known,
        pairs=pairs,
        advice=(*named, *advise_small_classes(explanation.classes)),
        notes=(*explanation.notes, *_notes(report, matrix)),
        judgement=IndependentValidation(
            run=run,
            design=report.design,
            n=report.n,
            overall=report.overall,
            weighted=None if independent.area is None else independent.area.overall,
            n_missed=_misclassified(report),
            pairs=validated,
            points=points,
        ),
    )


JOINED = ("pairs", "advice", "notes")
"""Fields of an explanation that go by both."""


def _of_model(report: AccuracyReport, codes: Sequence[int]) -> NDArray[np.int64]:
    """Cut the matrix of a report to the classes of a model; rows = map, columns = reference."""
    place = {code: number for number, code in enumerate(report.codes)}
    found = np.zeros((len(codes), len(codes)), dtype=np.int64)
    for i, code in enumerate(codes):
        for j, other in enumerate(codes):
            if code in place and other in place:
                found[i, j] = report.matrix[place[code]][place[other]]
    return found


def _pairs(
    explanation: Explanation,
    card: ModelCard,
    matrix: NDArray[np.int64],
    trained: pd.DataFrame,
) -> list[ConfusedPair]:
    """List the pairs that held-out rows or points find confused."""
    known = {pair.codes: pair for pair in explanation.pairs}
    rows = {entry.code: entry.held_rows for entry in explanation.classes}
    held = np.array(explanation.matrix)
    for i, j in combinations(range(len(card.codes)), 2):
        codes = (card.codes[i], card.codes[j])
        if codes in known or not matrix[i, j] + matrix[j, i]:
            continue
        names = card.features.names
        measured: tuple[str, ...] = ()
        if not trained.empty:
            values = trained[list(names)].to_numpy(dtype=np.float64)
            ranked = apart_by_feature(values, trained["code"].to_numpy(), codes, names)
            measured = tuple(name for name, _ in ranked[:MEASURED])
        known[codes] = ConfusedPair(
            codes=codes,
            confused=int(held[i, j] + held[j, i]),
            rows=rows[codes[0]] + rows[codes[1]],
            distance=pair_distance(trained, codes, measured) if measured else None,
            measured=measured,
            differences=(),
            tiles=(),
            advice="",
        )
    return list(known.values())


def _join(
    pair: ConfusedPair,
    matrix: NDArray[np.int64],
    explanation: Explanation,
    card: ModelCard,
    points: tuple[MisclassifiedPoint, ...],
) -> tuple[ConfusedPair, ValidatedPair]:
    """Decide what a pair goes by, and say so in its advice."""
    i, j = (card.codes.index(code) for code in pair.codes)
    of_each = matrix.sum(axis=0)[[i, j]]
    n = int(of_each.sum())
    is_enough = n >= ENOUGH and of_each.min() >= ENOUGH_OF_EACH
    validated = ValidatedPair(
        codes=pair.codes,
        confused=int(matrix[i, j] + matrix[j, i]),
        points=n,
        is_used=bool(is_enough or not pair.rows),
    )
    one, other = (explanation.class_of(code) for code in pair.codes)
    tiles = list(pair.tiles)
    if validated.is_used:
        one, other = (_validated(c, matrix, k) for c, k in ((one, i), (other, j)))
        theirs = pd.Series(
            [p.tile for p in points if {p.reference, p.predicted} == set(pair.codes)], dtype=object
        ).value_counts()
        found = sorted(theirs.index, key=lambda tile: (-theirs[tile], tile))[:MOST_TILES]
        tiles = found or tiles
    basis = _basis(pair, validated)
    if not _share(pair, validated):
        advice = f"{one.title} and {other.title}: none confused on {basis}."
    else:
        called = {f.name: feature_title(f) for f in card.features.features}
        names = [d.feature for d in pair.differences] or pair.measured
        advice = advise_pair(
            (one, other),
            explanation.classes,
            percent=_share(pair, validated),
            distance=pair.distance,
            differs_in=[called[name] for name in names],
            tiles=tiles,
            basis=basis,
        )
    return pair.model_copy(update={"advice": advice, "tiles": tuple(tiles)}), validated


def _validated(entry: ExplainedClass, matrix: NDArray[np.int64], k: int) -> ExplainedClass:
    """Give a class the producer's accuracy that the points say."""
    n = int(matrix[:, k].sum())
    return entry.model_copy(update={"producers": int(matrix[k, k]) / n if n else None})


def _share(pair: ConfusedPair, validated: ValidatedPair) -> float:
    """Give the share, %, that a pair goes by."""
    return (validated.percent if validated.is_used else pair.percent) or 0.0


def _rank(entry: tuple[ConfusedPair, ValidatedPair]) -> tuple[float, float, tuple[int, int]]:
    """Order pairs by the share that they go by, then by what the points say."""
    pair, validated = entry
    return -_share(pair, validated), -(validated.percent or 0.0), pair.codes


def _basis(pair: ConfusedPair, validated: ValidatedPair) -> str:
    """Say what a pair goes by, how many there are, and what the other says."""
    if validated.is_used:
        beside = (
            "none held out" if pair.percent is None else f"{pair.percent:.0f} % of held-out pixels"
        )
        return f"{validated.points} independent points ({beside})"
    if not validated.points:
        return f"{pair.rows} held-out pixels (no independent point)"
    return f"{pair.rows} held-out pixels ({validated.points} independent points are too few)"


def _misclassified(report: AccuracyReport) -> int:
    return report.n - sum(report.matrix[k][k] for k in range(len(report.codes)))


def _notes(report: AccuracyReport, matrix: NDArray[np.int64]) -> tuple[str, ...]:
    strange = report.n - int(matrix.sum())
    if not strange:
        return ()
    return (
        f"{strange} of the independent points have a class, in reference or map, that the model "
        "does not know; they are in no pair.",
    )
