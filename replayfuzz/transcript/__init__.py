"""What a target reported, and what the oracle expects: one vocabulary for both.

An event is what a caller of the library sees; nothing is read from a library's internals.
"""

from replayfuzz.transcript.events import (
    DEFAULTS,
    EVENT_FIELDS,
    Event,
    event,
    event_to_json,
    events_from_json,
)
from replayfuzz.transcript.seen import (
    Beside,
    Delivery,
    End,
    Failure,
    OutcomeEnd,
    Response,
    Speaks,
    ToolCall,
    Transcript,
)
from replayfuzz.transcript.wanted import Expected, Relay

__all__ = [
    "DEFAULTS",
    "EVENT_FIELDS",
    "Beside",
    "Delivery",
    "End",
    "Event",
    "Expected",
    "Failure",
    "OutcomeEnd",
    "Relay",
    "Response",
    "Speaks",
    "ToolCall",
    "Transcript",
    "event",
    "event_to_json",
    "events_from_json",
]
