"""One tile of a run: what its seasons were made of, what it lacks, and pictures of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landcover.front.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landcover.nouns.output import Output
    from landcover.nouns.run import UnitState
    from landcover.nouns.stages import Stage
    from landcover.stores.workspace import Workspace

PICTURE_PX = 256
"""Longer side of a picture, px."""
_MADE: tuple[Stage, ...] = ("composite", "classify")
"""Stages whose outputs are shown."""


def tile_detail(run_id: str, tile: str) -> dict[str, Any]:
    """Tell what the seasons of a tile were made of, and what its map lacks.

    Args:
        run_id: Name of the run in the ledger.
        tile: MGRS tile of it.

    Returns:
        ``tile``; ``seasons``, of each ``label``, ``output`` of the composite, ``products``
        (``name``, ``date``, and ``cloud_percent``, ``shadow_percent`` and ``grown_percent`` of its
        mask), ``nodata_percent`` (ground that no product shows clear) and ``warnings``; ``map``
        with ``output`` and ``nodata_percent``, or None where there is none yet.

    Raises:
        AbsentError: There is no such run, or the tile is none of it.

    Examples:
        >>> from landcover import api
        >>> detail = api.tile_detail("demo", "30SUF")
        >>> [season["label"] for season in detail["seasons"]], detail["map"] is None
        (['30SUF 2021-spring', '30SUF 2021-summer'], False)
    """
    workspace = open_workspace()
    seasons, made = [], None
    for state, output in _outputs(workspace, run_id, tile):
        if state.stage == "composite":
            seasons.append(_season(state, output))
        elif state.stage == "classify":
            made = {"output": output.id, "nodata_percent": output.stats.get("nodata_percent")}
    return {"tile": tile, "seasons": seasons, "map": made}


def tile_picture(run_id: str, tile: str, output_id: str) -> bytes:
    """Draw a composite or a map of a tile, small.

    Args:
        run_id: Name of the run in the ledger.
        tile: MGRS tile of it.
        output_id: One of the outputs that :func:`tile_detail` names.

    Returns:
        A PNG, at most 256 px a side, transparent where there is no data.

    Raises:
        AbsentError: There is no such run, or the output is not of this tile in it.
        DamagedError: A file is not what was written.

    Examples:
        >>> from landcover import api
        >>> detail = api.tile_detail("demo", "30SUF")
        >>> api.tile_picture("demo", "30SUF", detail["map"]["output"])[1:4]
        b'PNG'
    """
    from landcover.analysis.tile_picture import picture_of
    from landcover.errors import AbsentError

    workspace = open_workspace()
    for _, output in _outputs(workspace, run_id, tile):
        if output.id == output_id:
            return picture_of(workspace, output, PICTURE_PX)
    raise AbsentError(f"Run {run_id!r} has no composite or map {output_id!r} of tile {tile}.")


def _outputs(workspace: Workspace, run: str, tile: str) -> Iterator[tuple[UnitState, Output]]:
    """Give the finished composites and the map of a tile in a run, with their units.

    Raises:
        AbsentError: There is no such run, or the tile is none of it.
    """
    from landcover.errors import AbsentError
    from landcover.ledger import outputs, runs, units

    found, _ = runs.load(workspace, run)
    if tile not in found.arguments.tiles:
        raise AbsentError(f"Run {run!r} has no tile {tile}.")
    for state in units.of_tile(workspace.records, run, tile):
        if state.stage in _MADE and state.is_finished and state.outputs:
            output = outputs.find(workspace, state.outputs[0])
            if output is not None and output.key:
                yield state, output


def _season(state: UnitState, output: Output) -> dict[str, Any]:
    stats = output.stats
    products = []
    for product in stats.get("products", ()):
        mask = product.get("mask", {})
        shares = ("cloud_percent", "shadow_percent", "grown_percent")
        products.append(
            {"name": product["name"], "date": product["date"]}
            | {share: mask.get(share) for share in shares}
        )
    return {
        "label": state.unit.label,
        "output": output.id,
        "products": products,
        "nodata_percent": stats.get("coverage", {}).get("percent_0"),
        "warnings": [str(warning) for warning in stats.get("warnings", ())],
    }
