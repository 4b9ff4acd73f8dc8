"""When: pauses that a reader has to sit out, and drips. Seconds are of the wall clock, so few."""

from __future__ import annotations

from collections.abc import Iterator

from replayfuzz.plan import Pause, Plan
from replayfuzz.strategies.family import Family, bent, spread
from replayfuzz.strategies.places import place
from replayfuzz.strategies.view import View

_LONG = 0.2  # seconds
_SHORT = 0.01
_DRIPS = 20


def pauses(view: View) -> Iterator[Plan]:
    """One pause: before the body, before an event, inside one, before the end of the message."""
    starts = [event.start for event in view.events]
    if not starts:
        return
    last = view.terminal.start if view.terminal else starts[-1]
    inside = (view.events[0].start + view.events[0].end) // 2
    for at in dict.fromkeys((0, inside, starts[len(starts) // 2], last, len(view.body))):
        yield bent(_pause(view.body, at, _LONG))


def drips(view: View) -> Iterator[Plan]:
    """Events one after the other with a short pause before each; bytes likewise."""
    starts = spread([event.start for event in view.events], _DRIPS)
    if starts:
        yield bent(*(_pause(view.body, at, _SHORT) for at in starts))
        places = spread(range(len(view.body)), 2 * _DRIPS)
        yield bent(*(_pause(view.body, at, _SHORT) for at in places))


def _pause(body: bytes, at: int, seconds: float) -> Pause:
    return Pause(at, seconds, "time.pause", f"{seconds} s of silence {place(body, at).words}")


FAMILIES = (
    Family("time.pause", "one pause", "time", True, pauses),
    Family("time.drip", "short pauses all along", "time", True, drips),
)
