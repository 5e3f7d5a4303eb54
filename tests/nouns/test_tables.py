"""The tables of formats, product kinds and sources, and the arguments of a run."""

from __future__ import annotations

import inspect
import subprocess
import sys

import click
import pytest

from landcover import api
from landcover.cli.run import command
from landcover.errors import UsageError
from landcover.nouns import label_formats, product_kinds, source_kinds
from landcover.nouns.run import Run
from landcover.nouns.run_arguments import NOT_OF_THE_RUN, RunArguments, questions
from landcover.sources import addresses

TABLES = ("label_formats", "product_kinds", "source_kinds", "run_arguments")


@pytest.mark.parametrize("table", TABLES)
def test_listing_a_table_imports_nothing_heavy(table):
    code = (
        f"import sys; from landcover.nouns import {table} as table; "
        "getattr(table, 'listed', getattr(table, 'questions', None))(); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pandas", "sklearn", "numba", "rasterio", "pyogrio", "pyarrow", "requests"}
    assert not heavy & set(found.stdout.split())


def test_every_row_leads_to_its_functions(tmp_path):
    for row in product_kinds.KINDS:
        assert row.recognises(tmp_path) is False, row.name
    names = [row.name for row in product_kinds.KINDS]
    assert len(set(names)) == len(names) >= 2
    for source in source_kinds.KINDS:
        assert source_kinds.kind_of(source.address + "x" * (not source.is_word)) is source


def test_the_documents_list_what_the_tables_do():
    for source in source_kinds.KINDS:
        assert source.address in (addresses.__doc__ or ""), source.address
    root = label_formats.__file__.rpartition("/landcover/")[0]
    with open(f"{root}/docs/labels.md") as stream:
        said = stream.read()
    for suffix in label_formats.suffixes():
        assert suffix in said, suffix


def test_the_command_line_asks_for_every_argument():
    options = {p.name: p for p in command.params if isinstance(p, click.Option)}
    for question in questions():
        if question.name == "recipe":
            continue
        option = options[question.name]
        assert option.help, question.name
        assert option.required == question.field.is_required()
        assert question.asked.example in option.help
    assert [p.name for p in command.params if isinstance(p, click.Argument)] == ["recipe"]


def test_the_record_of_a_run_keeps_what_was_always_in_it():
    kept = [
        "tiles", "year", "products", "labels", "dem", "model", "samples", "test_labels",
        "test_design", "until", "only",
    ]  # fmt: skip
    # What came later is named where it is given only.
    assert list(RunArguments.model_fields) == [*kept, "region", "label_map", "season"]
    run = Run(
        id="r", recipe_id="x", label_id=None, simulated=False,
        arguments=RunArguments(tiles=("30SUF",), year=2021, products="p"),
    )  # fmt: skip
    assert list(run.to_document()["arguments"]) == kept


def test_start_run_shows_every_argument():
    shown = inspect.signature(api.start_run).parameters
    assert list(shown)[:2] == ["run_id", "recipe"]
    for question in questions():
        if question.name in NOT_OF_THE_RUN[1:]:
            assert question.name not in shown
            continue
        assert f"{question.name}: " in (api.start_run.__doc__ or "")
    assert shown["year"].default is inspect.Parameter.empty
    assert shown["until"].default == "publish"
    with pytest.raises(TypeError):
        api.start_run("run")
    with pytest.raises(UsageError, match="yaer"):
        api.start_run("run", "recipes/mediterranean-rf.yaml", yaer=2021, products="google")
