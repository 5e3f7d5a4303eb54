"""Sample sets leave as files, come back as libraries, and say where they come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from landcover import api
from landcover.analysis.sample_files import OURS, export_samples, read_samples
from landcover.cli import cli
from landcover.errors import InputError, UsageError
from landcover.features.normalisation import paper_columns
from landcover.ledger.lookup import find_samples
from landcover.nouns.deck_table import COLUMNS as DECK_COLUMNS
from landcover.simulate import simulate

pytestmark = pytest.mark.slow

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
ONE_SEASON = "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]"
FEW = (
    ONE_SEASON, "model.trees=10", "composite.layers=[B02,B03,B04,B08,B11]",
    "features.indices=[ndvi]", "features.terrain=[slope,dem]",
)  # fmt: skip


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return simulate(
        tmp_path_factory.mktemp("samples") / "region", tiles=("30SUF",), pixels=240,
        points_per_class=12, seed=5,
    )  # fmt: skip


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return simulate(
        tmp_path_factory.mktemp("samples") / "other", tiles=("31TCJ",), pixels=240,
        points_per_class=12, seed=6,
    )  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("sets")))
        yield api.open_workspace()


def run(region: Any, name: str, *overrides: str, **options: Any) -> dict[str, Any]:
    given = {"labels": str(region.labels), "until": "train", **options}
    api.start_run(
        name, RECIPE, year=region.year, products=str(region.products), dem=str(region.dem),
        overrides=[*(overrides or FEW)], **given,
    )  # fmt: skip
    return api.run_inline(name)


def card_of(workspace: Any, name: str) -> Any:
    state = workspace.records.find("units", {"run": name, "stage": "train"})[0]
    found = [workspace.records.get("outputs", key) for key in state["outputs"]]
    return api.load_model(next(o["_id"] for o in found if o["wanted"]["unit"] == "model")).card


@pytest.fixture(scope="module")
def full(region: Any, workspace: Any) -> Any:
    """A sample set with all features of one season."""
    assert run(region, "full", ONE_SEASON, "model.trees=5")["state"] == "done"
    return find_samples(workspace, "full")


@pytest.fixture(scope="module")
def library(other: Any, workspace: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples of another region as a file."""
    assert run(other, "elsewhere")["state"] == "done"
    path = tmp_path_factory.mktemp("library") / "elsewhere.csv"
    export_samples(workspace, find_samples(workspace, "elsewhere"), path)
    return path


def call(workspace: Any, *arguments: str) -> Result:
    folder = Path(workspace.records.path).parent
    return CliRunner().invoke(cli, [*arguments, "--workspace", str(folder)])


def test_the_paper_layout_has_its_78_columns_and_numbers(
    workspace: Any, full: Any, tmp_path: Path
) -> None:
    path = tmp_path / "paper.csv"
    empty = export_samples(workspace, full, path, "paper")
    written = pd.read_csv(path)
    assert list(written.columns) == [*paper_columns(), *OURS]
    assert len(paper_columns()) == 78
    table = read_samples(workspace, full)
    assert len(written) == len(table)
    np.testing.assert_allclose(written["latitude"], table["lat"], rtol=0, atol=1e-9)
    # Table 2 of the paper: bands, AOT and WVP 0-7000 stored integers, terrain in its own units.
    stored = np.rint(table["summer_B02"].astype(float) * 10_000)
    np.testing.assert_allclose(written["summer_B02"], 2 * stored / 7000 - 1, atol=1e-6)
    stored = np.rint(table["summer_AOT"].astype(float) * 1000)
    np.testing.assert_allclose(written["summer_AOT"], 2 * stored / 7000 - 1, atol=1e-6)
    np.testing.assert_allclose(written["slope"], 2 * table["slope"] / 70 - 1, atol=1e-6)
    np.testing.assert_allclose(written["aspect"], 2 * table["aspect"] / 360 - 1, atol=1e-6)
    np.testing.assert_allclose(written["dem"], 2 * table["dem"] / 2000 - 1, atol=1e-6)
    np.testing.assert_allclose(written["summer_ndvi"], table["summer_ndvi"], atol=1e-6)
    assert len(empty) == 46
    assert written[list(empty)].isna().all().all()
    assert set(written["layout"]) == {"paper"}
    names = written["summer_product_name"].unique()
    assert len(names) == 1
    assert all(name.startswith("S2") for name in names[0].split(";"))


def test_worked_numbers_of_table_2(workspace: Any, full: Any) -> None:
    from landcover.analysis.sample_files import _scaled

    def one(value: float, column: str) -> float:
        return float(_scaled(np.array([value], np.float32), column)[0])

    assert one(0.175, "spring_B02") == -0.5
    assert one(0.7, "autumn_B8A") == 1.0
    assert one(1.05, "summer_B12") == 2.0
    assert one(35, "slope") == 0.0
    assert one(90, "aspect") == -0.5
    assert one(500, "dem") == -0.5
    assert one(-10, "dem") == pytest.approx(-1.01)
    assert one(0.8, "spring_ndvi") == pytest.approx(0.8)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_own_layout_keeps_every_number(
    workspace: Any, full: Any, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"own{suffix}"
    assert export_samples(workspace, full, path) == ()
    written = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    table = read_samples(workspace, full)
    expected = [c for c in paper_columns() if not c.startswith(("spring", "autumn"))]
    assert list(written.columns) == [*expected, *OURS]
    for name in ("summer_B02", "summer_ndvi", "dem"):
        np.testing.assert_array_equal(written[name].astype(np.float32), table[name])
    np.testing.assert_array_equal(written["is_train"], table["is_train"])
    assert set(written["year"]) == {2021}
    assert written["simulated"].all()


def test_wrong_names_are_told(workspace: Any, full: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.csv or \.parquet"):
        export_samples(workspace, full, tmp_path / "x.xlsx")
    with pytest.raises(InputError, match=r"no sample set of workspace .*nor a run such a name"):
        find_samples(workspace, "nothing")
    assert find_samples(workspace, full.id[:9]).id == full.id


def test_a_library_trains_and_is_never_held_out(region: Any, workspace: Any, library: Path) -> None:
    assert run(region, "alone")["state"] == "done"
    assert run(region, "joined", samples=str(library))["state"] == "done"
    alone = read_samples(workspace, find_samples(workspace, "alone"))
    joined = read_samples(workspace, find_samples(workspace, "joined"))
    own = joined[joined["library"] == ""].reset_index(drop=True)
    pd.testing.assert_frame_equal(own[list(alone.columns)], alone)
    foreign = joined[joined["library"] != ""]
    assert set(foreign["library"]) == {"elsewhere.csv"}
    assert foreign["is_train"].all()
    assert set(foreign["tile"]) == {"31TCJ (2021)"}
    exported = pd.read_csv(library)
    assert len(foreign) == len(exported)
    card = card_of(workspace, "joined")
    parts = {part.library: part for part in card.provenance}
    assert parts["elsewhere.csv"].n_rows == len(exported)
    assert parts["elsewhere.csv"].sample_set == exported["sample_set"].iloc[0]
    assert (parts["elsewhere.csv"].year, parts["elsewhere.csv"].simulated) == (2021, True)
    assert parts[""].n_rows == len(alone), "the map's model learns from every label"
    assert sum(part.n_rows for part in card.provenance) == card.n_train_rows
    assert any(f"{len(exported)} training rows come from other runs" in n for n in card.notes)
    assert card.held_out.n == int((~alone["is_train"]).sum())
    assert card_of(workspace, "alone").provenance == ()


def test_what_is_held_out_here_does_not_train_through_a_library(
    region: Any, workspace: Any, tmp_path: Path
) -> None:
    run(region, "base")
    sample_set = find_samples(workspace, "base")
    path = tmp_path / "same-place.parquet"
    export_samples(workspace, sample_set, path)
    earlier = pd.read_parquet(path).assign(year=2019)
    earlier.to_parquet(path)
    assert run(region, "leak", samples=str(path))["state"] == "done"
    joined = read_samples(workspace, find_samples(workspace, "leak"))
    held = set(joined.loc[~joined["is_train"], "group"])
    foreign = joined[joined["library"] != ""]
    assert held
    assert not held & set(foreign["group"])
    assert len(foreign) > 0
    card = card_of(workspace, "leak")
    assert any("their group or place is held out here" in note for note in card.notes)
    # The same year of the same pixels is no second sample.
    path2 = tmp_path / "same-year.parquet"
    export_samples(workspace, sample_set, path2)
    assert run(region, "twice", samples=str(path2))["state"] == "done"
    again = read_samples(workspace, find_samples(workspace, "twice"))
    assert (again["library"] == "").all()


def test_a_library_alone_trains_a_map(region: Any, workspace: Any, library: Path) -> None:
    report = run(region, "only", samples=str(library), labels=None, until="publish")
    assert report["state"] == "done", report
    stages = {state["stage"] for state in workspace.records.find("units", {"run": "only"})}
    assert {"train", "classify", "publish"} <= stages
    assert not {"sample", "validate"} & stages
    card = card_of(workspace, "only")
    assert card.held_out is not None
    assert any("other places or years alone" in note for note in card.notes)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.drop(columns="label"), "have no column label"),
        (lambda t: t.drop(columns=["summer_B11", "slope"]),
         r"lack 2 of the run's 8 features: slope, summer_B11\. Leave them out of the run: "
         r"--set composite\.layers=\[B02,B03,B04,B08\] --set features\.terrain=\[dem\]\."),
        (lambda t: t.assign(label="tundra"), "'tundra' are not classes of the legend"),
        (lambda t: t.assign(code=t["code"] + 1), "the samples are of another legend"),
        (lambda t: t.assign(summer_B02=t["summer_B02"] * 10_000), "not stored integers"),
        (lambda t: t.assign(layout="paper"), "exported with --layout paper"),
        (lambda t: t.assign(latitude=t["latitude"] + 90), "row 1: latitude"),
        (lambda t: t.iloc[:0], "holds no samples"),
    ],
)  # fmt: skip
def test_a_library_that_does_not_fit_is_refused_before_anything_runs(
    region: Any, workspace: Any, library: Path, tmp_path: Path, change: Any, sentence: str
) -> None:
    path = tmp_path / "changed.csv"
    change(pd.read_csv(library)).to_csv(path, index=False)
    with pytest.raises(InputError, match=sentence) as caught:
        run(region, "refused", samples=str(path))
    assert "changed.csv" in str(caught.value)


def test_a_library_beside_a_model_is_refused(region: Any, workspace: Any, library: Path) -> None:
    run(region, "base")
    model = card_of(workspace, "base").id
    with pytest.raises(UsageError, match="give one"):
        run(region, "both", samples=str(library), model=model, labels=None)


def test_indices_of_a_library_follow_the_recipe(
    region: Any, workspace: Any, library: Path, tmp_path: Path
) -> None:
    table = pd.read_csv(library).drop(columns="summer_ndvi")
    path = tmp_path / "bands.csv"
    table.to_csv(path, index=False)
    assert run(region, "bands", samples=str(path))["state"] == "done"
    joined = read_samples(workspace, find_samples(workspace, "bands"))
    foreign = joined[joined["library"] != ""]
    ndvi = (foreign["summer_B08"] - foreign["summer_B04"]) / (
        foreign["summer_B08"] + foreign["summer_B04"]
    )
    np.testing.assert_allclose(foreign["summer_ndvi"], ndvi, rtol=1e-5)


def test_the_published_spectra_train_alone_and_beside_labels(
    region: Any, workspace: Any, data_dir: Path
) -> None:
    spectra = data_dir / "spectral-library" / "s2_l2a_monthly_spectra_labelled.parquet"
    assert run(region, "spectra", samples=str(spectra), labels=None)["state"] == "done"
    table = read_samples(workspace, find_samples(workspace, "spectra"))
    raw = pd.read_parquet(spectra)
    sample = table.iloc[0]
    mine = raw[(raw["sample_id"] == sample["point_id"]) & raw["season_clear"]]
    june = mine[mine["month"].str.endswith("-06")].sort_values("month")
    july = mine[mine["month"].str.endswith("-07")].sort_values("month")
    chosen = (june if len(june) else july).iloc[0]
    assert sample["summer_B08"] == np.float32(chosen["B08"] / 10_000)
    assert sample["dem"] == np.float32(chosen["elevation"])
    assert sample["source"] == chosen["source"]
    held, trained = (set(table.loc[table["is_train"] == side, "group"]) for side in (False, True))
    assert held
    assert not held & trained
    card = card_of(workspace, "spectra")
    assert not any(part.simulated for part in card.provenance)
    assert {part.library for part in card.provenance} == {spectra.name}
    assert card.class_counts[7] > 500
    assert run(region, "spectra-too", samples=str(spectra))["state"] == "done"
    both = {part.library: part for part in card_of(workspace, "spectra-too").provenance}
    assert both[""].simulated
    with pytest.raises(InputError, match=r"composite\.layers=\[B02,B03,B04,B05,B06,B07,B08,B11"):
        run(region, "whole", ONE_SEASON, samples=str(spectra))


def test_the_command_line(workspace: Any, full: Any, tmp_path: Path) -> None:
    listed = json.loads(call(workspace, "samples", "list", "--json").output)
    entry = next(one for one in listed if one["id"] == full.id)
    assert entry["runs"] == ["full"]
    assert entry["simulated"]
    assert full.id in call(workspace, "samples").output
    path = tmp_path / "out.parquet"
    done = call(workspace, "samples", "full", "--export", str(path), "--layout", "paper")
    assert done.exit_code == 0, done.output
    assert "empty, not in the set: spring_AOT" in done.output
    assert list(pd.read_parquet(path).columns)[:78] == paper_columns()
    assert call(workspace, "samples", "--export", str(path)).exit_code == 2
    assert call(workspace, "samples", "nobody").exit_code == 1


def test_the_deck_has_its_columns_first(workspace: Any, full: Any, tmp_path: Path) -> None:
    empty = export_samples(workspace, full, tmp_path / "deck.parquet", "deck")
    written, table = pd.read_parquet(tmp_path / "deck.parquet"), read_samples(workspace, full)
    assert tuple(written.columns[: len(DECK_COLUMNS)]) == DECK_COLUMNS
    assert "m01_B02" in empty
    assert not {"NDVI", "EVI2", "NDYI", "dem", "slope", "aspect"} & set(empty)
    np.testing.assert_array_equal(written["NDVI"], table["summer_ndvi"])
    assert written["ground_truth_index"].tolist() == table["code"].tolist()
    assert (written["split"] == "train").tolist() == table["is_train"].tolist()
    # Pixel centres of a tile whose corner is a multiple of 10 m.
    np.testing.assert_array_equal(written["x"] % 10, 5)
    np.testing.assert_array_equal(np.diff(written["y"]), -10 * np.diff(table["row"]))


def test_the_report_counts_draws_and_says_that_it_is_simulated(
    workspace: Any, full: Any, tmp_path: Path
) -> None:
    result = CliRunner().invoke(
        cli, ["samples", "full", "--export", str(tmp_path / "a.csv"), "--report",
              str(tmp_path / "report"), "--json"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    table = read_samples(workspace, full)
    counts = pd.read_csv(tmp_path / "report" / "counts.csv")
    assert counts["train_rows"].sum() == table["is_train"].sum()
    assert counts["test_rows"].sum() == (~table["is_train"]).sum()
    numbers = json.loads((tmp_path / "report" / "samples.json").read_text())
    by_name = {one["feature"]: one for one in numbers["histograms"]}
    assert len(by_name) == len(json.loads(result.output)["features"])
    for shares in by_name["summer_ndvi"]["shares"].values():
        assert sum(shares) == pytest.approx(1)
    page = (tmp_path / "report" / "index.html").read_text()
    assert "SIMULATED DATA" in page
    for name in ("map.svg", "histograms.svg"):
        assert (tmp_path / "report" / name).read_text().startswith("<?xml")
        assert name in page
