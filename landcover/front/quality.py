"""The quality map of a run's tiles, beside its composites."""

from __future__ import annotations

from landcover.front.workspace import open_workspace


def publish_quality(run_id: str) -> dict[str, object]:
    """Write the quality map of a run's tiles into the object store.

    Args:
        run_id: A run whose composites are there.

    Returns:
        ``key`` of the folder with page, GeoJSON, picture and tables; ``counts`` of tiles by
        status.

    Examples:
        >>> from landcover import api
        >>> sorted(api.publish_quality("demo"))
        ['counts', 'key']
    """
    from collections import Counter

    from landcover.analysis.readiness import check_readiness
    from landcover.ledger import runs
    from landcover.pipeline.region import write_region
    from landcover.stores import layout

    workspace = open_workspace()
    run, recipe = runs.load(workspace, run_id)
    readiness = check_readiness(workspace, recipe, run.arguments)
    key = layout.report(f"quality-{run_id.replace(':', '')}")
    workspace.objects.remove(key)  # of an earlier try
    with workspace.objects.publishing(key) as folder:
        write_region(workspace, recipe, run.arguments, readiness, folder)
    return {"key": key, "counts": dict(Counter(tile.status for tile in readiness.tiles))}
