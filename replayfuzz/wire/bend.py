"""Apply a plan to a recorded body: the bytes as sent, their boundaries, their end.

Framing knows nothing of edits, and edits nothing of framing: this is the seam. The
result is total: every plan whose offsets lie within the body gives a result. Splices
that overlap remove the union of what they name, and insert what each of them inserts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, repeat
from operator import attrgetter

from replayfuzz.cassette import Exchange
from replayfuzz.errors import PlanError
from replayfuzz.plan import MAX_PAD, Cut, Edit, End, How, Layer, Pause, Plan, Slice, Splice


@dataclass(frozen=True, slots=True)
class Bent:
    """A body after its edits.

    Attributes:
        body: Every byte that is sent, content-decoded.
        cuts: ``(offset in body, layer)`` of each boundary, sorted, each once. Offset 0
            parts the body from the head, ``len(body)`` from what ends the message.
        waits: ``(offset in body, seconds)``, sorted; each is at a boundary.
        how: How the stream ends.
        in_head: It ends inside a chunk-size line or a frame header.
        full: Length that the body would have without its End, in bytes.
        in_chunk: It ends inside a chunk or frame that was announced to be longer.
    """

    body: bytes
    cuts: tuple[tuple[int, Layer], ...]
    waits: tuple[tuple[int, float], ...]
    how: How
    in_head: bool
    full: int
    in_chunk: bool = False

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """The body, parted at every boundary of any layer; no piece is empty."""
        body = self.body
        edges = sorted({0, *[at for at, _ in self.cuts], len(body)})
        return tuple([body[start:end] for start, end in pairwise(edges)])


def bend(exchange: Exchange, plan: Plan) -> Bent:
    """Apply *plan* to the body of *exchange*.

    A response that cannot have content (see ``bodiless``) is bent to an empty, complete one.

    Raises:
        PlanError: An edit lies outside ``0 <= at <= len(body)``, a Splice removes bytes
            past its end, a Slice has no step, or no frame holds so much padding.
    """
    size = len(exchange.body)
    places = _boundaries(plan)
    if places is None or (places and not 0 <= places[0][0] <= places[-1][0] <= size):
        _check(plan, size)
    if not 0 <= (plan.head.pad or 0) <= MAX_PAD:
        raise PlanError(f"{plan.head.pad} bytes of padding; a frame has 0 to {MAX_PAD}")
    if bodiless(plan.head.status or exchange.status):
        return Bent(b"", (), (), "complete", in_head=False, full=0)
    if places is not None and not (
        plan.keep_chunks or plan.keep_times or exchange.ending == "timeout"
    ):
        return Bent(exchange.body, places, (), exchange.ending, in_head=False, full=size)
    work = _Work(exchange.body, "complete" if exchange.ending == "timeout" else exchange.ending)
    if exchange.ending == "timeout":
        work.how = "stall"
    recorded = _recorded(exchange.chunks, plan.keep_chunks, plan.keep_times)
    for edit in sorted((*recorded, *plan.edits), key=_offset):
        work.apply(edit)
    return work.finish()


def _boundaries(plan: Plan) -> tuple[tuple[int, Layer], ...] | None:
    """The boundaries of a plan that has nothing else, as most of a search are; else None."""
    if not _CUT.issuperset(map(type, plan.edits)):
        return None
    return tuple(sorted(set(map(_BOUNDARY, plan.edits))))


_CUT = frozenset({Cut})
_BOUNDARY: Callable[[Edit], tuple[int, Layer]] = attrgetter("at", "layer")


def bodiless(status: int) -> bool:
    """Whether responses with *status* have no content, whatever their fields say.

    RFC 9112 section 6.3: "any response with a 1xx (Informational), 204 (No Content), or 304
    (Not Modified) status code is always terminated by the first empty line".
    """
    return status < 200 or status in {204, 304}


def _offset(edit: Edit) -> int:
    return edit.at


def _check(plan: Plan, size: int) -> None:
    for edit in plan.edits:
        last = edit.at + edit.remove if isinstance(edit, Splice) else edit.at
        if edit.at < 0 or last > size:
            raise PlanError.outside(at=last if edit.at >= 0 else edit.at, size=size)
        if isinstance(edit, Slice) and edit.every < 1:
            raise PlanError(f"a slice after every {edit.every} bytes; it takes at least 1")


@lru_cache(maxsize=256)
def _recorded(
    chunks: tuple[tuple[float, int], ...], keep_chunks: bool, keep_times: bool
) -> tuple[Edit, ...]:
    """The recorded boundaries and times as edits; with no chunk list, none."""
    edits: list[Edit] = []
    at, clock = 0, 0.0
    for seconds, size in chunks:
        if keep_chunks:
            edits.append(Cut(at))
        if keep_times and seconds > clock:
            edits.append(Pause(at, seconds - clock))
        at, clock = at + size, max(clock, seconds)
    if keep_chunks and chunks:
        edits.append(Cut(at))
    return tuple(edits)


class _Work:
    """The walk over one body; edits come in the order of their offsets."""

    def __init__(self, body: bytes, how: How) -> None:
        self.body = body
        self.read = 0  # recorded bytes consumed
        self.out: list[bytes] = []
        self.size = 0  # bytes put out, an End or not
        self.cuts: set[tuple[int, Layer]] = set()
        self.waits: list[tuple[int, float]] = []
        self.slices: list[tuple[int, int, Layer]] = []
        self.how = how
        self.end: tuple[int, End] | None = None

    def apply(self, edit: Edit) -> None:
        if edit.at > self.read:
            self._put(self.body[self.read : edit.at])
            self.read = edit.at
        match edit:
            case Splice(remove=remove, insert=insert):
                self._put(insert)
                self.read = max(self.read, edit.at + remove)
            case End():
                if self.end is None:
                    self.end = (self.size, edit)
                    self.how = edit.how
            case _ if self.end is not None:
                pass  # nothing after the end is sent, so it has no boundaries
            case Cut(layer=layer):
                self.cuts.add((self.size, layer))
            case Slice(every=every, layer=layer):
                self.slices.append((self.size, every, layer))
            case Pause(seconds=seconds):
                self.cuts.add((self.size, "write"))
                self.waits.append((self.size, seconds))

    def finish(self) -> Bent:
        self._put(self.body[self.read :])
        body, in_head, in_chunk = b"".join(self.out), False, False
        if self.end is not None:
            at, end = self.end
            body, in_head, in_chunk = body[:at], end.in_head, end.in_chunk
        for start, every, layer in self.slices:
            self.cuts.update(zip(range(start + every, len(body), every), repeat(layer)))
        cuts, waits = tuple(sorted(self.cuts)), tuple(self.waits)
        return Bent(body, cuts, waits, self.how, in_head, self.size, in_chunk)

    def _put(self, data: bytes) -> None:
        if data:
            self.out.append(data)
            self.size += len(data)
