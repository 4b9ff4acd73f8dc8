"""What the mock provider says: the texts of ``X-Test-Pattern``, as streams of OpenAI chunks.

Ids, model names, texts and spelling are those of the mock provider that streaming daemons are
tested with, byte for byte, so that its clients can be pointed here. Only the sentence of
``long`` is our own: nobody looks at more of it than its length.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, cycle, islice

from replayfuzz.cassette import Exchange, Request

CHUNKS, DELAY_MS = 18, 50
"""Chunks of the default text, and milliseconds before each chunk but the first."""

MOST_CHUNKS = 100_000
"""Nobody means more; ``abort:N`` gives so many at most."""

PATTERNS = ("unicode", "short", "long", "abort", "finish")
"""What ``X-Test-Pattern`` may begin with; anything else is answered with the default text."""

_DEFAULT = (
    *("Hello", " world", "!", " This", " is", " a", " mock", " LLM", " response", " for"),
    *(" benchmarking", " streaming", " performance", ".", " The", " actual", " content"),
    *(" doesn't", " matter", " -", " only", " the", " timing", " and", " format", "."),
)
_EMOJI = (0x1F600, 0x1F4A1, 0x2764, 0x1F680, 0x1F389, 0x1F44D, 0x2728, 0x1F525, 0x1F31F, 0x1F3AF)
_CJK = (0x4E2D, 0x6587, 0x5B57, 0x7B26, 0x6D4B, 0x8BD5, 0x65E5, 0x672C, 0x8A9E, 0x97D3)
_FOUR_BYTES = (0x1D400, 0x1D401, 0x1D402, 0x10348, 0x1F600, 0x1F4BB, 0x1F9D1, 0x1F308)
_MIXED = (
    *("Hello 世界! 🌍", "Test 测试 🧪", "Code 代码 💻", "Math: 𝐀𝐁𝐂"),
    *("日本語テスト 🎌", "한국어 테스트 🇰🇷", "Emoji mix: 🚀✨🔥"),
)
_UNICODE = (*map(chr, (*_EMOJI, *_CJK, *_FOUR_BYTES)), *_MIXED)
_SHORT = tuple("Hello world! This is a test. Each chunk is small.")
_SENTENCE = (
    "A long chunk fills every buffer on its way, it seldom arrives in a single read, its middle "
    "looks like any other text, and only its last byte tells that nothing was lost. "
)
_LONG = ((_SENTENCE * (4096 // len(_SENTENCE) + 1))[:4096],) * 3
_ABORT = (
    *("Hello", " world", "!", " This", " is", " a", " test", " response", " for", " validation"),
    ".",
)
_FINISH = ("Test", " response", " with", " custom", " finish_reason", ".")
_ABORTED_AT = 5  # where abort's number is none

_DONE = b"data: [DONE]\n\n"
_FIELDS = (
    ("content-type", "text/event-stream"),
    ("cache-control", "no-cache"),
    ("x-accel-buffering", "no"),
)
_APPLIED = "x-test-pattern-applied"


def applied(pattern: str) -> str:
    """The name of the pattern that the text of a header asks for; empty: the default."""
    name, colon, _ = pattern.strip().partition(":")
    asked = name in ("abort", "finish") if colon else name in ("unicode", "short", "long")
    return name if asked else ""


@lru_cache(maxsize=16)
def exchange(pattern: str = "", chunk_count: int = CHUNKS, delay_ms: int = DELAY_MS) -> Exchange:
    """The stream that answers ``X-Test-Pattern: <pattern>``, one event a chunk.

    Args:
        pattern: ``unicode``, ``short``, ``long``, ``abort:N``, ``finish:REASON``; unknown or
            empty: the default text.
        chunk_count: Chunks of the default text, at least 1.
        delay_ms: Before each chunk but the first, the final one and ``[DONE]`` included.
    """
    name = applied(pattern)
    pieces = tuple(_events(name, pattern.strip().partition(":")[2], chunk_count))
    return Exchange(
        name=f"mock/{name or 'default'}",
        dialect="openai.chat",
        request=Request(url="http://127.0.0.1/v1/chat/completions"),
        fields=(*_FIELDS, (_APPLIED, name)) if name else _FIELDS,
        body=b"".join(pieces),
        chunks=tuple((number * delay_ms / 1000, len(piece)) for number, piece in enumerate(pieces)),
    )


def _events(name: str, value: str, chunk_count: int) -> Iterator[bytes]:
    match name:
        case "unicode":
            return _whole(name, _UNICODE)
        case "short":
            return _whole(name, _SHORT)
        case "long":
            return _whole(name, _LONG)
        case "abort":
            # The body ends here, cleanly: no final chunk, no [DONE].
            return _said(name, islice(cycle(_ABORT), _number(value)))
        case "finish":
            return _whole(name, _FINISH, value or "stop")
        case _:
            return _whole(name, islice(cycle(_DEFAULT), chunk_count))


def _number(text: str) -> int:
    # No more digits are read than int() reads in an instant.
    found = re.fullmatch(r"\+?0*([0-9]{1,18})[0-9]*", text, re.ASCII)
    return min(int(found[1]), MOST_CHUNKS) if found else _ABORTED_AT


def _whole(name: str, texts: Iterable[str], reason: str = "stop") -> Iterator[bytes]:
    return chain(_said(name, texts), (_chunk(name, {}, reason), _DONE))


def _said(name: str, texts: Iterable[str]) -> Iterator[bytes]:
    return (_chunk(name, {"content": text}, None) for text in texts)


def _chunk(name: str, delta: dict[str, str], reason: str | None) -> bytes:
    chunk = {
        "id": "chatcmpl-test" if name else "chatcmpl-mock",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "test-model" if name else "mock-model",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }
    text = json.dumps(chunk, ensure_ascii=False, separators=(",", ":"))
    # A header may hold what no UTF-8 can: half of a surrogate pair.
    return f"data: {text}\n\n".encode("utf-8", "replace")
