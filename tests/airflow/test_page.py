"""The page of a run's tiles in a running Airflow: guarded, read, looked at, its button pressed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import jwt
import pytest
import rasterio
from airflow_api import SECONDS, ask, ended, instances, log_of, token_of, trigger
from airflow_rest import until
from browsers import chromium
from unit_gate import Gate

from landcover import api
from landcover.airflow_process import RunningAirflow
from landcover.settings import in_environment, read_settings
from landcover.simulate import simulate

pytestmark = pytest.mark.slow
DAG, RUN = "landcover_map", "page-of-tiles"
GOOD, BAD, WORSE = "30SUF", "30SVF", "30SUG"
SEASON = "seasons=[{name: spring, primary_month: 3, fallback_month: 4}]"
API = f"/landcover/api/dags/{DAG}/runs/{RUN}"
SCRIPT = "%3Cscript%3Ealert(1)"


def refused(
    airflow: RunningAirflow, path: str, token: str | None = None, span: str = ""
) -> tuple[int, str]:
    """Ask for what is refused; give the status and the sentence."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Range": span} if span else {}
    with pytest.raises(HTTPError) as caught:
        urlopen(Request(airflow.url + path, headers=headers), timeout=60)
    return caught.value.code, str(json.loads(caught.value.read())["detail"])


@pytest.fixture(scope="module")
def failed(
    airflow: RunningAirflow, gate: Gate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningAirflow]:
    """A run of three tiles, of which two were lost for two causes."""
    region = simulate(
        tmp_path_factory.mktemp("page") / "region", tiles=[GOOD, BAD, WORSE], pixels=240,
        points_per_class=8, seasons=["spring"], only_usable=True, seed=3,
    )  # fmt: skip
    gate.end("collect", f"{BAD}.*", "input", RUN)
    gate.end("classify", WORSE, "defect", RUN)
    trigger(
        airflow, DAG, RUN,
        {
            "year": region.year, "products": str(region.products), "labels": str(region.labels),
            "overrides": [SEASON, "model.trees=3", "tolerance_percent=50"],
        },
    )  # fmt: skip
    try:
        assert ended(airflow, DAG, RUN) == "failed"
        yield airflow
    finally:
        gate.release()


def token_as(airflow: RunningAirflow, environment: dict[str, str], role: str | None) -> str:
    """Make the token of a person with another role."""
    own = token_of(airflow)
    claims = jwt.decode(own, options={"verify_signature": False})
    secret, kind = environment["AIRFLOW__API_AUTH__JWT_SECRET"], jwt.get_unverified_header(own)
    changed = {**claims, "sub": "another", "role": role, "jti": "another"}
    return jwt.encode(changed, secret, algorithm=kind["alg"])


@pytest.fixture(scope="module")
def viewer(airflow: RunningAirflow, environment: dict[str, str]) -> str:
    """Token of a person who may look and change nothing."""
    return token_as(airflow, environment, "VIEWER")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium("the page of tiles is not looked at in a browser") as opened:
        yield opened


def opened(browser: Any, airflow: RunningAirflow, token: str, scheme: str = "light") -> Any:
    """Open the page as a person who is logged in."""
    context = browser.new_context(
        viewport={"width": 1300, "height": 1000}, color_scheme=scheme, reduced_motion="reduce"
    )
    context.add_cookies([{"name": "_token", "value": token, "url": airflow.url}])
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.troubles = []
    page.on("console", lambda m: page.troubles.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.goto(f"{airflow.url}/landcover/run?dag_id={DAG}&run_id={RUN}")
    page.wait_for_selector("#rows tr")
    return page


def units_of(airflow: RunningAirflow) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["stage"], one["unit"]): one for one in ask(airflow, f"{API}/changes")["units"]}


def test_nobody_sees_it_who_has_not_logged_in(airflow: RunningAirflow) -> None:
    for path in ("/landcover/run", "/landcover/page.css", "/landcover/api/runs", f"{API}/roster"):
        assert refused(airflow, path)[0] == 401, path
    for path in ("/landcover/openapi.json", "/landcover/docs", "/landcover/..%2fguard.py"):
        assert refused(airflow, path, token_of(airflow))[0] == 404, path


def test_a_run_that_the_records_do_not_know_is_a_sentence(airflow: RunningAirflow) -> None:
    for run in ("never", SCRIPT):
        code, told = refused(
            airflow, f"/landcover/api/dags/{DAG}/runs/{run}/roster", token_of(airflow)
        )
        assert (code, "has nothing in the records" in told) == (404, True)
    code, told = refused(
        airflow, "/landcover/api/dags/landcover_shard/runs/a/changes", token_of(airflow)
    )
    assert "open the run of landcover_region" in told


def test_it_tells_what_airflow_tells(failed: RunningAirflow) -> None:
    """Of each lane the page and Airflow's grid say the same."""
    found = instances(failed, DAG, RUN)
    airflow_says = {(ti["task_id"], ti["map_index"]): ti["state"] for ti in found.values()}
    same = {"done": {"success"}, "failed": {"failed"}, "skipped": {"skipped"}}
    lanes: dict[tuple[str, int], set[str]] = {}
    for unit in units_of(failed).values():
        if unit["lane"]:
            task, place, part = unit["lane"]
            assert part is None
            lanes.setdefault((task, place), set()).add(unit["state"])
    assert {GOOD, BAD, WORSE} == {u["tile"] for u in units_of(failed).values() if u["tile"]}
    for lane, states in lanes.items():
        # A lane of several stages is what the gravest of them is.
        state = next(s for s in ("failed", "skipped", "done") if s in states)
        assert airflow_says[lane] in same[state], (lane, states)


def test_what_was_estimated_stands_beside_what_it_took(failed: RunningAirflow) -> None:
    told = ask(failed, f"{API}/changes")["estimate"]
    assert told["n_workers"] == 2  # as many as the cluster of these tests has
    assert told["expected"]["worker_hours"]["value"] > 0
    assert told["took"]["n_reused"] == 0
    assert told["took"]["wall_seconds"] > 0


def test_a_late_look_gives_what_changed(failed: RunningAirflow) -> None:
    whole = ask(failed, f"{API}/changes")
    again = ask(failed, f"{API}/changes?since={whole['cursor'].replace('+', '%2B')}")
    assert 0 < len(again["units"]) <= len(whole["units"])
    code, told = refused(failed, f"{API}/changes?since=now", token_of(failed))
    assert (code, "expected a moment" in told) == (400, True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_run_is_estimated_before_it_is_triggered(
    failed: RunningAirflow, browser: Any, tmp_path: Path, scheme: str
) -> None:
    conf = ask(failed, f"/api/v2/dags/{DAG}/dagRuns/{RUN}")["conf"]
    page = opened(browser, failed, token_of(failed), scheme)
    page.goto(f"{failed.url}/landcover/runs")
    page.click("text=What will a run take?")
    page.wait_for_selector("#field-products")
    page.fill("#field-year", str(conf["year"]))
    page.fill("#field-products", "/nowhere/<script>alert(1)</script>")
    page.click("#ask")
    page.wait_for_selector("#told.bad:not([hidden])")
    assert "/nowhere/<script>alert(1)</script>" in page.inner_text("#told")
    page.fill("#field-products", conf["products"])
    page.fill("#field-labels", conf["labels"])
    page.fill("#field-overrides", f"{SEASON}\nmodel.trees=3")
    page.press("#field-workers", "Enter")
    page.wait_for_selector("#found:not([hidden])")
    assert page.inner_text("#what").startswith("3 tiles, ")
    assert {"Wall time", "To keep", "Memory"} <= set(page.locator("#sums th").all_inner_texts())
    rows = page.locator("#stages tr").all_inner_texts()
    assert any(row.startswith("composite") and "earlier run" in row for row in rows)
    page.screenshot(path=tmp_path / f"estimate-{scheme}.png", full_page=True)
    # The browser itself tells of the answer with the sentence.
    assert [text for text in page.troubles if "400" not in text] == []
    page.context.close()


def test_who_may_not_trigger_may_not_ask_what_folders_hold(
    airflow: RunningAirflow, viewer: str
) -> None:
    for path in ("estimate/form", "estimate?recipe=recipes/mediterranean-rf.yaml"):
        assert refused(airflow, f"/landcover/api/dags/{DAG}/{path}", viewer)[0] == 403
    for query, said in (
        ("", "Nothing is filled in for recipe, year, products"),
        ("year=soon", "year: expected a whole number, found 'soon'"),
        ("colour=red", "'colour': no field of an estimate"),
    ):
        code, told = refused(
            airflow, f"/landcover/api/dags/{DAG}/estimate?{query}", token_of(airflow)
        )
        assert (code, said in told) == (400, True), told


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_shows_tiles_causes_and_one_tile(
    failed: RunningAirflow, browser: Any, tmp_path: Path, scheme: str
) -> None:
    page = opened(browser, failed, token_of(failed), scheme)
    assert page.inner_text("#estimate").startswith("Estimated ")
    assert ", took " in page.inner_text("#estimate")
    assert page.locator("#map polygon").count() == 3
    assert page.locator("#map polygon.failed").count() == 2
    causes = page.locator("#causes li").all_inner_texts()
    assert len(causes) == 2
    assert any("collect failed" in cause and f"{BAD} 2021-spring" in cause for cause in causes)
    page.focus(f"#map polygon[aria-label='{BAD}: failed']")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#detail h3:has-text('{BAD}: failed')")
    assert "as the test asks" in page.inner_text("#detail")
    assert page.locator("#detail img").count() == 0
    link = page.get_attribute("#detail a >> nth=0", "href")
    assert "/tasks/prepare.lane/mapped/" in link
    page.select_option("#state", "failed")
    assert page.inner_text("#shown").startswith("2 of ")
    page.fill("#search", WORSE.lower())
    assert page.inner_text("#shown").startswith("1 of ")
    page.screenshot(path=tmp_path / f"page-{scheme}.png", full_page=True)
    assert page.troubles == []
    page.context.close()


def test_one_tile_shows_what_it_was_made_of(
    failed: RunningAirflow, browser: Any, tmp_path: Path
) -> None:
    found = ask(failed, f"{API}/tiles/{GOOD}")
    (season,) = found["seasons"]
    (product, *_) = season["products"]
    page = opened(browser, failed, token_of(failed))
    # The button beside a lane in Airflow leads to its tile.
    task, place, _part = units_of(failed)["composite", f"{GOOD}.2021-spring"]["lane"]
    links = f"/api/v2/dags/{DAG}/dagRuns/{RUN}/taskInstances/{task}/links?map_index={place}"
    (link,) = ask(failed, links)["extra_links"].values()
    assert link.startswith(f"{failed.url}/landcover/run?")
    page.goto(link)
    page.wait_for_selector(f"#detail h4:has-text('{season['label']}')")
    assert product["name"] in page.inner_text("#detail .products")
    drawn = "[...document.querySelectorAll('#detail img')].map((i) => i.complete && i.naturalWidth)"
    until(lambda: page.evaluate(drawn) == [240, 240], SECONDS, "both pictures")
    page.screenshot(path=tmp_path / "tile.png", full_page=True)
    assert page.troubles == []
    page.context.close()
    # A composite of another tile is not given out under this one's name, nor is a file of disk.
    for path in (f"{BAD}/{season['output']}.png", f"{GOOD}/0123456789abcdef.png", "31UDS"):
        assert refused(failed, f"{API}/tiles/{path}", token_of(failed))[0] == 404, path
    assert refused(failed, f"{API}/tiles/{GOOD}/{season['output']}.png")[0] == 401


def test_who_may_only_look_is_told_so(failed: RunningAirflow, browser: Any, viewer: str) -> None:
    page = opened(browser, failed, viewer)
    page.click("#causes button >> nth=0")
    page.wait_for_selector("#told.bad")
    assert "You may not clear tasks of this DAG" in page.inner_text("#told")
    page.context.close()


def test_the_button_retries_just_those(failed: RunningAirflow, browser: Any, gate: Gate) -> None:
    before = units_of(failed)
    gate.release()
    page = opened(browser, failed, token_of(failed))
    with page.expect_response(lambda answer: "clearTaskInstances" in answer.url):
        page.click("#causes li:has-text('collect failed') button")
    page.wait_for_selector("#asking[open]")
    assert f"{BAD} 2021-spring" in page.inner_text("#asking-text")
    with page.expect_response(lambda answer: "clearTaskInstances" in answer.url) as answered:
        page.click("#asking-yes")
    asked = answered.value.request.post_data_json
    assert (asked["include_downstream"], asked["only_failed"]) == (False, False)
    lanes = {tuple(pair) for pair in asked["task_ids"] if isinstance(pair, list)}
    prepare = {place for task, place in lanes if task == "prepare.lane"}
    assert prepare == {before["collect", f"{BAD}.2021-spring"]["lane"][1]}
    cleared = {
        (one["task_id"], one["map_index"]) for one in answered.value.json()["task_instances"]
    }
    planners = {(task, -1) for task in asked["task_ids"] if isinstance(task, str)}
    assert {pair for pair in cleared if pair[1] >= 0} <= lanes
    assert cleared <= lanes | planners
    page.wait_for_function("document.getElementById('told').textContent.includes('are cleared')")
    page.context.close()
    state = ended(failed, DAG, RUN)
    assert state == "success", log_of(failed, instances(failed, DAG, RUN)["report", ""])[-8:]
    after = units_of(failed)
    prepared = [key for key in before if key[0] in ("collect", "mask", "composite", "terrain")]
    others = [key for key in prepared if not key[1].startswith(BAD)]
    assert others
    assert {key: after[key] for key in others} == {key: before[key] for key in others}
    assert {one["state"] for one in after.values()} <= {"done", "reused"}
    with in_environment(read_settings({}, workspace=str(failed.home.parent))):
        report = api.report(RUN)
    assert (report["state"], report["missing_tiles"]) == ("done", [])


def test_of_the_published_map_only_parts_of_its_files_are_given(
    failed: RunningAirflow, environment: dict[str, str]
) -> None:
    token, report = token_of(failed), str(ask(failed, f"{API}/map")["report"])
    files = f"{API}/map/{report}"
    (path,) = failed.home.parent.rglob(f"reports/{report}/map_32630.tif")
    headers = {"Authorization": f"Bearer {token}", "Range": "bytes=100-299"}
    with urlopen(Request(f"{failed.url}{files}/{path.name}", headers=headers), timeout=60) as got:
        assert got.status == 206
        assert got.headers["Content-Range"] == f"bytes 100-299/{path.stat().st_size}"
        assert got.read() == path.read_bytes()[100:300]
    some = "bytes=0-9"
    for address, code, sentence in (
        (f"{files}/index.html", 404, "is no file of the map"),
        (f"{files}/other.tif", 404, "has no file 'other.tif'"),
        (f"{files}/..%2F..%2Fmodels%2Fmodel.json", 404, "has no file"),
        (f"{files}/%2Fetc%2Fpasswd", 404, "has no file"),
        (f"{API}/map/{'0' * 16}/{path.name}", 404, "another run's, or was written anew"),
        (f"{files.replace(RUN, 'never')}/{path.name}", 404, "has nothing in the records"),
    ):
        told = refused(failed, address, token, some)
        assert told[0] == code, address
        assert sentence in told[1], address
    for span in ("", "bytes=9-0", "bytes=0-99999999", "bytes=-5", f"bytes={10**12}-{10**12 + 1}"):
        code, told_span = refused(failed, f"{files}/{path.name}", token, span)
        assert (code, "expected 'bytes=FIRST-LAST'" in told_span) == (400, True), span
    nobody = token_as(failed, environment, None)
    for address in (f"{API}/map", f"{files}/{path.name}"):
        assert refused(failed, address, None, some)[0] == 401
        assert refused(failed, address, nobody, some)[0] == 403


def test_the_published_map_is_looked_at(
    failed: RunningAirflow, browser: Any, tmp_path: Path
) -> None:
    """What the page tells under the pointer is what the file holds there."""
    report = str(ask(failed, f"{API}/map")["report"])
    (path,) = failed.home.parent.rglob(f"reports/{report}/map_32630.tif")
    page = opened(browser, failed, token_of(failed))
    page.click("#to-map")
    page.wait_for_selector("#map[data-painted=whole]")
    assert "SIMULATED" in page.inner_text("header")
    titles = {entry["code"]: entry["title"] for entry in ask(failed, f"{API}/map")["legend"]}
    seen = set()
    for x in range(350, 950, 60):
        page.mouse.move(x, 520)
        page.mouse.move(x + 1, 520)
        page.evaluate("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
        page.wait_for_selector("#class[data-state=told]")
        told, place = page.inner_text("#class").strip(), page.get_attribute("#class", "data-place")
        if place is None:
            assert told == ""
            continue
        _, level, column, row, _ = place.split("/")
        overview = {} if level == "0" else {"overview_level": int(level) - 1}
        with rasterio.open(path, **overview) as raster:
            code = int(raster.read(1)[int(row), int(column)])
        assert told.startswith(f"{titles[code]}, ")
        seen.add(code)
    assert seen
    page.check("#beside")
    page.evaluate("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
    page.wait_for_selector("#map[data-painted=whole]")
    page.screenshot(path=tmp_path / "map.png")
    assert page.troubles == []
    page.context.close()
