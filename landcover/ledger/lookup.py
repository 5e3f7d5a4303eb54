"""Runs, maps, models and sample sets as people name them: one rule for all.

A name is an id, the beginning of an id that nothing else has, a run (its name or the beginning of
it), or ``latest``: what the newest run has. Paths are read where they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from landcover.errors import AbsentError, InputError
from landcover.ledger import outputs, runs, units
from landcover.nouns.output import Output
from landcover.nouns.stages import Stage
from landcover.stores.workspace import Workspace

LATEST = "latest"
MODELS = "models"
"""Collection of the registered models."""
_T = TypeVar("_T")
_MOST_NAMED = 3


@dataclass(frozen=True)
class _Kind:
    """What is looked for, in words for messages."""

    title: str
    word: str
    missing: str = ""
    """Why a run has none."""
    path: str = ""
    """What its path would be, where one would do."""
    listed: str = ""
    """The command that lists all."""


_RUN = _Kind("Run", "run")
_MAP = _Kind("Map", "map", "has made no class map yet", path="file")
_RESULT = _Kind("Map", "map or report", "has made no map and no report yet", path="file")
_MODEL = _Kind("Model", "model", "has no model", "folder", "landcover model list")
_SAMPLES = _Kind(
    "Samples",
    "sample set",
    "has no sample set: it did not get as far as training",
    listed="landcover samples list",
)


def find_run(workspace: Workspace, text: str) -> str:
    """Name the run that a text stands for.

    Args:
        workspace: Where it is recorded.
        text: Name of the run, the beginning of it, or ``latest``.

    Raises:
        InputError: There is no such run, or more than one.
    """
    known = _run_names(workspace)
    if text == LATEST and known:
        return known[0]
    if not known:
        raise AbsentError(
            f"Run {text}: workspace {workspace.address} has no run yet. Name another workspace "
            "with --workspace."
        )
    return _only(workspace, text, known, _RUN)


def run_meant(workspace: Workspace, text: str) -> str | None:
    """Name the run that a text stands for where it may be something else; None where none is."""
    known = _run_names(workspace)
    found = [name for name in known if text and name.startswith(text)]
    return text if text in known else found[0] if len(found) == 1 else None


def run_with_maps(workspace: Workspace, text: str) -> str | None:
    """Name the run whose maps a text stands for; None where it is the id of one map."""
    if text == LATEST:
        return next((n for n in _run_names(workspace) if _maps_of(workspace, n)), None)
    return run_meant(workspace, text)


def find_maps(workspace: Workspace, text: str) -> tuple[Output, ...]:
    """Find a class map, or all those of a run.

    Args:
        workspace: Where they are recorded.
        text: Id of a mosaic or of a tile's class map, a run, or ``latest``.

    Returns:
        The map; of a run its mosaics, else the maps of its tiles.

    Raises:
        InputError: There is no such map, or more than one, or the run has none.
    """
    ids = _output_ids(workspace, "mosaic", "classify")
    return _find(
        workspace, text, ids, _MAP,
        of_id=lambda name: (_mapped(workspace, name),),
        of_run=lambda run: _maps_of(workspace, run),
    )  # fmt: skip


def find_result(workspace: Workspace, text: str) -> Output:
    """Find what a receipt or a page is written of: a report, a mosaic or a tile's class map.

    Args:
        workspace: Where it is recorded.
        text: Its id, a run, or ``latest``.

    Returns:
        The output; of a run its report, else its first map.

    Raises:
        InputError: There is no such output, or more than one, or the run has none.
    """
    ids = _output_ids(workspace, "publish", "mosaic", "classify")
    return _find(
        workspace, text, ids, _RESULT,
        of_id=lambda name: outputs.load(workspace, name),
        of_run=lambda run: next(
            (o for s in ("publish", "mosaic", "classify") for o in _made(workspace, run, s)), None
        ),
    )  # fmt: skip


def find_model(workspace: Workspace, text: str) -> str:
    """Name the registered model that a text stands for.

    Args:
        workspace: Where it is registered.
        text: Its id, a run that trained or used it, or ``latest``.

    Raises:
        InputError: There is no such model, or more than one, or the run has none.
    """
    ids = [d["_id"] for d in workspace.records.find(MODELS, sort=["-created"])]
    return _find(
        workspace, text, ids, _MODEL,
        of_id=lambda name: name,
        of_run=lambda run: _model_of(workspace, run, ids),
    )  # fmt: skip


def find_samples(workspace: Workspace, text: str) -> Output:
    """Find a sample set.

    Args:
        workspace: Where it is recorded.
        text: Its id, a run that uses it, or ``latest``.

    Raises:
        InputError: There is no such set, or more than one, or the run has none.
    """
    where = {"wanted.stage": "train", "wanted.unit": "samples"}
    found = workspace.records.find(outputs.COLLECTION, where, sort=["-created"])
    return _find(
        workspace, text, [d["_id"] for d in found], _SAMPLES,
        of_id=lambda name: outputs.load(workspace, name),
        of_run=lambda run: next(
            (o for o in _made(workspace, run, "train") if o.unit == "samples"), None
        ),
    )  # fmt: skip


def _find(
    workspace: Workspace,
    text: str,
    ids: Sequence[str],
    kind: _Kind,
    *,
    of_id: Callable[[str], _T],
    of_run: Callable[[str], _T | None],
) -> _T:
    """Find something by its own id or by a run that has it."""
    names = _run_names(workspace)
    if text == LATEST:
        found = next((one for one in map(of_run, names) if one), None)
        if found is None and ids:
            found = of_id(ids[0])
        if found is None:
            raise AbsentError(
                f"{kind.title} latest: workspace {workspace.address} has no {kind.word} yet."
            )
        return found
    name = _only(workspace, text, [*names, *ids], kind)
    if name not in names:
        return of_id(name)
    of_this = of_run(name)
    if not of_this:
        raise InputError(f"Run {name} {kind.missing}.")
    return of_this


def _only(workspace: Workspace, text: str, known: Sequence[str], kind: _Kind) -> str:
    """Give the one name that is meant: the whole of it, or else what begins so."""
    if text in known:
        return text
    shown = text or "''"
    found = sorted(name for name in known if text and name.startswith(text))
    if len(found) == 1:
        return found[0]
    if found:
        some = ", ".join(found[:_MOST_NAMED]) + (", …" if len(found) > _MOST_NAMED else "")
        many = kind.word + "s" if kind is _RUN else f"runs and {kind.word}s"
        raise InputError(
            f"{kind.title} {shown}: {len(found)} {many} of workspace {workspace.address} begin so "
            f"({some}). Give more of it."
        )
    if kind is _RUN:
        what = f"there is no such run in workspace {workspace.address}"
    else:
        what = f"no such {kind.path}, and " if kind.path else ""
        what += (
            f"no {kind.word} of workspace {workspace.address} has an id that begins so, nor a run "
            "such a name"
        )
    listed = f" `{kind.listed}` shows them." if kind.listed else ""
    raise AbsentError(
        f"{kind.title} {shown}: {what}.{listed} Name another workspace with --workspace."
    )


def _run_names(workspace: Workspace) -> list[str]:
    """List the runs, the newest first."""
    return [found["_id"] for found in workspace.records.find("runs", sort=runs.NEWEST_FIRST)]


def _output_ids(workspace: Workspace, *stages: Stage) -> list[str]:
    """List the outputs of some stages, the newest first."""
    where = {"wanted.stage": {"$in": list(stages)}}
    found = workspace.records.find(outputs.COLLECTION, where, sort=["-created"])
    return [document["_id"] for document in found]


def _made(workspace: Workspace, run: str, stage: Stage) -> Iterator[Output]:
    """Give what a run has at a stage, as far as its files are there."""
    for state in units.states(workspace.records, run, stage):
        if state.is_finished:
            yield from filter(None, (outputs.find(workspace, one) for one in state.outputs))


def _maps_of(workspace: Workspace, run: str) -> tuple[Output, ...]:
    for stage in ("mosaic", "classify"):
        mapped = tuple(o for o in _made(workspace, run, stage) if "grid" in o.stats)
        if mapped:
            return mapped
    return ()


def _mapped(workspace: Workspace, name: str) -> Output:
    output = outputs.load(workspace, name)
    if "grid" not in output.stats:
        raise InputError(f"Map {name}: this mosaic has composites only, no classes.")
    return output


def _model_of(workspace: Workspace, run: str, known: Sequence[str]) -> str | None:
    record = workspace.records.get("runs", run) or {}
    used = record["run"]["arguments"].get("model")
    if used in known:
        return str(used)
    return next((o.id for o in _made(workspace, run, "train") if o.unit == "model"), None)
