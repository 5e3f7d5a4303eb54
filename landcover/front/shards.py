"""A region of hundreds of tiles, as a scheduler drives it: shards of each phase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landcover.front.workspace import open_workspace
from landcover.nouns.shard import MOST_TILES

if TYPE_CHECKING:
    from landcover.nouns.shard import Phase
    from landcover.parts.task import Task


def plan_shards(run_id: str, phase: Phase, *, most_tiles: int = MOST_TILES) -> list[dict[str, str]]:
    """List the shards of a phase of a run: its tiles with work, some in each.

    Units whose outputs are all there are written to the ledger as reused. A shard that was listed
    keeps its tiles and its place in the list.

    Args:
        run_id: The run.
        phase: ``prepare``, ``overlap``, ``sample`` (with terrain) or ``classify``.
        most_tiles: Tiles of a shard at most.

    Returns:
        ``shard`` (name) and ``shard_label`` of each; none where nothing is to be done.

    Examples:
        >>> from landcover import api
        >>> api.plan_shards("demo", "prepare")
        []
    """
    from landcover.pipeline import shards

    found = shards.plan_shards(_task(run_id), phase, most_tiles)
    return [{"shard": shard.name, "shard_label": shard.label} for shard in found]


def left_of_shard(run_id: str, shard: str) -> dict[str, str]:
    """Give the tiles of a shard that are not done at its phase, each with the reason.

    Args:
        run_id: The run.
        shard: Name of :func:`plan_shards`.

    Raises:
        InputError: There is no such shard.

    Examples:
        >>> from landcover import api
        >>> api.left_of_shard("demo", "prepare-01")  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
            ...
        InputError: Run 'demo' has no shard 'prepare-01'.
    """
    from landcover.pipeline import shards

    return shards.left_of(_task(run_id), shard)


def report_shard(run_id: str, shard: str) -> dict[str, Any]:
    """Sum up a shard at the stages of its phase.

    Args:
        run_id: The run.
        shard: Name of :func:`plan_shards`.

    Returns:
        ``run``, ``shard``, ``phase``, ``n_tiles``; ``state``, ``done`` or ``failed``; ``failed``,
        tile → reason of those with a unit that failed or was stopped; ``counts`` by state,
        ``causes`` and ``degraded`` seasons as :func:`report` gives them.

    Raises:
        InputError: There is no such shard.

    Examples:
        >>> from landcover import api
        >>> api.report_shard("demo", "prepare-02")  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
            ...
        InputError: Run 'demo' has no shard 'prepare-02'.
    """
    from landcover.pipeline import shards

    return shards.summary_of_shard(_task(run_id), shard)


def stop_shard(run_id: str, shard: str) -> list[dict[str, Any]]:
    """Stop what works on a shard: its units are cancelled, and none is begun any more.

    Args:
        run_id: The run.
        shard: Name of :func:`plan_shards`.

    Returns:
        ``stage`` and ``unit`` of what was cancelled.

    Raises:
        InputError: There is no such shard.

    Examples:
        >>> from landcover import api
        >>> api.stop_shard("demo", "sample-07")  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
            ...
        InputError: Run 'demo' has no shard 'sample-07'.
    """
    from landcover.pipeline import shards

    stopped = shards.stop(_task(run_id), shard)
    return [{"stage": state.stage, "unit": state.unit.id} for state in stopped]


def adopt(run_id: str) -> str | None:
    """Take over all units of a finished run with the same inputs, where there is one.

    Args:
        run_id: A run of :func:`landcover.api.start_run` that has computed nothing yet.

    Returns:
        The other run; None where something is to be made, or a unit of the other one failed.

    Examples:
        >>> from landcover import api
        >>> api.start_run("other", "recipes/mediterranean-rf.yaml", year=2021,
        ...               products="region/products", until="collect")
        'other'
        >>> api.adopt("other") is None
        True
    """
    from landcover.pipeline import adopting

    return adopting.adopt(open_workspace(), run_id)


def _task(run_id: str) -> Task:
    from landcover.ledger import runs
    from landcover.parts.task import Task
    from landcover.pipeline.planning import WHOLE_RUN

    workspace = open_workspace()
    return Task(workspace, *runs.load(workspace, run_id), WHOLE_RUN)
