"""Routes of the page; all are guarded, and none writes."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Header, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from landcover.errors import AbsentError, InputError, LandcoverError, UnavailableError, sentence_of
from landcover_airflow.page import estimating
from landcover_airflow.page.guard import (
    GetUserDep,
    logged_in,
    may_see_tasks,
    may_trigger,
    readable_dags,
)
from landcover_airflow.page.map_files import map_of, part_of
from landcover_airflow.page.reading import draw, read, read_file
from landcover_airflow.page.run_page import (
    changes_of,
    picture_of,
    repair_for,
    roster_of,
    runs_of,
    tile_of,
)

STATIC = Path(__file__).with_name("static")
VIEWER = Path(str(files("landcover"))) / "publish" / "viewer"
"""Scripts of the published page, which shows maps in the same way."""
FILES = {
    **{name: STATIC / f"{name}.html" for name in ("runs", "run", "map", "estimate")},
    **{name: STATIC / name
       for name in ("page.css", "theme.js", "runs.js", "run.js", "tiles.js", "repair.js",
                    "detail.js", "map.js", "estimate.js")},
    **{name: VIEWER / name
       for name in ("viewer.css", "cog.js", "placement.js", "painter.js", "layers.js",
                    "viewer.js")},
}  # fmt: skip
"""Last part of an address → file: nothing else is given out."""
HEADERS = {
    # Nothing comes from elsewhere, nothing is written into the page, and only Airflow frames it.
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

application = FastAPI(title="Land cover", docs_url=None, redoc_url=None, openapi_url=None)
OfARun = [Depends(may_see_tasks)]


@application.exception_handler(LandcoverError)
async def told(_request: Request, error: Exception) -> JSONResponse:
    """Answer with the sentence of an error."""
    assert isinstance(error, LandcoverError)
    status = {AbsentError: 404, UnavailableError: 503}.get(type(error))
    if status is None:
        status = 400 if isinstance(error, InputError) else 500
    return JSONResponse({"detail": sentence_of(error)}, status, HEADERS)


@application.get("/api/runs", dependencies=[Depends(logged_in)])
async def list_runs(user: GetUserDep) -> JSONResponse:
    """List the newest runs of DAGs that the user may see."""
    allowed = readable_dags(user)
    return JSONResponse(await read(lambda: runs_of(allowed)), headers=HEADERS)


@application.get("/api/dags/{dag_id}/runs/{run_id}/roster", dependencies=OfARun)
async def show_roster(dag_id: str, run_id: str) -> JSONResponse:
    """List what a run consists of."""
    return JSONResponse(await read(lambda: roster_of(dag_id, run_id)), headers=HEADERS)


@application.get("/api/dags/{dag_id}/runs/{run_id}/changes", dependencies=OfARun)
async def show_changes(dag_id: str, run_id: str, since: str = "") -> JSONResponse:
    """Give the units of a run that changed since the last look."""
    return JSONResponse(await read(lambda: changes_of(dag_id, run_id, since)), headers=HEADERS)


@application.get("/api/dags/{dag_id}/runs/{run_id}/repair", dependencies=OfARun)
async def show_repair(dag_id: str, run_id: str, cause: str) -> JSONResponse:
    """List what the browser has to ask Airflow to clear for the units of a cause."""
    return JSONResponse(await read(lambda: repair_for(dag_id, run_id, cause)), headers=HEADERS)


@application.get("/api/dags/{dag_id}/runs/{run_id}/map", dependencies=OfARun)
async def show_map(dag_id: str, run_id: str) -> JSONResponse:
    """Tell what the published map of a run is made of."""
    return JSONResponse(await read_file(lambda: map_of(dag_id, run_id)), headers=HEADERS)


@application.get("/api/dags/{dag_id}/runs/{run_id}/map/{report}/{name:path}", dependencies=OfARun)
async def show_part(
    dag_id: str,
    run_id: str,
    report: str,
    name: str,
    span: Annotated[str | None, Header(alias="Range")] = None,
) -> Response:
    """Give a part of a file of the published map of a run."""
    part = await read_file(lambda: part_of(dag_id, run_id, report, name, span))
    ranged = {"Content-Range": part.span} if part.span else {}
    headers = {**HEADERS, "Accept-Ranges": "bytes", **ranged}
    return Response(part.data, 206 if ranged else 200, headers, part.kind)


@application.get("/api/dags/{dag_id}/runs/{run_id}/tiles/{tile}", dependencies=OfARun)
async def show_tile(dag_id: str, run_id: str, tile: str) -> JSONResponse:
    """Tell what the seasons of a tile were made of, and what its map lacks."""
    return JSONResponse(await read(lambda: tile_of(dag_id, run_id, tile)), headers=HEADERS)


@application.get("/api/dags/{dag_id}/runs/{run_id}/tiles/{tile}/{output}.png", dependencies=OfARun)
async def show_picture(dag_id: str, run_id: str, tile: str, output: str) -> Response:
    """Give a small picture of a composite or a map of a tile."""
    picture = await draw(lambda: picture_of(dag_id, run_id, tile, output))
    # Another picture has another address: its name is made of all that it was made of.
    kept = HEADERS | {"Cache-Control": "private, max-age=86400, immutable"}
    return Response(picture, media_type="image/png", headers=kept)


@application.get("/api/dags/{dag_id}/estimate/form", dependencies=[Depends(may_trigger)])
async def show_fields(dag_id: str) -> JSONResponse:
    """List what an estimate is asked with."""
    return JSONResponse(estimating.form(), headers=HEADERS)


@application.get("/api/dags/{dag_id}/estimate", dependencies=[Depends(may_trigger)])
async def show_estimate(dag_id: str, request: Request) -> JSONResponse:
    """Tell what a run would take; whoever asks names folders, as who triggers the DAG does."""
    return JSONResponse(await estimating.estimated(request.query_params), headers=HEADERS)


@application.get("/{name}", dependencies=[Depends(logged_in)])
async def show_file(name: str) -> Response:
    """Give a file of the page."""
    if name not in FILES:
        return JSONResponse({"detail": "There is no such page."}, 404, HEADERS)
    return FileResponse(FILES[name], headers=HEADERS)
