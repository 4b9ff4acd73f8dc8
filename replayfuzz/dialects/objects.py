"""Streams in which every SSE event is one JSON object: the walk that their dialects share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from replayfuzz.dialects.rulings import MESSAGE_TEXT, OTHER_EVENT, UNFINISHED_TERMINAL
from replayfuzz.dialects.story import ProviderError, Story, message_of
from replayfuzz.dialects.streams import Expect, SseStream, sse_oracle
from replayfuzz.formats.sse import ServerEvent
from replayfuzz.transcript import Expected

Tell = Callable[[dict[str, Any], Story], None]


@dataclass(frozen=True, slots=True)
class Objects:
    """How one API writes its events.

    Attributes:
        tell: Reports what one object says; sets ``story.terminal`` at the last one.
        last: Whether an object is the last one, or belongs to it.
        names: Event names that it documents; ``message`` is an event without one.
        marker: Data of an event that only says that the stream is over; "" for none.
        error: The text for people in the object of an ``event: error``.
        begin: Makes *tell* for one reading, where it has to remember what came before.
        finish: A stream without a finish reason is not whole.
        closes: See ``Expected.closes``.
    """

    tell: Tell
    last: Callable[[dict[str, Any]], bool]
    names: frozenset[str] = frozenset({"message"})
    marker: str = ""
    error: Callable[[Any], str] = message_of
    begin: Callable[[], Tell] | None = None
    finish: bool = False
    closes: bool = True


def object_oracle(api: Objects) -> Expect:
    """Make an oracle of how an API writes its events, where its last object or marker is needed."""

    def fold(stream: SseStream, story: Story) -> Expected:
        told = replace(api, tell=api.begin()) if api.begin else api
        try:
            walk(stream, story, told)
        except ProviderError as error:
            return story.failed(error.message)
        if story.terminal:
            story.emit("done")
        finished = not api.finish or any(event.type == "finish" for event in story.events)
        return replace(story.whole(finished=finished), closes=api.closes)

    return sse_oracle(fold)


def walk(stream: SseStream, story: Story, api: Objects) -> None:
    """Report what the events of *stream* say, up to the last one.

    Raises:
        ProviderError: One of them says that the stream failed.
    """
    for item in stream.events:
        if api.marker and item.data.strip() == api.marker:
            story.strict = story.strict and item.data == api.marker
            story.terminal = True
            return
        if story.terminal:
            story.strict = False  # no documentation has events after the last one
            return
        if (value := _object(item, story, api)) is not None:
            api.tell(value, story)
    if story.terminal and stream.unended:
        story.strict = False  # nor the beginning of another
    if not story.terminal and (value := _unfinished(stream, story, api)):
        api.tell(value, story)


def _object(item: ServerEvent, story: Story, api: Objects) -> dict[str, Any] | None:
    if item.event == "error" and "error" not in api.names:
        readable, value = story.value(item.data)
        if readable:
            raise ProviderError(api.error(value))
        raise ProviderError(item.data if story.rulings.pick(MESSAGE_TEXT) == "text" else "")
    if item.event not in api.names and story.rulings.pick(OTHER_EVENT) == "ignored":
        return None
    return story.json(item.data)


def _unfinished(stream: SseStream, story: Story, api: Objects) -> dict[str, Any] | None:
    """The last object, where nothing but the blank line after it is missing."""
    if len(stream.pending) != 1:
        return None
    _, value = story.value(stream.pending[0].decode("utf-8", "replace"))
    last = isinstance(value, dict) and api.last(value)
    return value if last and story.rulings.pick(UNFINISHED_TERMINAL) == "read" else None
