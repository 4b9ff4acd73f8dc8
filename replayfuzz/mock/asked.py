"""A request as the mock provider reads it, and as it tells it: without its secrets."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from replayfuzz import redact
from replayfuzz.cassette import Fields, Request
from replayfuzz.invariants.request import unchunked
from replayfuzz.transcript import Speaks

_SHOWN = ("identifier", "e-mail")  # kinds that stay: a test may well ask for its request id
_TARGET = re.compile(r"(?:https?://[^/?#]*)?([^?#]*)(?:\?([^#]*))?")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Attributes:
        method: As sent.
        target: As sent, with its query.
        path: Of the target, without query and authority.
        query: What follows the ``?``.
        fields: In wire order, names in lower case.
        body: With the transfer coding removed.
        protocol: Over which it came.
    """

    method: str
    target: str
    path: str
    query: str
    fields: Fields
    body: bytes
    protocol: Speaks = "http/1.1"

    def value(self, name: str) -> str | None:
        """The first field of that (lower-case) name."""
        return next((value for key, value in self.fields if key == name), None)


def read(raw: bytes, protocol: Speaks = "http/1.1") -> Asked:
    """Read a whole request, one that a request reader has found to be whole."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = _text(head).split("\r\n")
    method, _, rest = lines[0].partition(" ")
    target = rest.rpartition(" ")[0] or rest
    found = _TARGET.match(target)
    path, query = (found[1], found[2] or "") if found else (target, "")
    fields = []
    for line in lines[1:]:
        name, _, value = line.partition(":")
        fields.append((name.lower(), value.strip(" \t")))
    asked = Asked(method, target, path or "/", query, tuple(fields), body, protocol)
    coded = "chunked" in (asked.value("transfer-encoding") or "").lower()
    return replace(asked, body=unchunked(body)) if coded else asked


def told(asked: Asked, size: int) -> dict[str, Any]:
    """*asked* as JSON values, without its secrets; a body that is no UTF-8 text as base64.

    Args:
        asked: A request, with as much of its body as is kept.
        size: Bytes of the whole body.
    """
    given = Request(asked.method, asked.target, asked.fields, asked.body)
    clean = redact.request(given, keep=_SHOWN)
    try:
        body = {"body": clean.body.decode()}
    except UnicodeDecodeError:
        body = {"body_base64": base64.b64encode(clean.body).decode()}
    return {
        "method": clean.method,
        "path": clean.url,
        "protocol": asked.protocol,
        "headers": [[name, value] for name, value in clean.fields],
        **body,
        "size": size,
    }


@lru_cache(maxsize=256)
def redacted(target: str) -> str:
    """A request target for the log, without its secrets."""
    return redact.text(target, keep=_SHOWN)


def _text(head: bytes) -> str:
    try:
        return head.decode()
    except UnicodeDecodeError:
        return head.decode("latin-1")
