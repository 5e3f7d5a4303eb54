"""The model of a run fitted again without parts of its samples, so that splits can be compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from landcover.features.normalisation import paper_limits
from landcover.learn.accuracy import NamesClasses
from landcover.learn.balancing import balance
from landcover.learn.bootstrap import Predictions, gap_between, shares_of
from landcover.learn.fitting import fit_recipe
from landcover.learn.folds import Folds, block_ids, row_folds, unit_folds
from landcover.learn.models import Model
from landcover.learn.sampling import thin_by_group
from landcover.learn.validation import cross_validate, repeat_held_out, score
from landcover.nouns.model import ModelCard
from landcover.nouns.validation import Gap, SplitName, SplitScore
from landcover.parts.task import Job
from landcover.recipe import ModelRecipe, Validation

MOST_REGIONS = 10
"""Tiles or files up to which one is left out after the other; of more, parts of them all."""
ORDER: tuple[SplitName, ...] = (
    "rows", "held-out", "groups", "blocks", "tiles", "sources", "independent",
)  # fmt: skip
"""Splits from the most flattering on."""
_ELSEWHERE: tuple[SplitName, ...] = ("blocks", "tiles", "sources", "groups")
# Splits that test where the model was not trained, the usual one first.
_COLUMNS = ["code", "group", "point_id", "dx", "dy", "lon", "lat", "tile", "source"]

Progress = Callable[[float, str], None]


@dataclass
class ValidationScores:
    """What was measured, split by split."""

    names: NamesClasses
    """Names the classes."""
    seed: int
    """Seed of folds, fits and resampling."""
    predictions: dict[SplitName, Predictions] = field(default_factory=dict)
    scores: dict[SplitName, SplitScore] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    n_rows: int = 0
    """Rows of the fits."""

    def add(self, name: SplitName, predictions: Predictions, *, n_folds: int = 1) -> None:
        """Take in the answers under one split; where the map has none, nothing is judged."""
        is_counted = predictions.mapped > 0
        predictions = Predictions(
            predictions.mapped[is_counted],
            predictions.reference[is_counted],
            predictions.groups[is_counted],
        )
        self.predictions[name] = predictions
        self.scores[name] = score(
            predictions, name, legend=self.names, n_folds=n_folds, seed=self.seed
        )

    def splits(self) -> tuple[SplitScore, ...]:
        """List the scores, the most flattering split first."""
        return tuple(self.scores[name] for name in ORDER if name in self.scores)

    def gaps(self) -> tuple[Gap, ...]:
        """Compare what flatters with other places and with independent points."""
        first: SplitName = "rows" if "rows" in self.predictions else "held-out"
        away = next((name for name in _ELSEWHERE if name in self.predictions), first)
        pairs: tuple[tuple[SplitName, SplitName], ...] = (
            (first, "independent"), (first, away), (away, "independent"),
        )  # fmt: skip
        return tuple(
            self._gap(one, other)
            for one, other in dict.fromkeys(pairs)
            if one != other and one in self.predictions and other in self.predictions
        )

    def _gap(self, first: SplitName, second: SplitName) -> Gap:
        one, other = self.predictions[first], self.predictions[second]
        codes = np.union1d(one.reference, other.reference).tolist()
        return gap_between(
            shares_of(one, codes),
            shares_of(other, codes),
            (first, second),
            [(code, self.names.name_of(code)) for code in codes],
            seed=self.seed,
        )


def cross_validated(
    found: ValidationScores,
    samples: pd.DataFrame,
    card: ModelCard,
    recipe: ModelRecipe,
    rules: Validation,
    job: Job,
) -> None:
    """Measure a model under every split of the recipe.

    Args:
        found: What is known so far; takes in the splits, and why one of them is absent.
        samples: All samples of the run.
        card: The model: its kind, features and parameters are those of the fits, but for the
            number of trees.
        recipe: How the samples are weighed and balanced.
        rules: Which splits, and how much they may cost.
        job: Threads, cancellation and progress.
    """
    table = samples[[*_COLUMNS, *card.features.names]]
    table = table[thin_by_group(table["code"], table["group"], rules.rows, seed=found.seed)]
    table = table.reset_index(drop=True)
    found.n_rows = len(table)
    if len(table) < len(samples):
        found.notes.append(
            f"Models of the splits were fitted on {len(table)} of {len(samples)} rows, whole "
            "groups of every class."
        )
    chosen = [
        what
        for what, was_chosen in (
            ("features", recipe.n_features is not None),
            ("settings of the model", card.search is not None),
        )
        if was_chosen
    ]
    if chosen:
        found.notes.append(
            f"The {' and '.join(chosen)} were chosen once, on the groups that train; the splits "
            "use that choice."
        )
    fit = _fitter(card, recipe, rules, job)
    steps = len(rules.splits) + 1
    for number, name in enumerate(rules.splits):
        folds, reason = _folds(name, table, rules, found.seed)
        if folds is None:
            found.notes.append(reason)
            continue
        n_folds = np.unique(folds).size
        predictions = cross_validate(
            table,
            folds,
            fit,
            seed=found.seed,
            keeps_groups=name != "rows",
            buffer_m=rules.buffer_m if name not in ("rows", "groups") else 0.0,
            progress=_part(job, number, steps, f"cross-validation by {name}"),
        )
        found.add(name, predictions, n_folds=n_folds)
    if "held-out" not in found.scores:
        return
    seeds = repeat_held_out(
        table,
        fit,
        range(found.seed, found.seed + rules.seeds),
        train_fraction=recipe.train_fraction,
        progress=_part(job, len(rules.splits), steps, "other seeds"),
    )
    found.scores["held-out"] = found.scores["held-out"].model_copy(update={"seeds": seeds})


def _fitter(
    card: ModelCard, recipe: ModelRecipe, rules: Validation, job: Job
) -> Callable[[pd.DataFrame, int], Model]:
    chosen = card.search.trials[card.search.chosen].settings if card.search else {}
    recipe = recipe.with_settings(chosen)
    recipe = recipe.model_copy(update={"trees": min(recipe.trees, rules.trees)})
    limits = paper_limits(card.features)

    def fit(rows: pd.DataFrame, seed: int) -> Model:
        job.check()
        if recipe.balance == "drop_neighbours":
            rows = rows[balance(rows, recipe.balance_target, seed=seed)]
        return fit_recipe(
            recipe, rows, card.features.names, limits=limits, seed=seed, threads=job.threads
        )

    return fit


def _folds(
    name: str, table: pd.DataFrame, rules: Validation, seed: int
) -> tuple[Folds | None, str]:
    """Deal the rows to folds; or say why that is not possible."""
    codes = table["code"].to_numpy()
    if name == "rows":
        return row_folds(codes, rules.folds, seed=seed), ""
    if name == "blocks":
        units = block_ids(table["lon"], table["lat"], table["group"], block_m=1000 * rules.block_km)
        what = f"all samples lie in one block of {rules.block_km:g} km"
    else:
        column = {"groups": "group", "tiles": "tile", "sources": "source"}[name]
        units = table[column].to_numpy().astype(str)
        what = f"all samples are of one {column}"
    n = np.unique(units).size
    if n < 2:
        return None, f"Not measured by {name}: {what}."
    most = rules.folds if name in ("groups", "blocks") else MOST_REGIONS
    return unit_folds(codes, units, min(n, most), seed=seed), ""


def _part(job: Job, number: int, steps: int, what: str) -> Callable[[float], None]:
    return lambda share: job.progress((number + share) / steps, what)
