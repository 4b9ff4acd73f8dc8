"""A case: one stream, one bend, one path through a target; and what came of trying it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, Protocol

from replayfuzz import dialects, invariants
from replayfuzz.cassette import Exchange
from replayfuzz.plan import Cut, Plan, Slice
from replayfuzz.search.excuses import asked_for, excused, held_back
from replayfuzz.search.held import Held
from replayfuzz.target import Target
from replayfuzz.transcript import Expected, Transcript
from replayfuzz.verdict import Verdict, Violation
from replayfuzz.wire import Bent, bend, looks_like_a_flood, message_end

Over = Literal["memory", "tcp"]
"""How a case is delivered."""

UNBENT = Plan(keep_chunks=False, keep_times=False)
"""The recorded bytes in one piece: every bend of the search starts from it."""


@dataclass(frozen=True)
class Case:
    """One example: an exchange, what is done to it, and which variant of the target reads it."""

    exchange: Exchange
    plan: Plan
    variant: str = "default"

    @cached_property
    def bent(self) -> Bent:
        """The stream as it is sent; made once, because it is asked for at every step."""
        return bend(self.exchange, self.plan)

    @cached_property
    def message_end(self) -> Literal["complete", "incomplete", "open"]:
        """See ``wire.message_end``."""
        return message_end(self.exchange, self.plan, self.bent)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a target made of a case, and which rules that breaks."""

    seen: Transcript
    verdict: Verdict


class Signature(NamedTuple):
    """What two failing cases have in common when they show the same breakage.

    Attributes:
        name: ``<invariant>`` or ``<invariant>/<case>``.
        shape: Kind of breakage, without data.
        frame: Innermost frame of the exception inside the library, or "".
    """

    name: str
    shape: str
    frame: str = ""


class Attempt(Protocol):
    """Something that can try a case: a worker process, or a function of this process."""

    @property
    def target(self) -> Target: ...

    @property
    def version(self) -> str:
        """Version of the package under test, "" where it does not say."""
        ...

    @property
    def python(self) -> str:
        """Version of Python that it runs on, "" where it is not Python."""
        ...

    def overs(self, case: Case) -> tuple[Over, ...]:
        """The ways in which *case* can be delivered, cheapest first; () when it cannot be."""
        ...

    def attempt(self, case: Case, over: Over, patience: float = 1.0) -> Outcome:
        """Try *case*; never raises for what the target does.

        Args:
            case: What to try.
            over: One of ``overs(case)``.
            patience: Factor on every time limit; more than 1 where slowness must not decide.
        """
        ...

    def held(self) -> Held | None:
        """What the target's processes hold now; None where that cannot be told."""
        ...

    def close(self) -> None:
        """Stop what was started; harmless when nothing was."""
        ...


def signature(violation: Violation, seen: Transcript) -> Signature:
    """What the same breakage will show again."""
    return Signature(
        violation.name, violation.evidence.shape, seen.error.frame if seen.error else ""
    )


def signatures(outcome: Outcome) -> frozenset[Signature]:
    """One for every rule that is broken gravely: shrinking must not end at less."""
    return frozenset(
        signature(broken, outcome.seen)
        for broken in outcome.verdict.violations
        if broken.outcome == "failed"
    )


_CUTS = frozenset({Cut, Slice})


def cuts_only(plan: Plan) -> bool:
    """Nothing but boundaries: every byte is sent, and there is one at least."""
    if not plan.edits or not _CUTS.issuperset(map(type, plan.edits)):
        return False
    head, handoff = plan.head, plan.handoff  # comparing values costs more than all the rest
    return (head is UNBENT.head or head == UNBENT.head) and (
        handoff is UNBENT.handoff or handoff == UNBENT.handoff
    )


Project = Callable[[tuple[Expected, ...], "Case"], tuple[Expected, ...]]
"""What a caller may see where a reader may see those outcomes."""


class Oracle:
    """What a correct reader reports, remembered by the bytes that it depends on.

    Many cuts of one body have one expectation; reading it again for each would cost more
    than most targets do. A transcript equal to one that was judged ok for the same bytes
    is ok again: rules about times and delivery do not hold for memory, where this counts.
    """

    LARGE = 1 << 16  # bodies beyond this are not kept; they are few and would fill the memory
    RECENT = 64  # cases: more than are tried together

    def __init__(self, entries: int = 1024, project: Project | None = None) -> None:
        self._entries = entries
        self._project = project
        self._known: OrderedDict[tuple[object, ...], _Known] = OrderedDict()
        self._recent: dict[int, tuple[Case, _Known]] = {}  # asked more than once for each case

    def judge(self, case: Case, bent: Bent, seen: Transcript, target: Target) -> Verdict:
        """Hold *seen* against the rules that apply to this case."""
        known = self._find(case, bent)
        if target.choices and known.choices > target.choices:
            return _OK
        reports = target.shown_by(case.variant, case.exchange.dialect)
        plain = seen.delivery is None or seen.delivery.over == "memory"
        verdict = _OK
        if not (plain and seen == known.good.get(reports)):
            wants = self._project(known.wants, case) if self._project else known.wants
            verdict = invariants.judge(wants, seen, reports)
            if not asked_for(case.exchange, case.plan, seen):
                verdict = excused(verdict)
            elif verdict.violations:
                verdict = held_back(case.exchange, case.plan, case.message_end, verdict)
            if plain and not verdict.violations:
                known.good[reports] = seen
        if verdict.outcome == "failed":
            if case.plan == UNBENT:
                known.bases[_way(case, seen)] = None
            return verdict
        if looks_like_a_flood(case.exchange, bent):
            return verdict  # whether it is one may be decided otherwise each time
        differs = _compared(known, case, seen, reports)
        return verdict if differs is None else Verdict((differs, *verdict.violations))

    def lacks_base(self, case: Case, bent: Bent, over: Over) -> bool:
        """Whether the uncut stream has to be tried too before this case can be judged.

        Only where a correct reader has a choice: else two right answers are the same.
        """
        if len(bent.body) > self.LARGE:
            return False
        known = self._find(case, bent)
        if known.one or (case.variant, over) in known.bases:
            return False
        return cuts_only(case.plan)

    def wants(self, case: Case, bent: Bent) -> tuple[Expected, ...]:
        """Every acceptable outcome, the ordinary one first."""
        return self._find(case, bent).wants

    def _find(self, case: Case, bent: Bent) -> _Known:
        recent = self._recent.get(id(case))
        if recent is None:
            if len(self._recent) >= self.RECENT or len(bent.body) > self.LARGE:
                self._recent.clear()
            # The case is held, so that its number is not another's.
            recent = self._recent[id(case)] = case, self._looked_up(case, bent)
        return recent[1]

    def _looked_up(self, case: Case, bent: Bent) -> _Known:
        exchange, plan = case.exchange, case.plan
        status = plan.head.status or exchange.status
        end = case.message_end
        flood = looks_like_a_flood(exchange, bent)
        key = (bent.body, status, end, bent.how, plan.head.coding, exchange.dialect, flood)
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        wants = dialects.expected(exchange, plan, bent)
        one = len(wants) == 1 and wants[0].end == "complete" and wants[0].strict
        choices = (event.get("choice") for want in wants for event in want.events)
        known = _Known(wants, one, max(choices, default=-1) + 1)
        if len(bent.body) <= self.LARGE:
            self._known[key] = known
            if len(self._known) > self._entries:
                self._known.popitem(last=False)
        return known


@dataclass(slots=True)
class _Known:
    wants: tuple[Expected, ...]
    one: bool  # what a correct reader reports is one thing
    choices: int  # how many the stream has, as a correct reader sees it
    good: dict[frozenset[str] | None, Transcript] = field(default_factory=dict)
    # Answers to the uncut stream, by variant and delivery; None: one that broke a rule.
    bases: dict[tuple[str, str], Transcript | None] = field(default_factory=dict)


def _way(case: Case, seen: Transcript) -> tuple[str, str]:
    return case.variant, seen.delivery.over if seen.delivery else "memory"


def _compared(
    known: _Known, case: Case, seen: Transcript, reports: frozenset[str] | None
) -> Violation | None:
    """Rule chunking-independent, for an answer that breaks no other rule gravely."""
    if case.plan == UNBENT:
        known.bases[_way(case, seen)] = seen
        return None
    base = known.bases.get(_way(case, seen))
    if base is None or seen == base or not cuts_only(case.plan):
        return None
    evidence = invariants.compare(base, seen, reports)
    if evidence is None:
        return None
    rule = invariants.find("chunking-independent")
    return Violation(rule.id, evidence, rule.severity)


_OK = Verdict()
