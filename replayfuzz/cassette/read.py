"""VCR YAML text -> Cassette, and guesses for what a plain VCR.py file does not tell."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from typing import Any

from replayfuzz.cassette.values import (
    NOT_HTTP1,
    ORIGINS,
    PROTOCOLS,
    UNKNOWN,
    Cassette,
    Exchange,
    Fields,
    Request,
    chunks_fault,
)
from replayfuzz.cassette_yaml import Item, load, pairs
from replayfuzz.plan import ENDINGS, FRAMINGS, Framing

_EVENT_STREAM = "application/vnd.amazon.eventstream"

GUESSES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # dialect, end of the URL's path, content types. Tried in order, for files without ``stream``.
    ("mistral.chat", r"//api\.mistral\.ai/.*/chat/completions", ("text/event-stream",)),
    ("writer.completions", r"//api\.writer\.com/.*/completions", ("text/event-stream",)),
    ("openai.chat", r"/chat/completions", ("text/event-stream",)),
    ("openai.completions", r"/completions", ("text/event-stream",)),
    ("openai.responses", r"/responses", ("text/event-stream",)),
    (
        "openai.assistants",
        r"/threads/(?:[^/]+/)?runs(?:/[^/]+/submit_tool_outputs)?",
        ("text/event-stream",),
    ),
    ("openai.audio", r"/audio/(?:transcriptions|translations)", ("text/event-stream",)),
    ("anthropic.messages", r"/v1/messages|:streamRawPredict", ("text/event-stream",)),
    ("ollama.chat", r"/api/chat", ("application/x-ndjson",)),
    ("ollama.generate", r"/api/generate", ("application/x-ndjson",)),
    ("ollama.pull", r"/api/(?:pull|push|create)", ("application/x-ndjson",)),
    ("gemini.interactions", r"/interactions", ("text/event-stream",)),
    ("gemini.stream", r":streamGenerateContent", ("text/event-stream",)),
    ("gemini.stream_array", r":streamGenerateContent", ("application/json",)),
    ("cohere.v2", r"/v2/chat", ("text/event-stream",)),
    ("cohere.v1", r"/v1/chat", ("application/stream+json", "application/x-ndjson")),
    ("tgi.generate_stream", r"/generate_stream", ("text/event-stream",)),
    ("watsonx.generation", r"/text/generation_stream|/text_stream", ("text/event-stream",)),
    ("replicate", r"replicate\.(?:com|net)/.*", ("text/event-stream",)),
    ("mcp.streamable_http", r"/mcp", ("text/event-stream",)),
    ("anthropic.completions", r"/v1/complete", ("text/event-stream",)),
    ("bedrock.converse_stream", r"/converse-stream", (_EVENT_STREAM,)),
    ("bedrock.invoke_with_response_stream", r"/invoke-with-response-stream", (_EVENT_STREAM,)),
    ("worker.execute", r"/execute", ("text/event-stream",)),
    ("worker.jobs", r"/v1/jobs/[^/]+/stream", ("text/event-stream",)),
    ("sse", r"", ("text/event-stream",)),
    ("ndjson", r"", ("application/x-ndjson", "application/ndjson", "application/jsonl")),
)


def parse(text: str, *, file: str, damaged: bool = False) -> Cassette:
    """Read a cassette: one that ``dump`` wrote, or a plain VCR.py file.

    Without ``stream`` the dialect is guessed from GUESSES, the body is one chunk and the
    origin ``imported``. Header fields come back in the order of the file.

    Args:
        text: VCR YAML of version 1.
        file: Where it came from, for names (its stem) and error messages.
        damaged: Take chunks that do not add up to the body as they are.

    Raises:
        CassetteError: It is empty, not safe YAML, not a VCR.py cassette, or does not hold
            together; the message names the line and what to do.
    """
    root = load(text, file=file)
    top = root.mapping() if isinstance(root.value, dict) else {}
    if "interactions" not in top:
        raise root.fault(
            "has no 'interactions' list, so it is no VCR.py cassette; "
            "only VCR.py files of version 1 can be read"
        )
    if "version" not in top or top["version"].text() != "1":
        raise top.get("version", root).fault(
            "does not say 'version: 1', which VCR.py writes as its last line; "
            "restore the file if it was cut off, else convert or record it again"
        )
    listed = top["interactions"].items()
    if not listed:
        raise top["interactions"].fault("is an empty list; record again or delete the file")
    stem = PurePath(file).stem
    names = [stem] if len(listed) == 1 else [f"{stem}#{number}" for number in range(len(listed))]
    read = partial(_exchange, damaged=damaged)
    return Cassette(stem, tuple(map(read, listed, names)))


def _exchange(item: Item, name: str, *, damaged: bool) -> Exchange:
    asked, answer = _part(item, "request"), _part(item, "response")
    status = _part(answer, "status")
    bare = Exchange(
        name=name,
        dialect=UNKNOWN,
        request=Request(
            method=_part(asked, "method").text(),
            url=_part(asked, "uri").text(),
            fields=_fields(asked),
            body=_request_body(asked.mapping().get("body")),
        ),
        status=_part(status, "code").whole(100, 999),
        reason=_part(status, "message").text(),
        fields=_fields(answer),
        body=_response_body(_part(answer, "body")),
    )
    return _with_stream(bare, item.mapping().get("stream"), damaged=damaged)


def _with_stream(bare: Exchange, item: Item | None, *, damaged: bool) -> Exchange:
    """Add what ``stream`` tells, and guesses for what it does not."""
    keys = item.mapping() if item else {}
    for key, value in keys.items():
        if key not in _STREAM:
            raise value.fault(f"is no key of 'stream'; known are {', '.join(_STREAM)}")
    found: dict[str, Any] = {
        "dialect": guess(bare),
        "framing": _guess_framing(bare),
        "chunks": ((0.0, len(bare.body)),) if bare.body else (),
        "origin": (("kind", "imported"),),
    }
    found.update((key, _STREAM[key](value)) for key, value in keys.items())
    exchange = replace(bare, **found)
    if not damaged and (fault := chunks_fault(exchange)):
        raise keys["chunks"].fault(fault)
    return exchange


def _part(item: Item, key: str) -> Item:
    found = item.mapping().get(key)
    if found is None:
        raise item.fault(f"has no {key!r}, so the exchange is not whole; record it again")
    return found


def _fields(item: Item) -> Fields:
    headers = item.mapping().get("headers")
    return tuple(pairs(headers)) if headers else ()


def _request_body(item: Item | None) -> bytes:
    if item is not None and isinstance(item.value, dict):
        item = item.value.get("string")
    return item.data() if item else b""


def _response_body(item: Item) -> bytes:
    if isinstance(item.value, str) and not item.is_null:
        return item.data()
    # No body at all is not an empty one: the file was cut off, or badly edited.
    return _part(item, "string").data()


def _dialect(item: Item) -> str:
    return item.text() or UNKNOWN


def _framing(item: Item) -> Framing | None:
    framing = item.choice((*FRAMINGS, NOT_HTTP1))
    return next((known for known in FRAMINGS if known == framing), None)


def _chunks(item: Item) -> tuple[tuple[float, int], ...]:
    chunks = []
    for pair in item.items():
        match pair.items():
            case (seconds, length):
                chunks.append((seconds.number(), length.whole(1)))
            case _:
                raise pair.fault("holds something that is not [seconds, bytes]")
    return tuple(chunks)


def _origin(item: Item) -> tuple[tuple[str, str], ...]:
    _part(item, "kind").choice(ORIGINS)
    return tuple((key, value.text()) for key, value in item.mapping().items())


_STREAM: dict[str, Any] = {
    "dialect": _dialect,
    "protocol": lambda item: item.choice(PROTOCOLS),
    "framing": _framing,
    "chunks": _chunks,
    "ending": lambda item: item.choice((*ENDINGS, "timeout")),
    "trailers": lambda item: tuple(pairs(item)),
    "origin": _origin,
}


def guess(exchange: Exchange) -> str:
    """The dialect, by URL and content type; a type that is missing or an error fits any."""
    path = re.split("[?#]", exchange.request.url)[0].rstrip("/")
    type_ = _value(exchange.fields, "content-type").partition(";")[0].strip().lower()
    for dialect, ending, types in GUESSES:
        told = bool(ending) and (not type_ or exchange.status >= 400)
        if (type_ in types or told) and re.search(f"(?:{ending})$", path):
            return dialect
    return UNKNOWN


def _guess_framing(exchange: Exchange) -> Framing:
    length = _value(exchange.fields, "content-length")
    return "content-length" if length == str(len(exchange.body)) else "chunked"


def _value(fields: Fields, name: str) -> str:
    return next((value for key, value in fields if key.lower() == name), "")
