"""What was seen of one call: events, its end, how its stream was delivered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from replayfuzz.transcript.events import Event

Speaks = Literal["http/1.1", "h2"]
"""Protocol of a connection that streams are played on."""

OutcomeEnd = Literal["complete", "error", "truncated"]
End = Literal["complete", "error", "truncated", "crash", "hang", "garbage"]
"""How a call ended. ``complete``: the library said nothing is missing. ``error``: it
raised. ``truncated`` (oracle, and readers that say so): the stream stopped early.
``crash``: the process died. ``hang``: no answer in time. ``garbage``: the answer was
not the worker protocol."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that ended a call.

    Attributes:
        type: Name of the exception's class, qualified by its module where known.
        message: Its text, as a caller would print it.
        frame: ``module:function`` of the innermost frame inside the library, or "".
    """

    type: str = ""
    message: str = ""
    frame: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the stream reached the target.

    Attributes:
        over: ``memory``, ``tcp`` or ``unix``.
        segments: Sends that the script asked for and that were begun.
        verified: Of those, how many the peer was seen to have read before the next one
            was sent; None where it could not be asked (memory, or a peer elsewhere).
        finished: The script was played to its end; False: the peer left before.
        stuck: The peer stopped reading; a wait for it ran into its bound.
        request: Raw request head and body that the target sent; empty for memory.
        waits: When each Wait of the script began and ended, in seconds since the request
            had been read.
        protocol: What was spoken on the connection.
        left: When the peer was seen to have left before the script was done, or at its
            ``open`` end, in seconds since the request had been read; None: it had not.
    """

    over: Literal["memory", "tcp", "unix"]
    segments: int = 0
    verified: int | None = None
    finished: bool = True
    stuck: bool = False
    request: bytes = b""
    waits: tuple[tuple[float, float], ...] = ()
    protocol: Speaks = "http/1.1"
    left: float | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """What a daemon or gateway wrote to its client, as it arrived.

    Attributes:
        status: HTTP status code; 0 when no status line came.
        fields: Header field lines in wire order, names as they were spelt.
        body: Content, transfer coding removed.
        raw: Every byte that came, head included.
        whole: The message ended as its framing tells (a close ends one without a length).
        reset: The connection was reset.
        handoff, first, total: Seconds that the hand-off took; from the hand-off to the first
            byte of the response; and to its end. None where it did not come to that.
    """

    status: int = 0
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    raw: bytes = b""
    whole: bool = True
    reset: bool = False
    handoff: float | None = None
    first: float | None = None
    total: float | None = None

    def field(self, name: str) -> str | None:
        """The value of the first field of that name (case-insensitive), or None."""
        wanted = name.lower()
        return next((value for key, value in self.fields if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class Transcript:
    """One call, as seen from outside.

    Attributes:
        events: In the order in which the caller saw them.
        end: How the call ended.
        error: Set when *end* is not ``complete``.
        delivery: How the bytes were delivered; None where nothing was sent.
        seconds: Wall time of the call; *cpu*: the process's CPU time, where it says so.
        stderr: The last of what the process wrote there during the call.
        response: What a daemon or gateway wrote to its client; None for other kinds.
        problems: What of it has none of the forms that its output may have, in words.
        beside: Calls that ran at the same time, for other clients.
    """

    events: tuple[Event, ...] = ()
    end: End = "complete"
    error: Failure | None = None
    delivery: Delivery | None = field(default=None, compare=False)
    seconds: float | None = field(default=None, compare=False)
    cpu: float | None = field(default=None, compare=False)
    stderr: str = field(default="", compare=False)
    response: Response | None = field(default=None, compare=False)
    problems: tuple[str, ...] = field(default=(), compare=False)
    beside: tuple[Beside, ...] = field(default=(), compare=False)

    def of(self, kind: str) -> tuple[Event, ...]:
        """The events of one type."""
        return tuple(event for event in self.events if event.type == kind)

    def joined(self, kind: str) -> dict[int, str]:
        """Texts of one type, joined for each choice; choices without any are left out."""
        parts: dict[int, list[str]] = {}
        for event in self.events:
            if event.type == kind and event.get("text"):
                parts.setdefault(event.get("choice"), []).append(event.get("text"))
        return {choice: "".join(texts) for choice, texts in parts.items()}

    def tools(self) -> dict[tuple[int, int], ToolCall]:
        """Tool calls by (choice, index): first id and name shown, all argument pieces joined."""
        calls: dict[tuple[int, int], ToolCall] = {}
        for event in self.of("tool"):
            key = (event.get("choice"), event.get("index"))
            calls[key] = calls.get(key, ToolCall()).joined(event)
        return calls

    def last(self, kind: str, name: str) -> dict[int, Any]:
        """The last non-null value of a field (role, reason), for each choice."""
        return {
            event.get("choice"): event.get(name)
            for event in self.of(kind)
            if event.get(name) is not None
        }

    @property
    def message(self) -> str:
        """Text of the error that the caller was given: the exception's, or an error event's."""
        texts = [str(event.get("message") or "") for event in self.of("error")]
        return "\n".join([*texts, *([self.error.message] if self.error else [])])


@dataclass(frozen=True, slots=True)
class Beside:
    """A call for another client, made at the same time.

    Attributes:
        text: What its own upstream said.
        seen: What its client was given.
    """

    text: str
    seen: Transcript


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call put together from its pieces; *arguments* is the exact JSON text."""

    id: str | None = None
    name: str | None = None
    arguments: str = ""

    def joined(self, event: Event) -> ToolCall:
        """This call with one more ``tool`` event."""
        return ToolCall(
            self.id or event.get("id"),
            self.name or event.get("name"),
            self.arguments + (event.get("arguments") or ""),
        )
