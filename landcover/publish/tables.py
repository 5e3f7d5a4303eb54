"""Accuracy as a table that a spreadsheet opens."""

from __future__ import annotations

import csv
from io import StringIO

from landcover.nouns.accuracy import AccuracyReport


def accuracy_csv(report: AccuracyReport) -> str:
    """Write the accuracy of each class and its row of the confusion matrix.

    Args:
        report: What was found.

    Returns:
        CSV, one line per class of the map: code, name, user's and producer's accuracy and F1 (0-1,
        empty where there is nothing to divide by), sample counts, and one column per reference
        class with the counts of the matrix.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [entry.name for entry in report.classes]
    writer.writerow(
        ["code", "name", "users_accuracy", "producers_accuracy", "f1", "n_map", "n_reference"]
        + [f"reference_{name}" for name in names]
    )
    for entry, row in zip(report.classes, report.matrix, strict=True):
        scores = [
            "" if value is None else f"{value:.6f}"
            for value in (entry.users, entry.producers, entry.f1)
        ]
        writer.writerow([entry.code, entry.name, *scores, entry.n_map, entry.n_reference, *row])
    return text.getvalue()
