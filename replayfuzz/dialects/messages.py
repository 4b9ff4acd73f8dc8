"""From pieces of a body to the messages of an AWS event stream, for the dialects of Bedrock."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import NamedTuple

from replayfuzz.dialects.dialect import Ended
from replayfuzz.dialects.rulings import Choice, Rulings, outcomes
from replayfuzz.dialects.story import ProviderError, Story, by_status, message_of
from replayfuzz.dialects.streams import Expect
from replayfuzz.formats.aws_event_stream import EventStreamReader, Message
from replayfuzz.transcript import Expected

UNFINISHED_MESSAGE = Choice(
    "the bytes stop inside a message after the last one that was needed",
    "truncated",
    (("complete", "what was documented to come has come; only a part of one more is there"),),
)


class MessageStream(NamedTuple):
    """A whole body: its messages, bytes of one that is not whole, and what is wrong with it."""

    messages: tuple[Message, ...]
    pending: int
    fault: str
    body: bytes


def message_stream(pieces: tuple[bytes, ...]) -> MessageStream:
    """Read the pieces of a body."""
    reader = EventStreamReader()
    messages = [message for piece in pieces for message in reader.receive(piece)]
    pending = 0 if reader.fault else reader.pending
    return MessageStream(tuple(messages), pending, reader.fault, b"".join(pieces))


def message_oracle(fold: Callable[[MessageStream, Story], Expected]) -> Expect:
    """Make an oracle of a function that tells one story of an event stream."""

    @lru_cache(maxsize=32)
    def told(stream: MessageStream, ended: Ended) -> tuple[Expected, ...]:
        def read(rulings: Rulings) -> Expected:
            # What a reader does with a damaged message is its own choice, as long as it tells.
            story = Story(rulings, ended, strict=not stream.fault)
            return by_status(story, stream.body) or fold(stream, story)

        return outcomes(read)

    @wraps(fold)
    def expect(pieces: tuple[bytes, ...], ended: Ended) -> tuple[Expected, ...]:
        return told(message_stream(pieces), ended)

    return expect


def stops_inside(stream: MessageStream, story: Story) -> bool:
    """Whether the end of the bytes is one that has to be told, though the marker was read."""
    if not stream.pending or story.ended.message_end != "complete":
        return False
    story.strict = False
    return story.rulings.pick(UNFINISHED_MESSAGE) == "truncated"


def raised(message: Message, story: Story) -> None:
    """Raise what a message says went wrong.

    Raises:
        ProviderError: It is an exception or an error, and no event.
    """
    match message.header(":message-type"):
        case "event":
            return
        case "exception":
            readable, value = story.value(message.payload.decode("utf-8", "replace"))
            told = message_of(value) if readable else ""
            raise ProviderError(told or message.header(":exception-type"))
        case "error":
            raise ProviderError(message.header(":error-message") or message.header(":error-code"))
        case _:
            story.strict = False
