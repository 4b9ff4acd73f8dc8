"""Is it so, each time, on a real socket? What a finding may claim is decided here."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from replayfuzz.search.case import Attempt, Case, Outcome, Over, Signature, signatures

TIMES = 3
PATIENCE = 2.0  # slowness of a busy machine must not make a finding


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What came of trying a failing case again.

    Attributes:
        over: The delivery that showed it each time; "" when none did.
        outcome: The last failing outcome over it; None when it never failed again.
        flaky: It failed at some tries only.
        memory: Memory delivery shows it each time too, so shrinking may use it.
    """

    over: Over | None
    outcome: Outcome | None
    flaky: bool = False
    memory: bool = False


def confirming(
    attempt: Attempt, case: Case, wanted: Signature, *, alone: bool = False
) -> Generator[None, None, Confirmed]:
    """Try *case* three times in each way that it can be delivered; yields between the tries.

    Args:
        attempt: Of the target.
        case: What failed.
        wanted: How.
        alone: Only over the socket where that is enough to tell, because each try takes long.
    """
    overs = attempt.overs(case)
    memory: tuple[Outcome, ...] = ()
    if "memory" in overs and not alone:
        memory = yield from _tries(attempt, case, wanted, "memory")
    socket = (yield from _tries(attempt, case, wanted, "tcp")) if "tcp" in overs else ()
    if "memory" in overs and alone and not socket:
        memory = yield from _tries(attempt, case, wanted, "memory")
    always_memory = len(memory) == TIMES
    if len(socket) == TIMES:
        return Confirmed("tcp", socket[-1], memory=always_memory)
    if always_memory and not socket:
        return Confirmed("memory", memory[-1], memory=True)
    failed = socket or memory
    if failed:
        return Confirmed("tcp" if socket else "memory", failed[-1], flaky=True)
    return Confirmed(None, None)


def _tries(
    attempt: Attempt, case: Case, wanted: Signature, over: Over
) -> Generator[None, None, tuple[Outcome, ...]]:
    """The failing outcomes of up to TIMES tries; a first try that holds is tried once more."""
    failed: list[Outcome] = []
    for number in range(TIMES):
        outcome = attempt.attempt(case, over, PATIENCE)
        if wanted in signatures(outcome):
            failed.append(outcome)
        elif number > 0 and not failed:
            break
        yield
    return tuple(failed)
