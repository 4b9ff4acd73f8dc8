"""Whether a target sent the request that it was told to send."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from replayfuzz.invariants import evidence
from replayfuzz.verdict import Evidence


def request_fidelity(
    told: Mapping[str, Any],
    path: str,
    request: bytes,
    *,
    method: str = "POST",
    shorthand: bool = False,
) -> Evidence | None:
    """Hold a raw request (``Delivery.request``) against what the target was told to send.

    Args:
        told: Members that the JSON body must have with these values: model, messages,
            stream, …. Others may be there too: libraries add defaults.
        path: End of the request target, without its query.
        request: Raw head and body as received; empty (memory delivery): not judged.
        method: Request method.
        shorthand: Whether a text that is the content of a message stands for an array of one
            text block, as the API of Anthropic documents it.
    """
    if not request:
        return None
    head, _, body = request.partition(b"\r\n\r\n")
    line, _, fields = head.decode("latin-1").partition("\r\n")
    sent_method, _, rest = line.partition(" ")
    target = rest.partition(" ")[0].partition("?")[0]
    if sent_method != method:
        return _differ("method", method, sent_method)
    if not target.endswith(path):
        return _differ("path", f"…{path}", target)
    chunked = re.search(r"(?im)^transfer-encoding:.*chunked", fields)
    try:
        value = json.loads(unchunked(body) if chunked else body)
    except ValueError:
        return _differ("body", "a JSON object", body[:80].decode("latin-1"))
    given = value if isinstance(value, dict) else {}
    for name, wanted in told.items():
        want, seen = wanted, given.get(name)
        if shorthand and name == "messages":
            want, seen = _as_blocks(want), _as_blocks(seen)
        if evidence.canonical(seen) != evidence.canonical(want):
            return _differ(name, evidence.canonical(want), evidence.canonical(seen))
    return None


def _as_blocks(messages: Any) -> Any:
    """*messages* with each text that is a whole content as the block that it stands for."""
    if not isinstance(messages, list):
        return messages
    return [
        {**message, "content": [{"type": "text", "text": message["content"]}]}
        if isinstance(message, dict) and isinstance(message.get("content"), str)
        else message
        for message in messages
    ]


def _differ(part: str, want: str, seen: str) -> Evidence:
    expected, observed = evidence.both(want, seen)
    return Evidence(f"{part} {expected}", f"{part} {observed}", f"request {part} changed")


def unchunked(body: bytes) -> bytes:
    """The content of a chunked body (RFC 9112 section 7.1); what is damaged ends it."""
    parts: list[bytes] = []
    while body:
        line, _, body = body.partition(b"\r\n")
        digits = line.partition(b";")[0].strip()
        size = int(digits, 16) if re.fullmatch(rb"[0-9A-Fa-f]+", digits) else 0
        if not size:
            break
        parts.append(body[:size])
        body = body[size + 2 :]
    return b"".join(parts)
