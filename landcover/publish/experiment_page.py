"""An experiment as one page: a table of its cases, what differs, class distributions, maps."""

from __future__ import annotations

import csv
from pathlib import Path

from matplotlib import rc_context, rcParamsDefault
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from landcover.nouns.experiment import CaseResult, ExperimentResult
from landcover.publish.templates import template

PAGE, NUMBERS, TABLE, DIFFERENCES, CLASSES = (
    "index.html", "experiment.json", "experiment.csv", "differences.svg", "classes.svg",
)  # fmt: skip
_STYLE = {**rcParamsDefault, "svg.hashsalt": "experiment", "font.size": 9.0}
_METADATA = {"Date": None, "Creator": None}
_COLUMNS = (
    "case", "baseline", "overall", "low", "high", "macro_f1", "difference", "difference_low",
    "difference_high", "difference_least_seed", "difference_largest_seed", "whole_overall",
    "lost_rows", "seconds", "own_seconds", "cpu_seconds", "mean_mb", "peak_mb", "trouble",
)  # fmt: skip


def write_experiment(found: ExperimentResult, folder: Path) -> list[str]:
    """Write the page of an experiment and what it links to.

    Args:
        found: The table.
        folder: Where the files go; pictures of maps lie in it already.

    Returns:
        Names of the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NUMBERS).write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    _write_table(found, folder / TABLE)
    judged = [case for case in found.cases if case.common is not None]
    draw_differences(judged, folder / DIFFERENCES)
    draw_classes(judged, folder / CLASSES)
    files = [NUMBERS, TABLE, DIFFERENCES, CLASSES]
    page = template("experiment.html").render(
        found=found, files=files, differences=DIFFERENCES, classes=CLASSES,
        maps=[case for case in judged if case.map_picture],
        has_differences=any(case.difference for case in judged),
        has_classes=any(case.classes for case in judged),
    )  # fmt: skip
    (folder / PAGE).write_text(page, encoding="utf-8")
    return [PAGE, *files]


def _write_table(found: ExperimentResult, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for case in found.cases:
            writer.writerow(["" if cell is None else cell for cell in _cells(case)])


def _cells(case: CaseResult) -> list[object]:
    common, whole, gap, cost = case.common, case.whole, case.difference, case.cost
    if common is None or whole is None or cost is None:
        return [case.name, case.baseline, *[None] * (len(_COLUMNS) - 3), case.trouble]
    return [
        case.name, case.baseline, common.overall, *(common.interval or (None, None)),
        common.macro_f1, gap and gap.overall, *((gap and gap.interval) or (None, None)),
        *(gap.seeds if gap else (None, None)), whole.overall, case.lost_rows, cost.seconds,
        cost.own_seconds, cost.cpu_seconds, cost.mean_mb, cost.peak_mb, case.trouble,
    ]  # fmt: skip


def draw_differences(cases: list[CaseResult], path: Path) -> None:
    """Draw each case's difference to its baseline: interval as a line, seeds as ticks."""
    drawn = [(case, case.difference) for case in cases if case.difference is not None]
    with rc_context(_STYLE):
        figure = Figure(figsize=(8, 0.9 + 0.34 * max(1, len(drawn))), layout="constrained")
        FigureCanvasSVG(figure)
        axis = figure.subplots()
        for place, (_, gap) in enumerate(reversed(drawn)):
            colour = "#1b6ca8" if gap.is_beyond_chance else "#8a8f98"
            low, high = gap.interval or (gap.overall, gap.overall)
            axis.plot([100 * low, 100 * high], [place, place], color=colour, lw=2.4)
            axis.plot([100 * gap.overall], [place], "o", color=colour, ms=6)
            axis.plot([100 * end for end in gap.seeds], [place, place], "|", color="#303030", ms=9)
        axis.axvline(0, color="#303030", lw=0.8)
        axis.set_yticks(range(len(drawn)), [case.name for case, _ in reversed(drawn)])
        axis.set_xlabel("difference of overall accuracy to the baseline, per cent of the rows")
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.margins(y=0.08 if len(drawn) > 4 else 0.3)
        figure.savefig(path, format="svg", metadata=_METADATA)


def draw_classes(cases: list[CaseResult], path: Path) -> None:
    """Draw the class distribution of each map as one bar."""
    drawn = [case for case in cases if case.classes]
    entries = {one.name: one for case in drawn for one in case.classes}
    with rc_context(_STYLE):
        figure = Figure(figsize=(10, 0.9 + 0.34 * max(1, len(drawn))), layout="constrained")
        FigureCanvasSVG(figure)
        axis = figure.subplots()
        for place, case in enumerate(reversed(drawn)):
            left = 0.0
            for one in case.classes:
                axis.barh(
                    place, one.percent, left=left, color=one.colour, height=0.75,
                    edgecolor="#ffffff", linewidth=0.4,
                )  # fmt: skip
                left += one.percent
        axis.set_yticks(range(len(drawn)), [case.name for case in reversed(drawn)])
        axis.set_xlim(0, 100)
        axis.set_xlabel("share of the mapped area, per cent")
        axis.spines[["top", "right", "left"]].set_visible(False)
        handles = [Line2D([], [], color=one.colour, lw=5) for one in entries.values()]
        figure.legend(
            handles, [one.title for one in entries.values()], loc="outside right upper",
            frameon=False,
        )  # fmt: skip
        figure.savefig(path, format="svg", metadata=_METADATA)
