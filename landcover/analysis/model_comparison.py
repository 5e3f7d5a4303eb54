"""Compare two models on the groups that were held out of both."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from landcover.errors import InputError
from landcover.learn.accuracy import accuracy
from landcover.learn.comparison import compare, verdict
from landcover.ledger import outputs
from landcover.nouns.model import ModelCard
from landcover.nouns.model_comparison import ComparedModel, ModelComparison
from landcover.parts.training.model_lookup import LoadedModel, load_model
from landcover.parts.training.out_of_fold import read_answers
from landcover.stores import layout
from landcover.stores.workspace import Workspace

_PIXEL = ["tile", "row", "column"]
_SHOWN = 3


def compare_models(workspace: Workspace, first: str, second: str) -> ModelComparison:
    """Compare two models by McNemar's test on the same held-out groups.

    Args:
        workspace: Where their sample sets are.
        first: Folder of a model, or a name (:mod:`landcover.ledger.lookup`).
        second: The same of the other.

    Returns:
        The comparison.

    Raises:
        InputError: The two are one, their classes or held-out groups differ (the sentence says in
            what), a sample set is not in the workspace, or no sample is left.
    """
    one, other = (load_model(lambda: workspace, text) for text in (first, second))
    if one.card.id == other.card.id:
        raise InputError(f"{first} and {second} are the same model {one.card.id}.")
    _require_same_classes(one.card, other.card)
    mine, theirs = (_held_out(workspace, model) for model in (one, other))
    _require_same_groups(one.card, other.card, mine, theirs)
    both, n_left_out = _answers(one, other, mine, theirs)
    reference = both["code"].to_numpy()
    answers = [both[name].to_numpy() for name in ("first", "second")]
    is_right = [codes == reference for codes in answers]
    found = compare(is_right[0], is_right[1], both["group"].to_numpy())
    names = [f"model {model.card.id}" for model in (one, other)]
    judged = []
    for model, codes in zip((one, other), answers, strict=True):
        report = accuracy(codes, reference)
        judged.append(
            ComparedModel(
                id=model.card.id,
                kind=model.card.kind,
                n_features=len(model.card.features.names),
                overall=report.overall,
                macro_f1=report.macro_f1,
            )
        )
    return ModelComparison(
        first=judged[0],
        second=judged[1],
        n=found.n,
        n_groups=found.n_groups,
        n_left_out=n_left_out,
        only_first=found.only_first,
        only_second=found.only_second,
        p_value=found.p_value,
        difference=found.difference,
        verdict=verdict(found, names[0], names[1]),
    )


def _held_out(workspace: Workspace, model: LoadedModel) -> pd.DataFrame:
    """Give the held-out samples with the ``answer`` of a model that did not see their group."""
    card = model.card
    output = outputs.find(workspace, card.sample_set_id)
    if output is None:
        raise InputError(
            f"Model {card.id}: its sample set {card.sample_set_id} is not in this workspace, so "
            "its held-out samples are unknown. Compare where it was trained."
        )
    with outputs.local(workspace, output) as path:
        table = pd.read_parquet(path)
    answers = read_answers(workspace, layout.model(card.id), card)
    if answers is not None:
        table = table.assign(answer=answers["answer"].to_numpy())
    held = table[~table["is_train"]]
    if held.empty:
        raise InputError(f"Model {card.id}: no sample was held out of its training.")
    # A model of before there were such answers has not seen what was held out.
    return held if answers is not None else held.assign(answer=model.predict(held)[0])


def _require_same_classes(one: ModelCard, other: ModelCard) -> None:
    mine, theirs = (dict(zip(c.codes, c.names, strict=True)) for c in (one, other))
    for code in sorted({*mine, *theirs}):
        names = mine.get(code, "no class"), theirs.get(code, "no class")
        if names[0] != names[1]:
            raise InputError(
                f"Models {one.id} and {other.id} have other classes: code {code} is {names[0]} in "
                f"the first and {names[1]} in the second. Compare models of one legend."
            )


def _require_same_groups(
    one: ModelCard, other: ModelCard, mine: pd.DataFrame, theirs: pd.DataFrame
) -> None:
    if one.sample_set_id == other.sample_set_id:
        return
    groups = [set(table["group"].astype(str)) for table in (mine, theirs)]
    if groups[0] != groups[1]:
        parts = [
            f"{len(alone)} only of {card.id} ({_few(alone)})"
            for card, alone in ((one, groups[0] - groups[1]), (other, groups[1] - groups[0]))
            if alone
        ]
        raise InputError(
            f"Models {one.id} and {other.id} were not held out from the same groups: "
            f"{' and '.join(parts)}, {len(groups[0] & groups[1])} of both. What one was trained on "
            "cannot test it; train both with the same labels, model.seed and model.train_fraction."
        )


def _answers(
    one: LoadedModel, other: LoadedModel, mine: pd.DataFrame, theirs: pd.DataFrame
) -> tuple[pd.DataFrame, int]:
    """Give the answers of both on the samples that both have, and how many were left out."""
    first = mine[[*_PIXEL, "code", "group", "answer"]].rename(columns={"answer": "first"})
    second = theirs[[*_PIXEL, "code", "answer"]].rename(columns={"answer": "second"})
    joined = first.merge(second, on=_PIXEL, how="outer", suffixes=("", "_of_second"))
    is_common = joined[["first", "second"]].notna().all(axis=1)
    relabelled = joined[is_common & (joined["code"] != joined["code_of_second"])]
    if len(relabelled):
        place = relabelled.iloc[0]
        raise InputError(
            f"Models {one.card.id} and {other.card.id}: {len(relabelled)} held-out samples have "
            f"another class in the second's sample set (the first in {place['tile']}, row "
            f"{int(place['row'])}, column {int(place['column'])}). Compare models of the same "
            "labels."
        )
    both = joined[is_common & (joined["first"] > 0) & (joined["second"] > 0)]
    if both.empty:
        raise InputError(
            f"Models {one.card.id} and {other.card.id} have no held-out sample in common: their "
            "groups are the same, but not their pixels (other tiles?)."
        )
    columns = ["code", "first", "second"]
    return both.astype(dict.fromkeys(columns, np.int64)), len(joined) - len(both)


def _few(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:_SHOWN]) + ("…" if len(ordered) > _SHOWN else "")
