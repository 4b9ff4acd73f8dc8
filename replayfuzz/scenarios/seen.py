"""What a client makes of a daemon's response, and what the upstream was asked for.

Both forms of output are read, each event for itself: chunks of the provider's API, and
``{"content": …}`` / ``{"error": …}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from replayfuzz.formats.json_text import JsonError, loads
from replayfuzz.formats.sse import SseReader
from replayfuzz.transcript import Response

DONE = "[DONE]"

_FIELD = re.compile(rb"(?:data|event|id|retry)(?::|$)|:")
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Chunk:
    """One event with JSON of one of the two forms.

    Attributes:
        content: Its piece of the text.
        finish: ``finish_reason`` of its first choice; None: null, or none.
        error: Message of an error event; empty: it is none.
    """

    content: str = ""
    finish: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that assertions look at.

    Attributes:
        response: What the client was given.
        failure: Why it did not arrive whole (no answer in time, reset, no HTTP); "": it did.
        silent: Its end did not come in time.
        chunks: Events of either form; ``[DONE]`` and events of another form are not among them.
        done: Positions of ``[DONE]`` among all events; *events*: how many events there are.
        request: The upstream request as it arrived, head and body; empty: there was none.
        sent: Body that the upstream sent.
        declared: Fields that the daemon's declaration promises, by name.
    """

    response: Response
    failure: str = ""
    silent: bool = False
    chunks: tuple[Chunk, ...] = ()
    done: tuple[int, ...] = ()
    events: int = 0
    request: bytes = b""
    sent: bytes = b""
    declared: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The text that the upstream sent: what a client's content has to be."""
        return "".join(chunk.content for chunk in _chunks(_data(self.sent)))

    @property
    def content(self) -> str:
        """All pieces of the text, joined."""
        return "".join(chunk.content for chunk in self.chunks)

    @property
    def finish(self) -> str | None:
        """The last finish reason; None: there was none."""
        return next((chunk.finish for chunk in reversed(self.chunks) if chunk.finish), None)

    @property
    def wrapped(self) -> int:
        """How often ``[DONE]`` came as a piece of the text instead of as itself."""
        return sum(chunk.content == DONE for chunk in self.chunks)

    @property
    def error(self) -> str:
        """What the client was told of an error, by an event or a status; empty: nothing."""
        if self.response.status < 400:
            return next((chunk.error for chunk in self.chunks if chunk.error), "")
        text = self.response.body.decode("utf-8", "replace").strip()
        return f"HTTP {self.response.status}: {_message(_json(text)) or text}"

    @property
    def stray(self) -> bytes:
        """The first line of the body that is no line of an event stream; b"" when all are."""
        lines = _LINE_END.split(self.response.body)
        return next((line for line in lines if line and not _FIELD.match(line)), b"")

    def told(self, name: str) -> list[str]:
        """Values of the upstream request's fields of that name (any case)."""
        head = self.request.partition(b"\r\n\r\n")[0].decode("latin-1")
        pairs = (line.partition(":") for line in head.split("\r\n")[1:])
        return [value.strip() for key, _, value in pairs if key.strip().lower() == name.lower()]

    @property
    def asked(self) -> Mapping[str, Any]:
        """The JSON object in the upstream request; empty when there is none."""
        value = _json(_content(self.request.partition(b"\r\n\r\n")[2]).decode("utf-8", "replace"))
        return value if isinstance(value, Mapping) else {}


def seen(response: Response) -> Seen:
    """Read the events of *response*, which arrived whole."""
    if response.status >= 400:  # its body is no stream
        return Seen(response)
    data = _data(response.body)
    return Seen(
        response,
        chunks=tuple(_chunks(data)),
        done=tuple(number for number, text in enumerate(data) if text.strip() == DONE),
        events=len(data),
    )


def _data(body: bytes) -> list[str]:
    return [item.data for item in SseReader().receive(body)]


def _chunks(data: list[str]) -> Iterator[Chunk]:
    for text in data:
        value = _json(text)
        if not isinstance(value, Mapping):
            continue
        choices = value.get("choices")
        error = (_message(value) or text) if value.get("error") else ""
        if isinstance(choices, list) and choices:
            yield replace(_full(choices[0]), error=error)
        elif error:
            yield Chunk(error=error)
        elif isinstance(value.get("content"), str):
            yield Chunk(content=value["content"])


def _full(choice: object) -> Chunk:
    if not isinstance(choice, Mapping):
        return Chunk()
    delta, finish = choice.get("delta"), choice.get("finish_reason")
    content = delta.get("content") if isinstance(delta, Mapping) else None
    return Chunk(
        content if isinstance(content, str) else "", finish if isinstance(finish, str) else None
    )


def _json(text: str) -> object:
    try:
        return loads(text)
    except JsonError:
        return None


def _message(value: object) -> str:
    """The text of ``{"error": "…"}``, ``{"error": {"message": "…"}}`` or ``{"message": "…"}``."""
    while isinstance(value, Mapping):
        value = value.get("error", value.get("message", ""))
    return value if isinstance(value, str) else ""


def _content(body: bytes) -> bytes:
    """A request's body without a chunked coding, which only shows in that it is no JSON."""
    parts: list[bytes] = []
    rest = body
    while found := re.match(rb"([0-9a-fA-F]+)[^\r\n]*\r\n", rest):
        size = int(found[1], 16)
        parts.append(rest[found.end() : found.end() + size])
        rest = rest[found.end() + size + 2 :]
    return b"".join(parts) or body
