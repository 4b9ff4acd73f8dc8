"""Gemini's ``:streamGenerateContent`` without ``alt=sse``: one JSON array, sent as it grows.

Each element is a GenerateContentResponse (see ``gemini_parts``), with its comma before it. The
closing bracket says that the stream is whole.
"""

from __future__ import annotations

from dataclasses import replace

from replayfuzz.dialects.arrays import ArrayStream, array_oracle
from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.gemini_parts import FINISHES, SITES, Candidates
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import BAD_JSON
from replayfuzz.dialects.story import ProviderError, Story
from replayfuzz.transcript import Expected


def _fold(stream: ArrayStream, story: Story) -> Expected:
    candidates = Candidates(story)
    try:
        for element in stream.elements:
            if not element.sound:
                _unsound(story)
            chunk = story.json(element.data.decode("utf-8", "replace"))
            if chunk is not None:
                candidates.tell(chunk)
        if not stream.sound:
            _unsound(story)
    except ProviderError as error:
        return story.failed(error.message)
    story.terminal = stream.ended
    if story.terminal:
        story.emit("done")
    # Whoever reads a JSON text reads to its end, and may well wait for that of the message.
    return replace(story.whole(finished=candidates.finished), closes=False)


def _unsound(story: Story) -> None:
    if story.rulings.pick(BAD_JSON) == "error":
        raise ProviderError("")


_ERROR = (
    b',\r\n{\n  "error": {\n    "code": %d,\n    "message": "%s",\n    "status": "%s"\n  }\n}\n'
)

ERRORS = {
    "unavailable": _ERROR % (503, b"The model is overloaded.", b"UNAVAILABLE"),
    "exhausted": _ERROR % (429, b"Resource has been exhausted.", b"RESOURCE_EXHAUSTED"),
}

GEMINI_ARRAY = Dialect(
    name="gemini.stream_array",
    format="json-array",
    content_type="application/json; charset=UTF-8",
    path=":streamGenerateContent",
    expect=array_oracle(_fold),
    source="https://ai.google.dev/api/generate-content",
    sites=SITES,
    finishes=FINISHES,
    errors=ERRORS,
    order=CHAT,
)
