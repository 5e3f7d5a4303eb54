"""What the run has prepared: its tiles, their grids and layers, looked up once for all units.

Every unit that assigns labels or lists features needs to know all tiles of the run. What it needs
is small, so it is kept in one record, named by what was prepared: a tile that is prepared anew
makes another record, and no unit reads the composites of all the others. Who plans a group looks
which record that is and notes it for the run, so no unit reads the states of all the others either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output, hash_of
from landcover.nouns.run import UnitState
from landcover.parts.task import Task
from landcover.parts.work_grid import agreed_grid, composites_of, last_prepared

COLLECTION = "prepared"
VERSION = 3
"""Raised when the record holds other things."""
TRUE_COLOUR = ("B04", "B03", "B02")
"""Layers of the picture that a mosaic has beside its map."""


@dataclass(frozen=True)
class PreparedComposite:
    """What a mosaic needs to know of a composite of any tile of its zone."""

    id: str
    """Output id."""
    period: str
    """Name of its period."""
    missing_percent: float
    """Share of pixels without any clear observation, %."""
    visible: Mapping[str, Any]
    """Layer that one can see → document of its grid: most of them nobody needs."""

    def grid_of(self, layer: str) -> Grid | None:
        """Give the grid of a visible layer; None where the composite lacks it."""
        return Grid.from_document(self.visible[layer]) if layer in self.visible else None


@dataclass(frozen=True)
class Prepared:
    """The tiles of a run whose seasons are all there."""

    grids: Mapping[str, Grid]
    """Tile → its work grid."""
    lattices: str
    """Name of the grids, by their content."""
    troubles: dict[str, str]
    """Tile → why it has no work grid, one sentence."""
    layers: dict[str, set[str]]
    """Period label → layers that at least one tile has."""
    composites: dict[str, dict[str, PreparedComposite]]
    """Tile → period label → its composite, in the order of the recipe's seasons."""


class _Grids(Mapping[str, Grid]):
    """Tile → grid, read when it is looked up: most units ask for one of hundreds."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self._documents = documents

    def __getitem__(self, tile: str) -> Grid:
        return Grid.from_document(self._documents[tile])

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)


# Record and what was read of it, as one value: threads may ask at once.
_KEPT: dict[str, tuple[Mapping[str, Any], Prepared]] = {}


def prepared_tiles(task: Task) -> list[str]:
    """List the tiles of the run whose seasons were all prepared."""
    return _tiles(task, _finished(task))


def prepared(task: Task) -> Prepared:
    """Look up what the run has prepared.

    What a unit reads for it is one record of some hundred bytes a tile.
    """
    records = task.workspace.records
    noted = records.get(COLLECTION, _note(task)) or {}
    # A run that was planned by an older version of this file is looked at anew.
    is_ours = noted.get("version") == VERSION
    document = records.get(COLLECTION, noted["key"]) if is_ours else None
    return _parsed(document or _survey(task))


def _parsed(document: Mapping[str, Any]) -> Prepared:
    """Read a record; the last one is kept: most units of a process ask for the same."""
    kept = _KEPT.get("last")
    if kept is None or kept[0] != document:
        kept = document, _parse(document)
        _KEPT["last"] = kept
    return kept[1]


def _parse(document: Mapping[str, Any]) -> Prepared:
    return Prepared(
        lattices=document["lattices"],
        grids=_Grids(document["grids"]),
        troubles=document["troubles"],
        layers={period: set(names) for period, names in document["layers"].items()},
        composites={
            tile: {one["label"]: _composite(one) for one in found}
            for tile, found in document["composites"].items()
        },
    )


def note_prepared(task: Task) -> None:
    """Look at all tiles of the run, and note for its units where they find what they need."""
    key = _survey(task)["_id"]
    document = {"_id": _note(task), "run": task.run.id, "key": key, "version": VERSION}
    task.workspace.records.replace_one(COLLECTION, document)


def _finished(task: Task) -> list[UnitState]:
    """List what is prepared, without composites that their neighbours contradict."""
    states = task.finished(last_prepared(task))
    if not task.run.restores:
        return states
    right = {state.unit.id for state in task.finished("composite")}
    return [state for state in states if state.unit.id in right]


def _note(task: Task) -> str:
    return f"run {task.run.id}"


def _survey(task: Task) -> dict[str, Any]:
    """Find the record of what is prepared now, by the states of all units; make it if it lacks."""
    states = _finished(task)
    tiles = _tiles(task, states)
    made = sorted([state.unit.id, *state.outputs] for state in states)
    key = hash_of({"prepared": VERSION, "composites": made, "tiles": tiles})
    records = task.workspace.records
    document = records.get(COLLECTION, key)
    if document is None:
        document = {"_id": key, "run": task.run.id, **_look_at(task, tiles)}
        records.insert_one(COLLECTION, document)
    return document


def _composite(document: dict[str, Any]) -> PreparedComposite:
    return PreparedComposite(
        document["id"], document["period"], document["missing_percent"], document["true_colour"]
    )


def _tiles(task: Task, states: list[UnitState]) -> list[str]:
    n_spans = len(task.spans)
    done: dict[str, int] = {}
    for state in states:
        tile = str(state.unit.tile)
        done[tile] = done.get(tile, 0) + 1
    return sorted(tile for tile, count in done.items() if count == n_spans)


def _look_at(task: Task, tiles: list[str]) -> dict[str, object]:
    grids: dict[str, object] = {}
    troubles: dict[str, str] = {}
    layers: dict[str, set[str]] = {}
    known: dict[str, list[dict[str, Any]]] = {}
    for tile in tiles:
        composites = composites_of(task, tile)
        known[tile] = [_told(label, output) for label, output in composites.items()]
        for period, output in composites.items():
            layers.setdefault(period, set()).update(output.stats["layers"])
        try:
            grids[tile] = agreed_grid(tile, composites).to_document()
        except InputError as error:  # its own units fail, those of the other tiles go on
            troubles[tile] = str(error)
    return {
        "grids": grids,
        "lattices": hash_of(grids),
        "troubles": troubles,
        "layers": {period: sorted(names) for period, names in layers.items()},
        "composites": known,
    }


def _told(label: str, output: Output) -> dict[str, Any]:
    grids = output.stats["layers"]
    return {
        "label": label,
        "id": output.id,
        "period": str(output.stats["period"].get("name", label)),
        # Composites that a bench writes by itself were not counted.
        "missing_percent": float(output.stats.get("coverage", {}).get("percent_0", 0.0)),
        "true_colour": {layer: grids[layer] for layer in TRUE_COLOUR if layer in grids},
    }
