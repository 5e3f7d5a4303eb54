"""Validate: answers of models that did not see a sample, split by split, and independent points.

The map's model may have learned from every label, so the map is read at independent points only.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from landcover.errors import MissingDataError
from landcover.ledger import outputs
from landcover.nouns.model import ModelCard
from landcover.nouns.output import Output, Wanted
from landcover.nouns.stages import version_of
from landcover.parts.task import Task
from landcover.parts.training.run_model import load_model
from landcover.stores import layout


def validate(task: Task) -> None:
    """Write the accuracy report of the run's map, and what stands beside it.

    Raises:
        MissingDataError: No sample was held out, or its model has no answers to the samples.
    """
    maps = {str(unit.tile): output for unit, output in task.all_outputs("classify")}
    key, card = load_model(task)
    samples = outputs.find(task.workspace, card.sample_set_id)
    is_own = task.run.arguments.model is None
    if samples is None and task.run.test_label_id is None:
        raise MissingDataError(
            f"The samples of model {card.id} are not here and no test points were given, so the "
            "map cannot be judged. Give --test-labels."
        )
    if is_own and samples is not None:
        _need_accuracy(task, card, key, samples)
    _need_validation(task, maps, card, key, samples)


def _need_accuracy(task: Task, card: ModelCard, key: str, samples: Output) -> None:
    if task.run.test_label_id is not None and not _n_held_out(samples):
        return  # the independent points say what there is to say
    wanted = Wanted(
        stage="validate",
        version=version_of("validate"),
        unit="accuracy",
        inputs={"model": (card.id,), "sample_set": (samples.id,)},
        params={"simulated": task.run.simulated},
    )
    make = partial(_write_accuracy, task, card, key, samples)
    task.need(wanted, layout.accuracy(wanted.id), make)


def _need_validation(
    task: Task, maps: dict[str, Output], card: ModelCard, key: str, samples: Output | None
) -> None:
    reference = task.run.test_label_id
    joined = {str(unit.cell): output for unit, output in task.all_outputs("mosaic")}
    wanted = Wanted(
        stage="validate",
        version=version_of("validate"),
        unit="validation",
        inputs={
            # Pixels are read where points did not train, and nowhere else.
            "maps": _ids(maps) if reference else (),
            "model": (card.id,),
            "sample_set": (samples.id,) if samples else (),
            "mosaics": _ids(joined) if reference else (),
            "reference": (reference,) if reference else (),
        },
        params={
            **task.recipe.validation.to_document(),
            "simulated": task.run.simulated,
            "trained_here": task.run.arguments.model is None,
            # Points are judged, and areas summed, where the published map is.
            **({"region": task.run.region_id} if reference and task.run.region_id else {}),
        },
    )
    make = partial(_write_validation, task, maps, joined, card, key, samples)
    task.need(wanted, layout.accuracy(wanted.id), make)


def _n_held_out(samples: Output) -> int:
    return sum(int(held) for _, held in samples.stats["groups"].values())


def _ids(found: dict[str, Output]) -> tuple[str, ...]:
    return tuple(found[name].id for name in sorted(found))


# Both read models: who only plans needs nothing of that.


def _write_accuracy(
    task: Task, card: ModelCard, key: str, samples: Output, path: Path
) -> dict[str, Any]:
    from landcover.parts.validation.held_out_answers import write_accuracy

    return write_accuracy(task, card, key, samples, path)


def _write_validation(
    task: Task,
    maps: dict[str, Output],
    joined: dict[str, Output],
    card: ModelCard,
    key: str,
    samples: Output | None,
    path: Path,
) -> dict[str, Any]:
    from landcover.parts.validation.validation_files import write_validation

    return write_validation(task, maps, joined, card, key, samples, path)
