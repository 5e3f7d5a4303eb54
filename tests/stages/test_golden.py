"""Outputs of a fixed real input, by stage version: other bytes need another version.

Pixels are compared, not files: compression libraries may change without changing a map. When a
digest differs on purpose, raise the version in the stage's row (landcover/nouns/stages.py) and
write both here. What follows a changed stage changes with it and keeps its own version.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from landcover import api
from landcover.nouns.stages import Stage, version_of
from landcover.stores.rasters import read_array

pytestmark = pytest.mark.quick
RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
GOLDEN: dict[Stage, tuple[int, str]] = {
    "mask": (1, "cfa2db225d718036"),
    "composite": (1, "bb81b434ecd3a56a"),
    "terrain": (3, "59b1de3f53f9413f"),
    "sample": (1, "4fba9a1cc9c45db4"),
    "train": (3, "31a507da269bf382"),
    "classify": (1, "3e5b1eec23b3ca43"),
    "mosaic": (1, "68bd5873418eddc8"),
    "validate": (4, "e4fc306e8a290143"),
}
RESTORED = (1, "0e0da7c7f183e219")


@pytest.fixture(scope="module")
def records(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("golden")))
        api.start_run(
            "golden",
            RECIPE,
            year=2018,
            products=str(data_dir / "safe-mini" / "31UDS_9B424A"),
            labels=str(data_dir / "worldcereal-flanders/00002806639B424A/labels_LC_10m.tif"),
            dem=str(data_dir / "dem" / "COPDEM_31UDS_20m.tif"),
            overrides=[
                "labels.mapping={11: cropland, 13: herbaceousVegetation, 60: builtUp, 99: null}",
                "model.trees=5",
            ],
        )
        assert api.run_inline("golden")["state"] == "done"
        yield api.open_workspace()


def digest_of(workspace: Any, document: dict[str, Any]) -> str:
    digest = hashlib.sha256()
    for file in document["files"]:
        path = workspace.objects.href(document["key"], file["name"] or None)
        digest.update(file["name"].encode())
        if path.endswith(".tif"):
            pixels, grid = read_array(path)
            # Warped heights differ in their last bits between builds of PROJ.
            exact = pixels if pixels.dtype.kind in "iu" else np.round(pixels.astype(float), 2) + 0.0
            digest.update(np.ascontiguousarray(exact).tobytes() + grid.to_json().encode())
        elif path.endswith(".parquet"):
            table = pd.read_parquet(path).drop(columns=["source"], errors="ignore")
            digest.update(table.round(4).to_csv(index=False).encode())
        elif path.endswith("accuracy.json"):
            digest.update(Path(path).read_bytes())
    return digest.hexdigest()[:16]


def test_other_bytes_of_restored_seasons_need_another_version(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path))
    api.start_run(
        "restored",
        RECIPE,
        year=2018,
        products=str(data_dir / "safe-mini" / "31UDS_9B424A"),
        dem=str(data_dir / "dem" / "COPDEM_31UDS_20m.tif"),
        until="restore",
        # Seasons with one clear observation have gaps so, and flat ground some shadow.
        overrides=[
            "restore={fill: {max_reach: 2}, shadow: {slope_min: 0.2}}",
            "composite.min_clear=2",
        ],
    )
    assert api.run_inline("restored")["state"] == "done"
    workspace = api.open_workspace()
    found = workspace.records.find("outputs", {"wanted.stage": "restore"}, sort=["wanted.unit"])
    assert len(found) == 3
    assert any(document["stats"]["fill"]["from_one"] > 0 for document in found)
    assert any(document["stats"]["shadow"]["percent"] > 0 for document in found)
    together = hashlib.sha256("".join(digest_of(workspace, d) for d in found).encode())
    assert (version_of("restore"), together.hexdigest()[:16]) == RESTORED


@pytest.mark.parametrize("stage", GOLDEN)
def test_other_bytes_need_another_version(records: Any, stage: Stage) -> None:
    found = records.records.find("outputs", {"wanted.stage": stage}, sort=["wanted.unit"])
    assert found
    together = hashlib.sha256("".join(digest_of(records, d) for d in found).encode())
    assert (version_of(stage), together.hexdigest()[:16]) == GOLDEN[stage]
