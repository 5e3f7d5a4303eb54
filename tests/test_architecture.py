"""Which room may import which (docs/architecture.md): read from the code's own imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from landcover.nouns.stages import STAGES

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "landcover"
EVERYWHERE = {"errors", "nouns", "tiling", "recipe"}

# Room → rooms of ours that it may import, beside itself and the four that may be imported
# everywhere.
ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "nouns": set(),
    "tiling": set(),
    "recipe": set(),
    "settings": set(),
    "compiled": set(),
    "raster": {"compiled"},
    "learn": {"compiled"},
    "stores": set(),
    "products": {"stores"},
    "sources": {"products", "stores"},
    "labels": {"stores"},
    "ledger": {"stores"},
    "publish": {"raster", "stores"},
    "simulate": set(),
    "execution": {"api"},
    # What stages are made of: what they share, and a folder for each chapter of the story, which
    # may read those before it. Features are of what was prepared; training and mapping use them.
    "parts": {"labels", "stores", "sources", "ledger"},
    "parts.preparation": {"parts", "raster", "products", "sources", "stores", "ledger",
                          "publish"},
    "features": {"parts", "parts.preparation", "raster", "stores"},
    "parts.training": {"parts", "features", "raster", "learn", "labels", "stores", "ledger",
                       "publish"},
    "parts.mapping": {"parts", "parts.preparation", "parts.training", "features", "raster",
                      "learn", "labels", "stores", "ledger", "publish"},
    "parts.validation": {"parts", "parts.training", "parts.mapping", "features", "learn",
                         "labels", "stores", "ledger", "publish"},
    "parts.reporting": {"parts", "parts.preparation", "parts.training", "parts.validation",
                        "publish", "labels", "stores", "ledger"},
    "stages": {"parts", "features", "learn", "sources", "ledger", "stores"},
    "pipeline": {"stages", "parts", "analysis", "raster", "products", "sources", "stores",
                 "ledger", "publish"},
    "analysis": {"parts", "features", "raster", "learn", "labels", "sources", "stores", "ledger",
                 "publish"},
    "front": {"analysis", "pipeline", "parts", "ledger", "stores", "settings"},
    "views": {"front", "parts", "features", "raster", "learn", "labels", "products", "ledger",
              "stores"},
    "airflow_process": {"settings", "execution"},
    "api": {"front", "views", "features", "learn", "labels", "raster", "simulate"},
    # Kernels are measured as they are, below the front door.
    "bench": {"api", "compiled", "simulate", "settings", "stores", "ledger", "airflow_process",
              "raster", "learn", "labels", "parts", "products", "publish", "stages"},
    "cli": {"api", "settings", "pipeline", "analysis", "parts", "products", "stores", "ledger",
            "simulate", "bench", "views", "airflow_process", "publish"},
    "__main__": {"cli"},
    "__init__": set(),
}  # fmt: skip
CHAPTERS = {room for room in ROOMS if room.startswith("parts.")}
BELOW = {*CHAPTERS, "features"}
"""Rooms for which the chapters that they may read are named one by one."""

# What Airflow reads: a DAG names stages and puts groups together; an operator asks the front door
# to work, names the unit on the cluster, and decides by the unit's state and the error's family.
AIRFLOW: dict[str, set[str]] = {
    "dags": {"landcover.nouns", "landcover_airflow"},
    "plugins": {"landcover.api", "landcover.errors", "landcover.execution", "landcover.ledger",
                "landcover.nouns", "landcover.settings", "landcover_airflow"},
}  # fmt: skip

MOST_LINES_OF_A_STAGE = 120

# Packages that only the named files of the library may import.
ONLY_IN = {
    "airflow": set[str](),
    # The bench calls it as a rival, and writes files as a provider would.
    "rasterio": {
        "stores",
        "simulate/files.py",
        "bench/mosaic.py",
        "bench/deliveries.py",
        "bench/plain/polygons.py",
    },
    "dask": {"execution.py", "views/blocks.py"},
    "distributed": {"execution.py"},
    "sqlite3": {"stores/records.py", "stores/read_only.py"},
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
FOUR = {"errors": set[str](), "nouns": {"errors"}}


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
    return room_named(path.relative_to(ROOT).with_suffix("").parts)


def room_named(names: Sequence[str]) -> str:
    """Name the room of a module: of parts, each folder is one."""
    is_folder = names[1] == "parts" and len(names) > 2 and (LIBRARY / "parts" / names[2]).is_dir()
    return f"parts.{names[2]}" if is_folder else names[1]


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
        target = room_named(module.split("."))
        if room in FOUR and target != room:
            allowed = target in FOUR[room]
        else:
            # What may read parts may read all of them, unless a folder is named.
            allowed = target in EVERYWHERE | ROOMS[room] | {room} or (
                target.startswith("parts.") and "parts" in ROOMS[room] and room not in BELOW
            )
        if not allowed:
            wrong.append(module)
    assert not wrong, f"{room} may not import {wrong}"


def test_nothing_that_makes_maps_imports_the_bench_or_the_simulator() -> None:
    apart = {"bench", "simulate"}
    readers = {room for room, targets in ROOMS.items() if targets & apart}
    # The command line offers both; the front door offers the simulator when it is asked for.
    assert readers - apart == {"cli", "api"}
    assert ROOMS["api"] & apart == {"simulate"}
    assert apart & (EVERYWHERE | {"compiled"}) == set()
    for path in FILES:
        if room_of(path) not in apart | {"cli", "api"}:
            assert "landcover.bench" not in path.read_text(), path
            assert "landcover.simulate" not in path.read_text(), path


def test_every_arrow_is_used() -> None:
    used = {
        (room_of(path), room_named(module.split(".")))
        for path in FILES
        for module, _ in imports_of(path)
        if module.startswith("landcover.")
    }
    used |= {(room, "parts") for room, target in used if target.startswith("parts.")}
    drawn = {(room, target) for room, targets in ROOMS.items() for target in targets}
    assert sorted(drawn - used) == [], "arrows that nobody uses: draw what is true"


def test_there_are_no_circles() -> None:
    drawn = {
        room: targets | (CHAPTERS - {room} if "parts" in targets and room not in BELOW else set())
        for room, targets in ROOMS.items()
    }
    assert len(list(TopologicalSorter(drawn).static_order())) == len(ROOMS)


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


def test_the_masks_of_the_deck_do_not_load_the_filters_of_ours() -> None:
    modules = ("mask_refining", "mask_season")
    loaded = "; ".join(f"import landcover.parts.preparation.{module}" for module in modules)
    code = f"import sys; {loaded}; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "numba" in found.stdout.split()
    assert "scipy.ndimage" not in found.stdout.split()


def test_no_dumping_grounds_and_no_giants() -> None:
    names = {path.stem for path in FILES}
    assert not names & {"utils", "helpers", "common", "misc", "tools"}
    giants = {str(p.relative_to(ROOT)) for p in FILES if len(p.read_text().splitlines()) > 400}
    assert not giants
