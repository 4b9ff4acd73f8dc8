"""Small streams that the other clients of a case, and its abuses, are served with."""

from __future__ import annotations

import json

from replayfuzz import wire
from replayfuzz.cassette import Exchange
from replayfuzz.plan import End, How, Plan, Slice
from replayfuzz.wire import Script

_PIECES = 12


def said(name: str) -> str:
    """What the stream of that name says; no two names share a piece of it."""
    return "".join(f"<{name}:{number}>" for number in range(_PIECES))


def stream(name: str, protocol: str, *, size: int = 0, stall: bool = False) -> Script:
    """An OpenAI chat completion that says ``said(name)``.

    Args:
        name: Of whom it is for.
        protocol: ``http/1.1`` or ``h2``.
        size: More characters, in pieces of 8 KiB, for a client that does not read.
        stall: It falls silent in its middle.
    """
    texts = [f"<{name}:{number}>" for number in range(_PIECES)]
    texts += ["x" * 8192] * (size // 8192)
    body = b"".join(map(_chunk, texts)) + _chunk(None) + b"data: [DONE]\n\n"
    fields = (("Content-Type", "text/event-stream"),)
    exchange = wire.over(
        Exchange(name, "openai.chat", fields=fields, body=body, chunks=((0.0, len(body)),)),
        "h2" if protocol == "h2" else "http/1.1",
    )
    edits: tuple[Slice | End, ...] = () if size else (Slice(0, 97),)
    if stall:
        edits = (_end(len(body) // 2, "stall"),)
    return wire.render(exchange, Plan(edits, keep_chunks=False, keep_times=False))


def broken(protocol: str) -> Script:
    """A stream whose connection is reset in the middle."""
    body = _chunk("half") * 2
    exchange = wire.over(
        Exchange("broken", "openai.chat", body=body, chunks=((0.0, len(body)),)),
        "h2" if protocol == "h2" else "http/1.1",
    )
    plan = Plan((_end(len(body) // 2, "reset"),), keep_chunks=False, keep_times=False)
    return wire.render(exchange, plan)


def _end(at: int, how: How) -> End:
    return End(at, how)


def _chunk(text: str | None) -> bytes:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": "stop" if text is None else None}
    value = {
        "id": "chatcmpl-beside",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "beside",
        "choices": [choice],
    }
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"
