"""Does a target give back what its calls took? Many calls, and what it holds after each round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from replayfuzz import strategies
from replayfuzz.cassette import Exchange
from replayfuzz.invariants.resources import descriptors, memory
from replayfuzz.plan import End, HandOff, How, Plan
from replayfuzz.search.case import UNBENT, Attempt, Case, Over
from replayfuzz.search.held import Held
from replayfuzz.search.probes.linear import long_line
from replayfuzz.search.probes.probe import Answer, Measured, Probe, Untold
from replayfuzz.strategies.handoffs import described
from replayfuzz.transcript import Transcript

ROUNDS = 4  # the first one is the warm-up
CALLS = 8  # of a round over a socket
ENDINGS: tuple[How, ...] = ("fin", "reset", "stall")
STALL = 0.15  # factor on the time limit of a stream that stalls: the wait is always in vain
LINE = 60_000  # characters: with the stream around them, 64 KiB at most
READINGS = 30  # calls of a round in memory
SURE = 60
"""Calls of a round that confirms. What a library leaves in reference cycles, the collector
takes later: the helper of anthropic 2.11 grows by 1.7 MB in 60 calls, and gives all of it
back in the next 60 or 120. So what counts as kept has outlived three rounds of these."""
MANY, LONG = 1_000, 8
"""Calls of a round that confirms once more, and such rounds. V8 lets its heap grow for long before
it collects: eventsource 5.1.5 seems to keep 50, 15, 10, 5 and 13 MB of the first rounds, and
stays where it is from the eighth one on. What leaks grows by as much in each."""
_SILENT = Untold("what a process holds cannot be told on this system")
_RESTARTED = Untold("the target died or hung in one of its calls")


def probe(attempt: Attempt, exchange: Exchange, variant: str) -> Answer:
    """Make calls with all endings over a socket, then calls in memory, and count.

    Returns:
        Untold where the system does not tell what a process holds, and where the target
        died or hung in one of these calls, since it was started again then.
    """
    cases = [Case(exchange, plan, variant) for plan in (UNBENT, *_cut_short(exchange))]
    if "tcp" not in attempt.overs(cases[0]):
        return None  # a function of this process, which holds nothing of its own
    *quick, stalled = cases
    calls = [*(quick * 3)[: CALLS - 1], stalled]
    if attempt.target.daemon is not None:
        abused = [Case(exchange, plan, variant) for plan in _abused()]
        cases += abused
        calls += abused
    counts = _rounds(attempt, calls, "tcp", len(calls))
    if isinstance(counts, Untold):
        return counts
    if descriptors([each.descriptors for each in counts[0]], len(calls)):
        for case in cases:
            if (found := again(attempt, case)) is not None:
                return found
    line = long_line(exchange, LINE, 4096)
    case = Case(exchange, line or UNBENT, variant)
    if line is None or _quickest(attempt, case) is None:
        return None
    quickly = _memory(attempt, case, READINGS)
    return again(attempt, case) if isinstance(quickly, Measured) else quickly


def again(attempt: Attempt, case: Case) -> Answer:
    """Count on one case, with more calls; see ``SURE``."""
    if case.plan != long_line(case.exchange, LINE, 4096):
        return _sockets(attempt, case)
    found: Answer = None
    for calls, rounds in ((SURE, ROUNDS), (SURE, ROUNDS), (MANY, LONG)):
        found = _memory(attempt, case, calls, rounds)
        if not isinstance(found, Measured):
            break
    return found


def _sockets(attempt: Attempt, case: Case) -> Answer:
    """Some calls of *case* a round, and many whole ones, which keep the collector going."""
    cases = [case] * CALLS + [replace(case, plan=UNBENT)] * (SURE - CALLS)
    counts = _rounds(attempt, cases, "tcp", SURE)
    if isinstance(counts, Untold):
        return counts
    evidence = descriptors([each.descriptors for each in counts[0]], SURE)
    if evidence is None:
        return None
    note = _note(SURE, f"{CALLS} as shown, the others with the whole stream")
    return Measured(case, evidence, counts[1], "tcp", note, ROUNDS * SURE)


def _quickest(attempt: Attempt, case: Case) -> Over | None:
    """How many calls can be made of *case*; None: they would take too long."""
    overs = attempt.overs(case)
    daemon = attempt.target.daemon is not None
    return "memory" if "memory" in overs else "tcp" if daemon and overs else None


def _memory(attempt: Attempt, case: Case, calls: int, rounds: int = ROUNDS) -> Answer:
    over = _quickest(attempt, case) or "memory"
    counts = _rounds(attempt, [case], over, calls, rounds)
    if isinstance(counts, Untold):
        return counts
    size = len(case.bent.body)
    evidence = memory([each.resident for each in counts[0]], calls, size)
    if evidence is None:
        return None
    note = _note(calls, "resident memory after each", rounds)
    return Measured(case, evidence, counts[1], over, note, rounds * calls)


def _note(calls: int, how: str, rounds: int = ROUNDS) -> str:
    return f"measured over {rounds} rounds of {calls} calls, the first one a warm-up: {how}"


def _rounds(
    attempt: Attempt, cases: Sequence[Case], over: Over, calls: int, rounds: int = ROUNDS
) -> tuple[list[Held], Transcript] | Untold:
    """What is held after each round of *calls* calls, the cases by turns."""
    counts: list[Held] = []
    seen = Transcript()
    for _ in range(rounds):
        for number in range(calls):
            case = cases[number % len(cases)]
            patience = STALL if _stalls(case.plan) else 1.0
            seen = attempt.attempt(case, over, patience).seen
        held = attempt.held()
        if seen.end in {"crash", "hang", "garbage"}:
            return _RESTARTED
        if held is None:
            return _SILENT
        if counts and counts[-1].group != held.group:
            return _RESTARTED
        counts.append(held)
    return counts, seen


def _stalls(plan: Plan) -> bool:
    return any(isinstance(edit, End) and edit.how == "stall" for edit in plan.edits)


def _abused() -> list[Plan]:
    """An ordinary hand-off after each abuse of a daemon's socket."""
    return [
        replace(UNBENT, handoff=described(HandOff(before=(name,)))) for name in strategies.ABUSES
    ]


def _cut_short(exchange: Exchange) -> list[Plan]:
    """The stream ended in its middle, in each way."""
    at = len(exchange.body) // 2
    ends = [End(at, how, kind=f"end.{how}", label=f"{how} after byte {at}") for how in ENDINGS]
    return [Plan((end,), keep_chunks=False, keep_times=False) for end in ends]


RESOURCES_BACK = Probe("resources-back", probe, again, long=True)
