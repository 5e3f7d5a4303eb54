"""Labels and an existing map together: which points train, and which only judge.

Method: docs/methods/sampling.md#strategies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from landcover.labels.assignment import assign_points
from landcover.labels.classes import OF_MAP, Translator, Unknown
from landcover.labels.map_points import MapRule, draw_from_map
from landcover.labels.reading import is_public, known_mapping
from landcover.nouns.grid import Grid
from landcover.nouns.legend import Legend
from landcover.nouns.uses import BOTH, JUDGES, TRAINS, USE
from landcover.recipe.sampling import Sampling
from landcover.stores.rasters import read_code_names


@dataclass(frozen=True, eq=False)
class Strategy:
    """Points of labels and map."""

    points: pd.DataFrame
    """Columns of ``LabelTable.points``, ``use`` (``nouns.uses``) and ``times`` (int64): how often
    a row counts in training."""
    added: dict[str, int]
    """Class → places of the map."""
    warnings: tuple[str, ...]


def fill_up(counts: Mapping[int, int], target: str) -> dict[int, int]:
    """Count the points that each class lacks.

    Args:
        counts: Class → points.
        target: ``max``: as many as the largest class; ``avg``: the mean, rounded down.

    Returns:
        Class → points to add, of classes that lack some.
    """
    if not counts:
        return {}
    wanted = max(counts.values()) if target == "max" else int(np.mean(list(counts.values())))
    return {code: wanted - n for code, n in counts.items() if n < wanted}


def apply_strategy(
    points: pd.DataFrame,
    sampling: Sampling,
    path: Path,
    legend: Legend,
    *,
    unknown: Unknown = "error",
    seed: int = 0,
    within: Mapping[str, Grid],
) -> Strategy:
    """Add points of an existing map to labels.

    Args:
        points: Labels, columns of ``LabelTable.points``.
        sampling: The section of the recipe; its strategy is not ``standard``.
        path: The map.
        legend: Classes of the run.
        unknown: What to do with codes of the map that are not known.
        seed: Seed where the section names none.
        within: Tiles that are mapped, with their grids: only labels in them are counted, and only
            they are drawn from.

    Raises:
        InputError: The map cannot be read, or one of its codes is unknown.
    """
    translator = _translator(sampling, path, legend, unknown)
    inside = assign_points(points, within) if within else {"": points}
    codes = pd.concat([part["code"] for part in inside.values()] or [points["code"][:0]])
    counts = {int(code): int(n) for code, n in codes.value_counts().sort_index().items()}
    if sampling.strategy == "enhanced":
        wanted = fill_up(counts, sampling.target)
    else:
        wanted = dict.fromkeys(legend.codes, sampling.samples_per_class)
    rule = MapRule(
        sampling.erosion, sampling.spacing_m, sampling.distance_m,
        seed if sampling.seed is None else sampling.seed,
    )  # fmt: skip
    judges = points["lon"].to_numpy(), points["lat"].to_numpy()
    drawn = draw_from_map(path, translator, wanted, judges, rule, list(within.values()))
    use = BOTH if sampling.strategy == "enhanced" else JUDGES
    joined = pd.concat(
        [points.assign(times=1, **{USE: use}), drawn.points.assign(**{USE: TRAINS})],
        ignore_index=True,
    )
    absent = [legend.name_of(code) for code in counts if legend.name_of(code) not in drawn.found]
    said = drawn.warnings
    if sampling.strategy == "full-map" and absent:
        said += (f"{path.name}: no point of {', '.join(absent)}, so the model never learns it.",)
    return Strategy(joined, drawn.found, said)


def _translator(sampling: Sampling, path: Path, legend: Legend, unknown: Unknown) -> Translator:
    mapping = dict(known_mapping(sampling.mapping, legend))
    if not mapping:
        # A map of ours says what its codes mean.
        names = read_code_names(path).names
        mapping = {str(code): name for code, name in names.items() if legend.code_of(name)}
    is_whole = is_public(sampling.mapping)
    return Translator.of(legend, mapping, unknown, is_whole=is_whole, key=OF_MAP)
