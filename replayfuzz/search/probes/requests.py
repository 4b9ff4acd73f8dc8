"""Does the provider receive the request that the caller made? One call over a socket."""

from __future__ import annotations

import json
from typing import Any

from replayfuzz import dialects
from replayfuzz.cassette import Exchange
from replayfuzz.invariants import request_fidelity
from replayfuzz.search.case import UNBENT, Attempt, Case
from replayfuzz.search.confirm import TIMES
from replayfuzz.search.probes.probe import Answer, Measured, Probe
from replayfuzz.transcript import Transcript
from replayfuzz.verdict import Evidence

NOTE = "measured over a socket: the request as it was received"
TOLD = ("model", "messages")
"""What every caller says in every dialect, and every adapter hands to its library."""

_UNASKED = frozenset(
    (
        # It is the default.
        *("ollama.chat", "ollama.generate", "ollama.pull"),
        # A field of its form says so.
        "openai.audio",
        # The path says so.
        *("gemini.stream", "gemini.stream_array", "tgi.generate_stream", "watsonx.generation"),
        # There is nothing but streams.
        *("worker.execute", "worker.jobs", "replicate", "mcp.streamable_http", "simplified"),
    )
)
"""Dialects whose request has no ``"stream": true``."""

# https://docs.anthropic.com/en/api/messages: "Using a string for content is shorthand for an
# array of one content block of type "text"."
_SHORTHAND = frozenset(("anthropic.messages",))


def probe(attempt: Attempt, exchange: Exchange, variant: str) -> Answer:
    """Hold the request against what the target was told to send.

    A reader of raw events makes no request of its own: the rule is not about it.
    """
    return again(attempt, Case(exchange, UNBENT, variant))


def again(attempt: Attempt, case: Case) -> Answer:
    """See ``probe``; on one case."""
    if not dialects.find(case.exchange.dialect).sites or "tcp" not in attempt.overs(case):
        return None
    if attempt.target.daemon is not None:
        return None  # it is told by a payload, in every hand-off: rule payload-forwarded
    first, seen = _once(attempt, case)
    for _ in range(TIMES - 1):
        if first is None:
            return None
        other, seen = _once(attempt, case)
        if other is None or other.shape != first.shape:
            return None
    return None if first is None else Measured(case, first, seen, "tcp", NOTE, TIMES)


def _once(attempt: Attempt, case: Case) -> tuple[Evidence | None, Transcript]:
    seen = attempt.attempt(case, "tcp").seen
    sent = seen.delivery.request if seen.delivery else b""
    dialect, told = case.exchange.dialect, _told(case.exchange)
    path, shorthand = dialects.find(dialect).path, dialect in _SHORTHAND
    return request_fidelity(told, path, sent, shorthand=shorthand), seen


def _told(exchange: Exchange) -> dict[str, Any]:
    try:
        request = json.loads(exchange.request.body)
    except ValueError:
        request = {}
    known = request if isinstance(request, dict) else {}
    # Whoever reads a stream has asked for one; in some APIs the body does not say so.
    streams = {} if exchange.dialect in _UNASKED else {"stream": True}
    return {name: known[name] for name in TOLD if name in known} | streams


REQUEST_FIDELITY = Probe("request-fidelity", probe, again)
