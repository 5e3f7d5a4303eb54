"""Which of several products, or of neighbouring composites, carries a wrong offset.

Two sides that differ by 0.1 cannot both be right. Their own pixels often say which is wrong
(:mod:`landcover.raster.tripwire`). Where the two sides contradict each other, the others decide,
then how well the offsets are known. What cannot be decided is told, not guessed
(docs/methods/products.md#wrong-offset).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from landcover.raster.tripwire import OffsetFinding, Verdict

Pair = tuple[str, str]
WRONG = ("applied_twice", "not_applied")


@dataclass(frozen=True)
class WrongOffset:
    """One whose offset is wrong."""

    name: str
    finding: OffsetFinding
    """What was found of it: ``applied_twice`` or ``not_applied``."""
    others: tuple[str, ...]
    """What it was compared with, as far as that contradicts it; empty where its own pixels
    are impossible whatever the others are like."""


@dataclass(frozen=True)
class WrongOffsets:
    """What became of a comparison of all with all."""

    found: tuple[WrongOffset, ...] = ()
    """Those that are wrong, the surest first."""
    undecided: tuple[Pair, ...] = ()
    """Pairs with a step between them of which neither is known to be wrong, sorted."""


def find_wrong_offsets(
    names: Iterable[str],
    findings: Mapping[Pair, OffsetFinding],
    *,
    alone: Mapping[str, OffsetFinding] | None = None,
    trust: Mapping[str, int] | None = None,
    is_uniform: bool = True,
) -> WrongOffsets:
    """Name those whose offset is wrong.

    One after the other is taken out, so that a wrong one decides nothing. Two that
    are linked by a chain of others without a step cannot have one between them, where an offset
    is the same all over: then the change between the two is real.

    Args:
        names: All that were compared.
        findings: (a, b) → what the comparison says of a, for both orders of each pair.
        alone: Name → finding of its own dark pixels, compared with nothing.
        trust: Name → how well its offset is known, higher is better; equal where not given.
        is_uniform: The offset of each is the same all over. Not so for composites, which may
            hold a wrong product in a part of their area.

    Returns:
        The wrong ones and the pairs that stay undecided.
    """
    known = dict(trust or {})
    left = set(names)
    found = [
        WrongOffset(name, finding, ())
        for name, finding in sorted((alone or {}).items())
        if finding.verdict == "applied_twice"
    ]
    left -= {one.name for one in found}
    while True:
        groups = _groups(left, findings)
        against: dict[str, list[str]] = {}
        contested: list[Pair] = []
        for a, b in sorted(pair for pair in findings if pair[0] < pair[1]):
            if not {a, b} <= left or (is_uniform and groups[a] == groups[b]):
                continue
            wrong = _wrong_of(a, b, findings)
            if len(wrong) == 2:
                contested.append((a, b))
            for name in wrong if len(wrong) == 1 else ():
                against.setdefault(name, []).append(b if name == a else a)
        if not against:
            against, contested = _decide(contested, groups, known)
        if not against:
            return WrongOffsets(tuple(found), tuple(contested))
        name = max(sorted(against), key=lambda n: (len(against[n]), -known.get(n, 0)))
        finding = _finding_of(name, against[name], findings)
        found.append(WrongOffset(name, finding, tuple(against[name])))
        left.discard(name)


def _wrong_of(a: str, b: str, findings: Mapping[Pair, OffsetFinding]) -> set[str]:
    """Say who is wrong by the pixels of a pair: nobody, one, or each by the other's account."""
    wrong = set()
    for one, other in ((a, b), (b, a)):
        verdict = findings[one, other].verdict
        if verdict in WRONG:
            wrong.add(one)
        elif verdict == "others_differ":
            wrong.add(other)
    return wrong


def _decide(
    contested: Sequence[Pair], groups: Mapping[str, frozenset[str]], known: Mapping[str, int]
) -> tuple[dict[str, list[str]], list[Pair]]:
    """Decide by the majority that agrees, else by how well the offsets are known."""
    against: dict[str, list[str]] = {}
    undecided: list[Pair] = []
    for a, b in contested:
        weights = [(len(groups[name]), known.get(name, 0)) for name in (a, b)]
        # A majority of one size with the other leaves it to the metadata.
        if weights[0] == weights[1] or groups[a] == groups[b]:
            undecided.append((a, b))
            continue
        wrong, right = (a, b) if weights[0] < weights[1] else (b, a)
        against.setdefault(wrong, []).append(right)
    return against, undecided


def _finding_of(
    name: str, others: Iterable[str], findings: Mapping[Pair, OffsetFinding]
) -> OffsetFinding:
    """Give what was found of a wrong one, from its own side of a pair or from the other's."""
    own = [findings[name, other] for other in others]
    for finding in own:
        if finding.verdict in WRONG:
            return finding
    theirs = next(findings[other, name] for other in others)
    verdict: Verdict = "not_applied" if theirs.step < 0 else "applied_twice"
    reason = f"seen from the other side, {theirs.reason}"
    return OffsetFinding(verdict, -theirs.step, reason, theirs.evidence)


def _groups(
    names: Iterable[str], findings: Mapping[Pair, OffsetFinding]
) -> dict[str, frozenset[str]]:
    """Join those that agree: name → all that a chain of agreements leads to."""
    groups = {name: frozenset({name}) for name in names}
    for (a, b), finding in findings.items():
        agree = finding.verdict == "ok" and finding.step == 0
        if agree and a in groups and b in groups and groups[a] is not groups[b]:
            joined = groups[a] | groups[b]
            groups.update(dict.fromkeys(joined, joined))
    return groups
