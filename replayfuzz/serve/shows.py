"""What a server asks of those who know the answers: ``Shows``.

``Offers`` is one, for scripts under tokens; a mock provider is another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, Protocol

from replayfuzz.deliver import Line, Play
from replayfuzz.transcript import Speaks
from replayfuzz.wire import Close, Frame, Script, Send
from replayfuzz.wire.request import Incoming, RequestReader
from replayfuzz.wire.script import Fields

if TYPE_CHECKING:  # for few
    from replayfuzz.deliver.h2stream import H2Stream

After = Literal["keep", "close", "taken"]
"""What is to become of a connection after an answer; see ``Direct``."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A whole answer, sent at once, over whichever protocol the client speaks.

    Attributes:
        status: HTTP status code.
        body: Content; left out in the answer to HEAD.
        fields: Besides Content-Length, which is added.
    """

    status: int = 200
    body: bytes = b""
    fields: Fields = (("Content-Type", "text/plain; charset=utf-8"),)

    @classmethod
    def text(cls, status: int, text: str, fields: Fields = ()) -> Plain:
        """A line of text for people, with our name before it."""
        told = (("Content-Type", "text/plain; charset=utf-8"), *fields)
        return cls(status, f"replayfuzz: {text}\n".encode(), told)

    def http1(self, method: str = "GET") -> bytes:
        """As an HTTP/1.1 message that answers *method* (RFC 9110 section 9.3.2 for HEAD)."""
        try:
            reason = HTTPStatus(self.status).phrase
        except ValueError:
            reason = ""
        told = (*self.fields, ("Content-Length", str(len(self.body))))
        lines = [f"HTTP/1.1 {self.status} {reason}", *(f"{name}: {value}" for name, value in told)]
        head = "\r\n".join(lines) + "\r\n\r\n"
        return head.encode() + (b"" if method == "HEAD" else self.body)

    def http2(self, method: str = "GET") -> Script:
        """As the frames of an HTTP/2 message that answers *method*."""
        told = [(name.lower(), value) for name, value in self.fields if name != "Connection"]
        length = ("content-length", str(len(self.body)))
        fields = ((":status", str(self.status)), *told, length)
        if method == "HEAD" or not self.body:
            return Script((Frame("headers", fields=fields, last=True), Close("keep")))
        size = 1 << 14  # of a frame that every client takes
        parts = [self.body[at : at + size] for at in range(0, len(self.body), size)]
        return Script((
            Frame("headers", fields=fields),
            *(Frame("data", part, cuts=()) for part in parts[:-1]),
            Frame("data", parts[-1], last=True, cuts=()),
            Close("keep"),
        ))  # fmt: skip


class Show(Protocol):
    """A script, and whoever wants to know how it is played."""

    @property
    def script(self) -> Script: ...

    @property
    def verify(self) -> bool:
        """Whether to ask what the peer has read before each segment."""
        ...

    def playing(self, play: Play, request: Incoming) -> AbstractContextManager[None]:
        """Entered before *play* runs as the answer to *request*, left when it has ended."""
        ...


class Direct(ABC):
    """An answer that writes to the connection itself.

    Attributes:
        heads: It answers HEAD too.
        http2: It answers over HTTP/2 too (``stream``).
    """

    heads = False
    http2 = False

    @abstractmethod
    async def answer(self, line: Line, request: Incoming, reader: RequestReader) -> After:
        """Answer *request* on *line*; *reader* has what the client sent behind it already.

        Returns:
            ``keep``: the next request may come; ``close``: close the connection; ``taken``:
            it belongs to this object now, which closes it (``line.end``) some time.
        """

    async def stream(self, stream: H2Stream, request: Incoming) -> None:
        """Answer *request* on *stream*, which is reset where the message has no end then."""
        raise NotImplementedError


class Shows(Protocol):
    """Finds the answer to a request; called in the server's thread, and must not wait."""

    def find(self, request: Incoming, protocol: Speaks) -> Show | Plain | Direct | None:
        """None: 404."""
        ...


def answer(shows: Shows, request: Incoming, protocol: Speaks) -> Show | Plain | Direct:
    """What *shows* has for *request*; a text where it has nothing that *protocol* can show.

    A request with HEAD is a probe: it is told what there is, and plays nothing.
    """
    show = shows.find(request, protocol)
    if isinstance(show, Plain):
        return show
    heads = isinstance(show, Direct) and show.heads
    if show is None or (request.method == "HEAD" and not heads):
        text = f"nothing is offered at {request.target[:200]}; was it asked for too late?"
        return Plain.text(404 if show is None else 200, text)
    made = _made_for(show)
    if made in (protocol, None):
        return show
    return Plain.text(500, f"what is offered was made for {made}, and the client speaks {protocol}")


def _made_for(show: Show | Direct) -> Speaks | None:
    if isinstance(show, Direct):
        return None if show.http2 else "http/1.1"
    for step in show.script.steps:
        if isinstance(step, Send | Frame):
            return "h2" if isinstance(step, Frame) else "http/1.1"
    return None  # a script that sends nothing
