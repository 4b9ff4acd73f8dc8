"""Fewer and simpler edits that still show the same breakage. The stream stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from replayfuzz.plan import Cut, Edit, End, HandOff, Head, Layer, Pause, Plan, Slice, Splice
from replayfuzz.search.case import Case
from replayfuzz.search.fewest import fewest
from replayfuzz.search.handed import plain_handoff
from replayfuzz.search.remove import characters

SHORT = 0.05  # seconds: what a pause is tried with first

Fails = Callable[[Case], bool]


def simplify(case: Case, fails: Fails) -> Case:
    """Drop edits, then make each that is left as tame as it can be."""
    case = fewer(case, fails)
    case = plain_head(case, fails)
    case = plain_handoff(case, fails)
    case = cuts_for_slices(case, fails)
    for number in range(len(case.plan.edits)):
        case = _tamer(case, number, fails)
    return fewer(case, fails)


def fewer(case: Case, fails: Fails) -> Case:
    """Only the edits that are needed."""
    kept = fewest(case.plan.edits, lambda edits: fails(_with(case, edits)))
    return _with(case, kept) if len(kept) < len(case.plan.edits) else case


def plain_head(case: Case, fails: Fails) -> Case:
    """A response head that is as recorded wherever it can be."""
    head = case.plan.head
    plain = Head(kind=head.kind, label=head.label)
    for candidate in (Head(), *_heads(head)):
        if candidate == case.plan.head:
            return case
        if candidate == plain:
            continue
        if fails(tried := replace(case, plan=replace(case.plan, head=candidate))):
            return plain_head(tried, fails)
    return case


def _heads(head: Head) -> Iterator[Head]:
    for part in fields(Head):
        default: Any = part.default
        if part.compare and getattr(head, part.name) != default:
            yield replace(head, **{part.name: default})
    for name in ("fields", "trailers"):
        lines = getattr(head, name)
        for number in range(len(lines) if len(lines) > 1 else 0):
            yield replace(head, **{name: lines[:number] + lines[number + 1 :]})


def cuts_for_slices(case: Case, fails: Fails) -> Case:
    """Each Slice as the Cuts that it stands for, and of those the few that matter."""
    if not any(isinstance(edit, Slice) for edit in case.plan.edits):
        return case
    spelt = _with(case, explicit(case))
    if not fails(spelt):
        return case
    own = [edit for edit in case.plan.edits if not isinstance(edit, Slice)]
    cuts = [number for number, edit in enumerate(spelt.plan.edits) if isinstance(edit, Cut)]

    def chosen(kept: Sequence[int]) -> Case:
        gone = set(cuts) - set(kept)
        edits = [edit for n, edit in enumerate(spelt.plan.edits) if n not in gone]
        return _with(case, _glued(edits))

    few = chosen(fewest(cuts, lambda kept: fails(chosen(kept))))
    # A Slice is one edit: two or three cuts in its place are clearer, a hundred are not.
    return few if len(few.plan.edits) <= len(own) + 6 and fails(few) else case


def explicit(case: Case) -> tuple[Edit, ...]:
    """The plan's edits with every Slice replaced by Cuts at the same places.

    An insertion that a Slice cuts is parted in two, because a Cut names a recorded byte.
    """
    slices: list[tuple[int, Slice]] = []
    out: list[Edit] = []
    read = size = 0

    def put(data: bytes, at: int | None, removed: int = 0) -> None:
        """Send *data*: recorded bytes from *read* on, or (at a place) an insertion."""
        nonlocal size
        done = 0
        for spot, layers in _spots(slices, size, size + len(data)):
            part = data[done : spot - size]
            if at is not None and (part or removed):
                out.append(Splice(at, removed, part, kind=kind, label=label))
                removed = 0
            where = read + spot - size if at is None else at
            out.extend(Cut(where, layer) for layer in layers)
            done = spot - size
        if at is not None and (data[done:] or removed):
            out.append(Splice(at, removed, data[done:], kind=kind, label=label))
        size += len(data)

    body = case.exchange.body
    for edit in sorted(case.plan.edits, key=lambda edit: edit.at):
        kind, label = edit.kind, edit.label
        if edit.at > read:
            put(body[read : edit.at], None)
            read = edit.at
        match edit:
            case Slice():
                slices.append((size, edit))
            case Splice(at=at, remove=remove, insert=insert):
                put(insert, at, remove)
                read = max(read, at + remove)
            case _:
                out.append(edit)
    put(body[read:], None)
    return tuple(out)


def _spots(
    slices: list[tuple[int, Slice]], start: int, end: int
) -> Iterator[tuple[int, list[Layer]]]:
    """Offsets of the edited body in ``start <= offset < end`` where a Slice cuts."""
    spots: dict[int, list[Layer]] = {}
    for begin, edit in slices:
        first = max(1, -(-(start - begin) // edit.every))
        for spot in range(begin + first * edit.every, end, edit.every):
            layers = spots.setdefault(spot, [])
            if edit.layer not in layers:
                layers.append(edit.layer)
    yield from sorted(spots.items())


def _glued(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """Join insertions at one byte between which no Cut is left."""
    out: list[Edit] = []
    for edit in edits:
        last = out[-1] if out else None
        if (
            isinstance(edit, Splice)
            and isinstance(last, Splice)
            and (last.at, last.kind, last.label, edit.remove) == (edit.at, edit.kind, edit.label, 0)
        ):
            out[-1] = replace(last, insert=last.insert + edit.insert)
        else:
            out.append(edit)
    return tuple(out)


# -- one edit --------------------------------------------------------------------------


def _tamer(case: Case, number: int, fails: Fails) -> Case:
    if number >= len(case.plan.edits):
        return case
    edit = case.plan.edits[number]
    while True:
        for candidate in _tame(edit, len(case.exchange.body)):
            if case.plan.handoff.beside and isinstance(candidate, Pause):
                continue  # the others need the time, and a busy machine needs more of it
            if fails(tried := _swap(case, number, candidate)):
                case, edit = tried, candidate
                break
        else:
            break
    if isinstance(edit, Splice) and len(edit.insert) > 1:
        return _shorter(case, number, edit, fails)
    return case


def _tame(edit: Edit, size: int) -> Iterator[Edit]:
    """Simpler edits to put in its place, the simplest first."""
    match edit:
        case Cut(layer=layer) if layer != "write":
            yield replace(edit, layer="write")
        case Slice(layer=layer) if layer != "write":
            yield replace(edit, layer="write")
        case Pause(at=at, seconds=seconds):
            yield Cut(at)
            if seconds > SHORT:
                yield replace(edit, seconds=SHORT)
        case End(at=at, how=how):
            if at != size:
                yield replace(edit, at=size, in_head=False, in_chunk=False)
            if edit.in_head or edit.in_chunk:
                yield replace(edit, in_head=False, in_chunk=False)
            if how not in ("complete", "fin"):
                yield replace(edit, how="fin")
        case Splice(remove=remove, insert=insert) if insert and remove:
            yield replace(edit, insert=b"")
            yield replace(edit, remove=0)


def _shorter(case: Case, number: int, edit: Splice, fails: Fails) -> Case:
    units = characters(edit.insert, 0, len(edit.insert))

    def chosen(kept: Sequence[tuple[int, int]]) -> Case:
        insert = b"".join(edit.insert[start:end] for start, end in kept)
        return _swap(case, number, replace(edit, insert=insert))

    kept = fewest(units, lambda kept: fails(chosen(kept)))
    return chosen(kept) if len(kept) < len(units) else case


def _swap(case: Case, number: int, edit: Edit) -> Case:
    edits = case.plan.edits
    return _with(case, (*edits[:number], edit, *edits[number + 1 :]))


def _with(case: Case, edits: Sequence[Edit]) -> Case:
    return Case(case.exchange, replace(case.plan, edits=tuple(edits)), case.variant)


def empty(plan: Plan) -> bool:
    """*plan* bends nothing."""
    return not plan.edits and plan.head == Head() and plan.handoff == HandOff()
