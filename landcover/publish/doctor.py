"""The class doctor's page and files: confused pairs, thin classes, missed points, importance."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

from landcover.nouns.explanation import (
    ENOUGH,
    ENOUGH_OF_EACH,
    Explanation,
    MisclassifiedPoint,
    ValidatedExplanation,
)
from landcover.publish.page import ExplainedView
from landcover.publish.templates import template

DOCUMENT, TABLE, PAGE = "explanation.json", "importance.csv", "doctor.html"
PICTURE, DRAWING = "importance.png", "importance.svg"
MOST_POINTS = 12
"""Missed points on the page; the others are in the document."""
MOST_CLUSTERS = 12


def write_explanation(folder: Path, explanation: Explanation) -> None:
    """Write all files of an explanation: document, table, picture, page.

    Args:
        folder: Folder that exists.
        explanation: What is known of the model.
    """
    from landcover.publish.importance_picture import draw_importance

    (folder / TABLE).write_text(importance_csv(explanation), encoding="utf-8")
    draw_importance(explanation, [folder / PICTURE, folder / DRAWING], subtitle(explanation))
    write_words(folder, explanation)


def write_words(folder: Path, explanation: Explanation) -> None:
    """Write document and page of an explanation whose table and picture lie beside them."""
    (folder / DOCUMENT).write_text(explanation.model_dump_json(indent=1), encoding="utf-8")
    (folder / PAGE).write_text(render_doctor(explanation), encoding="utf-8")


def view_of(explanation: Explanation) -> ExplainedView:
    """Say what a report shows of an explanation whose files lie beside it."""
    return ExplainedView(
        picture=PICTURE, what=describe(explanation), page=PAGE, advice=explanation.advice
    )


def describe(explanation: Explanation) -> str:
    """Put the picture into a sentence: the features that count most."""
    top = [f.name for f in explanation.features] or [
        " with ".join(c.features[:2]) for c in explanation.clusters
    ]
    return f"{subtitle(explanation)} The most important: {', '.join(top[:5])}."


def subtitle(explanation: Explanation) -> str:
    """Say what the bars are."""
    if not explanation.features:
        return "Mean producer's accuracy lost when a group of correlated features is permuted."
    rows = "held-out samples" if explanation.basis == "held-out" else "training samples"
    return (
        f"Mean change of a class's probability by each feature (absolute Shapley value), "
        f"{explanation.n_rows} {rows}."
    )


def importance_csv(explanation: Explanation) -> str:
    """Write how much each feature counts.

    Returns:
        CSV, one line per feature, the most important first: feature, season, layer, the mean
        absolute Shapley value in all and for each class (empty where the model is no forest), the
        number of its group of correlated features, and the mean producer's accuracy (0-1) that is
        lost when this group is permuted, with its standard deviation.
    """
    groups = {
        name: (place, cluster)
        for place, cluster in enumerate(explanation.clusters, start=1)
        for name in cluster.features
    }
    weights = {feature.name: feature for feature in explanation.features}
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    titles = [f"shap {entry.title}" for entry in explanation.classes]
    writer.writerow(
        ["feature", "season", "layer", "shap", *titles, "group", "permutation_drop",
         "permutation_spread"]
    )  # fmt: skip
    for name in weights or groups:
        weight = weights.get(name)
        place, cluster = groups[name]
        values = [""] * (len(titles) + 1)
        if weight is not None:
            values = [f"{value:.6f}" for value in (weight.total, *weight.shap)]
        season, layer = ("", "") if weight is None else (weight.period or "", weight.layer)
        writer.writerow(
            [name, season, layer, *values, place, f"{cluster.drop:.6f}", f"{cluster.spread:.6f}"]
        )
    return text.getvalue()


def render_doctor(explanation: Explanation) -> str:
    """Lay out the class doctor's page.

    Returns:
        HTML; nothing is fetched but the picture beside it, nothing is executed. The same
        explanation gives the same bytes.
    """
    # The nine pixels of a point mostly tell the same story: the first stands for them.
    one_each: dict[str, MisclassifiedPoint] = {}
    for point in explanation.points:
        one_each.setdefault(point.point, point)
    validated = explanation.judgement if isinstance(explanation, ValidatedExplanation) else None
    return template("doctor.html").render(
        found=explanation,
        validated=validated,
        enough=ENOUGH,
        enough_of_each=ENOUGH_OF_EACH,
        picture=PICTURE,
        table=TABLE,
        document=DOCUMENT,
        drawing=DRAWING,
        picture_text=describe(explanation),
        points=list(one_each.values())[:MOST_POINTS],
        clusters=explanation.clusters[:MOST_CLUSTERS],
    )
