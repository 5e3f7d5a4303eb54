"""What a run would take, for a person who has not triggered it yet.

Recipe, products and labels are read in a process of its own: the API server loads no raster or
learning package for it, and a reader that hangs or breaks takes nothing with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

import anyio

from landcover.errors import InputError, LandcoverError, UnavailableError, sentence_of
from landcover_airflow.form import run_params
from landcover_airflow.recipes import recipe_address

FIELDS = (
    "recipe", "year", "products", "labels", "dem", "region", "tiles", "model", "until", "overrides",
)  # fmt: skip
"""Fields of the form of ``landcover_map`` that decide what a run takes."""
WORKERS = "workers"
SECONDS = 60.0
"""An estimate is given up after this long, waiting for an earlier one included, seconds."""
_CHILD = "from landcover_airflow.page.estimating import answer; answer()"


def form() -> list[dict[str, Any]]:
    """List the fields as the form of a run has them: name, title, help, kind, value, choices."""
    params = run_params()
    fields = [_field(name, params[name].value, params[name].schema) for name in FIELDS]
    workers = {
        "type": "integer",
        "title": "Workers",
        "description_md": "Units at a time: workers of the Dask cluster.",
    }
    return [*fields, _field(WORKERS, 1, workers)]


def _field(name: str, value: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
    types = schema.get("type", ())
    types = [types] if isinstance(types, str) else types
    kind = "number" if {"integer", "number"} & set(types) else "text"
    if "array" in types or schema.get("format") == "multiline":
        kind = "lines"
    return {
        "name": name,
        "title": schema["title"],
        "help": schema["description_md"],
        "kind": kind,
        "value": "" if value is None or value == [] else value,
        "choices": [word for word in schema.get("enum", ()) if word is not None],
        "examples": list(schema.get("examples", ())),
    }


def asked(query: Mapping[str, str]) -> dict[str, Any]:
    """Read what was filled in; empty fields are left out.

    Raises:
        InputError: A field is unknown, or a number is none.
    """
    found: dict[str, Any] = {}
    for name, text in query.items():
        if name not in (*FIELDS, WORKERS):
            raise InputError(f"{name!r}: no field of an estimate. Known: {', '.join(FIELDS)}.")
        text = text.strip()
        if not text:
            continue
        if name in ("year", WORKERS):
            if not text.isascii() or not text.isdecimal():
                raise InputError(f"{name}: expected a whole number, found {text!r}.")
            found[name] = int(text)
        elif name == "tiles":
            found[name] = text.replace(",", " ").split()
        elif name == "overrides":
            found[name] = [line.strip() for line in text.splitlines() if line.strip()]
        else:
            found[name] = text
    if missing := [name for name in ("recipe", "year", "products") if name not in found]:
        raise InputError(f"Nothing is filled in for {', '.join(missing)}: an estimate needs it.")
    return found


async def estimated(query: Mapping[str, str]) -> dict[str, Any]:
    """Estimate a run in a process of its own, one at a time.

    Args:
        query: Field → what was written there.

    Returns:
        As :func:`landcover.api.estimate`.

    Raises:
        InputError: What was filled in is wrong; the sentence says where.
        UnavailableError: The source does not answer, or not in time.
    """
    given = json.dumps(asked(query)).encode()
    path = os.pathsep.join(part for part in sys.path if part)
    try:
        with anyio.fail_after(SECONDS):
            async with _one_at_a_time():
                ended = await anyio.run_process(
                    [sys.executable, "-c", _CHILD],
                    input=given,
                    check=False,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": path},
                )
    except TimeoutError as error:
        raise UnavailableError(
            f"No estimate within {SECONDS:g} s: the source of the products is slow, or others are "
            "being made. Try again, or ask `landcover estimate`, which waits."
        ) from error
    lines = ended.stdout.decode().splitlines()
    if ended.returncode or not lines:
        raise UnavailableError(
            f"The process that estimates ended with {ended.returncode} and said nothing. Ask "
            "`landcover estimate` with the same values: it says more."
        )
    told: dict[str, Any] = json.loads(lines[-1])
    if "error" in told:
        raise (UnavailableError if told["is_away"] else InputError)(told["error"])
    return told


@cache
def _one_at_a_time() -> anyio.Semaphore:
    return anyio.Semaphore(1)


def answer() -> None:
    """Be the process: read a document from standard input, write the estimate as one line."""
    from landcover import api

    given = json.load(sys.stdin)
    try:
        recipe = recipe_address(given.pop("recipe"))
        told: Mapping[str, Any] = api.estimate(recipe, **given)
    except LandcoverError as error:
        told = {"error": sentence_of(error), "is_away": isinstance(error, UnavailableError)}
    except OSError as error:
        told = {"error": sentence_of(error), "is_away": False}
    print(json.dumps(told))
