"""Taking recorded bytes away from under a plan, and the parts that bytes fall into."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

from replayfuzz.formats.json_spans import Node
from replayfuzz.plan import Edit, End, Splice
from replayfuzz.search.case import Case

Range = tuple[int, int]
"""Recorded bytes: start, and the end that is not part of it."""


def without(case: Case, ranges: Iterable[Range]) -> Case:
    """*case* on a stream that never had those bytes.

    Edits keep their place between the bytes that are left; those that only touched bytes
    that are gone go with them. The chunk list becomes one chunk, so that the plan's own
    boundaries are the only ones.
    """
    gone = _joined(ranges)
    body = case.exchange.body
    if not gone:
        return case
    edges = [0, *(edge for part in gone for edge in part), len(body)]
    kept = b"".join(body[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True))
    place = _Places(gone)
    edits = tuple(moved for edit in case.plan.edits if (moved := place.move(edit)) is not None)
    exchange = replace(case.exchange, body=kept, chunks=((0.0, len(kept)),) if kept else ())
    return Case(exchange, replace(case.plan, edits=edits), case.variant)


def _joined(ranges: Iterable[Range]) -> list[Range]:
    joined: list[Range] = []
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


class _Places:
    """Where offsets of the longer body are in the shorter one."""

    def __init__(self, gone: list[Range]) -> None:
        self._gone = gone
        self._starts = [start for start, _ in gone]
        self._before = [0, *accumulate(end - start for start, end in gone)]

    def at(self, at: int) -> int:
        number = bisect_right(self._starts, at)
        if number == 0:
            return at
        start, end = self._gone[number - 1]
        return at - self._before[number] if at >= end else start - self._before[number - 1]

    def covers(self, start: int, end: int) -> bool:
        """Those bytes, of which there is at least one, are all gone."""
        number = bisect_right(self._starts, start)
        return number > 0 and end <= self._gone[number - 1][1]

    def within(self, at: int) -> bool:
        """The bytes on both sides of *at* are gone, in one stretch."""
        number = bisect_right(self._starts, at)
        return number > 0 and self._gone[number - 1][0] < at < self._gone[number - 1][1]

    def move(self, edit: Edit) -> Edit | None:
        match edit:
            case Splice(at=at, remove=remove):
                if self.covers(at, at + remove) if remove else self.within(at):
                    return None
                start = self.at(at)
                return replace(edit, at=start, remove=self.at(at + remove) - start)
            case End():
                return replace(edit, at=self.at(edit.at))
            case _:
                return None if self.within(edit.at) else replace(edit, at=self.at(edit.at))


# -- parts -----------------------------------------------------------------------------


def apart(node: Node, kept: Sequence[Node]) -> list[Range]:
    """The bytes to take away so that an object or array keeps only *kept*, with its commas.

    Args:
        node: An object or an array.
        kept: Some of its values, in order.
    """
    parts = children(node)
    stays = {child.start for child in kept}
    ranges: list[Range] = []
    last = None  # end of the last part that stays
    for number, (start, value) in enumerate(parts):
        if value.start in stays:
            last = value.end
        elif number + 1 < len(parts) and any(v.start in stays for _, v in parts[number + 1 :]):
            ranges.append((start, parts[number + 1][0]))
        else:
            ranges.append((start if last is None else last, parts[-1][1].end))
            break
    return ranges


def children(node: Node) -> list[tuple[int, Node]]:
    """The values in an object or array, each with the byte where it (or its name) begins."""
    if node.kind == "object":
        return [(member.key_start, member.value) for member in node.members]
    return [(item.start, item) for item in node.items]


# One character as people count them: a JSON escape (a surrogate pair is two, and each may
# matter), a UTF-8 sequence, or a byte that belongs to none.
_CHARACTER = re.compile(
    rb"\\u[0-9a-fA-F]{4}|\\.|[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}"
    rb"|[\xf0-\xf7][\x80-\xbf]{3}|[\x00-\xff]",
    re.DOTALL,
)


def characters(body: bytes, start: int, end: int) -> list[Range]:
    """The characters of ``body[start:end]``, where each stands."""
    return [found.span() for found in _CHARACTER.finditer(body, start, end)]


def lacking(units: Sequence[Range], kept: Sequence[Range]) -> list[Range]:
    """What is to be taken away so that of *units* only *kept* are left."""
    stays = set(kept)
    return [unit for unit in units if unit not in stays]


def touched(case: Case, units: Sequence[Range]) -> list[Range]:
    """The units that an edit cuts, changes or ends, or at whose edge it does."""
    spots: list[Range] = []
    for edit in case.plan.edits:
        more = edit.remove if isinstance(edit, Splice) else 0
        spots.append((edit.at, edit.at + more))
    return [
        (start, end)
        for start, end in units
        if any(first <= end and last >= start for first, last in spots)
    ]
