"""What a family of bends is, and the words its plans are made with. Values only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from replayfuzz.plan import Edit, Head, Plan, Splice
from replayfuzz.strategies.clauses import clause
from replayfuzz.strategies.view import View

Group = Literal["cut", "rewrite", "head", "text", "meaning", "ending", "size", "time"]
"""What a family changes, tamest first: boundaries; spelling that must not matter; the
response around the body; content; what the stream says; where it stops; how much; when."""

GROUPS: tuple[Group, ...] = get_args(Group)

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Family:
    """One way in which streams are bent.

    Attributes:
        id: Stable name, ``<group>.<name>``; also the ``kind`` of the edits it makes.
        title: In words, for people.
        group: What it changes.
        preserving: A correct reader reports the same as without it.
        make: Yields plans for one exchange, the most telling ones first. Each is
            labelled and keeps neither recorded boundaries nor times.
    """

    id: str
    title: str
    group: Group
    preserving: bool
    make: Callable[[View], Iterator[Plan]]

    def plans(self, view: View) -> Iterator[Plan]:
        """The plans of *make*; of a compressed body those that leave its bytes as they came."""
        for plan in self.make(view):
            if not view.exchange.coding or _keeps_bytes(plan):
                yield plan

    @property
    def clause(self) -> str:
        """What a standard or a provider says about such streams; "" where nothing does."""
        return clause(self.id)


def _keeps_bytes(plan: Plan) -> bool:
    # Any other byte would damage the coding, and its reader would tell nothing but that.
    return plan.head.coding is None and not any(isinstance(edit, Splice) for edit in plan.edits)


UNBENT = Plan(keep_chunks=False, keep_times=False)
"""The recorded bytes and end, in one piece, at once: what every family starts from."""


def bent(*edits: Edit, head: Head | None = None) -> Plan:
    """The plan with these edits and no recorded boundaries or times."""
    return Plan(edits, head or Head(), keep_chunks=False, keep_times=False)


def spliced(kind: str, label: str, changes: Iterable[tuple[int, int, bytes]]) -> Iterator[Plan]:
    """Yield the plan with one Splice for each ``(at, remove, insert)``; nothing for no change."""
    edits = [Splice(at, remove, data, kind, label) for at, remove, data in changes]
    if edits:
        yield bent(*edits)


def spread(items: Sequence[_Item], limit: int) -> Sequence[_Item]:
    """At most *limit* of *items*, the first and the last among them, evenly apart."""
    if len(items) <= limit:
        return items
    if limit == 1:
        return items[:1]
    return [items[number * (len(items) - 1) // (limit - 1)] for number in range(limit)]


def ends_and_middle(items: Sequence[_Item]) -> Sequence[_Item]:
    """The first, the middle and the last of *items*, each once."""
    return spread(items, 3)
