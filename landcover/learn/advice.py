"""Sentences that a person can act on, from what was measured on classes and points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from landcover.learn.separability import GOOD_ABOVE, MERGE_BELOW
from landcover.nouns.explanation import ExplainedClass, PointFeature
from landcover.nouns.model import Feature

NAMED = 2
"""Features that a sentence names."""


def feature_title(feature: Feature) -> str:
    """Name a feature for people: ``B11 of summer``, ``slope``."""
    return f"{feature.layer} of {feature.period}" if feature.period else feature.layer


def needed_groups(weak: ExplainedClass, classes: Sequence[ExplainedClass]) -> int:
    """Say how many points to add to a class.

    As many as bring it to the median of the classes, and at least as many as it has: errors from
    too few samples fall about with the root of their number, so fewer than twice as many would
    hardly be noticed.

    Args:
        weak: The class.
        classes: All classes of the model, it included.

    Returns:
        Groups (points, polygons or fields) to add, at least 1.
    """
    middle = median(entry.train_groups for entry in classes)
    return max(round(middle) - weak.train_groups, weak.train_groups, 1)


def advise_pair(
    pair: tuple[ExplainedClass, ExplainedClass],
    classes: Sequence[ExplainedClass],
    *,
    percent: float,
    distance: float | None,
    differs_in: Sequence[str],
    tiles: Sequence[str],
    basis: str = "",
) -> str:
    """Say how far a confused pair lies apart, in what, and what to do about it.

    Args:
        pair: The two classes.
        classes: All classes of the model.
        percent: Share of their rows or points that is confused, %.
        distance: Jeffries-Matusita distance, 0-2; None where it is unknown.
        differs_in: Names of features that hold them apart, the strongest first.
        tiles: Tiles where they are confused most.
        basis: Of what the share is, in words; held-out rows where empty.
    """
    one, other = pair
    share = f"{percent:.0f} %" if percent >= 1 else "less than 1 %"
    facts = [
        "JM unknown (too few samples)" if distance is None else f"JM {distance:.2f}",
        f"{share} mutual confusion{' on ' if basis else ''}{basis}",
    ]
    if differs_in:
        facts.append(f"differ mainly in {' and '.join(differs_in[:NAMED])}")
    weak = min(pair, key=lambda c: (c.producers if c.producers is not None else 1, c.train_groups))
    where = f" in {'tile' if len(tiles) == 1 else 'tiles'} {', '.join(tiles)}" if tiles else ""
    more = (
        f"add {needed_groups(weak, classes)} points of {weak.title}{where} "
        f"(it trains on {weak.train_groups})"
    )
    if distance is not None and distance < MERGE_BELOW:
        what = f"merge them; to keep both, add a season or layer in which they differ, and {more}"
    elif distance is not None and distance > GOOD_ABOVE:
        what = (
            f"their samples lie well apart, so check the labels of the missed points, then {more}"
        )
    else:
        what = f"merge them, or {more}"
    return f"{one.title} and {other.title}: {', '.join(facts)}: {what}."


def advise_small_classes(classes: Sequence[ExplainedClass]) -> Iterator[str]:
    """Name the classes that have too few samples, with how many to add."""
    middle = median(entry.train_groups for entry in classes)
    for entry in classes:
        if entry.is_thin:
            unknown = "" if entry.held_groups else ", and none was held out"
            yield (
                f"{entry.title} is under-represented: it trains on {entry.train_groups} points or "
                f"fields, the median of the classes is {middle:g}{unknown}: add "
                f"{needed_groups(entry, classes)}."
            )


def describe_point(
    point: str,
    tile: str,
    *,
    reference: tuple[str, float],
    predicted: tuple[str, float],
    features: Sequence[PointFeature],
) -> str:
    """Say why a model gets a place wrong.

    Args:
        point: Id of the point.
        tile: Its tile.
        reference: The right class and the probability that the model gives it, 0-1.
        predicted: The class that was answered and its probability.
        features: Features that pushed hardest, with names for people.
    """
    said = (
        f"Point {point} in {tile}: {reference[0]} ({100 * reference[1]:.0f} %) is taken for "
        f"{predicted[0]} ({100 * predicted[1]:.0f} %)"
    )
    sides = []
    for (title, _), sign in ((predicted, 1), (reference, -1)):
        names = [f.feature for f in features if sign * (f.predicted - f.reference) > 0][:NAMED]
        if names:
            verb = "speaks" if len(names) == 1 else "speak"
            sides.append(f"{' and '.join(names)} {verb} for {title}")
    return f"{said}: {', '.join(sides)}." if sides else f"{said}."
