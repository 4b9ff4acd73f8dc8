"""Which protocol shows an exchange: the functions that choose by ``exchange.protocol``."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Literal

from replayfuzz.cassette import Exchange
from replayfuzz.plan import Framing, Plan
from replayfuzz.wire import http1, http2
from replayfuzz.wire.bend import Bent
from replayfuzz.wire.script import Script


def render(exchange: Exchange, plan: Plan, bent: Bent | None = None) -> Script:
    """Turn a recorded exchange and a plan into the sends, or the HTTP/2 frames, to perform.

    Pure and total: equal arguments give equal scripts, which is what makes a saved plan
    a reproduction. The head travels with the first bytes of the body unless there is a
    boundary at byte 0. *bent* is ``bend(exchange, plan)``, where the caller has it.

    Raises:
        PlanError: The plan does not fit the recorded body.
    """
    if exchange.protocol == "h2":
        return http2.render(exchange, plan, bent)
    return http1.render(exchange, plan, bent)


def over(exchange: Exchange, protocol: Literal["http/1.1", "h2"]) -> Exchange:
    """The same stream, played over *protocol*; its edits mean the same there."""
    if exchange.protocol == protocol:
        return exchange
    framing = None if protocol == "h2" else exchange.framing or "chunked"
    return replace(exchange, protocol=protocol, framing=framing)


def framing_of(exchange: Exchange, plan: Plan) -> Framing | Literal["h2-data"]:
    """How the end of the body is told when *plan* is played."""
    return "h2-data" if exchange.protocol == "h2" else http1.framing_of(exchange, plan)


def message_end(
    exchange: Exchange, plan: Plan, bent: Bent
) -> Literal["complete", "incomplete", "open"]:
    """What a recipient can know about the end of the message.

    RFC 9112 section 8 and RFC 9113 section 8.1.

    Returns:
        ``complete``: the message ended as its framing tells. ``incomplete``: the
        connection or the stream ended before the message did, and the recipient can see
        it. ``open``: neither; the connection stays open and silent.
    """
    if exchange.protocol == "h2":
        return http2.message_end(exchange, plan, bent)
    return http1.message_end(exchange, plan, bent)


def looks_like_a_flood(exchange: Exchange, bent: Bent) -> bool:
    """Whether a recipient of HTTP/2 may take this stream for an attack, and end it.

    RFC 9113 section 10.5: frames that carry little are named as what can be abused, and "an
    endpoint MAY treat activity that is suspicious as a connection error of type
    ENHANCE_YOUR_CALM". Where it begins, nothing says; see _MANY and _SMALL.
    """
    if exchange.protocol != "h2":
        return False
    edges = [at for at, layer in bent.cuts if layer != "tcp"]
    small = sum(end - start < _SMALL for start, end in pairwise([0, *edges, len(bent.body)]))
    return small > _MANY


_MANY, _SMALL = 100, 64  # DATA frames, and bytes; providers send an event a frame, of 100 and more
