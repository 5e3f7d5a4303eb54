"""Products and patience for the tests of remote sources."""

from __future__ import annotations

import shutil
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

with warnings.catch_warnings():
    # google-api-core misses grpcio-status, which nothing here uses, and says so at its import.
    warnings.simplefilter("ignore", ImportWarning)
    import google.api_core.exceptions  # noqa: F401

from fake_servers import TILE

from landcover.simulate import simulate
from landcover.sources.access import Access
from landcover.stores.retry import RetryPolicy


@pytest.fixture(scope="session")
def safes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of simulated products of one tile, one of them in two baselines."""
    out = tmp_path_factory.mktemp("simulated") / "region"
    region = simulate(
        out, tiles=(TILE,), pixels=240, points_per_class=3, products_per_season=3, seed=3
    )
    old = next(region.products.glob("*_20210307T*N0212*"))
    new = old.with_name(old.name.replace("N0212", "N0500").replace("T160325", "T200000"))
    shutil.copytree(old, new)
    metadata = new / "MTD_MSIL2A.xml"
    text = metadata.read_text().replace(old.name, new.name).replace("02.12", "05.00")
    # Its pixels stay those of 02.12, so the list that later baselines have says 0.
    offsets = "".join(f'<BOA_ADD_OFFSET band_id="{n}">0</BOA_ADD_OFFSET>' for n in range(13))
    offsets = f"<BOA_ADD_OFFSET_VALUES_LIST>{offsets}</BOA_ADD_OFFSET_VALUES_LIST>"
    end = "</QUANTIFICATION_VALUES_LIST>"
    metadata.write_text(text.replace("16:03:25", "20:00:00").replace(end, end + offsets))
    return region.products


@pytest.fixture
def access() -> Access:
    """Give patience for tests: the same number of attempts, pauses a hundred times shorter."""
    policy = RetryPolicy(first_s=0.01, longest_s=0.05, connect_s=1.0, read_s=0.5)
    return replace(Access(), policy=policy)
