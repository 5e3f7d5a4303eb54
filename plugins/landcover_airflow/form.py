"""The trigger form of a run, made from its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

from landcover.nouns.classifiers import CLASSIFIERS
from landcover.nouns.run_arguments import HOW, RUN_ID, Question, questions
from landcover.nouns.shard import MOST_TILES
from landcover_airflow.form_fields import further_schema

if TYPE_CHECKING:
    from landcover_airflow.profile import Profile

LEDGER_RUN = "ledger_run"
"""Argument of a DAG: the run of the ledger that it writes to."""
SHARD_TILES = "shard_tiles"
"""Argument of a region: tiles of a shard at most."""
_NUMBERS = {int: "integer", float: "number"}
_LIMITS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum"}


def run_params() -> dict[str, Param]:
    """Make a field of the form for each argument of a run, in the order of the form."""
    fields = {question.name: _param(question) for question in questions()}
    return {**fields, LEDGER_RUN: ledger_run_param()}


def region_params() -> dict[str, Param]:
    """Make the fields of a region: those of a run, and how large its shards are."""
    most = Param(
        MOST_TILES,
        type="integer",
        minimum=1,
        maximum=MOST_TILES,
        title="Tiles of a shard",
        description_md="Tiles that one run of landcover_shard works on at most. Smaller shards "
        "end earlier; each costs some seconds.",
        section=HOW,
    )
    return {**run_params(), SHARD_TILES: most}


def shard_params() -> dict[str, Param]:
    """Make the fields of a run of a shard: ``landcover_region`` fills them in."""
    number: dict[str, Any] = {"type": ["null", "number"], "exclusiveMinimum": 0}
    return {
        LEDGER_RUN: Param(
            "", type="string", title="Run in the records", description_md="Run of the region."
        ),
        "shard": Param(
            "", type="string", title="Shard", description_md="Its name, such as prepare-01."
        ),
        "earlier_attempts": Param(
            0,
            type="integer",
            minimum=0,
            title="Earlier attempts",
            description_md="Attempts that its units have had in other runs.",
        ),
        "memory_gb": Param(
            None, **number, title="Memory (GB)", description_md="Memory of one job, GB."
        ),
        "threads": Param(None, **number, title="Threads", description_md="Threads of one job."),
    }


def ledger_run_param() -> Param:
    """Make the field of the run of the ledger that a DAG run writes to."""
    return Param(
        None,
        type=["null", "string"],
        pattern=f"{RUN_ID.pattern}|^$",
        title="Run in the records",
        description_md="Name of the run in the records, such as flanders-2021. If empty: that "
        "of the DAG run.",
        section=HOW,
    )


def run_of_a_partition_param() -> Param:
    """Make that field for a DAG whose runs have a partition key: one value may serve several."""
    field = ledger_run_param()
    field.schema["description_md"] = (
        "Name of the run in the records, such as flanders; the partition key is put behind it, "
        "so that each run of a backfill has its own (flanders.2021-spring). If empty: that of the "
        "DAG run."
    )
    return field


def how_it_runs(profile: Profile | None, *, by_partition: bool = False) -> dict[str, Param]:
    """Make the fields of a DAG whose arguments come from the profile: only how it runs is asked.

    Args:
        profile: The profile; None where it is wrong.
        by_partition: True for a DAG whose runs have a partition key.
    """
    fields = {name: run_params()[name] for name in ("memory_gb", "threads")}
    fields[LEDGER_RUN] = run_of_a_partition_param() if by_partition else ledger_run_param()
    for name, field in fields.items():
        said = getattr(profile, name, None)
        if said is not None:
            field.value = said
    return fields


def _param(question: Question) -> Param:
    asked = question.asked
    schema = _schema(question)
    if asked.section:
        schema["section"] = asked.section
    default = schema.pop("default")
    schema = {"description_md": _described(question), **schema}
    schema |= further_schema(question.name, schema)
    # The page draws words in code style over the line above them.
    schema["description_md"] = schema["description_md"].replace("`", "")
    return Param(default, title=asked.title, **schema)


def _described(question: Question) -> str:
    said = question.sentences("`")
    if question.asked.kind == "paths":
        said = f"{said} Several with commas between."
    if question.asked.kind == "pairs":
        kinds = ", ".join(f"`{kind}`" for kind in CLASSIFIERS)
        said = f"{said} One per line. `model.kind` is one of {kinds}."
    empty = question.asked.empty
    return f"{said} If empty: {empty}." if empty else said


def _schema(question: Question) -> dict[str, Any]:
    """Give the JSON schema of a field; Airflow takes ``null`` for a field that may stay empty."""
    field, asked = question.field, question.asked
    limits = {
        _LIMITS[key]: getattr(limit, key)
        for limit in field.metadata
        for key in _LIMITS
        if hasattr(limit, key)
    }
    number = next((name for kind, name in _NUMBERS.items() if question.has_type(kind)), None)
    if asked.kind == "flag":
        return {"default": field.default, "type": "boolean"}
    if asked.kind == "list":
        kinds = ["null", "array", "string"]
        return {"default": None, "type": kinds, "items": {"type": "string"}}
    if asked.kind == "pairs":
        return {"default": [], "type": ["null", "array"], "items": {"type": "string"}}
    if field.is_required():
        first = field.examples[0] if field.examples else ""
        text = {} if number else {"minLength": 1}
        return {"default": first, "type": number or "string", **text, **limits}
    if field.default is not None:
        return {"default": field.default, "type": "string", **_words(question)}
    kinds = ["null", number or "string"]
    return {"default": None, "type": kinds, **_words(question, None), **limits}


def _words(question: Question, *others: None) -> dict[str, Any]:
    """Give what may be chosen; nothing chosen would be shown as ``null``."""
    if not question.choices:
        return {}
    shown = {"values_display": {"null": question.asked.empty or "none"}} if others else {}
    return {"enum": [*others, *question.choices], **shown}
