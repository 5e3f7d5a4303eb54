"""Which features a recipe has, where each comes from, and what is missing for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from landcover.errors import InputError
from landcover.features.contract import Asked, Computation, Input, Plane
from landcover.features.kinds import in_order, kind_of
from landcover.features.reads import Layer, LayerOfFewestGaps, Observations, Read, Terrain
from landcover.nouns.feature_kind import KindRow
from landcover.nouns.model import Feature, FeatureSet, feature_set
from landcover.nouns.spectral_index import SPECTRAL_INDICES
from landcover.recipe import Recipe


def plan_features(
    recipe: Recipe, available: Mapping[str, set[str]], *, has_terrain: bool
) -> tuple[FeatureSet, tuple[str, ...]]:
    """List the features that can be computed.

    Args:
        recipe: Layers, indices and terrain that are wanted.
        available: Period label → layers that at least one tile has.
        has_terrain: Whether there is a terrain.

    Returns:
        The feature set in the order of the recipe (of the paper's table: terrain, then each
        season's layers and indices), and the names of what is left out because no product has it.

    Raises:
        InputError: Nothing is left.
    """
    features: list[Feature] = []
    missing: list[str] = []
    for feature in wanted_features(recipe):
        reads = reads_of(source_of(feature, recipe))
        if all(_is_there(read, available, has_terrain) for read in reads):
            features.append(feature)
        else:
            missing.append(feature.name)
    if not features:
        raise InputError("No feature is left: the products have none of the recipe's layers.")
    return feature_set(features), tuple(missing)


def wanted_features(recipe: Recipe) -> Iterator[Feature]:
    """Give every feature that a recipe asks for, in order, whether or not it can be made."""
    once, seasonal = in_order()
    of_tile = (f for rows in once for f in _of_kinds(rows, recipe, None))
    of_seasons = (
        f for s in recipe.seasons for rows in seasonal for f in _of_kinds(rows, recipe, s.name)
    )
    is_paper = recipe.features.order == "paper"
    yield from chain(of_tile, of_seasons) if is_paper else chain(of_seasons, of_tile)


def source_of(feature: Feature, recipe: Recipe) -> Input:
    """Say where a feature comes from: a layer, or a plane of a computation.

    Args:
        feature: A feature, of the recipe or of a model's card.
        recipe: The recipe in use.

    Raises:
        InputError: It cannot be made of this recipe's layers.
    """
    return kind_of(feature.kind).source(feature, recipe)


def reads_of(source: Input) -> Iterator[Read]:
    """Give everything in files that is behind a plane, itself if it is read."""
    if isinstance(source, Plane):
        for inner in source.of.reads:
            yield from reads_of(inner)
    else:
        yield source


def has_index(feature: Feature, recipe: Recipe) -> bool:
    """Tell whether the formula of an index is behind a feature: NDVI, its percentile, their mean.

    Raises:
        InputError: The feature cannot be made of this recipe's layers.
    """
    source = source_of(feature, recipe)
    told = recipe.composite.statistics.sources() if recipe.composite.statistics else {}
    return any(one.has_variant for one in _computations(source)) or any(
        isinstance(read, Layer) and told.get(read.name) in SPECTRAL_INDICES
        for read in reads_of(source)
    )


def _of_kinds(rows: list[KindRow], recipe: Recipe, season: str | None) -> Iterator[Feature]:
    asked = chain.from_iterable(
        ((row.name, one) for one in kind_of(row.name).asked(recipe, season)) for row in rows
    )
    for kind, one in sorted(asked, key=lambda pair: pair[1].place):
        yield _feature(kind, one, season)


def _feature(kind: str, one: Asked, season: str | None) -> Feature:
    return Feature(
        name=one.layer if season is None else f"{season}_{one.layer}",
        period=season or one.period,
        layer=one.layer,
        kind=kind,
        parameters=one.parameters,
    )


def _computations(source: Input) -> Iterator[Computation]:
    if isinstance(source, Plane):
        yield source.of
        for inner in source.of.reads:
            yield from _computations(inner)


def _is_there(read: Read, available: Mapping[str, set[str]], has_terrain: bool) -> bool:
    if isinstance(read, Layer):
        return read.name in available.get(read.period, ())
    if isinstance(read, LayerOfFewestGaps):
        return any(read.name in available.get(period, ()) for period in read.periods)
    if isinstance(read, Observations):
        return read.band in available.get(read.period, ())
    return has_terrain if isinstance(read, Terrain) else True
