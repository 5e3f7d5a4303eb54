"""What a run will take, asked before it begins."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.front.run_signature import with_run_arguments
from landcover.front.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landcover.nouns.run import Run
    from landcover.nouns.run_arguments import RunArguments
    from landcover.recipe import Recipe
    from landcover.stores.workspace import Workspace

log = logging.getLogger(__name__)
RUN = "estimate"
"""Name of the run that is planned, in records that nobody keeps."""


@with_run_arguments
def estimate(
    recipe: str | Path | Mapping[str, Any], *, workers: int = 1, **arguments: Any
) -> dict[str, Any]:
    """Tell what a run would take where nothing of it exists; nothing is written.

    It is fitted on what earlier runs of the workspace took; of stages that never ran here the
    paper's times stand, or ours of a whole tile (docs/methods/estimate.md).

    Args:
        recipe: A recipe file, or its document.
        workers: Units at a time, 1 or more.
        **arguments: Fields of :class:`landcover.nouns.run_arguments.RunRequest`.

    Returns:
        :class:`landcover.nouns.estimate.RunEstimate` as a document: ``n_tiles``, ``n_products``,
        ``moved_bytes``, ``kept_bytes``, ``worker_hours`` and ``wall_seconds`` (each ``value``,
        ``low``, ``high``), ``peak_mb``, ``price`` where the setting ``worker_hour_price`` is
        there, ``stages`` and ``notes``.

    Raises:
        UsageError: The recipe, an argument or the number of workers is wrong.
        InputError: Products, labels or DEM are not there or not usable.
        UnavailableError: The source of the products does not answer.

    Examples:
        >>> from landcover import api
        >>> told = api.estimate(
        ...     "recipes/mediterranean-rf.yaml",
        ...     year=2021,
        ...     products="region/products",
        ...     labels="region/labels.geojson",
        ...     dem="region/dem",
        ...     workers=2,
        ... )
        >>> told["n_tiles"], told["stages"]["composite"]["units"], told["price"]
        (1, 3, None)
        >>> told["stages"]["composite"]["basis"], told["stages"]["publish"]["basis"]
        ('records', 'measured')
    """
    from landcover.front.region_text import fetched_recipe, named_region
    from landcover.pipeline import starting

    file = fetched_recipe(recipe) if isinstance(recipe, str) else recipe
    require_workers(workers)
    resolved, known = starting.resolve(file, **named_region(arguments))
    # Before the stores are opened: a source that is away is told at once.
    starting.ask_sources(known)
    with tempfile.TemporaryDirectory(prefix="landcover-estimate-") as folder:
        dry = _beside(open_workspace(), Path(folder))
        run = _planned(dry, resolved, known)
        return _estimated(dry, run, resolved, workers)


def record_estimate(run_id: str, *, workers: int = 1) -> dict[str, Any] | None:
    """Tell what a started run will take, and write it into its record, to be compared at its end.

    A run is not stopped by an estimate that cannot be made: the log says why.

    Args:
        run_id: A run of :func:`start_run`.
        workers: Units at a time, 1 or more.

    Returns:
        As :func:`estimate`; None where it cannot be made.

    Raises:
        UsageError: The number of workers is wrong.
        AbsentError: There is no such run.

    Examples:
        >>> from landcover import api
        >>> api.record_estimate("demo")["n_tiles"]
        1
    """
    from landcover.errors import LandcoverError, sentence_of
    from landcover.ledger import runs
    from landcover.nouns.estimate import RunEstimate

    require_workers(workers)
    workspace = open_workspace()
    run, recipe = runs.load(workspace, run_id)
    try:
        told = _estimated(workspace, run, recipe, workers)
    except (LandcoverError, OSError) as error:
        log.warning("No estimate of run %s: %s", run_id, sentence_of(error))
        return None
    runs.keep_estimate(workspace, run_id, RunEstimate.from_document(told))
    return told


def require_workers(workers: int) -> None:
    """Refuse a number of workers that does no work.

    Raises:
        UsageError: It is below 1.
    """
    from landcover.errors import UsageError

    if workers < 1:
        raise UsageError(f"Workers: expected 1 or more, found {workers}. Name how many work.")


def _beside(workspace: Workspace, folder: Path) -> Workspace:
    """Give a workspace that leaves nothing behind in the one it looks at."""
    from landcover.stores.overlay import OverlayObjects, OverlayRecords
    from landcover.stores.workspace import Workspace

    return Workspace(
        OverlayObjects(workspace.objects, folder), OverlayRecords(workspace.records)
    )  # fmt: skip


def _planned(workspace: Workspace, recipe: Recipe, arguments: RunArguments) -> Run:
    from landcover.parts.training.ground_truth import store_labels
    from landcover.pipeline import starting

    run = starting.start_run(workspace, RUN, recipe, arguments, is_asked=True, is_plan=True)
    if arguments.labels is not None:  # how many there are is only known when they are read
        store_labels(workspace, recipe, arguments.labels, arguments.tiles, arguments.label_map)
    return run


def _estimated(workspace: Workspace, run: Run, recipe: Recipe, workers: int) -> dict[str, Any]:
    from landcover.pipeline.estimating.estimate import estimate_run
    from landcover.settings import read_settings

    settings = read_settings()
    return estimate_run(
        workspace,
        run,
        recipe,
        n_workers=workers,
        memory_gb=settings.memory_gb,
        price=settings.worker_hour_price,
    ).to_document()
