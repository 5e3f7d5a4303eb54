"""Accuracy and products as tables that a spreadsheet opens."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO

from landcover.nouns.accuracy import AccuracyReport
from landcover.nouns.model import ModelCard
from landcover.nouns.validation import Validation
from landcover.publish.quality import TileQuality


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
        scores = [_share(value) for value in (entry.users, entry.producers, entry.f1)]
        writer.writerow([entry.code, entry.name, *scores, entry.n_map, entry.n_reference, *row])
    return text.getvalue()


def calibration_csv(card: ModelCard) -> str:
    """Write the calibration curve of each class before and after calibration.

    Args:
        card: Card of the model.

    Returns:
        CSV, one line per class, time and bin of the class's probability: code, name, ``before`` or
        ``after``, edges of the bin, samples, their mean probability and the share of them that is
        of the class, 0-1. Empty where the card has no such curves.
    """
    known = card.out_of_fold and card.out_of_fold.calibration
    if not known or not known.classes:
        return ""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["code", "name", "calibration", "low", "high", "n", "probability", "share"])
    for entry in known.classes:
        for when, curve in (("before", entry.before), ("after", entry.after)):
            for one in curve.bins:
                numbers = [one.low, one.high, one.n, _share(one.confidence), _share(one.accuracy)]
                writer.writerow([entry.code, entry.name, when, *numbers])
    return text.getvalue()


def validation_csv(validation: Validation) -> str:
    """Write every split, as a whole and class by class.

    Args:
        validation: What was measured.

    Returns:
        CSV, one line per split and class: split, code (0: all classes), name, overall or producer's
        accuracy with the ends of its range over resampled groups, user's accuracy, F1 (macro F1 for
        all classes), samples and groups. Accuracies are 0-1, empty where there is none.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["split", "code", "name", "producers_accuracy", "low", "high", "users_accuracy", "f1", "n",
         "n_groups"]
    )  # fmt: skip
    for split in validation.splits:
        low, high = split.interval or (None, None)
        shares = [split.overall, low, high, None, split.macro_f1]
        writer.writerow([split.name, 0, "overall", *map(_share, shares), split.n, split.n_groups])
        for entry in split.classes:
            low, high = entry.interval or (None, None)
            shares = [entry.producers, low, high, entry.users, entry.f1]
            writer.writerow(
                [split.name, entry.code, entry.name, *map(_share, shares), entry.n, entry.n_groups]
            )
    return text.getvalue()


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"


def products_csv(tiles: Sequence[TileQuality]) -> str:
    """Write every product that was looked at, with what became of it.

    Args:
        tiles: Tiles with their seasons.

    Returns:
        CSV, one line per tile, season and product: tile, season, status of the season, product,
        date, baseline (``05.09``), cloud and nodata in percent, used (yes or no), reason. A season
        of which no product is known has one line without a product. Text that a spreadsheet would
        take for a formula begins with an apostrophe.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["tile", "season", "status", "product", "date", "baseline", "cloud_percent",
         "nodata_percent", "used", "reason"]
    )  # fmt: skip
    for tile in tiles:
        for season in tile.seasons:
            place = [tile.tile, season.period, season.status]
            for entry in season.candidates:
                baseline = entry.baseline
                shown = "" if baseline is None else f"{baseline // 100:02d}.{baseline % 100:02d}"
                writer.writerow(
                    [*place, _cell(entry.name), entry.date, shown, entry.cloud_percent,
                     entry.nodata_percent, "yes" if entry.is_used else "no", _cell(entry.reason)]
                )  # fmt: skip
            for note in season.unreadable:
                writer.writerow([*place, "", "", "", "", "", "no", _cell(note)])
            if not season.candidates and not season.unreadable:
                writer.writerow([*place, "", "", "", "", "", "", _cell(season.reason)])
    return text.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
