"""Server-sent events themselves: what a reader without a provider's API reports."""

from __future__ import annotations

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.rulings import UNENDED_EVENT
from replayfuzz.dialects.story import Story
from replayfuzz.dialects.streams import SseStream, sse_oracle
from replayfuzz.transcript import Expected


def _fold(stream: SseStream, story: Story) -> Expected:
    for item in stream.events:
        story.emit("sse", **item._asdict())
    if stream.unended and story.rulings.pick(UNENDED_EVENT) == "truncated":
        return story.truncated()
    return story.raw()


SSE = Dialect(
    name="sse",
    format="sse",
    content_type="text/event-stream",
    path="/events",
    expect=sse_oracle(_fold, raw=True),
    source="https://html.spec.whatwg.org/multipage/server-sent-events.html",
    order={"start": {"sse": "start", "done": "ended"}, "ended": {}},
)
