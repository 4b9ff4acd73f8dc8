"""What only HTTP/2 has: frames, padding, END_STREAM, RST_STREAM, GOAWAY (RFC 9113).

For a stream that is played over HTTP/1.1 these families have no plans.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from replayfuzz.plan import MAX_PAD, Cut, Head, Plan, Slice
from replayfuzz.strategies.endings import places_to_stop, stop
from replayfuzz.strategies.family import Family, bent
from replayfuzz.strategies.view import View

_PADS = (0, 1, MAX_PAD)
_TRAILERS = (("x-checksum", "abc"), ("server-timing", "total;dur=1"))


def frames(view: View) -> Iterator[Plan]:
    """DATA frames of a byte: all at once, broken in their headers, out of step, padded."""
    if not view.framed or not view.body:
        return
    kind = "cut.frame"
    bytewise = Slice(0, 1, "http", kind, "DATA frames of 1 byte, same segment")
    yield bent(bytewise)
    yield bent(Slice(0, 1, "head", kind, "DATA frames of 1 byte, a boundary inside each header"))
    yield bent(
        Slice(0, 3, "http", kind, "DATA frames of 3 bytes"),
        Slice(0, 2, "tcp", kind, "a segment every 2 bytes of content"),
    )
    yield bent(Cut(0, "head", kind, "a boundary inside the header of the first DATA frame"))
    yield bent(bytewise, head=_padded(1))


def padding(view: View) -> Iterator[Plan]:
    """The PADDED flag without padding, the least and the most, in one frame and in many."""
    if not view.framed:
        return
    for pad in _PADS:
        yield bent(head=_padded(pad))
        yield bent(Slice(0, 16, label="a boundary every 16 bytes"), head=_padded(pad))
    before = Cut(len(view.body), "tcp", label="a boundary between content and padding")
    yield bent(before, head=_padded(MAX_PAD))


def empty_end(view: View) -> Iterator[Plan]:
    """END_STREAM on a DATA frame without content: in the same segment, and on its own."""
    if not view.framed or view.exchange.ending != "complete":
        return
    head = Head(empty_end=True, kind="head.empty-end", label="END_STREAM on an empty DATA frame")
    own = Cut(len(view.body), label="a boundary before the end of the message")
    for plan in (bent(head=head), bent(own, head=head)):
        yield plan
        yield replace(plan, head=replace(head, pad=0, label=f"{head.label}, padded"))


def trailers(view: View) -> Iterator[Plan]:
    """END_STREAM on trailers, in the segment of the last DATA frame and on their own."""
    if not view.framed or view.exchange.ending != "complete":
        return
    size = len(view.body)
    head = Head(trailers=_TRAILERS, kind="head.trailers", label="trailers")
    yield bent(head=head)
    yield bent(Cut(size, label="a boundary before the trailers"), head=head)
    yield bent(Cut(size, "head", label="a boundary inside the header of the trailers"), head=head)


def resets(view: View) -> Iterator[Plan]:
    """RST_STREAM with INTERNAL_ERROR: the connection lives on, the message never ends."""
    if view.framed:
        for at in (*places_to_stop(view), len(view.body)):
            yield bent(stop(view.body, at, "rst-stream"))


def given_up(view: View) -> Iterator[Plan]:
    """GOAWAY with INTERNAL_ERROR, then FIN: the message never ends."""
    if view.framed:
        for at in (*places_to_stop(view), len(view.body)):
            yield bent(stop(view.body, at, "goaway"))


def _padded(pad: int) -> Head:
    words = f"{pad} byte{'' if pad == 1 else 's'} of padding in each DATA frame"
    return Head(pad=pad, kind="head.padding", label=words)


CUTS = (Family("cut.frame", "DATA frames of a byte, out of step", "cut", True, frames),)
HEADS = (
    Family("head.padding", "padded DATA frames", "head", True, padding),
    Family("head.empty-end", "END_STREAM on an empty frame", "head", True, empty_end),
    Family("head.trailers", "trailers behind the content", "head", True, trailers),
)
ENDINGS = (
    Family("end.rst-stream", "RST_STREAM before the message is whole", "ending", False, resets),
    Family("end.goaway", "GOAWAY before the message is whole", "ending", False, given_up),
)
