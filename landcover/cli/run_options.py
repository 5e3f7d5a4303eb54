"""The options of ``landcover run``, made from the arguments of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from landcover.nouns.run_arguments import Question, questions

Command = Callable[..., Any]


def run_options(command: Command) -> Command:
    """Give a command an option for each argument of a run; the recipe is its argument."""
    for question in reversed(questions()):
        if question.name != "recipe":
            command = _option(question)(command)
    return command


def given_arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """Write what click read as arguments of a run."""
    given = {}
    for question in questions():
        if question.name in options:
            given[question.name] = _value(question, options[question.name])
    return given


def _value(question: Question, value: Any) -> Any:
    if question.asked.kind == "list":
        return [word.strip() for word in value.split(",") if word.strip()]
    if question.asked.kind == "paths":
        return ",".join(value) or None
    return list(value) if question.asked.kind == "pairs" else value


def _option(question: Question) -> Callable[[Command], Command]:
    asked, field = question.asked, question.field
    name = asked.option or "--" + question.name.replace("_", "-")
    default = [] if field.is_required() else [field.default]
    shown = f" [default: {asked.empty}]." if asked.empty else ""
    several = " Several times, one each." if asked.kind in ("paths", "pairs") else ""
    options: dict[str, Any] = {
        "type": _type(question),
        "metavar": asked.metavar,
        "help": question.sentences() + several
        if not shown
        else question.sentences().removesuffix(".") + shown,
        "required": field.is_required(),
    }
    if asked.kind == "flag":
        return click.option(name, question.name, is_flag=True, help=question.sentences())
    if asked.kind in ("paths", "pairs"):
        options["multiple"] = True
    elif default:
        options["default"] = "" if asked.kind == "list" else default[0]
    return click.option(name, question.name, **options)


def _type(question: Question) -> Any:
    if question.choices:
        return click.Choice(question.choices)
    if question.asked.kind in ("path", "paths", "file"):
        return click.Path(exists=True, dir_okay=question.asked.kind != "file")
    return next((kind for kind in (int, float) if question.has_type(kind)), str)
