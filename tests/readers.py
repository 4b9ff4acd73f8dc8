"""Small readers with one planted bug each, and streams to show it on."""

import codecs
import json
from collections.abc import Iterable, Iterator

from replayfuzz.cassette import Exchange
from replayfuzz.search.callable import InProcess, target_of
from replayfuzz.transcript import Event, event


def raw(
    name: str = "raw", text: str = "data: héllo\ndata: wörld\n\nid: 1\n: c\ndata: ok\n\n"
) -> Exchange:
    return Exchange(
        name, "sse", fields=(("Content-Type", "text/event-stream"),), body=text.encode()
    )


def chat(*contents: str) -> Exchange:
    """An ordinary openai.chat stream, with everything that such events carry."""

    def chunk(delta: dict[str, str], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        text = json.dumps({**head, "choices": [choice]}, ensure_ascii=False)
        return f"data: {text}\n\n"

    texts = "".join(chunk({"content": text}) for text in contents)
    body = chunk({"role": "assistant", "content": ""}) + texts + chunk({}, "stop")
    return Exchange("chat", "openai.chat", body=f"{body}data: [DONE]\n\n".encode())


def right(pieces: Iterable[bytes]) -> Iterator[Event]:
    """A correct reader of raw SSE."""
    yield from _sse(_decoded(pieces))


def per_piece(pieces: Iterable[bytes]) -> Iterator[Event]:
    """Decodes each piece on its own: a character that is cut is lost."""
    yield from _sse(piece.decode("utf-8", "replace") for piece in pieces)


def strict(pieces: Iterable[bytes]) -> Iterator[Event]:
    """The same, but raises."""
    yield from _sse(piece.decode() for piece in pieces)


def two_cuts(pieces: Iterable[bytes]) -> Iterator[Event]:
    """Loses an event when a piece is exactly ``ö``: two cuts, one on each side."""
    listed = list(pieces)
    yield from _sse(_decoded([b"" if piece == "ö".encode() else piece for piece in listed]))


def never_right(pieces: Iterable[bytes]) -> Iterator[Event]:
    """Every event has a wrong name, whatever is done to the stream."""
    for shown in right(pieces):
        yield event("sse", **{**shown.values, "event": "wrong"})


def chat_per_piece(pieces: Iterable[bytes]) -> Iterator[Event]:
    """Reads openai.chat, and decodes each piece on its own."""
    for shown in per_piece(pieces):
        if shown.get("data") == "[DONE]":
            yield event("done")
            return
        for choice in json.loads(shown.get("data"))["choices"]:
            if text := choice["delta"].get("content"):
                yield event("text", text=text)


def trying(reader, dialect: str = "sse", reports=None) -> InProcess:
    return InProcess(reader, target_of(reader, dialect, reports))


def _decoded(pieces: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    yield from map(decoder.decode, pieces)


def _sse(texts: Iterable[str]) -> Iterator[Event]:
    """WHATWG HTML 9.2.6, one character after the other."""
    data: list[str] = []
    line, name, last_id, after_cr = "", "", "", False
    for character in (character for text in texts for character in text):
        if after_cr and character == "\n":
            after_cr = False
            continue
        after_cr = character == "\r"
        if character not in "\r\n":
            line += character
            continue
        field, _, value = line.partition(":")
        value, blank, line = value.removeprefix(" "), not line, ""
        if blank:
            if data:
                yield event("sse", event=name or "message", data="\n".join(data), id=last_id)
            data, name = [], ""
        elif field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            last_id = value
