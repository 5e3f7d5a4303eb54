"""What the cases of an experiment are worth and what they cost, from the records of their runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from landcover.errors import MissingDataError
from landcover.learn.case_scores import Aligned, align, compare_case, score_case
from landcover.learn.out_of_fold import BY_THE_MAP, may_judge
from landcover.ledger import outputs, runs, units
from landcover.nouns.experiment import CaseResult, CaseRun, ClassShare, Cost, ExperimentResult
from landcover.nouns.output import Output
from landcover.nouns.run import UnitState
from landcover.nouns.uses import USE
from landcover.recipe.experiment import Case, Experiment
from landcover.stores.models import ANSWERS
from landcover.stores.workspace import Workspace

KEY = ["tile", "row", "column", "point_id"]
MAPS = "maps"
"""Folder of the maps beside the page."""


def judge(
    workspace: Workspace,
    experiment: Experiment,
    cases: Sequence[Case],
    ran: Sequence[CaseRun],
    folder: Path | None = None,
) -> ExperimentResult:
    """Judge the cases that ended well under every seed.

    Args:
        workspace: Where their runs are.
        experiment: What the file says.
        cases: The cases, in the order of the table.
        ran: Every case under every seed.
        folder: Where pictures of the maps go; none are written if None.

    Returns:
        The table: cases with trouble have their reason in place of figures.
    """
    by_case: dict[str, list[CaseRun]] = {case.name: [] for case in cases}
    for one in ran:
        by_case[one.case].append(one)
    troubles = {
        name: next((one.trouble for one in mine if one.trouble), "")
        for name, mine in by_case.items()
    }
    well = [case.name for case in cases if by_case[case.name] and not troubles[case.name]]
    seeds = _answers(workspace, experiment.seeds, well, by_case)
    makers = _makers(workspace)
    results, simulated = [], False
    for case in cases:
        mine = by_case[case.name]
        named = tuple(one.run for one in mine)
        result = CaseResult(
            name=case.name, baseline=case.baseline, factors=case.factors, overrides=case.overrides,
            runs=named, trouble=troubles[case.name],
        )  # fmt: skip
        if case.name in well:
            first = min(mine, key=lambda one: experiment.seeds.index(one.seed)).run
            simulated |= runs.load(workspace, first)[0].simulated
            lost = [int((one.answers[case.name] == 0).sum()) for one in seeds]
            update = {
                "common": score_case(seeds, case.name, is_whole=False),
                "whole": score_case(seeds, case.name, is_whole=True),
                "lost_rows": round(float(np.mean(lost))),
                "difference": None
                if case.is_baseline or case.baseline not in well
                else compare_case(seeds, case.name, case.baseline),
                "cost": _cost(workspace, first, makers),
                "classes": _classes(workspace, first),
                "map_picture": None if folder is None else _picture(workspace, case, first, folder),
            }
            result = result.model_copy(update=update)
        results.append(result)
    return ExperimentResult(
        name=experiment.name,
        title=experiment.title or experiment.name,
        simulated=simulated,
        seeds=experiment.seeds,
        cases=tuple(results),
        n_rows=round(float(np.mean([one.code.size for one in seeds]))) if seeds else 0,
        n_common=round(float(np.mean([one.is_common.sum() for one in seeds]))) if seeds else 0,
        notes=tuple(_notes(results)),
    )


def _notes(results: Sequence[CaseResult]) -> list[str]:
    failed = [result.name for result in results if result.trouble]
    found = [
        "Every case is judged by answers of models that did not see a row's group, on labels that "
        "were chosen, not drawn: differences between cases count, not the height of a figure."
    ]
    if failed:
        found.append(f"Without figures: {', '.join(failed)}. The table says why.")
    return found


def _answers(
    workspace: Workspace,
    seeds: Sequence[int],
    well: Sequence[str],
    by_case: Mapping[str, Sequence[CaseRun]],
) -> list[Aligned]:
    if not well:
        return []
    return [
        align(
            {
                name: answers_of(workspace, one.run)
                for name in well
                for one in by_case[name]
                if one.seed == seed
            }
        )
        for seed in seeds
    ]


def answers_of(workspace: Workspace, run: str) -> pd.DataFrame:
    """Give the rows of a run that judge, and what models that did not see them answer.

    Args:
        workspace: Where the run is.
        run: Its name.

    Returns:
        By ``tile``, ``row``, ``column`` and ``point_id``: ``code``, ``group``, ``answer`` (0 where
        a feature is nodata, or no model that had learned the class was asked).

    Raises:
        MissingDataError: The run has no model.
    """
    states = units.states(workspace.records, run, "train")
    made = [outputs.load(workspace, name) for state in states for name in state.outputs]
    by_unit = {output.unit: output for output in made}
    if not {"samples", "model"} <= set(by_unit):
        raise MissingDataError(f"Run {run} has no model, so it cannot be judged.")
    rows = pd.concat(
        [_rows(workspace, name) for name in by_unit["samples"].wanted.inputs["samples"]]
    )
    rows = rows[may_judge(rows)].drop_duplicates(KEY).set_index(KEY)
    with outputs.local(workspace, by_unit["model"], ANSWERS) as path:
        found = pd.read_parquet(path, columns=[*KEY, "answer", "knows", "fold"])
    # A model that never learned a class answers it wrong; a fold's that lost it says nothing.
    is_answer = (found["answer"] > 0) & (found["knows"] | (found["fold"] == BY_THE_MAP))
    answer = found[is_answer].drop_duplicates(KEY).set_index(KEY)["answer"].astype(np.int64)
    return rows.assign(answer=answer.reindex(rows.index, fill_value=0))[["code", "group", "answer"]]


def _rows(workspace: Workspace, sample_id: str) -> pd.DataFrame:
    with outputs.local(workspace, outputs.load(workspace, sample_id)) as path:
        table = pd.read_parquet(path)
    return table[[name for name in (*KEY, "code", "group", USE) if name in table.columns]]


def _makers(workspace: Workspace) -> dict[str, UnitState]:
    """Map every output to the unit that made it: others only found it."""
    found: dict[str, UnitState] = {}
    for document in workspace.records.find("units", {"state": "done"}):
        fields = {name: document[name] for name in UnitState.model_fields if name in document}
        state = UnitState.from_document(fields)
        for name in state.outputs:
            found.setdefault(name, state)
    return found


def _cost(workspace: Workspace, run: str, makers: Mapping[str, UnitState]) -> Cost:
    made: dict[tuple[str, str, str], UnitState] = {}
    for state in units.states(workspace.records, run):
        for name in state.outputs:
            maker = makers.get(name)
            if maker is not None:
                made[maker.run, maker.stage, maker.unit.id] = maker
    total = sum(state.seconds for state in made.values())
    weighed = sum(state.seconds * state.mean_mb for state in made.values())
    return Cost(
        seconds=round(total, 1),
        own_seconds=round(sum(s.seconds for s in made.values() if s.run == run), 1),
        cpu_seconds=round(sum(state.cpu_seconds for state in made.values()), 1),
        mean_mb=round(weighed / total, 1) if total else 0.0,
        peak_mb=max((state.peak_mb for state in made.values()), default=0.0),
    )


def _classes(workspace: Workspace, run: str) -> tuple[ClassShare, ...]:
    """Give the shares of the classes in the maps of a run's tiles, those without a pixel too."""
    recipe = runs.load(workspace, run)[1]
    pixels: Counter[int] = Counter()
    for state in units.states(workspace.records, run, "classify"):
        for name in state.outputs:
            told = outputs.load(workspace, name).stats.get("pixels", {})
            pixels.update({int(code): int(n) for code, n in told.items() if int(code)})
    total = sum(pixels.values())
    return tuple(
        ClassShare(
            name=entry.name, title=entry.title, colour=entry.colour,
            percent=round(100 * pixels[entry.code] / total, 3),
        )
        for entry in recipe.labels.legend.classes
        if total
    )  # fmt: skip


def _picture(workspace: Workspace, case: Case, run: str, folder: Path) -> str | None:
    """Copy the picture of a run's map; None where it published none."""
    for state in units.states(workspace.records, run, "publish"):
        for name in state.outputs:
            report: Output = outputs.load(workspace, name)
            pictures = sorted(
                file.name for file in report.files
                if file.name.startswith("map_") and file.name.endswith(".png")
            )  # fmt: skip
            if pictures:
                target = folder / MAPS / f"{case.name}.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                with outputs.local(workspace, report, pictures[0]) as path:
                    target.write_bytes(path.read_bytes())
                return f"{MAPS}/{target.name}"
    return None
