"""What a correct reader reports, and what a daemon promises besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from replayfuzz.transcript.events import Event
from replayfuzz.transcript.seen import Failure, OutcomeEnd, Transcript


@dataclass(frozen=True, slots=True)
class Relay:
    """What a daemon promises besides the stream: its side of an exchange.

    Attributes:
        status, fields: Of a response that went well; names in any case.
        told: Members that the upstream request's JSON body must have, with these values.
        headers: Fields that the upstream request must have.
        left: The client left in mid-stream: the upstream request is to be given up.
        lenient: The hand-off was not sound, so it need not be answered.
    """

    status: int = 200
    fields: tuple[tuple[str, str], ...] = ()
    told: tuple[tuple[str, Any], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    left: bool = False
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """One acceptable outcome; where the standard leaves a choice, there are several.

    Attributes:
        events, end, message: What a correct reader reports; *message* is the provider's
            text that an error must carry (empty: any).
        why: Clause that makes this outcome acceptable, for reports; empty for the
            ordinary one.
        status: HTTP status that was sent.
        message_end: ``complete``, ``incomplete`` or ``open`` (``wire.message_end``).
        terminal: The stream held its dialect's terminal marker.
        must_end: The reader has to return without waiting for more bytes.
        closes: The terminal marker is documented to end the stream by itself, not only to
            be its last event; with an open connection behind it, *must_end* is an order then.
        strict: False: an error of any kind is acceptable too (the bytes are not valid).
        how: How the stream ended (``plan.How``), where known; names the case of a truncation.
        relay: What a daemon promises besides; None for other kinds.
    """

    events: tuple[Event, ...] = ()
    end: OutcomeEnd = "complete"
    message: str = ""
    why: str = ""
    status: int = 200
    message_end: Literal["complete", "incomplete", "open"] = "complete"
    terminal: bool = False
    must_end: bool = True
    closes: bool = True
    strict: bool = True
    how: str = ""
    relay: Relay | None = None

    @property
    def transcript(self) -> Transcript:
        """This outcome as a transcript, to fold it as one."""
        error = Failure(message=self.message) if self.end != "complete" else None
        return Transcript(self.events, self.end, error)
