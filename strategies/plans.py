"""Combined bends as a Hypothesis strategy, cheap to draw and quick to shrink."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal

from hypothesis.strategies import SearchStrategy

from replayfuzz.cassette import Exchange
from replayfuzz.plan import Cut, Edit, HandOff, Plan, Slice, Splice, merge
from replayfuzz.strategies.catalogue import moves
from replayfuzz.strategies.compose import parted
from replayfuzz.strategies.cuts import cut
from replayfuzz.strategies.family import UNBENT
from replayfuzz.strategies.handoffs import ABUSES, described
from replayfuzz.strategies.view import view


def plans(
    exchange: Exchange, *, max_moves: int = 4, max_cuts: int = 4, handoffs: bool = False
) -> SearchStrategy[Plan]:
    """Generate plans of up to *max_moves* moves of the catalogue and *max_cuts* boundaries.

    Shrinks to the unbent stream in one piece: first fewer moves, then tamer ones (in the
    order of the catalogue: boundaries, rewrites, texts, meaning, endings), then fewer
    boundaries, those where readers break before others. A move that would change bytes
    which another one changes is left out.

    Args:
        exchange: What is bent; its plans are computed once.
        max_moves: Upper bound on moves in one plan.
        max_cuts: Upper bound on boundaries besides those of the moves.
        handoffs: Also draw how the client's socket reaches a daemon.
    """
    plain = _Plans(exchange, max_moves, max_cuts)
    return _HandedOver(plain) if handoffs else plain


class _Plans(SearchStrategy[Plan]):
    """Draws n, then n positions in the list of moves; then m, then m places."""

    def __init__(self, exchange: Exchange, max_moves: int, max_cuts: int) -> None:
        super().__init__()
        self._exchange = exchange
        self._moves = moves(exchange)
        self._spans = tuple(map(_spans, self._moves))
        self._hot = view(exchange).hot
        self._cuts: dict[int, Cut] = {}  # naming its place costs more than drawing one
        self._max_moves = max_moves if self._moves else 0
        self._max_cuts = max_cuts

    def __repr__(self) -> str:
        return f"plans({self._exchange.name!r})"

    def do_draw(self, data: Any) -> Plan:
        """One plan. Draws integers only, so that any provider of choices will do."""
        chosen: list[Plan] = []
        taken: list[tuple[int, int]] = []
        last = len(self._moves) - 1
        for _ in range(data.draw_integer(0, self._max_moves)):
            number = data.draw_integer(0, last)
            spans = self._spans[number]
            if not _clash(taken, spans):
                taken.extend(spans)
                chosen.append(self._moves[number])
        # A Slice in front also cuts what others insert at byte 0.
        chosen.sort(key=_not_sliced)
        edits = [edit for move in chosen for edit in move.edits]
        count = data.draw_integer(0, self._max_cuts)
        if any(isinstance(edit, Splice) and len(edit.insert) > 1 for edit in edits):
            for _ in range(count):
                self._cut(edits, data)
        else:
            known = self._cuts
            edits += [known.get(place) or self._at(place) for place in self._places(data, count)]
        head = merge(UNBENT, *chosen).head if any(move.head.kind for move in chosen) else _HEAD
        return Plan(tuple(edits), head, keep_chunks=False, keep_times=False)

    def _places(self, data: Any, count: int) -> list[int]:
        last = 2 * len(self._exchange.body) + 1
        many = getattr(data, "draw_integers", None)  # a search's own source of choices has it
        if many is not None:
            drawn: list[int] = many(count, 0, last)
            return drawn
        return [data.draw_integer(0, last) for _ in range(count)]

    def _cut(self, edits: list[Edit], data: Any) -> None:
        """Add a boundary: at a hot place, at any place, or inside what an edit inserts."""
        inserted = [edit for edit in edits if isinstance(edit, Splice) and len(edit.insert) > 1]
        first = 2 * (len(self._exchange.body) + 1)
        last = first + (first // 2 if inserted else 0) - 1
        place = data.draw_integer(0, last)
        if place < first:
            edits.append(self._at(place))
            return
        edit = inserted[(place - first) % len(inserted)]
        step = 1 + (place - first) // len(inserted) % (len(edit.insert) - 1)
        at = next(number for number, one in enumerate(edits) if one is edit)
        edits[at : at + 1] = parted(self._exchange.body, edit, step)

    def _at(self, place: int) -> Cut:
        """The boundary that number *place* stands for: first hot places, then every place."""
        made = self._cuts.get(place)
        if made is None:
            hot, size = self._hot, len(self._exchange.body) + 1
            at = hot[place * len(hot) // size] if place < size else place - size
            made = self._cuts[place] = cut(self._exchange.body, at)
        return made


class _HandedOver(SearchStrategy[Plan]):
    """A plan, and a hand-off after up to 4 abuses: the steps of a state machine.

    Its model is small: after any of them, in any order, the next hand-off is served.
    """

    def __init__(self, plain: _Plans) -> None:
        super().__init__()
        self._plain = plain

    def __repr__(self) -> str:
        return f"{self._plain!r} handed over"

    def do_draw(self, data: Any) -> Plan:
        plan = self._plain.do_draw(data)
        names = tuple(ABUSES)
        before = tuple(
            names[data.draw_integer(0, len(names) - 1)] for _ in range(data.draw_integer(0, 4))
        )
        beside = max(data.draw_integer(0, 24) - 20, 0)
        handoff = HandOff(before=before, beside=beside, pair=_PAIRS[data.draw_integer(0, 3) // 3])
        return replace(plan, handoff=described(handoff))


_HEAD = UNBENT.head  # one for all: what is the same object is compared at once
_PAIRS: tuple[Literal["tcp", "unix"], ...] = ("tcp", "unix")


def _not_sliced(plan: Plan) -> bool:
    return not (plan.edits and isinstance(plan.edits[0], Slice))


def _spans(plan: Plan) -> tuple[tuple[int, int], ...]:
    """What the plan's splices take away, or the place where they only insert, in order."""
    return tuple(
        sorted((edit.at, edit.at + edit.remove) for edit in plan.edits if isinstance(edit, Splice))
    )


def _clash(taken: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> bool:
    if not taken or not spans:
        return False
    return any(second[0] < first[1] for first, second in pairwise(sorted((*taken, *spans))))
