"""In which order events come, and that nothing comes after the end."""

from __future__ import annotations

from replayfuzz.invariants.fold import fold
from replayfuzz.invariants.invariant import both_complete
from replayfuzz.transcript import Expected, Transcript
from replayfuzz.verdict import Evidence


def event_order(want: Expected, seen: Transcript) -> Evidence | None:
    """A choice's finish reason comes after its content, where it was sent so.

    Held against what was sent and not against a table of the dialect, because a target
    reports what its caller sees: the order of raw events is part of content-equal.
    """
    if not both_complete(want, seen):
        return None
    sent, got = fold(want.events), fold(seen.events)
    for key in got:
        if key[0] == "late" and key not in sent:
            of = f" of choice {key[1]}" if key[1] else ""
            return Evidence(
                f"content{of} before its finish reason",
                f"content{of} after its finish reason",
                "content after finish",
            )
    return None


def nothing_after_end(want: Expected, seen: Transcript) -> Evidence | None:
    """No event comes after the end marker, unless one was sent there."""
    if not both_complete(want, seen):
        return None
    late = fold(seen.events).get("after", [])
    if not late or fold(want.events).get("after"):
        return None
    return Evidence(
        "nothing after the end marker",
        f"{len(late)} events after it, the first of type {late[0]}",
        "event after the end",
    )
