"""One JSON value a line, without a provider's API.

Policies are those of ``formats.ndjson``. A line that is not JSON is always told as an
error; whether a reader goes on behind it is its own choice.
"""

from __future__ import annotations

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.rulings import AFTER_FAULT, UNENDED_LINE
from replayfuzz.dialects.story import Story
from replayfuzz.dialects.streams import LineStream, line_oracle
from replayfuzz.transcript import Expected


def _fold(stream: LineStream, story: Story) -> Expected:
    faulty = False
    for line in stream.lines:
        readable, value = story.value(line.data.decode("utf-8", "replace"))
        if not line.ended and (
            not readable
            or story.ended.message_end == "open"
            or story.rulings.pick(UNENDED_LINE) == "dropped"
        ):
            return story.failed("") if faulty else story.truncated()
        if readable:
            story.record(story.exact(value))
        elif story.rulings.pick(AFTER_FAULT) == "stop":
            return story.failed("")
        else:
            faulty = True
    return story.failed("") if faulty else story.raw()


NDJSON = Dialect(
    name="ndjson",
    format="ndjson",
    content_type="application/x-ndjson",
    path="/lines",
    expect=line_oracle(_fold, raw=True),
    source="https://github.com/ndjson/ndjson-spec and https://jsonlines.org",
    order={"start": {"record": "start", "done": "ended"}, "ended": {}},
)
