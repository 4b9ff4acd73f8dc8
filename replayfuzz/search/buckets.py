"""Which failing examples show a bug that is known already. Never stop at the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from replayfuzz.finding import Finding
from replayfuzz.plan import Plan, Slice
from replayfuzz.search.case import Signature

ALIKE = 3
"""Findings that one signature may have: a bug that many kinds of edits bring out is told
with its first few, and the others are only counted. Plans of nothing but cuts are never
counted away: nobody can say that a boundary may matter."""
ALONE = 8
"""The same for a bend of a single kind, boundaries aside. A library that raises one exception
for all that it did not expect has many bugs that look alike, and each has a kind of its own."""


# Rules about what the caller is given. One cause (a lost first event, say) breaks another of
# them on each stream: which one depends on what stood in the event.
_TOLD = frozenset(
    {
        *("content-equal", "content-prefix", "valid-utf8", "reasoning-equal", "refusal-equal"),
        *("role-equal", "model-equal", "usage-equal", "finish-reason-equal", "tool-calls-equal"),
    }
)

# Who gets what of clients that share a buffer is another matter each time.
_RACES = frozenset({"clients-apart"})


def _rule(name: str) -> str:
    return name.partition("/")[0]


def kin(name: str) -> str:
    """The family of a rule: those about what the caller is given are one, others their own."""
    rule = _rule(name)
    return "told" if rule in _TOLD else rule


def of(finding: Finding) -> Signature:
    """The breakage that a finding is about."""
    return Signature(finding.invariant, finding.shape, finding.frame)


class Told(NamedTuple):
    """What other processes that search the same target have to know of a finding."""

    id: str
    wanted: Signature
    kinds: tuple[str, ...]
    variants: tuple[str, ...]
    causes: tuple[str, ...] = ()


def told(finding: Finding) -> Told:
    """*finding* in short."""
    return Told(finding.id, of(finding), finding.kinds, finding.variants, finding.causes)


class Buckets:
    """The findings of one target, and what they explain.

    Attributes:
        counts: How many failing examples each finding has explained, by its id.
    """

    def __init__(self) -> None:
        self._known: dict[str, Finding] = {}
        self._heard: dict[str, Told] = {}
        self.counts: Counter[str] = Counter()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """In the order in which they were found."""
        return tuple(self._known.values())

    def hear(self, of_another: Told) -> None:
        """Another process found that: here it is known, and not told again."""
        self._heard[of_another.id] = of_another

    def explain(self, wanted: Signature, plan: Plan, variant: str) -> Told | None:
        """The finding that tells of this example already, or None: it is something new.

        A finding explains an example that breaks the same rule in the same way, and whose
        bend has every kind of edit that the finding needs. One without edits (a stream as
        recorded breaks the rule) explains other unbent streams only: what the same shape of
        breakage on a sound stream comes from is not known by it.
        """
        if _rule(wanted.name) in _RACES and (known := self._sound(wanted)) is not None:
            self.counts[known.id] += 1
            return told(known)
        here = {each.id: told(each) for each in self._known.values()}
        same = [each for each in {**self._heard, **here}.values() if each.wanted == wanted]
        for finding in same:
            if not finding.kinds and (plan.kinds or variant not in finding.variants):
                continue
            if explained(finding.kinds, plan):
                self.counts[finding.id] += 1
                return finding
        others = sum(not kind.startswith("cut") for kind in plan.kinds)
        cuts_only = plan.kinds and not others
        if len(same) >= (ALONE if others == 1 else ALIKE) and not cuts_only:
            self.counts[same[-1].id] += 1
            return same[-1]
        return None

    def sound(self, wanted: Signature) -> bool:
        """Whether a finding of that rule, in whichever case of it, broke each time."""
        return self._sound(wanted) is not None

    def _sound(self, wanted: Signature) -> Finding | None:
        rule = _rule(wanted.name)
        same = (each for each in self._known.values() if _rule(each.invariant) == rule)
        return next((each for each in same if not each.flaky), None)

    def add(self, finding: Finding) -> Finding | None:
        """Take a finding in.

        Returns:
            It, or with the variants of both the one that had its id before; None when
            nothing is new.
        """
        known = self._known.get(finding.id) or self._twin(finding)
        if known is None:
            self.counts[finding.id] += 1
            self._known[finding.id] = finding
            return finding
        self.counts[known.id] += 1
        variants = joined(known.variants, finding.variants)
        better = known.flaky and not finding.flaky
        if variants == known.variants and not better:
            return None
        del self._known[known.id]
        chosen = replace(finding if better else known, variants=variants)
        self._known[chosen.id] = chosen
        return chosen

    def shrunk(self, finding: Finding) -> Finding:
        """Put a smaller form in the place of the finding that has its id."""
        known = self._known[finding.id]
        self._known[finding.id] = replace(
            finding, variants=joined(known.variants, finding.variants)
        )
        return self._known[finding.id]

    def _twin(self, finding: Finding) -> Finding | None:
        """A finding of the same cause: rules of one family, and no edit beyond its own.

        Only bends in the same words are one cause: two line ends are two. What a stream
        shows as recorded has no bend to compare: it is the same when it looks the same, and
        only the end of the stream was bent.
        """
        bend = _bend(finding)
        only_end = all(kind.startswith(("end", "head.framing")) for kind in finding.kinds)
        for known in self._known.values():
            short = _cut_short(known, finding)
            alike = only_end and (short or (finding.kinds != () and known.shape == finding.shape))
            same = _bend(known) <= bend if known.kinds else alike
            if same and (_family(known) == _family(finding) or short):
                return known
        return None


def _family(finding: Finding) -> tuple[str, ...]:
    rule = _rule(finding.invariant)
    # An exception is told apart by where it was raised, not by the stream that raised it.
    return ("told",) if rule in _TOLD else (finding.invariant, finding.shape, finding.frame)


def _cut_short(known: Finding, finding: Finding) -> bool:
    """An exception that ends a whole stream also keeps what was due of one that stops early."""
    return known.invariant.startswith("no-error") and finding.invariant.startswith("content-prefix")


def _bend(finding: Finding) -> frozenset[str]:
    """The edits that matter: cuts by their kind of place, the rest in words; ends count as one."""
    edits = [*finding.plan.edits, *([finding.plan.head] if finding.plan.head.kind else [])]
    return frozenset(
        edit.kind if edit.kind.startswith(("cut", "end")) else edit.label for edit in edits
    )


def explained(needed: Iterable[str], plan: Plan) -> bool:
    """*plan* has every kind of edit that is *needed*; a Slice cuts at all kinds of places."""
    kinds = set(plan.kinds)
    sliced = any(isinstance(edit, Slice) for edit in plan.edits)
    return all(kind in kinds or (sliced and kind.startswith("cut")) for kind in needed)


def joined(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """Both, in order, each once."""
    return tuple(dict.fromkeys((*first, *second)))
