"""Writer's text generation: pieces of text, and nothing else. HTTP alone says that it is whole."""

from __future__ import annotations

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.named import error_message, unknown
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.story import ProviderError, Story, message_of
from replayfuzz.dialects.streams import SseStream, sse_oracle
from replayfuzz.formats.sse import ServerEvent
from replayfuzz.transcript import Expected


def _fold(stream: SseStream, story: Story) -> Expected:
    try:
        for item in stream.events:
            _event(item, story)
    except ProviderError as error:
        return story.failed(error.message)
    return story.raw()


def _event(item: ServerEvent, story: Story) -> None:
    if item.event == "error":
        raise ProviderError(error_message(item.data, story))
    if item.event != "message":
        unknown(item.data, story)
        return
    chunk = story.json(item.data)
    if chunk is None:
        return
    if chunk.get("error"):
        raise ProviderError(message_of(chunk))
    story.speak("text", story.needed(chunk.get("value")))


WRITER_COMPLETIONS = Dialect(
    name="writer.completions",
    format="sse",
    content_type="text/event-stream",
    path="/v1/completions",
    expect=sse_oracle(_fold),
    source="https://dev.writer.com/api-reference/completion-api/text-generation",
    sites={"text": (("value",),)},
    order=CHAT,
)
