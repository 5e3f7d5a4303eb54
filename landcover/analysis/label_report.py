"""A look at ground truth before a run: counts, conflicts and a page with a map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from landcover.nouns.label_summary import LabelSummary
from landcover.parts.training.ground_truth import read_ground_truth
from landcover.recipe import Labels

PAGE = "labels.html"
SUMMARY = "labels.json"
CONFLICTS = "conflicts.csv"
POINTS = "points.parquet"


def report_labels(
    labels: Labels, paths: str, *, seed: int = 0, tiles: Sequence[str] = (), out: Path | None = None
) -> LabelSummary:
    """Read ground truth as a recipe says and report on it.

    Args:
        labels: The recipe's section.
        paths: A file, a folder, or several with commas between them.
        seed: Seed of what is drawn from rasters and polygons.
        tiles: Tiles that will be mapped; all of the world if empty.
        out: Folder for the page (:data:`PAGE`), the summary as JSON, the points as Parquet and
            all conflicts as CSV; nothing is written if None.

    Raises:
        InputError: A file or a tile is wrong.
    """
    table = read_ground_truth(labels, paths, seed)
    from landcover.labels.summary import summarise

    summary = summarise(table, labels.legend, tiles)
    if out is not None:
        from landcover.publish.label_report import render_labels

        out.mkdir(parents=True, exist_ok=True)
        (out / PAGE).write_text(render_labels(summary, table.points), encoding="utf-8")
        (out / SUMMARY).write_text(summary.model_dump_json(indent=1), encoding="utf-8")
        table.points.to_parquet(out / POINTS, compression="zstd", index=False)
        table.conflicts.to_csv(out / CONFLICTS, index=False)
    return summary
