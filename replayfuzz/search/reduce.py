"""A smaller stream on which the same plan still shows the same breakage.

Large steps first: records, lines, members of their JSON values, then single characters.
What is left stays well-formed (JSON stays JSON, lines stay lines) unless the plan breaks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from replayfuzz import dialects
from replayfuzz.formats.json_spans import Node
from replayfuzz.formats.spans import Line, Record, events
from replayfuzz.search.case import Case
from replayfuzz.search.fewest import fewest
from replayfuzz.search.remove import (
    Range,
    apart,
    characters,
    children,
    lacking,
    touched,
    without,
)

Fails = Callable[[Case], bool]

# Members whose text is a name that a schema fixes: shorter, it would be another stream.
FIXED = {"type", "object", "role", "finish_reason", "stop_reason", "done_reason", "id", "name"}


def reduce(case: Case, fails: Fails) -> Case:
    """Take away what is not needed, from records down to characters."""
    case = _fewer(case, _blocks(case), fails)
    case = _each(case, _lines, fails)
    case = _containers(case, fails)
    return _each(case, _texts, fails)


def _records(case: Case) -> tuple[Record, ...]:
    return events(case.exchange.body, dialects.find(case.exchange.dialect).format)


def _blocks(case: Case) -> list[Range]:
    return [(record.start, record.end) for record in _records(case)]


def _fewer(case: Case, units: Sequence[Range], fails: Fails) -> Case:
    """*case* with only those *units* of its body that are needed."""

    def chosen(kept: Sequence[Range]) -> Case:
        return without(case, lacking(units, kept))

    kept = fewest(units, lambda kept: fails(chosen(kept)), touched(case, units))
    return chosen(kept) if len(kept) < len(units) else case


def _each(case: Case, groups: Callable[[Case], Iterator[list[Range]]], fails: Fails) -> Case:
    """Reduce one group of units after the other; each is found anew, for bytes move.

    Groups are gone through from the last to the first, so those not yet seen stay put.
    """
    number = sum(1 for _ in groups(case))
    while number > 0:
        number -= 1
        found = list(groups(case))
        if number < len(found):
            case = _fewer(case, found[number], fails)
    return case


def _lines(case: Case) -> Iterator[list[Range]]:
    """The lines of each record that is more than one line, without its blank one."""
    for record in _records(case):
        lines = [(line.start, line.after) for line in record.lines if line.end > line.start]
        if len(record.lines) > 1 and lines:
            yield lines


def _texts(case: Case) -> Iterator[list[Range]]:
    """The characters of each text that may be shortened."""
    body = case.exchange.body
    raw = case.exchange.dialect in ("sse", "ndjson")
    for record in _records(case):
        if record.node is not None:
            for start, end in _strings(record.node, free=True):
                yield characters(body, start + 1, end - 1)
        for line in record.lines:
            if _wordy(line, record, raw):
                start = line.value if line.name else line.start
                yield characters(body, start, line.end)


def _wordy(line: Line, record: Record, raw: bool) -> bool:
    """It holds text of its own: data that is not JSON, a comment, an unknown field."""
    if line.name == "data":
        return record.node is None
    return raw or line.name not in ("event", "id", "retry")


def _strings(node: Node, *, free: bool) -> Iterator[Range]:
    if node.kind == "string" and free and node.end - node.start > 2:
        yield node.start, node.end
    for member in node.members:
        yield from _strings(member.value, free=member.key not in FIXED)
    for item in node.items:
        yield from _strings(item, free=free)


def _containers(case: Case, fails: Fails) -> Case:
    """Members and items that are needed, from the outer containers to the inner ones."""
    for number in reversed(range(len(_records(case)))):
        depth = 0
        while True:
            records = _records(case)
            node = records[number].node if number < len(records) else None
            level = [] if node is None else _level(node, depth)
            if not level:
                break
            for place in reversed(range(len(level))):
                case = _fewer_children(case, number, depth, place, fails)
            depth += 1
    return case


def _level(node: Node, depth: int) -> list[Node]:
    """The containers that have something in them, *depth* below *node*."""
    row = [node]
    for _ in range(depth):
        row = [child for parent in row for _, child in children(parent)]
    return [item for item in row if item.kind in ("object", "array") and children(item)]


def _fewer_children(case: Case, number: int, depth: int, place: int, fails: Fails) -> Case:
    records = _records(case)
    root = records[number].node if number < len(records) else None
    level = [] if root is None else _level(root, depth)
    if place >= len(level):
        return case
    node = level[place]
    values = [value for _, value in children(node)]

    def chosen(kept: Sequence[Node]) -> Case:
        return without(case, apart(node, kept))

    marked = set(touched(case, [(value.start, value.end) for value in values]))
    guess = [value for value in values if (value.start, value.end) in marked]
    kept = fewest(values, lambda kept: fails(chosen(kept)), guess)
    return chosen(kept) if len(kept) < len(values) else case
