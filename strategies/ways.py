"""Many ways of cutting one body, told by where its bytes stand when they are sent.

A plan's offsets count recorded bytes; these count the bytes of the bent body, so that drawing one
costs microseconds. ``cut_at`` finds the plan for a way that turned out to matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from replayfuzz.cassette import Exchange
from replayfuzz.plan import Cut, Edit, End, Plan, Slice, Splice
from replayfuzz.strategies.cuts import cut
from replayfuzz.strategies.places import hot, line_ends
from replayfuzz.wire import bend

Way = tuple[int, ...]
"""Where a read ends: offsets in the bent body, sorted, none of them 0 or its length."""


def uncut(plan: Plan) -> Plan:
    """*plan* without its boundaries; it bends to the same bytes."""
    return replace(plan, edits=tuple(edit for edit in plan.edits if type(edit) not in _BOUNDARIES))


_BOUNDARIES = frozenset({Cut, Slice})


def ways(body: bytes, draw: Callable[[], float], count: int, most: int) -> tuple[Way, ...]:
    """*count* ways of cutting *body*: the first one is in one piece, the others are random.

    Each second boundary is at a place where readers break, as in ``plans``.

    Args:
        body: Of two bytes at least.
        draw: Gives a random number, 0 <= r < 1.
        count: How many.
        most: Upper bound on boundaries of one way.
    """
    last, places = len(body) - 1, _places(body)
    half = len(places)  # r < 1/2: one of the places; else any byte
    found: list[Way] = [()]
    for _ in range(count - 1):
        drawn = [2 * draw() for _ in range(1 + int(draw() * most))]
        cuts = {places[int(r * half)] if r < 1 else 1 + int((r - 1) * last) for r in drawn}
        found.append(tuple(sorted(cuts)))
    return tuple(found)


@lru_cache(maxsize=64)
def _places(body: bytes) -> tuple[int, ...]:
    inside = {at for at in (*hot(body), *line_ends(body)) if 0 < at < len(body)}
    return tuple(sorted(inside)) or (len(body) - 1,)


def cut_at(exchange: Exchange, plan: Plan, way: Sequence[int]) -> Plan:
    """*plan* with a boundary at each offset of *way*: it bends to the same bytes, cut there.

    An insertion in which one lies is parted, as ``compose`` does. The edits come out in the
    order of their offsets, which changes nothing.
    """
    walk = _Walk(bend(exchange, plan).body, way)
    edits: list[Edit] = []
    ordered = sorted(plan.edits, key=_offset)
    for number, edit in enumerate(ordered):
        edits += walk.before(edit.at)
        if isinstance(edit, End):
            return replace(plan, edits=(*edits, *ordered[number:]))
        if isinstance(edit, Splice):
            edits += walk.through(edit)
        else:
            edits.append(edit)
    edits += walk.before(len(exchange.body))
    return replace(plan, edits=tuple(edits))


def _offset(edit: Edit) -> int:
    return edit.at


class _Walk:
    """How far the recorded and the bent body are read, and the offsets that are to come."""

    def __init__(self, body: bytes, way: Sequence[int]) -> None:
        self._body = body
        self._way = sorted(set(way), reverse=True)
        self._read = self._sent = 0

    def before(self, at: int) -> Iterator[Edit]:
        """Boundaries in what is sent as recorded, up to byte *at* of the recording."""
        start, size = self._read, max(0, at - self._read)
        while self._way and self._way[-1] <= self._sent + size:
            here = self._way.pop()
            # Nothing is left of what was removed: a boundary there stands before this edit.
            yield self._cut(start + here - self._sent if size else at, here)
        self._read, self._sent = max(self._read, at), self._sent + size

    def through(self, edit: Splice) -> Iterator[Edit]:
        """*edit*, parted where a boundary lies inside what it inserts."""
        rest = edit.insert
        while self._way and self._way[-1] < self._sent + len(rest):
            here = self._way.pop()
            step = here - self._sent
            yield replace(edit, remove=0, insert=rest[:step])
            yield self._cut(edit.at, here)
            rest, self._sent = rest[step:], here
        yield replace(edit, insert=rest)
        self._sent += len(rest)
        self._read = max(self._read, edit.at + edit.remove)

    def _cut(self, at: int, here: int) -> Cut:
        return replace(cut(self._body, here), at=at)  # named after what stands there when sent
