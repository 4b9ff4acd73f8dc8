"""Field lines, URLs and other texts without their secrets; as long as they were."""

from __future__ import annotations

import re

from replayfuzz.cassette import Fields
from replayfuzz.redact.names import Kind, field_kind, same
from replayfuzz.redact.spans import Wanted, redacted

_COOKIE = re.compile(r"([^=;\s]+=)([^;]*)")
_SCHEME = re.compile(r"([A-Za-z][\w-]*[ ]+)?(.*)", re.DOTALL)
_SEEN = re.compile(r"[X\s]*|9*")


def text(told: str, wanted: Wanted) -> str:
    """A text without its secrets."""
    raw = told.encode("utf-8", "surrogatepass")
    clean = redacted(raw, wanted)
    return told if clean == raw else clean.decode("utf-8", "surrogatepass")


def fields(lines: Fields, wanted: Wanted) -> Fields:
    """Field lines without their secrets."""
    return tuple((name, value(name, told, wanted)) for name, told in lines)


def value(name: str, told: str, wanted: Wanted) -> str:
    """The value of one field without its secret."""
    kind = hidden(name, wanted)
    if kind is None:
        return told if same(name) in wanted.keep else text(told, wanted)
    if kind == "cookie" and "=" in told:
        # Of Set-Cookie only the first is the cookie; the rest are attributes (RFC 6265).
        count = 1 if name.lower().startswith("set-") else 0
        return _COOKIE.sub(lambda pair: pair[1] + _mark(pair[2]), told, count=count)
    if kind == "token":
        scheme, secret = _SCHEME.fullmatch(told.strip(" ")).groups("")  # type: ignore[union-attr]
        return scheme + _mark(secret)
    return _mark(told)


def hidden(name: str, wanted: Wanted) -> Kind | None:
    """What a field of that name hides; None: nothing, or it is to be kept."""
    kind = field_kind(name)
    return None if kind in wanted.keep or same(name) in wanted.keep else kind


def is_hidden(told: str) -> bool:
    """Whether all of a secret is redacted."""
    return bool(_SEEN.fullmatch(told))


def _mark(secret: str) -> str:
    return secret if is_hidden(secret) else "X" * len(secret)
