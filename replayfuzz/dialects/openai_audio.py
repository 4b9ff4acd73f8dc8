"""OpenAI audio transcription: pieces of text, or whole segments with their speaker, and an end.

``transcript.text.done`` says all text once more, with the usage. There is no finish reason: that
event is the end. What has no pieces (segments of speakers) is told from it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from replayfuzz.dialects.chunks import body_error
from replayfuzz.dialects.counts import report_usage
from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.named import error_message, unknown
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import OTHER_EVENT, UNFINISHED_TERMINAL
from replayfuzz.dialects.story import ProviderError, Story, message_of
from replayfuzz.dialects.streams import SseStream, sse_oracle
from replayfuzz.formats.sse import ServerEvent
from replayfuzz.transcript import Expected, Transcript

_DONE = "[DONE]"
DELTA, SEGMENT, END = "transcript.text.delta", "transcript.text.segment", "transcript.text.done"
_KNOWN = (DELTA, SEGMENT, END)


def _fold(stream: SseStream, story: Story) -> Expected:
    finished = marked = False
    try:
        for item in stream.events:
            if item.data.strip() == _DONE:
                # OpenAI sends it behind the last event, and does not document it.
                marked = True
                break
            story.strict = story.strict and not finished
            finished = _event(item, story) or finished
    except ProviderError as error:
        return story.failed(error.message)
    finished = finished or (not marked and _ends_finished(stream, story))
    story.terminal = finished or marked
    if story.terminal:
        story.emit("done")
    # The last event is documented as such, not as what ends the stream.
    return replace(story.whole(finished=finished), closes=marked)


def _event(item: ServerEvent, story: Story) -> bool:
    """Tell what one event says; True: it is the last one."""
    if item.event == "error":
        raise ProviderError(error_message(item.data, story))
    known = item.event in (*_KNOWN, "message")
    data = story.json(item.data) if known else unknown(item.data, story)
    if data is None:
        return False
    if data.get("error") or data.get("type") == "error":
        raise ProviderError(message_of(data))
    name = story.text(data.get("type"))
    story.strict = story.strict and bool(name or not known)
    misnamed = item.event not in ("message", name) and name in _KNOWN
    if misnamed and story.rulings.pick(OTHER_EVENT) == "ignored":
        return False
    return _tell(data, story)


def _tell(data: dict[str, Any], story: Story) -> bool:
    name = data.get("type")
    if name == DELTA:
        story.speak("text", story.needed(data.get("delta")))
    if name != END:
        return False
    whole = story.text(story.needed(data.get("text")))
    said = Transcript(tuple(story.events)).joined("text").get(0, "")
    if not said:
        story.speak("text", whole)
    story.strict = story.strict and said in ("", whole)
    if usage := story.mapping(data.get("usage")):
        report_usage(usage, story)
    return True


def _ends_finished(stream: SseStream, story: Story) -> bool:
    """Whether the last event came without its blank line, and counts."""
    if len(stream.pending) != 1:
        return False
    _, value = story.value(stream.pending[0].decode("utf-8", "replace"))
    if not isinstance(value, dict) or value.get("type") != END:
        return False
    return story.rulings.pick(UNFINISHED_TERMINAL) == "read" and _tell(value, story)


ERRORS = {
    "error object": b'data: {"error":{"message":"The server had an error while processing your '
    b'request","type":"server_error","param":null,"code":null}}\n\n',
    "error event": b'event: error\ndata: {"type":"error","error":{"type":"server_error","code":'
    b'"server_error","message":"Sorry, something went wrong.","param":null}}\n\n',
}

OPENAI_AUDIO = Dialect(
    name="openai.audio",
    format="sse",
    content_type="text/event-stream",
    path="/v1/audio/transcriptions",
    expect=sse_oracle(_fold, error=body_error),
    source="https://platform.openai.com/docs/api-reference/audio/transcript-text-delta-event",
    sites={"text": (("delta",),), "usage": (("usage",),), "type": (("type",),)},
    errors=ERRORS,
    order=CHAT,
)
