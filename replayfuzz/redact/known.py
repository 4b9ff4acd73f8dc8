"""Secrets that the head of an exchange tells: they may be said again anywhere in it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

from replayfuzz.cassette import Fields
from replayfuzz.redact.names import field_kind, same
from replayfuzz.redact.spans import EVERYTHING, find

_SHORTEST = 8  # bytes; what is shorter may be an ordinary word
_SHORTEST_NUMBERED = 6  # the same, where digits are in it
_COOKIE = re.compile(r"[^=;\s]+=\"?([^;\"]*)")
_ESCAPED = re.compile(rb"%([0-9a-fA-F]{2})")


def known(heads: Iterable[Fields], url: str, keep: frozenset[str]) -> frozenset[bytes]:
    """The secrets in field lines and in a URL, as bytes to look for elsewhere."""
    told = [secret for fields in heads for secret in _of_fields(fields, keep)]
    raw = url.encode("utf-8", "surrogatepass")
    for span in find(raw, EVERYTHING._replace(keep=keep)):
        secret = raw[span.start : span.end]
        told += [secret, _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), secret)]
    return frozenset(filter(_is_telling, told))


def _of_fields(fields: Fields, keep: frozenset[str]) -> Iterator[bytes]:
    for name, value in fields:
        kind = field_kind(name)
        if kind is None or kind in keep or same(name) in keep:
            continue
        words = _COOKIE.findall(value) if kind == "cookie" else [value.strip().split(" ")[-1]]
        if kind == "cookie" and name.lower().startswith("set-"):
            words = words[:1]  # attributes follow
        for word in words:
            yield word.encode("utf-8", "surrogatepass")
            if value.lower().startswith("basic "):
                yield from _credentials(word)


def _credentials(word: str) -> Iterator[bytes]:
    """User and password of RFC 7617."""
    try:
        pair = base64.b64decode(word, validate=True)
    except (binascii.Error, ValueError):
        return
    yield pair
    yield pair.partition(b":")[2]


def _is_telling(secret: bytes) -> bool:
    if not secret.strip(b"X. ") or re.fullmatch(rb"9+|[X@.]+", secret):
        return False  # redacted already
    least = _SHORTEST_NUMBERED if re.search(rb"\d", secret) else _SHORTEST
    return len(secret) >= least
