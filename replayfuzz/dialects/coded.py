"""What a reader makes of a compressed body: all of it, or as much as its decoder gives out."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from replayfuzz.dialects.dialect import Dialect, Ended
from replayfuzz.errors import UsageError
from replayfuzz.formats.gzip_spans import CODINGS, Inflated, inflate
from replayfuzz.transcript import Expected

_UNFLUSHED = (
    "RFC 1951 does not say when a decoder gives out what it has decoded: only what the sender "
    "flushed is certain"
)


def expect_coded(dialect: Dialect, body: bytes, ended: Ended, coding: str) -> tuple[Expected, ...]:
    """Tell every acceptable outcome of a body in a content coding, the ordinary one first.

    Where the coding stops before its end although the message is complete, a reader may go by
    either: RFC 9112 section 8 calls the message complete, RFC 1952 the data damaged. Where the
    data is damaged, nobody is accused of reading it otherwise than we do.

    Raises:
        UsageError: The coding cannot be decoded here.
    """
    if not body:
        return dialect.expect((body,), ended)
    held = _inflated(body, coding)
    if not held.fault:
        return dialect.expect((held.body,), ended)
    told = dialect.expect((held.body,), ended)
    short = replace(ended, message_end="incomplete") if ended.message_end == "complete" else ended
    if short != ended:
        told += dialect.expect((held.body,), short)
    if held.flushed < len(held.body):
        sure = dialect.expect((held.body[: held.flushed],), short)
        told += tuple(replace(one, why=one.why or _UNFLUSHED) for one in sure)
    return told if held.cut else tuple(replace(one, strict=False) for one in told)


@lru_cache(maxsize=64)
def _inflated(body: bytes, coding: str) -> Inflated:
    if coding not in CODINGS:
        raise UsageError(
            f"its body is in content coding {coding[:20]!r}, which cannot be decoded here; record "
            "it again with the request field 'Accept-Encoding: gzip'"
        )
    return inflate(body, CODINGS[coding])
