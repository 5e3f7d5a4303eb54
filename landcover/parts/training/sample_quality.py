"""What a look at the samples of a model shows: what classes look like, and doubtful labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from landcover.learn.label_errors import find_label_errors
from landcover.learn.out_of_fold import OutOfFold
from landcover.learn.signatures import class_signatures
from landcover.nouns.model import FeatureSet
from landcover.parts.task import Task

SIGNATURES = "signatures.json"
PICTURE = "signatures.svg"
SUSPECTS = "suspects.geojson"


def check_samples(
    task: Task, table: pd.DataFrame, features: FeatureSet, found: OutOfFold, path: Path
) -> dict[str, Any]:
    """Write signatures and doubtful labels of a sample set beside its model.

    Args:
        task: The training task.
        table: All rows of the sample set.
        features: Features of the model.
        found: Answers to them by models that did not see their groups.
        path: Folder of the model.

    Returns:
        How many points are doubtful, for the record of the model.
    """
    # Matplotlib takes half a second to load, which only this stage should pay.
    from landcover.publish.signature_picture import draw_signatures

    legend = task.recipe.labels.legend
    signatures = class_signatures(table, features.names, legend)
    (path / SIGNATURES).write_text(signatures.model_dump_json(indent=1))
    draw_signatures(
        signatures,
        features.features,
        path / PICTURE,
        "What the classes look like",
        note="Simulated products" if task.run.simulated else "",
    )

    doubtful = find_label_errors(table, found.classes, found.probabilities)
    names = {int(code): legend.name_of(int(code)) for code in table["code"].unique()}
    (path / SUSPECTS).write_text(json.dumps(_geojson(doubtful, names), indent=1))
    return {"n_suspects": len(doubtful), "n_points": int(table["point_id"].nunique())}


def _geojson(found: pd.DataFrame, names: dict[int, str]) -> dict[str, Any]:
    """Write doubtful labels as points, the surest first; degrees, WGS84 (RFC 7946)."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
            "properties": {
                "rank": rank,
                "point_id": str(row["point_id"]),
                "label": names[row["given"]],
                "suggested": names[row["suggested"]],
                "confidence": round(row["confidence"], 4),
                "label_probability": round(row["given_probability"], 4),
                "pixels": row["n_rows"],
            },
        }
        for rank, row in enumerate(found.to_dict("records"), start=1)
    ]
    return {"type": "FeatureCollection", "features": features}
