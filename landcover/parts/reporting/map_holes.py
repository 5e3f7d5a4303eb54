"""Why the map of a run has holes, from the records of its tiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from landcover.ledger import outputs
from landcover.nouns.feature_sections import OfOneSeason, SeasonIndices, Texture
from landcover.nouns.holes import Holes, Remedy, TileHoles, explain_holes
from landcover.nouns.run import UnitState
from landcover.recipe import INDICES, Recipe
from landcover.stores.workspace import Workspace

_AT_ONCE = 500
"""Records that are asked for at once."""


def holes_of(workspace: Workspace, recipe: Recipe, states: Sequence[UnitState]) -> Holes | None:
    """Explain the holes of a run's map; None where no tile tells of them.

    Args:
        workspace: Where the records are; no raster is opened.
        recipe: Recipe of the run, of which layers may be left out.
        states: What became of the run's units.

    Raises:
        UnavailableError: A record is malformed.
    """
    found = explain_holes(list(_tiles(workspace, states)))
    if found is None:
        return None
    remedies = tuple(
        remedy.model_copy(
            update={"sentence": _sentence(remedy), "options": _options(recipe, remedy.layers)}
        )
        for remedy in found.remedies
    )
    return found.model_copy(update={"remedies": remedies})


def _tiles(workspace: Workspace, states: Sequence[UnitState]) -> Iterator[TileHoles]:
    ids = [i for s in states if s.stage == "classify" and s.is_finished for i in s.outputs]
    for start in range(0, len(ids), _AT_ONCE):
        where = {"_id": {"$in": ids[start : start + _AT_ONCE]}}
        for document in workspace.records.find(outputs.COLLECTION, where, sort=["wanted.unit"]):
            told = outputs.read(document).stats.get("holes")
            if told is not None:  # maps of older versions do not tell
                yield TileHoles.from_document(told)


def _options(recipe: Recipe, layers: Sequence[str]) -> tuple[str, ...]:
    """Give the options that leave layers out; what a recipe names elsewhere is passed over."""
    found = []
    for key, present in (
        ("composite.layers", recipe.composite.layers),
        ("features.indices", recipe.features.indices),
        ("features.terrain", recipe.features.terrain),
    ):
        kept = [name for name in present if name not in layers]
        if len(kept) < len(present):
            found.append(f"--set '{key}=[{', '.join(kept)}]'")
    return (*found, *_of_one_season(recipe, layers))


def _of_one_season(recipe: Recipe, layers: Sequence[str]) -> Iterator[str]:
    """Give the options that leave out what is computed of one season: a list's rest, or none."""
    for key, section in recipe.features.of_one_season.items():
        if isinstance(section, SeasonIndices):
            kept = [name for name in section.indices if name.upper() not in layers]
            if kept and len(kept) < len(section.indices):
                yield f"--set 'features.{key}.indices=[{', '.join(kept)}]'"
            elif not kept:
                yield f"--set features.{key}=null"
        elif any(_is_of(section, layer) for layer in layers):
            yield f"--set features.{key}=null"


def _is_of(section: OfOneSeason, layer: str) -> bool:
    starts = "GLCM" if isinstance(section, Texture) else "Sobel"
    return layer.startswith(starts)


def _sentence(remedy: Remedy) -> str:
    names = (name.upper() if name in INDICES else name for name in remedy.layers)
    return f"leave out {', '.join(names)}: {remedy.wins_percent:.1f} % of the map more"
