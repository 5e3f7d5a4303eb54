"""Experiments as a scheduler drives them: their runs, and the page at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landcover.front.region_text import fetched_recipe
from landcover.front.workspace import open_workspace


def experiment_runs(file: str, *, most: int = 500) -> list[dict[str, Any]]:
    """List the runs of an experiment: cases times seeds, in the order in which they share most.

    Args:
        file: Experiment file, or its address.
        most: More are refused.

    Returns:
        ``run``, ``case``, ``seed``, ``recipe``, ``until`` and ``overrides`` of each.

    Raises:
        UsageError: The file is no experiment, or has too many runs.

    Examples:
        >>> from landcover import api
        >>> api.experiment_runs("recipes/experiment-demo.yaml")[0]["run"]
        'demo.deck.s0'
    """
    from landcover.pipeline.experiment_runs import list_runs, require_few

    return require_few(list_runs(fetched_recipe(file)), most)


def publish_experiment(file: str, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Judge the runs of an experiment and publish its table and page in the object store.

    Args:
        file: Experiment file, or its address.
        names: Runs whose name in the ledger is another one.

    Returns:
        ``key`` of the folder; ``n_cases``; ``troubles``, one sentence for each case without
        figures; ``best``, the case with the highest accuracy on the rows that all answer.

    Raises:
        UsageError: The file is no experiment.

    Examples:
        >>> from landcover import api
        >>> found = api.publish_experiment("recipes/experiment-demo.yaml")
        >>> found["troubles"][0]
        'deck: it was not run'
    """
    from landcover.pipeline.experiment_runs import publish_results

    key, found = publish_results(open_workspace(), fetched_recipe(file), names or {})
    judged = [case for case in found.cases if case.common is not None]
    best = max(judged, key=lambda case: case.common.overall if case.common else 0.0, default=None)
    return {
        "key": key,
        "n_cases": len(found.cases),
        "troubles": [f"{c.name}: {c.trouble}" for c in found.cases if c.common is None],
        "best": None if best is None else best.name,
    }
