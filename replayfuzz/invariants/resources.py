"""Whether a target gives back what its calls took: rules about several counts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from replayfuzz.verdict import Evidence

KEPT_SHARE = 0.25
"""Part of the bytes of each call that may stay resident: an allocator keeps pages, and
hands them out again; a leak of the stream or of its text keeps all of them, each time."""


def descriptors(counts: Sequence[int], calls: int) -> Evidence | None:
    """Every round of the same calls leaves as many descriptors open as the one before it.

    A pool of connections fills once and then stays as it is, so it keeps this rule; what is
    lost at some call of a round is lost again in the next one. Linux: ``/proc/<pid>/fd``.

    Args:
        counts: Open descriptors of the target's processes after each round; the first
            round is the warm-up. At least three.
        calls: Of one round.

    Returns:
        Evidence with case ``descriptors`` when there are more after every single round.
    """
    if len(counts) < 3 or any(after <= before for before, after in pairwise(counts)):
        return None
    return Evidence(
        "as many open descriptors after the calls as before them",
        f"{counts[-1] - counts[0]} more after {calls * (len(counts) - 1)} calls "
        f"({', '.join(map(str, counts))} open)",
        "descriptors left open",
        "descriptors",
    )


def memory(resident: Sequence[int], calls: int, size: int) -> Evidence | None:
    """Resident memory does not grow with the number of calls.

    Measured over 14 rounds of 60 calls of 60 KB each (CPython 3.11), of 3.4 MiB read a round:
    ollama 0.6 and httpx-sse 0.4.3 add 0.5 MiB at first, and nothing in the end; the helper of
    anthropic 2.11 adds 1.7 MiB in a round and gives it back in the next one or two, when the
    collector of reference cycles runs. Rounds have to be long enough for that.

    Args:
        resident: Bytes resident after each round; the first round is the warm-up. At least
            three.
        calls: Of one round.
        size: Bytes of the body of each call.

    Returns:
        Evidence with case ``memory`` when each round adds more than KEPT_SHARE of what it read.
    """
    if len(resident) < 3:
        return None
    grown = [after - before for before, after in pairwise(resident)]
    if min(grown) <= KEPT_SHARE * calls * size:
        return None
    each = sum(grown) / len(grown) / calls
    return Evidence(
        f"less than {KEPT_SHARE * size / 1024:.0f} KiB more memory a call of {size / 1024:.0f} KiB",
        f"{each / 1024:.0f} KiB more each of {calls * len(grown)} calls",
        "memory kept",
        "memory",
    )
