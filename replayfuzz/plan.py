"""What is done to a recorded stream. Values only: nothing here decides or acts.

Every offset counts bytes of the body *as recorded*, never as edited. So edits commute,
and dropping one leaves the others where they were: plans shrink well. Edits at the same
byte apply in plan order, which lets a Cut stand between two insertions.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeVar, get_args

from replayfuzz.errors import PlanError

Layer = Literal["write", "http", "tcp", "head"]
"""Where a boundary lies. ``http``: a new HTTP chunk (or DATA frame) begins, in the same
send. ``tcp``: a new send begins, in the same HTTP chunk. ``write``: both. ``head``: a
new HTTP chunk begins and a send ends *inside* its chunk-size line (RFC 9112 section 7.1)."""

How = Literal["complete", "fin", "reset", "short", "rst-stream", "stall", "open"]
"""How a stream ends. ``complete``: the message is finished as its framing asks. ``fin``:
FIN without finishing it. ``reset``: TCP RST. ``short``: a Content-Length larger than
what is sent, then FIN. ``rst-stream``: HTTP/2 RST_STREAM. ``stall``: no more bytes, the
message unfinished, the connection open. ``open``: the same on the wire, named apart
because it is meant for the place after the terminal marker: the peer never closes."""

Framing = Literal["chunked", "content-length", "close"]
"""How the end of an HTTP/1.1 body is told (RFC 9112 section 6)."""

LAYERS: tuple[Layer, ...] = get_args(Layer)
ENDINGS: tuple[How, ...] = get_args(How)
FRAMINGS: tuple[Framing, ...] = get_args(Framing)


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
        in_head: Stop inside the chunk-size line of the chunk that would hold byte *at*,
            chunked framing only; elsewhere it changes nothing.
    """

    at: int
    how: How
    in_head: bool = False
    kind: str = field(default="end", compare=False)
    label: str = field(default="", compare=False)


Edit = Cut | Slice | Pause | Splice | End


@dataclass(frozen=True, slots=True)
class Head:
    """How the response around the body looks. Every default means: as recorded.

    Attributes:
        status: HTTP status code.
        framing: How the end of the body is told.
        coding: ``gzip`` sends the body gzip-coded, flushed at every boundary.
        fields: Field lines that replace those of the same name (case-insensitively); an
            empty value removes the field.
        case: Spelling of all field names (RFC 9110 section 5.1: case-insensitive).
        extension: Chunk extension added to every chunk, without the semicolon
            (RFC 9112 section 7.1.1: a recipient MUST ignore those it does not know).
        trailers: Trailer fields of a chunked message.
        kind, label: As for edits; an empty kind means that the head is as recorded.
    """

    status: int | None = None
    framing: Framing | None = None
    coding: Literal["gzip"] | None = None
    fields: tuple[tuple[str, str], ...] = ()
    case: Literal["lower", "upper", "title"] | None = None
    extension: str = ""
    trailers: tuple[tuple[str, str], ...] = ()
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
    """

    edits: tuple[Edit, ...] = ()
    head: Head = Head()
    keep_chunks: bool = True
    keep_times: bool = True

    @property
    def kinds(self) -> tuple[str, ...]:
        """The stable names of what this plan does, sorted, each once."""
        named = {edit.kind for edit in self.edits} | {self.head.kind}
        return tuple(sorted(named - {""}))

    @property
    def labels(self) -> tuple[str, ...]:
        """What this plan does, in words, in the order of the edits."""
        words = [edit.label or edit.kind for edit in self.edits]
        return (*words, *([self.head.label or self.head.kind] if self.head.kind else []))


def merge(first: Plan, *others: Plan) -> Plan:
    """Join plans for the same body: all their edits, the last choice of each head part.

    Boundaries and times are kept only if every plan keeps them. Overlapping splices are
    not an error (see ``wire.bend``); keeping them apart is the caller's concern.
    """
    edits = list(first.edits)
    head = first.head
    for other in others:
        edits.extend(other.edits)
        head = _merge_heads(head, other.head)
    plans = (first, *others)
    return Plan(
        tuple(edits),
        head,
        keep_chunks=all(plan.keep_chunks for plan in plans),
        keep_times=all(plan.keep_times for plan in plans),
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
        fields=(*first.fields, *second.fields),
        case=second.case or first.case,
        extension=second.extension or first.extension,
        trailers=(*first.trailers, *second.trailers),
        kind="+".join(sorted({*first.kind.split("+"), *second.kind.split("+")} - {""})),
        label="; ".join(label for label in (first.label, second.label) if label),
    )


# -- plan <-> JSON ---------------------------------------------------------------------

_EDITS: dict[str, type[Edit]] = {
    "cut": Cut,
    "slice": Slice,
    "pause": Pause,
    "splice": Splice,
    "end": End,
}
_Part = TypeVar("_Part", bound="Edit | Head")
_NAMES = {edit: name for name, edit in _EDITS.items()}
_CHOICES = {"layer": LAYERS, "how": ENDINGS, "framing": FRAMINGS}


def to_json(plan: Plan) -> dict[str, Any]:
    """Return *plan* as JSON values (``version: 1``); parts left at their default are left out."""
    edits = [{"edit": _NAMES[type(edit)], **_shown(edit)} for edit in plan.edits]
    return {
        "version": 1,
        "edits": edits,
        "head": _shown(plan.head),
        "keep_chunks": plan.keep_chunks,
        "keep_times": plan.keep_times,
    }


def from_json(value: object) -> Plan:
    """Read what ``to_json`` wrote.

    Raises:
        PlanError: The value is not a plan of version 1; the message names the part.
    """
    plan = _mapping(value, "the plan")
    if plan.get("version") != 1:
        raise PlanError(
            f"plan version {plan.get('version')!r} is not 1; was it saved by a newer replayfuzz?"
        )
    listed = plan.get("edits", [])
    if not isinstance(listed, list):
        raise PlanError("plan: 'edits' is not a list")
    edits = [_edit(item, f"edit {number}") for number, item in enumerate(listed, 1)]
    head = _build(Head, _mapping(plan.get("head", {}), "head"), "head")
    keep = {name: plan.get(name, True) for name in ("keep_chunks", "keep_times")}
    for name, flag in keep.items():
        if not isinstance(flag, bool):
            raise PlanError(f"plan: {name!r} is {flag!r}, not true or false")
    return Plan(tuple(edits), head, **keep)


def _shown(part: Edit | Head) -> dict[str, Any]:
    shown = {}
    for item in fields(part):
        value = getattr(part, item.name)
        if value != item.default:
            shown[item.name] = _packed(value) if isinstance(value, bytes) else value
    return shown


def _packed(data: bytes) -> str | dict[str, str]:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _edit(item: object, where: str) -> Edit:
    values = dict(_mapping(item, where))
    name = values.pop("edit", None)
    if name not in _EDITS:
        raise PlanError(f"plan: {where} is {name!r}, not one of {', '.join(_EDITS)}")
    return _build(_EDITS[name], values, where)


def _build(kind: type[_Part], values: Mapping[str, Any], where: str) -> _Part:
    known = {item.name: item for item in fields(kind)}
    name: str
    for name, value in values.items():
        if name not in known:
            raise PlanError(f"plan: {where} has a part {name!r} that replayfuzz does not know")
        if name in _CHOICES and value not in (*_CHOICES[name], known[name].default):
            raise PlanError(f"plan: {where}: {name} is {value!r}, not one of {_CHOICES[name]}")
    try:
        return kind(**{name: _unpacked(name, value) for name, value in values.items()})
    except (TypeError, ValueError, binascii.Error) as error:
        raise PlanError(f"plan: {where}: {error}") from error


def _unpacked(name: str, value: Any) -> Any:
    match name:
        case "insert" if isinstance(value, dict):
            return base64.b64decode(value["base64"], validate=True)
        case "insert":
            return str(value).encode()
        case "fields" | "trailers":
            return tuple((str(key), str(text)) for key, text in value)
        case "at" | "remove" | "every" | "status":
            return None if value is None else _whole(name, value)
        case "seconds":
            return float(value)
        case _:
            return value


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < (name == "every"):
        raise ValueError(f"{name} is {value!r}, not a whole number that fits")
    return value


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise PlanError(f"{what} is {type(value).__name__}, not an object")
    return value
