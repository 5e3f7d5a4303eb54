"""The classes of the second level of a map, with their colours and titles."""

from __future__ import annotations

from landcover.nouns.legend import Legend, LegendClass, LegendEntry
from landcover.nouns.model import ModelCard
from landcover.parts.task import Task


def second_legend_of(task: Task, card: ModelCard | None) -> dict[int, tuple[LegendClass, ...]]:
    """List the classes of the second level by class, with titles where the recipe has them."""
    inner = second_entries(task.recipe.labels.legend)
    titles = {(entry.code, entry.name): entry.title for entry in inner.values()}
    return {
        one.code: tuple(
            LegendClass(code=code, name=name, colour=colour, title=titles.get((code, name), name))
            for code, name, colour in zip(one.codes, one.names, one.colours, strict=True)
        )
        for one in (card.second if card else ())
    }


def second_entries(legend: Legend) -> dict[int, LegendEntry]:
    """Give the classes of the second level by their code, which is unique over the legend."""
    return {entry.code: entry for one in legend.classes for entry in one.second}
