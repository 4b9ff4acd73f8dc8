"""What is done to a recorded stream. Values only: nothing here decides or acts.

Every offset counts bytes of the body *as recorded*, never as edited. So edits commute,
and dropping one leaves the others where they were: plans shrink well. Edits at the same
byte apply in plan order, which lets a Cut stand between two insertions.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from replayfuzz.plan.handoff import HandOff

Layer = Literal["write", "http", "tcp", "head"]
"""Where a boundary lies. ``http``: a new HTTP chunk (or DATA frame) begins, in the same
send. ``tcp``: a new send begins, in the same HTTP chunk. ``write``: both. ``head``: a
new HTTP chunk begins and a send ends *inside* its chunk-size line (RFC 9112 section 7.1) or
frame header (RFC 9113 section 4.1)."""

How = Literal["complete", "fin", "reset", "short", "rst-stream", "goaway", "stall", "open"]
"""How a stream ends. ``complete``: the message is finished as its framing asks. ``fin``:
FIN without finishing it. ``reset``: TCP RST. ``short``: a Content-Length larger than
what is sent, then FIN (HTTP/2: then END_STREAM). ``rst-stream``: HTTP/2 RST_STREAM, the
connection kept; over HTTP/1.1 ``reset``. ``goaway``: HTTP/2 GOAWAY, then FIN; over HTTP/1.1
``fin``. ``stall``: no more bytes, the message unfinished, the connection open. ``open``: the
same on the wire, named apart because it is meant for the place after the terminal marker: the
peer never closes."""

Framing = Literal["chunked", "content-length", "close"]
"""How the end of an HTTP/1.1 body is told (RFC 9112 section 6)."""

LAYERS: tuple[Layer, ...] = get_args(Layer)
ENDINGS: tuple[How, ...] = get_args(How)
FRAMINGS: tuple[Framing, ...] = get_args(Framing)

MAX_PAD = 255
"""Bytes of padding of one frame: its length is told in one byte (RFC 9113 section 6.1)."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A boundary before byte *at*; the bytes themselves do not change.

    Attributes:
        at: Offset in bytes of the recorded body, 0 to its length.
        layer: The layer that shows the boundary.
        kind: Stable name of the family it came from, such as ``cut.utf8``.
        label: The edit in words, for people; not part of equality.
    """

    at: int
    layer: Layer = "write"
    kind: str = field(default="cut", compare=False)
    label: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Slice:
    """A boundary after every *every* bytes of the **edited** body, from byte *at* on.

    ``Slice(0, 1)`` is "byte by byte". One edit instead of a Cut for each byte, and the
    only edit that also cuts between the bytes of insertions.
    """

    at: int
    every: int = 1
    layer: Layer = "write"
    kind: str = field(default="cut.slice", compare=False)
    label: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Pause:
    """Send nothing for *seconds* before byte *at*. It implies a boundary there."""

    at: int
    seconds: float
    kind: str = field(default="pause", compare=False)
    label: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Splice:
    """At byte *at*, take *remove* recorded bytes away and put *insert* in their place."""

    at: int
    remove: int
    insert: bytes
    kind: str = field(default="splice", compare=False)
    label: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class End:
    """Stop before byte *at*, in the way *how* says; nothing after it is sent.

    Attributes:
        in_head: Stop inside the chunk-size line of the chunk that would hold byte *at*, or
            the header of its DATA frame. Elsewhere it changes nothing.
        in_chunk: Stop inside a chunk or DATA frame: it announces more than comes, as when
            a proxy dies while it relays one. Elsewhere, and with *in_head*, it changes nothing.
            HTTP/2: it is a frame of which only the header comes, as readers may throw away one
            that never ends; both need ``fin``, ``reset``, ``stall`` or ``open``.
    """

    at: int
    how: How
    in_head: bool = False
    in_chunk: bool = False
    kind: str = field(default="end", compare=False)
    label: str = field(default="", compare=False)


Edit = Cut | Slice | Pause | Splice | End


@dataclass(frozen=True, slots=True)
class Head:
    """How the response around the body looks. Every default means: as recorded.

    Attributes:
        status: HTTP status code.
        framing: How the end of the body is told; HTTP/1.1 only.
        coding: ``gzip`` sends the body gzip-coded, flushed at every boundary.
        fields: Field lines that replace those of the same name (case-insensitively); an
            empty value removes the field.
        case: Spelling of all field names (RFC 9110 section 5.1: case-insensitive); HTTP/1.1
            only, in HTTP/2 they are in lower case.
        extension: Chunk extension added to every chunk, without the semicolon
            (RFC 9112 section 7.1.1: a recipient MUST ignore those it does not know).
        trailers: Trailer fields of a chunked message, or of one over HTTP/2.
        pad: Bytes of padding of every DATA frame, 0 to 255 (RFC 9113 section 6.1); None: the
            frames are not padded. HTTP/2 only.
        empty_end: END_STREAM comes on a DATA frame of its own, without a byte. HTTP/2 only;
            with trailers it changes nothing, as they carry END_STREAM.
        kind, label: As for edits; an empty kind means that the head is as recorded.
    """

    status: int | None = None
    framing: Framing | None = None
    coding: Literal["gzip"] | None = None
    fields: tuple[tuple[str, str], ...] = ()
    case: Literal["lower", "upper", "title"] | None = None
    extension: str = ""
    trailers: tuple[tuple[str, str], ...] = ()
    pad: int | None = None
    empty_end: bool = False
    kind: str = field(default="", compare=False)
    label: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """Edits to apply together. The empty plan is a faithful replay.

    Attributes:
        edits: In any order; those at the same byte apply in this order.
        head: Choices about the response around the body.
        keep_chunks: Keep the recorded boundaries; False: only the plan's own count.
        keep_times: Keep the recorded times between chunks; False: no waiting.
        handoff: How the client's socket reaches a daemon; other targets know none.
    """

    edits: tuple[Edit, ...] = ()
    head: Head = Head()
    keep_chunks: bool = True
    keep_times: bool = True
    handoff: HandOff = HandOff()  # noqa: RUF009 - a frozen value

    @property
    def kinds(self) -> tuple[str, ...]:
        """The stable names of what this plan does, sorted, each once."""
        named = {edit.kind for edit in self.edits} | {self.head.kind, self.handoff.kind}
        return tuple(sorted(named - {""}))

    @property
    def labels(self) -> tuple[str, ...]:
        """What this plan does, in words, in the order of the edits."""
        words = [edit.label or edit.kind for edit in self.edits]
        others = (part for part in (self.head, self.handoff) if part.kind)
        return (*words, *(part.label or part.kind for part in others))

    @property
    def words(self) -> tuple[str, ...]:
        """The labels, each once, with the number of its places: ``CRLF line ends (40 places)``."""
        counted = Counter(self.labels)
        return tuple(
            f"{label} ({count} places)" if count > 1 else label for label, count in counted.items()
        )


def merge(first: Plan, *others: Plan) -> Plan:
    """Join plans for the same body: all their edits, the last choice of each head part.

    The last hand-off that is not ordinary counts. Boundaries and times are kept only if every
    plan keeps them. Overlapping splices are not an error (see ``wire.bend``); keeping them
    apart is the caller's concern.
    """
    edits = list(first.edits)
    head, handoff = first.head, first.handoff
    for other in others:
        edits.extend(other.edits)
        head = _merge_heads(head, other.head)
        handoff = handoff if other.handoff == HandOff() else other.handoff
    plans = (first, *others)
    return Plan(
        tuple(edits),
        head,
        keep_chunks=all(plan.keep_chunks for plan in plans),
        keep_times=all(plan.keep_times for plan in plans),
        handoff=handoff,
    )


def _merge_heads(first: Head, second: Head) -> Head:
    if second == Head():
        return first
    if first == Head():
        return second
    return replace(
        first,
        status=first.status if second.status is None else second.status,
        framing=second.framing or first.framing,
        coding=second.coding or first.coding,
        fields=_replaced(first.fields, second.fields),
        case=second.case or first.case,
        extension=second.extension or first.extension,
        trailers=_replaced(first.trailers, second.trailers),
        pad=first.pad if second.pad is None else second.pad,
        empty_end=second.empty_end or first.empty_end,
        kind="+".join(sorted({*first.kind.split("+"), *second.kind.split("+")} - {""})),
        label="; ".join(label for label in (first.label, second.label) if label),
    )


def _replaced(
    first: tuple[tuple[str, str], ...], second: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    named = {name.lower() for name, _ in second}
    return (*(line for line in first if line[0].lower() not in named), *second)
