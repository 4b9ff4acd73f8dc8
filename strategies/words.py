"""A plan's boundaries and end in words, told from the bytes as they are sent.

A plan that was shrunk or put together by hand says of each boundary only where it is; people
want to know what it parts. The name of what it parts also tells kinds of findings apart.
"""

from __future__ import annotations

from dataclasses import replace

from replayfuzz import wire
from replayfuzz.cassette import Exchange
from replayfuzz.plan import Cut, Edit, End, Pause, Plan, Splice
from replayfuzz.strategies.cuts import cut
from replayfuzz.strategies.endings import stop
from replayfuzz.strategies.handoffs import described
from replayfuzz.strategies.places import place


def describe(exchange: Exchange, plan: Plan) -> Plan:
    """The same plan, each Cut, Pause and End named after where it falls in the bent body.

    Raises:
        PlanError: The plan does not fit the body.
    """
    whole = replace(plan, edits=tuple(edit for edit in plan.edits if not isinstance(edit, End)))
    body = wire.bend(exchange, whole).body
    places = _places(plan)
    edits = (_described(edit, body, at) for edit, at in zip(plan.edits, places, strict=True))
    if exchange.protocol == "h2":
        edits = (_framed(edit) for edit in edits)
    return replace(plan, edits=tuple(edits), handoff=described(plan.handoff))


def _described(edit: Edit, body: bytes, at: int) -> Edit:
    match edit:
        case Cut():
            named = cut(body, at, edit.layer)
            return replace(edit, kind=named.kind, label=named.label)
        case End():
            named_end = stop(body, at, edit.how, in_head=edit.in_head, in_chunk=edit.in_chunk)
            return replace(edit, kind=named_end.kind, label=named_end.label)
        case Pause():
            label = f"{edit.seconds:g} s of silence {place(body, at).words}"
            return replace(edit, kind="time.pause", label=label)
        case _:
            return edit


def _framed(edit: Edit) -> Edit:
    """The same edit in the words of HTTP/2, where a chunk is a DATA frame."""
    if isinstance(edit, Splice):
        return edit  # its words may be about what it inserts
    label = edit.label.replace("chunk-size line", "frame header").replace("chunk", "DATA frame")
    return replace(edit, label=label)


def _places(plan: Plan) -> list[int]:
    """Where each edit falls, in bytes of the bent body without an End; as ``wire.bend`` walks."""
    found = [0] * len(plan.edits)
    read = size = 0
    for number in sorted(range(len(plan.edits)), key=lambda number: plan.edits[number].at):
        edit = plan.edits[number]
        if edit.at > read:
            size += edit.at - read
            read = edit.at
        found[number] = size
        if isinstance(edit, Splice):
            size += len(edit.insert)
            read = max(read, edit.at + edit.remove)
    return found
