"""The model of a run fitted again without parts of its samples, so that splits can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.features.normalisation import paper_limits
from landcover.learn.accuracy import NamesClasses
from landcover.learn.bootstrap import Predictions, gap_between, shares_of
from landcover.learn.fitting import fit_recipe
from landcover.learn.folds import Folds, block_ids, row_folds, unit_folds
from landcover.learn.models import Model
from landcover.learn.out_of_fold import balanced, may_judge, may_train
from landcover.learn.sampling import thin_by_group
from landcover.learn.validation import cross_validate, repeat_held_out, score
from landcover.nouns.model import ModelCard
from landcover.nouns.uses import USE
from landcover.nouns.validation import Gap, RegionCoverage, SplitName, SplitScore
from landcover.parts.task import Job
from landcover.parts.training.split_model import chosen_settings
from landcover.parts.validation.held_out_answers import predictions_of
from landcover.parts.validation.region_coverage import Watch, Watched, coverage_of_regions
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
    coverages: list[RegionCoverage] = field(default_factory=list)
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

    def leave_out(self, name: SplitName, rows: pd.DataFrame, is_unknown: NDArray[np.bool_]) -> None:
        """Say how many rows a split could not judge, and of which classes.

        Args:
            name: The split; it was added.
            rows: Its rows with ``code`` and ``group``.
            is_unknown: True where the model of the fold had not learned the class.
        """
        n_groups = rows.groupby("code")["group"].nunique()
        codes = [c for c in sorted(set(rows["code"][is_unknown])) if n_groups[c] > 1]
        update = {
            "not_judged": int(is_unknown.sum()),
            "unlearned": tuple(self.names.name_of(int(code)) for code in codes),
        }
        self.scores[name] = self.scores[name].model_copy(update=update)

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
    answers: pd.DataFrame,
    card: ModelCard,
    recipe: ModelRecipe,
    rules: Validation,
    job: Job,
) -> None:
    """Measure a model under every split of the recipe.

    Args:
        found: What is known so far; takes in the splits, and why one of them is absent.
        samples: All samples of the run.
        answers: Answers to them by models that did not see their groups, in the same order.
        card: The model: its kind, features and parameters are those of the fits.
        recipe: How the samples are weighed and balanced.
        rules: Which splits, and how much they may cost.
        job: Threads, cancellation and progress.
    """
    known = (c for c in ("library", USE) if c in samples.columns)
    kept = [*_COLUMNS, *known, *card.features.names]
    table = samples[kept]
    if "library" in table.columns:
        # The same place in another year would give the answer away, wherever it trains.
        is_own = (table["library"].fillna("") == "").to_numpy()
        if is_own.any() and not is_own.all():
            table = table[is_own]
            found.notes.append("Samples of other runs took no part in the splits.")
    of_map = table[~may_judge(table)]
    table = table[may_judge(table)]
    if rules.rows is not None:
        table = table[thin_by_group(table["code"], table["group"], rules.rows, seed=found.seed)]
    answers = answers.loc[table.index].reset_index(drop=True)
    table = table.reset_index(drop=True)
    found.n_rows = len(table)
    found.notes += _notes_on_fits(len(table) + len(of_map), len(samples), card, recipe, rules)
    fit = _fitter(card, recipe, rules, job, of_map)
    steps = len(rules.splits) + 1
    if len(of_map):
        found.notes.append(
            f"{len(of_map)} rows of an existing map trained every model and judged none."
        )
    if not may_train(table).any():
        found.notes.append(
            "The labels only judge: one model, of points of the map, answers them all, so splits "
            "by blocks, tiles and sources would say the same as by groups."
        )
        _add_groups(found, answers, card)
        return
    for number, name in enumerate(rules.splits):
        if name == "groups":
            _add_groups(found, answers, card)
            continue
        folds, reason = _folds(name, table, rules, found.seed)
        if folds is None:
            found.notes.append(reason)
            continue
        watch = Watch(len(table))
        predictions = cross_validate(
            table,
            folds,
            partial(_watched, fit, watch),
            seed=found.seed,
            keeps_groups=name != "rows",
            buffer_m=rules.buffer_m if name != "rows" else 0.0,
            progress=_part(job, number, steps, f"cross-validation by {name}"),
        )
        found.add(name, predictions, n_folds=np.unique(folds).size)
        found.leave_out(name, table, predictions.mapped == 0)
        if name != "rows":
            coverage = coverage_of_regions(name, table, folds, watch, answers, card, found.names)
            found.coverages += [coverage] if coverage is not None else []
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


def _add_groups(found: ValidationScores, answers: pd.DataFrame, card: ModelCard) -> None:
    """Take in groups left out: answered when the model was trained, with its own parameters."""
    asked = (answers["answer"] > 0).to_numpy()
    predictions = predictions_of(answers, asked)
    if card.out_of_fold is None or not (predictions.mapped > 0).any():
        found.notes.append("Not measured by groups: all samples are of one group.")
        return
    found.add("groups", predictions, n_folds=max(1, card.out_of_fold.n_folds))
    found.leave_out("groups", answers[asked], predictions.mapped == 0)


def _notes_on_fits(
    n: int, n_samples: int, card: ModelCard, recipe: ModelRecipe, rules: Validation
) -> Iterator[str]:
    if n < n_samples:
        yield (
            f"Models of the splits were fitted on {n} of {n_samples} rows, whole groups of every "
            "class; groups left out were answered by models of all rows."
        )
    if rules.trees is not None and rules.trees < recipe.trees:
        yield (
            f"Models of the splits have {rules.trees} trees instead of {recipe.trees}, so they are "
            "weaker than the map's."
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
        yield (
            f"The {' and '.join(chosen)} were chosen once, on the groups that train; the splits "
            "use that choice."
        )


def _watched(
    fit: Callable[[pd.DataFrame, int], Model], watch: Watch, rows: pd.DataFrame, seed: int
) -> Watched:
    return Watched(fit(rows, seed), watch)


def _fitter(
    card: ModelCard, recipe: ModelRecipe, rules: Validation, job: Job, always: pd.DataFrame
) -> Callable[[pd.DataFrame, int], Model]:
    """Give what fits a model on rows and those that always train."""
    recipe = chosen_settings(recipe, card)
    if rules.trees is not None:
        recipe = recipe.model_copy(update={"trees": min(recipe.trees, rules.trees)})
    limits = paper_limits(card.features)

    def fit(rows: pd.DataFrame, seed: int) -> Model:
        job.check()
        if len(always):
            rows = pd.concat([rows, always], ignore_index=True)
        rows = balanced(recipe.model_copy(update={"seed": seed}), rows)
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
