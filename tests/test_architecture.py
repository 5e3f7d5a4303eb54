"""Which room may import which (docs/architecture.md): read from the code's own imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from landcover.nouns.stages import STAGES

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "landcover"
EVERYWHERE = {"landcover.errors", "landcover.nouns", "landcover.tiling", "landcover.recipe"}

# Room → rooms of ours that it may import, beside itself and the four that may be imported
# everywhere.
ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "nouns": set(),
    "tiling": set(),
    "recipe": set(),
    "settings": set(),
    "raster": set(),
    "learn": set(),
    "stores": set(),
    "products": {"stores"},
    "sources": {"products", "stores"},
    "labels": {"stores"},
    "ledger": {"stores"},
    "publish": {"stores"},
    "simulate": set(),
    "execution": {"api"},
    "features": {"raster", "stores", "parts"},
    "parts": {"features", "raster", "learn", "labels", "products", "sources", "stores", "ledger",
              "publish"},
    "stages": {"parts", "features", "learn", "labels", "sources", "ledger", "stores"},
    "pipeline": {"stages", "parts", "analysis", "raster", "products", "sources", "stores",
                 "ledger", "publish"},
    "analysis": {"parts", "features", "raster", "learn", "labels", "sources", "stores", "ledger",
                 "publish"},
    "front": {"analysis", "pipeline", "parts", "ledger", "stores", "settings"},
    "views": {"front", "parts", "features", "raster", "learn", "products", "ledger", "stores"},
    "airflow_process": {"settings", "execution"},
    "api": {"front", "views", "features", "learn", "labels", "raster", "simulate"},
    # Kernels are measured as they are, below the front door.
    "bench": {"api", "simulate", "settings", "stores", "ledger", "airflow_process", "raster",
              "learn", "labels", "parts", "stages"},
    "cli": {"api", "settings", "pipeline", "analysis", "parts", "stores", "ledger", "simulate",
            "bench", "views", "airflow_process", "publish"},
    "__main__": {"cli"},
    "__init__": set(),
}  # fmt: skip
# The stack still takes a task; when it takes what it needs of one, this arrow goes.
BACKWARD = {("features", "parts")}

# What Airflow reads: a DAG names stages and puts groups together; an operator asks the front door
# to work, names the unit on the cluster, and decides by the unit's state and the error's family.
AIRFLOW: dict[str, set[str]] = {
    "dags": {"landcover.nouns", "landcover_airflow"},
    "plugins": {"landcover.api", "landcover.errors", "landcover.execution", "landcover.ledger",
                "landcover.nouns", "landcover.settings", "landcover_airflow"},
}  # fmt: skip

MOST_LINES_OF_A_STAGE = 120

# The folders of parts/, in the order of the story: each may import those before it and what they
# share, which is the files beside them.
STORY = ("preparation", "training", "mapping", "validation", "reporting")

# Packages that only the named files of the library may import.
ONLY_IN = {
    "airflow": set[str](),
    "rasterio": {"stores", "simulate/files.py"},
    "dask": {"execution.py", "views/blocks.py"},
    "distributed": {"execution.py"},
    "sqlite3": {"stores/records.py"},
    "pymongo": {"stores/mongo.py"},
    "bson": {"stores/mongo.py"},
    "boto3": {"stores/bucket.py", "stores/s3_connection.py", "sources"},
    "google": {"sources"},
    "pystac_client": {"sources"},
    "requests": {"sources"},
    # A GeoPackage is written as GDAL lays it out; reading ground truth is no business of publish.
    "pyogrio": {"sources", "labels", "publish/vectors.py"},
    "matplotlib": {"publish", "views/classes.py"},
    "click": {"cli"},
    "rich": {"cli"},
}
# recipe validates names of nouns only; tiling is pure geometry.
FOUR = {"errors": set[str](), "nouns": {"landcover.errors"}}


def imports_of(path: Path) -> Iterator[tuple[str, bool]]:
    """Give every module that a file imports, and whether only a type checker sees it."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in typing_only) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            if module == "landcover":
                yield from ((f"landcover.{a.name}", id(node) in typing_only) for a in node.names)
            else:
                yield module, id(node) in typing_only


def room_of(path: Path) -> str:
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


FILES = sorted(LIBRARY.rglob("*.py"))


def test_every_room_is_drawn() -> None:
    assert {room_of(path) for path in FILES} <= set(ROOMS)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(LIBRARY)))
def test_arrows(path: Path) -> None:
    room = room_of(path)
    wrong = []
    for module, typing_only in imports_of(path):
        # What the front door shows a type checker it opens when it is asked for.
        if not module.startswith("landcover.") or (typing_only and room != "api"):
            continue
        target = ".".join(module.split(".")[:2])
        if room in FOUR and target != f"landcover.{room}":
            allowed = target in FOUR[room]
        else:
            allowed = target in EVERYWHERE or target.split(".")[1] in ROOMS[room] | {room}
        if not allowed:
            wrong.append(module)
    assert not wrong, f"{room} may not import {wrong}"


def test_every_arrow_is_used() -> None:
    used = {
        (room_of(path), module.split(".")[1])
        for path in FILES
        for module, _ in imports_of(path)
        if module.startswith("landcover.")
    }
    drawn = {(room, target) for room, targets in ROOMS.items() for target in targets}
    assert sorted(drawn - used) == [], "arrows that nobody uses: draw what is true"


def test_there_are_no_circles() -> None:
    forward = {
        room: targets - {target for origin, target in BACKWARD if origin == room}
        for room, targets in ROOMS.items()
    }
    assert len(list(TopologicalSorter(forward).static_order())) == len(ROOMS)


@pytest.mark.parametrize("folder", AIRFLOW)
def test_airflow_comes_in_by_the_front_door(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        for module, _ in imports_of(path):
            if not module.startswith("landcover"):
                continue
            names = module.split(".")
            top = names[0] if names[0] == "landcover_airflow" else ".".join(names[:2])
            assert top in AIRFLOW[folder], f"{path.relative_to(ROOT)} imports {module}"


def test_a_stage_is_one_short_file_that_knows_no_other() -> None:
    folder = LIBRARY / "stages"
    assert {p.stem for p in folder.glob("*.py")} == {*STAGES, "__init__", "registry"}
    for stage in STAGES:
        path = folder / f"{stage}.py"
        modules = {module for module, _ in imports_of(path)}
        assert not {m for m in modules if m.startswith("landcover.stages")}, stage
        assert len(path.read_text().splitlines()) <= MOST_LINES_OF_A_STAGE, stage


def test_the_parts_are_told_in_order() -> None:
    folder = LIBRARY / "parts"
    assert {p.name for p in folder.iterdir() if (p / "__init__.py").exists()} == set(STORY)
    for path in folder.rglob("*.py"):
        part = path.relative_to(folder).parts[0]
        before = STORY[: STORY.index(part) + 1] if part in STORY else ()
        for module, _ in imports_of(path):
            names = module.split(".")
            if names[:2] == ["landcover", "parts"] and len(names) > 2 and names[2] in STORY:
                assert names[2] in before, f"{path.relative_to(folder)} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(LIBRARY)))
def test_clients_stay_in_their_room(path: Path) -> None:
    name = str(path.relative_to(LIBRARY))
    for module, typing_only in imports_of(path):
        owners = ONLY_IN.get(module.split(".")[0])
        if owners is None or typing_only:
            continue
        assert name in owners or name.split("/")[0] in owners, f"{name} imports {module}"


def test_the_simulator_shares_no_algorithm_with_the_library() -> None:
    for path in (LIBRARY / "simulate").glob("*.py"):
        rooms = {m.split(".")[1] for m, _ in imports_of(path) if m.startswith("landcover.")}
        assert rooms <= {"simulate", "nouns", "errors", "tiling", "recipe", "stores"}, path.name
        assert "landcover.tiling" not in {m for m, _ in imports_of(path)}, path.name


def test_the_front_door_opens_in_milliseconds() -> None:
    code = "import sys, landcover.api; print([m for m in sys.modules if '.' not in m])"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    for heavy in ("numpy", "rasterio", "xarray", "sklearn", "pandas", "dask", "airflow"):
        assert f"'{heavy}'" not in found


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("planning", ("numba", "sklearn", "matplotlib", "jinja2", "pandas", "scipy", "rasterio")),
        ("starting", ("numba", "sklearn", "matplotlib", "jinja2", "pandas", "scipy", "rasterio")),
        # Writing down that a worker was lost is no reason to import what it was working with.
        ("running", ("numba", "sklearn", "matplotlib", "jinja2", "pandas", "rasterio")),
    ],
)
def test_planning_and_starting_import_nothing_heavy(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, landcover.pipeline.{module}; print(*(m for m in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(absent) & set(found.stdout.split())


def test_no_dumping_grounds_and_no_giants() -> None:
    names = {path.stem for path in FILES}
    assert not names & {"utils", "helpers", "common", "misc", "tools"}
    giants = {str(p.relative_to(ROOT)) for p in FILES if len(p.read_text().splitlines()) > 400}
    assert not giants
