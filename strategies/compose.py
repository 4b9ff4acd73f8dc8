"""Bends put together: a rewrite read byte by byte, or cut where it was rewritten.

A reader rarely breaks on a rewrite alone or on a cut alone; it breaks on a cut inside what
was rewritten. Edits at one byte apply in plan order, so a Splice that is parted in two with
a Cut between is a cut inside an insertion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from replayfuzz.plan import Cut, Edit, Plan, Splice, merge
from replayfuzz.strategies.cuts import sliced
from replayfuzz.strategies.family import bent, spread
from replayfuzz.strategies.places import hot, place

_INSERTIONS = 2  # of one plan that are cut one at a time
_INNER = 8  # places of one insertion
_SHORT = 8  # bytes of an insertion that is cut at every place


def bytewise(plan: Plan) -> Plan:
    """*plan*, read byte by byte: the Slice comes first, to cut what is put at byte 0 too."""
    return merge(bent(sliced(1)), plan)


def at_seams(body: bytes, plan: Plan) -> Iterator[Plan]:
    """*plan*, cut behind all that it inserts, and in front of it, at once."""
    numbers = _insertions(plan)
    if numbers:
        yield _parted(body, plan, {number: len(_insert(plan, number)) for number in numbers})
        yield _parted(body, plan, dict.fromkeys(numbers, 0))


def inside(body: bytes, plan: Plan) -> Iterator[Plan]:
    """*plan*, cut at one place of one insertion, or behind it."""
    for number in spread(_insertions(plan), _INSERTIONS):
        for step in _steps(_insert(plan, number)):
            yield _parted(body, plan, {number: step})


def restyled(plan: Plan, ending: bytes) -> Plan:
    """*plan* with the line ends of what it inserts replaced by *ending*."""
    edits = (
        replace(edit, insert=edit.insert.replace(b"\n", ending))
        if isinstance(edit, Splice)
        else edit
        for edit in plan.edits
    )
    return replace(plan, edits=tuple(edits))


def _insertions(plan: Plan) -> list[int]:
    """Positions among the edits of those that insert something."""
    return [
        number for number, edit in enumerate(plan.edits) if isinstance(edit, Splice) and edit.insert
    ]


def _insert(plan: Plan, number: int) -> bytes:
    edit = plan.edits[number]
    return edit.insert if isinstance(edit, Splice) else b""


def _steps(insert: bytes) -> Iterable[int]:
    if len(insert) <= _SHORT:
        return range(1, len(insert) + 1)
    found = sorted({at for at in hot(insert) if 0 < at < len(insert)})
    return [*spread(found, _INNER), len(insert)]


def _parted(body: bytes, plan: Plan, steps: dict[int, int]) -> Plan:
    """*plan* with a Cut so many bytes into the insertion of each edit."""
    edits: list[Edit] = []
    for number, edit in enumerate(plan.edits):
        step = steps.get(number)
        if step is None or not isinstance(edit, Splice):
            edits.append(edit)
            continue
        edits.extend(parted(body, edit, step))
    return replace(plan, edits=tuple(edits))


def parted(body: bytes, edit: Splice, step: int) -> Iterator[Edit]:
    """Yield *edit* with a Cut *step* bytes into what it inserts."""
    here = _boundary(body, edit, step)
    if step == 0:
        yield from (here, edit)
    elif step == len(edit.insert):
        yield from (edit, here)
    else:
        yield replace(edit, remove=0, insert=edit.insert[:step])
        yield here
        yield replace(edit, insert=edit.insert[step:])


def _boundary(body: bytes, edit: Splice, step: int) -> Cut:
    """The Cut, named after what stands around it once *edit* is made."""
    start = max(body.rfind(b"\n", 0, edit.at), body.rfind(b"\r", 0, edit.at)) + 1
    start = max(0, start - 2)  # the line end before tells whether a blank line was there
    after = edit.at + edit.remove
    near = body[start : edit.at] + edit.insert + body[after : after + 16]
    here = place(near, edit.at - start + step)
    return Cut(edit.at, "write", f"cut.{here.kind}", f"split {here.words}")
