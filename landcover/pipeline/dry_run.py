"""What a run would compute, found by running its stages without letting them make anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from landcover.errors import LandcoverError, MissingDataError, sentence_of
from landcover.ledger import outputs, units
from landcover.nouns.base import Noun
from landcover.nouns.output import Output, Wanted
from landcover.nouns.run import Run, Unit, UnitState
from landcover.nouns.stages import GROUPS, STAGES, Stage
from landcover.parts.task import Task
from landcover.pipeline.planning import WHOLE_RUN, plan_group
from landcover.recipe import Recipe
from landcover.stages.registry import stage_function
from landcover.stores.overlay import OverlayRecords
from landcover.stores.workspace import Workspace


class PlannedStep(Noun):
    """What would happen to a unit at a stage."""

    stage: Stage
    unit: str
    action: str
    """``reuse``, ``compute``, ``wait`` (for an earlier stage that computes), ``skip``, ``fail``."""
    why: tuple[str, ...] = ()
    """What made it stale, or why it is skipped or fails."""


class _NotMadeError(LandcoverError):
    """Something would have to be computed here."""


class _DryTask(Task):
    def need(
        self,
        wanted: Wanted,
        key: str,
        make: Callable[[Path], dict[str, Any]] | None,
        stats: dict[str, Any] | None = None,
    ) -> Output:
        found = outputs.find_wanted(self.workspace, wanted)
        if found is None:
            self.require_computes(wanted)
        if found is None and make is None:
            # A record without bytes costs nothing: go on as if it were there.
            found = outputs.commit(self.workspace, wanted, key, None, stats)
            self.n_reused -= 1
        if found is None:
            raise _NotMadeError("; ".join(differences(self.workspace, wanted)))
        self.n_reused += 1
        self.made.append(found)
        return found


def dry_run(workspace: Workspace, run: Run, recipe: Recipe) -> list[PlannedStep]:
    """List what a run would do, without doing it.

    Args:
        workspace: Stores; they are only read.
        run: The run, started or not.
        recipe: Its recipe.

    Returns:
        One entry per stage and unit, in the order of the run. Behind a stage that computes, what
        follows waits: its inputs do not exist yet.
    """
    dry = Workspace(workspace.objects, OverlayRecords(workspace.records))
    found: list[PlannedStep] = []
    waiting = False
    for group, stages in GROUPS.items():
        included = [stage for stage in stages if run.includes(stage)]
        if waiting and group != "prepare":
            found += [PlannedStep(stage=stage, unit="…", action="wait") for stage in included]
            continue
        for unit in plan_group(Task(dry, run, recipe, WHOLE_RUN), group):
            blocked = False
            for stage in included:
                if blocked:
                    found.append(PlannedStep(stage=stage, unit=unit.label, action="wait"))
                    continue
                entry = _try_stage(_DryTask(dry, run, recipe, unit, is_dry=True), stage)
                found.append(entry)
                blocked = entry.action != "reuse"
                waiting |= entry.action == "compute"
    return found


def find_again(
    workspace: Workspace, run: Run, recipe: Recipe, unit: Unit, stages: Sequence[Stage]
) -> list[UnitState] | None:
    """Find all that a unit needs at some stages among what earlier runs made; nothing is written.

    Args:
        workspace: Stores; they are only read.
        run: The run.
        recipe: Its recipe.
        unit: The unit.
        stages: Stages of one lane, in their order.

    Returns:
        Its state at each stage, ``reused``; None where something of it is to be made, or cannot be
        found out: its lane will tell.
    """
    dry = Workspace(workspace.objects, OverlayRecords(workspace.records))
    found = []
    for stage in stages:
        task = _DryTask(dry, run, recipe, unit, is_dry=True)
        if _try_stage(task, stage).action != "reuse" or task.n_reused < len(task.made):
            return None
        made = tuple(output.id for output in task.made)
        found.append(UnitState(run=run.id, stage=stage, unit=unit, state="reused", outputs=made))
    return found


def same_steps(workspace: Workspace, run_id: str) -> list[PlannedStep]:
    """List what a run would do that has all inputs of one that is done: nothing.

    Args:
        workspace: Where the run is; it is only read.
        run_id: The run that :func:`landcover.pipeline.up_to_date.find_same_run` found.
    """
    found = sorted(
        units.states(workspace.records, run_id), key=lambda s: (STAGES.index(s.stage), s.unit.id)
    )
    # A step that never came to be waits for one that was skipped or failed.
    actions = {"skipped": "skip", "failed": "fail", "planned": "wait"}
    return [
        PlannedStep(
            stage=state.stage,
            unit=state.unit.label,
            action=actions.get(state.state, "reuse"),
            why=(state.message,) if state.message else (),
        )
        for state in found
    ]


def _try_stage(task: Task, stage: Stage) -> PlannedStep:
    action, why = "reuse", tuple[str, ...]()
    try:
        stage_function(stage)(task)
    except _NotMadeError as error:
        action, why = "compute", tuple(str(error).split("; "))
    except MissingDataError as error:
        action, why = "skip", (str(error),)
    except Exception as error:
        action, why = "fail", (sentence_of(error),)
    state = UnitState(
        run=task.run.id,
        stage=stage,
        unit=task.unit,
        state="reused" if action == "reuse" else "planned",
        outputs=tuple(output.id for output in task.made),
    )
    units.save(task.workspace.records, state)
    return PlannedStep(stage=stage, unit=task.unit.label, action=action, why=why)


def differences(workspace: Workspace, wanted: Wanted) -> list[str]:
    """Say in what an output differs from the newest one of the same stage and unit."""
    where = {"wanted.stage": wanted.stage, "wanted.unit": wanted.unit}
    earlier = workspace.records.find(outputs.COLLECTION, where, sort=["-created"])
    if not earlier:
        what = "background of " if "background" in wanted.params else ""
        return [f"{what}{wanted.unit} was never made before"]
    before = Wanted.from_document(earlier[0]["wanted"])
    found = []
    if before.id == wanted.id:
        found.append("its files were removed")
    if before.version != wanted.version:
        found.append(f"stage version {before.version} → {wanted.version}")
    for role in sorted({*before.inputs, *wanted.inputs}):
        if before.inputs.get(role) != wanted.inputs.get(role):
            found.append(f"other {role}")
    for name in sorted({*before.params, *wanted.params}):
        old, new = before.params.get(name), wanted.params.get(name)
        if old != new:
            found.append(f"{name}: {_short(old)} → {_short(new)}")
    return found


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "…"
