"""What a daemon's client was shown: a response with an event stream, read as a transcript.

A daemon relays a provider's stream in one of two forms, and both are read wherever they come:
*simplified*, ``{"content": "…"}`` and ``{"error": "…"}``; or *full*, chunks of OpenAI's API. In
both ``[DONE]`` ends the stream. What a well-behaved daemon does not write is told as a Problem.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from replayfuzz.daemon import Output
from replayfuzz.dialects.dialect import Ended
from replayfuzz.dialects.openai_chat import tell_chunk
from replayfuzz.dialects.rulings import Rulings
from replayfuzz.dialects.story import Story, message_of
from replayfuzz.formats.json_text import JsonError, loads
from replayfuzz.formats.response import ResponseReader
from replayfuzz.formats.sse import ServerEvent, SseReader
from replayfuzz.transcript import End, Event, Failure, Response, Transcript, event

DONE = "[DONE]"
"""Data of the event that ends a stream, in either form."""

_SHOWN = 80  # characters of somebody's data in a message
_TOLD = 500  # characters of a body that stands for an error message

Kind = Literal[
    "not-json", "no-form", "other-form", "wrapped-done", "after-done", "unended", "utf8", "framing"
]
"""What is wrong with a stream. ``not-json``: data that is no JSON object. ``no-form``: an object
of neither form. ``other-form``: of the form that was not declared. ``wrapped-done``: ``[DONE]``
as content. ``after-done``: bytes after the end marker. ``unended``: the last event has no blank
line. ``utf8``: bytes that are not UTF-8. ``framing``: the HTTP message is broken or goes on."""

Arrivals = Sequence[tuple[float, int]]
"""For each read of the client: seconds since the hand-off, raw bytes so far."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A fact about the bytes that a daemon wrote.

    Attributes:
        kind: See Kind.
        what: For people.
        at: Offset in the body, in bytes: of the byte, or of the end of the event.
    """

    kind: Kind
    what: str
    at: int


@dataclass(frozen=True, slots=True)
class Relayed:
    """What a client saw, and what was wrong with it."""

    transcript: Transcript
    problems: tuple[Problem, ...] = ()


def transcript(
    response: Response,
    arrivals: Arrivals = (),
    output: Output = "simplified",
    *,
    hung: bool = False,
) -> Transcript:
    """What ``read`` gives, without the problems."""
    return read(response, arrivals, output, hung=hung).transcript


def read(
    response: Response,
    arrivals: Arrivals = (),
    output: Output = "simplified",
    *,
    hung: bool = False,
) -> Relayed:
    """Read the response of one hand-off.

    Its end: ``complete`` when ``[DONE]`` came and no error event; ``error`` for an error event
    or a status that is not 2xx; ``garbage`` for what is not HTTP; ``hang`` when *hung* and none
    of these; else ``truncated``.

    Args:
        response: What came. Its ``raw`` is read, in the pieces that *arrivals* tell.
        arrivals: When it came; the events get their times from it.
        output: The declared form; what is of the other one is read too, and told.
        hung: The deadline passed before the daemon closed the connection.
    """
    telling = _Telling(output)
    framing = telling.unframe(response, arrivals)
    if 200 <= framing.status < 300:
        telling.read(framing.body)
    if framing.status and (fault := _framing_fault(framing, hung)):
        telling.problem("framing", fault, len(framing.body))
    end, error = _end(framing, telling, hung)
    events = tuple(telling.events)
    told = Transcript(events, end, error, seconds=response.total, response=response)
    return Relayed(told, tuple(telling.problems))


class _Telling:
    """Gathers what the events of one body say."""

    def __init__(self, output: Output) -> None:
        self.events: list[Event] = []
        self.problems: list[Problem] = []
        self.done = False
        self.failed: str | None = None
        self._output = output
        self._lengths: list[int] = []  # of the body, when …
        self._times: list[float] = []  # … these seconds had passed
        self._story = Story(Rulings({}), Ended())

    def problem(self, kind: Kind, what: str, at: int) -> None:
        self.problems.append(Problem(kind, what, at))

    def unframe(self, response: Response, arrivals: Arrivals) -> ResponseReader:
        """Read *response* in the pieces in which it came, and note when its body came."""
        reader = ResponseReader()
        at = size = 0
        for seconds, until in arrivals:
            content = reader.receive(response.raw[at:until])
            at = until
            if content:
                size += len(content)
                self._lengths.append(size)
                self._times.append(seconds)
        reader.receive(response.raw[at:])
        if response.whole:
            reader.end()
        return reader

    def read(self, body: bytes) -> None:
        """Tell everything that *body* holds."""
        reader, at = SseReader(), 0
        for line in body.splitlines(keepends=True):  # of bytes: at LF, CR and CRLF only
            at += len(line)
            for item in reader.receive(line):
                self._event(item, at)
            if self.done:
                break
        if self.done and (rest := body[at:].strip(b"\r\n")):
            self.problem("after-done", f"after {DONE}: {_shown(rest)}", at)
        elif not self.done and (pending := reader.pending):
            what = f"no blank line ends the last event: {_shown(pending[0])}"
            self.problem("unended", what, len(body))
        try:
            body.decode()
        except UnicodeDecodeError as error:
            what = f"byte 0x{body[error.start]:02x} is not UTF-8: {error.reason}"
            self.problem("utf8", what, error.start)

    def _event(self, item: ServerEvent, at: int) -> None:
        if item.data.strip(" ") == DONE:
            self.done = True
            self._tell(event("done"), at)
            return
        try:
            value = loads(item.data)
        except JsonError:
            value = item.data
        if item.event == "error":
            self._fail(message_of(value), at)
        elif isinstance(value, dict):
            self._object(value, at)
        else:
            self.problem("not-json", f"no JSON object: {_shown(item.data)}", at)

    def _object(self, value: dict[str, Any], at: int) -> None:
        content, error = value.get("content"), value.get("error")
        if "choices" in value:
            self._form("full", value, at)
            known = len(self._story.events)
            tell_chunk(value, self._story)
            for told in self._story.events[known:]:
                self._tell(told, at)
        elif isinstance(content, str):
            self._form("simplified", value, at)
            if content.strip() == DONE:
                self.problem("wrapped-done", f"the end marker as content: {_shown(value)}", at)
            if content:
                self._tell(event("text", text=content), at)
        elif not error:
            self.problem("no-form", f"an event of neither form: {_shown(value)}", at)
        if error:
            self._fail(message_of(value), at)

    def _form(self, form: Output, value: dict[str, Any], at: int) -> None:
        if form != self._output:
            what = f"an event of the {form} form; {self._output} is declared: {_shown(value)}"
            self.problem("other-form", what, at)

    def _fail(self, message: str, at: int) -> None:
        if self.failed is None:
            self.failed = message
        self._tell(event("error", message=message), at)

    def _tell(self, told: Event, at: int) -> None:
        place = bisect_left(self._lengths, at)
        timed = place < len(self._times)
        self.events.append(replace(told, t=self._times[place]) if timed else told)


def _framing_fault(framing: ResponseReader, hung: bool) -> str:
    if framing.beyond:
        return f"{framing.beyond} bytes after the end of the HTTP message"
    return framing.fault or ("" if framing.whole or hung else "the HTTP message ends too early")


def _end(framing: ResponseReader, telling: _Telling, hung: bool) -> tuple[End, Failure | None]:
    status = framing.status
    if framing.fault and not status:
        return "garbage", Failure(message=framing.fault)
    if status and not 200 <= status < 300:
        return "error", Failure(f"HTTP {status}", _body_message(framing.body))
    if telling.failed is not None:
        return "error", Failure("error event", telling.failed)
    if telling.done:
        return "complete", None
    if framing.fault:
        return "garbage", Failure(message=framing.fault)
    if hung:
        return "hang", Failure(message=f"neither {DONE} nor the end of the response came")
    return "truncated", Failure(
        message=f"the response ended without {DONE}" if status else "no response came"
    )


def _body_message(body: bytes) -> str:
    """The text for people in the body of an error: a provider's, else the body itself."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        return message_of(loads(text)) or text[:_TOLD]
    except JsonError:
        return text[:_TOLD]


def _shown(data: object) -> str:
    text = repr(data)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
