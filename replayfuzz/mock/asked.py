"""A request as the mock provider reads it, and as it is kept: without its secrets."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, replace
from typing import Any

from replayfuzz.cassette import Fields
from replayfuzz.invariants.request import unchunked
from replayfuzz.transcript import Speaks

_HIDDEN = "***"
_SECRET_FIELD = re.compile(
    r"(?:proxy-)?authorization|cookie|(?:[a-z-]+-)?api-?key|[a-z-]*(?:token|secret)"
)
_SECRET_QUERY = re.compile(
    r"(?i)((?:^|[?&])(?:[a-z]+[-_])?(?:api[-_]?key|key|token|secret|signature|sig)=)[^&#]+"
)
_SHORTEST = 6  # characters of a secret that is worth looking for in bodies
_TARGET = re.compile(r"(?:https?://[^/?#]*)?([^?#]*)(?:\?([^#]*))?")

MOST_KEPT = 1 << 20
"""Bytes of one body that are kept."""


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


def kept(asked: Asked) -> dict[str, Any]:
    """*asked* as JSON values, without its secrets; a body that is no UTF-8 text as base64.

    Secrets are hidden in fields by name, in the query by name, and in the body where it
    repeats one of those. A body is kept up to MOST_KEPT bytes; ``size`` tells its length.
    """
    secrets, fields = [], []
    for name, value in asked.fields:
        if _SECRET_FIELD.fullmatch(name):
            scheme, _, secret = value.rpartition(" ")
            secrets.append(secret)
            fields.append([name, f"{scheme} {_HIDDEN}".strip()])
        else:
            fields.append([name, redacted(value) if name == "referer" else value])
    body = asked.body[:MOST_KEPT]
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            body = body.replace(secret.encode(), b"*" * len(secret.encode()))
    try:
        told = {"body": body.decode()}
    except UnicodeDecodeError:
        told = {"body_base64": base64.b64encode(body).decode()}
    return {
        "method": asked.method,
        "path": redacted(asked.target),
        "protocol": asked.protocol,
        "headers": fields,
        **told,
        "size": len(asked.body),
    }


def redacted(target: str) -> str:
    """A request target whose query holds no secret."""
    return _SECRET_QUERY.sub(rf"\g<1>{_HIDDEN}", target) if "=" in target else target


def _text(head: bytes) -> str:
    try:
        return head.decode()
    except UnicodeDecodeError:
        return head.decode("latin-1")
