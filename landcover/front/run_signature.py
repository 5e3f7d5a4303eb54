"""Signature and documentation of ``start_run``, made from the arguments of a run."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from textwrap import fill
from typing import Any, TypeVar

from landcover.nouns.run_arguments import NOT_OF_THE_RUN, Question, questions

F = TypeVar("F", bound=Callable[..., Any])


def with_run_arguments(function: F) -> F:
    """Show the arguments of a run as keywords of a function that takes them as ``**arguments``.

    ``help``, tab completion and :func:`inspect.signature` then tell each of them. In the docstring
    they take the place of the line on ``**arguments``.
    """
    asked = [question for question in questions() if question.name not in NOT_OF_THE_RUN]
    own = inspect.signature(function)
    kept = [p for p in own.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    shown = own.replace(parameters=[*kept, *map(_parameter, asked)])
    function.__signature__ = shown  # type: ignore[attr-defined]
    said = "\n".join(_described(question) for question in asked)
    function.__doc__ = re.sub(
        r"^ +\*\*arguments: .*$", lambda _: said, inspect.getdoc(function) or "", flags=re.MULTILINE
    )
    return function


def _parameter(question: Question) -> inspect.Parameter:
    field = question.field
    default = inspect.Parameter.empty if field.is_required() else field.default
    return inspect.Parameter(
        question.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=field.annotation,
    )


def _described(question: Question) -> str:
    empty = f" If absent: {question.asked.empty}." if question.asked.empty else ""
    text = f"{question.name}: {question.sentences('``')}{empty}"
    return fill(text, 96, initial_indent="    ", subsequent_indent="        ")
