"""Gemini's ``:streamGenerateContent?alt=sse``: one GenerateContentResponse an event.

No event says that it is the last one: the message ends after a finish reason. What chunks
say is in ``gemini_parts``.
"""

from __future__ import annotations

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.gemini_parts import FINISHES, SITES, Candidates, finishes
from replayfuzz.dialects.objects import Objects, walk
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import UNENDED_EVENT
from replayfuzz.dialects.story import ProviderError, Story
from replayfuzz.dialects.streams import SseStream, sse_oracle
from replayfuzz.transcript import Expected


def _fold(stream: SseStream, story: Story) -> Expected:
    candidates = Candidates(story)
    api = Objects(tell=lambda chunk, _: candidates.tell(chunk), last=finishes)
    try:
        walk(stream, story, api)
    except ProviderError as error:
        return story.failed(error.message)
    if not candidates.finished:
        return story.truncated()
    early = stream.unended and story.rulings.pick(UNENDED_EVENT) == "truncated"
    return story.truncated() if early else story.raw()


ERRORS = {
    "unavailable": b'data: {"error": {"code": 503,"message": "The model is overloaded. Please try '
    b'again later.","status": "UNAVAILABLE"}}\r\n\r\n',
    "exhausted": b'data: {"error": {"code": 429,"message": "Resource has been exhausted (e.g. '
    b'check quota).","status": "RESOURCE_EXHAUSTED"}}\r\n\r\n',
}

GEMINI_STREAM = Dialect(
    name="gemini.stream",
    format="sse",
    content_type="text/event-stream",
    path=":streamGenerateContent",
    expect=sse_oracle(_fold),
    source="https://ai.google.dev/api/generate-content",
    sites=SITES,
    finishes=FINISHES,
    errors=ERRORS,
    order=CHAT,
)
