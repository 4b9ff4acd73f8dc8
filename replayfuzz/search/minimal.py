"""From a failing case to a 1-minimal one: nothing that is left can go."""

from __future__ import annotations

from dataclasses import dataclass, replace

from replayfuzz import strategies
from replayfuzz.plan import Cut, Head, Plan, Slice
from replayfuzz.search.case import UNBENT, Case
from replayfuzz.search.draws import Choice, shrink
from replayfuzz.search.fewest import SpentError, StillFails
from replayfuzz.search.reduce import reduce
from replayfuzz.search.simplify import fewer, simplify

FEW = 2  # edits that are tame enough: Hypothesis would take more calls than all the rest
ROUNDS = 6  # each round repeats what the one before made possible; two or three are usual


@dataclass(frozen=True, slots=True)
class Minimal:
    """What shrinking came to.

    Attributes:
        case: The smallest case found; its cuts are named by where they fall.
        proved: A last pass over every edit, record, member and character changed nothing;
            False: the budget ran out before.
    """

    case: Case
    proved: bool


def minimal(case: Case, fails: StillFails) -> Minimal:
    """Make *case*, which fails, as small as it goes.

    The plan is made simpler first: few edits tell which records matter. Then the stream is
    reduced, and both again until nothing changes any more; answers are remembered, so the
    pass that proves it costs next to nothing.
    """
    fails.bent = False
    try:
        case = _one_chunk(case, fails)
        for _ in range(ROUNDS):
            before = case
            case = simplify(case, fails)
            fails.bent = fails.target.kind != "daemon" and _more_than_cut(case.plan)
            case = reduce(case, fails)
            if case == before:
                return Minimal(_described(case), proved=True)
    except SpentError:
        case = fails.best or case
    return Minimal(_described(case), proved=False)


def by_hypothesis(case: Case, choices: tuple[Choice, ...], fails: StillFails, seed: int) -> Case:
    """Let Hypothesis shrink what the sweep drew, towards the tamest draws that still fail."""

    def broken(plan: Plan) -> bool:
        return fails(replace(case, plan=plan))

    try:
        # What an abuse of a daemon brings about needs no stream that is bent as well.
        handed = replace(UNBENT, handoff=case.plan.handoff)
        if handed not in (UNBENT, case.plan) and broken(handed):
            return replace(case, plan=handed)
        handoffs = fails.target.kind == "daemon"
        case = fewer(case, fails)
        if len(case.plan.edits) <= FEW and not handoffs:
            return case
        strategy = strategies.plans(case.exchange, handoffs=handoffs)
        plan = shrink(strategy, choices, broken, seed)
    except SpentError:
        plan = None
    # What Hypothesis calls small is not always less: a shorter plan wins.
    if plan is None or len(plan.edits) > len(case.plan.edits):
        return case
    return replace(case, plan=plan)


def _more_than_cut(plan: Plan) -> bool:
    return plan.head != Head() or any(not isinstance(edit, Cut | Slice) for edit in plan.edits)


def _one_chunk(case: Case, fails: StillFails) -> Case:
    """One recorded chunk, so that the plan's own boundaries are the only ones."""
    size = len(case.exchange.body)
    exchange = replace(case.exchange, chunks=((0.0, size),) if size else ())
    plan = replace(case.plan, keep_chunks=False, keep_times=False)
    single = Case(exchange, plan, case.variant)
    return single if single == case or fails(single) else case


def _described(case: Case) -> Case:
    return replace(case, plan=strategies.describe(case.exchange, case.plan))
