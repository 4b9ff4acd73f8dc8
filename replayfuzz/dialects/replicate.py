"""Replicate's prediction streams: the event name says what the data is, and text is not JSON.

``output``: text, as SSE joins its lines. ``error``: what went wrong. ``done``: ``{}``, or the
reason why there is no more: ``{"reason": "canceled"}`` or ``{"reason": "error"}``. ``logs`` are
not part of the output.
"""

from __future__ import annotations

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import MESSAGE_TEXT, UNFINISHED_TERMINAL
from replayfuzz.dialects.story import ProviderError, Story, message_of
from replayfuzz.dialects.streams import SseStream, sse_oracle
from replayfuzz.formats.sse import ServerEvent
from replayfuzz.transcript import Expected


def _fold(stream: SseStream, story: Story) -> Expected:
    try:
        for item in stream.events:
            if story.terminal:
                story.strict = False  # no documentation has events after the last one
                break
            _event(item, story)
    except ProviderError as error:
        return story.failed(error.message)
    # The name of an event that was not dispatched is not known here, but only the last one
    # is an empty object.
    if (
        not story.terminal
        and stream.pending == (b"{}",)
        and story.rulings.pick(UNFINISHED_TERMINAL) == "read"
    ):
        story.terminal = True
    if story.terminal:
        story.emit("done")
    return story.whole(finished=True)


def _event(item: ServerEvent, story: Story) -> None:
    match item.event:
        case "output":
            story.speak("text", item.data)
        case "error":
            readable, value = story.value(item.data)
            if readable:
                raise ProviderError(message_of(value))
            raise ProviderError(item.data if story.rulings.pick(MESSAGE_TEXT) == "text" else "")
        case "done":
            _done(item.data, story)
        case "logs":
            pass
        case _:
            story.strict = False


def _done(data: str, story: Story) -> None:
    readable, value = story.value(data)
    if not readable or not isinstance(value, dict):
        story.strict = False
        value = {}
    reason = story.text(value.get("reason"))
    if reason == "error":
        raise ProviderError("")
    if reason:
        story.emit("finish", choice=0, reason=reason)
    story.terminal = True


REPLICATE = Dialect(
    name="replicate",
    format="sse",
    content_type="text/event-stream",
    path="/stream",
    expect=sse_oracle(_fold),
    source="https://replicate.com/docs/topics/predictions/streaming",
    terminal=b"event: done\ndata: {}\n\n",
    finishes=("canceled", "error"),
    errors={
        "detail": b'event: error\nid: 2:0\ndata: {"detail":"prediction failed"}\n\n',
    },
    order=CHAT,
)
