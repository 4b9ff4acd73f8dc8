"""What Ollama's streams share: the model, errors, and the last line with ``"done": true``.

Servers before 0.1.38 gave no reason there.
"""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects import lines
from replayfuzz.dialects.story import ProviderError, Story, message_of
from replayfuzz.dialects.streams import Expect

COUNTS = (
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
)
"""Members of the last line that are its usage: tokens, and times in nanoseconds."""

FINISHES = ("stop", "length", "load", "unload")

ERRORS = {
    "error": b'{"error":"an error was encountered while running the model: CUDA error"}\n',
    "error with status": b'{"StatusCode":502,"Status":"502 Bad Gateway",'
    b'"error":"upstream error"}\n',
}


def oracle(content: lines.Tell) -> Expect:
    """Make an oracle of a function that reports the content of one line's object."""

    def tell(record: dict[str, Any], story: Story) -> None:
        if record.get("error"):
            raise ProviderError(message_of(record))
        story.model(record.get("model"))
        content(record, story)
        if record.get("done") is True:
            _done(record, story)

    return lines.oracle(tell)


def _done(record: dict[str, Any], story: Story) -> None:
    if reason := story.text(record.get("done_reason")):
        story.emit("finish", choice=0, reason=reason)
    counts = {name: record[name] for name in COUNTS if record.get(name) is not None}
    if counts:
        story.emit("usage", usage=story.exact(counts))
    if not story.terminal:  # two last lines end one stream
        story.emit("done")
    story.terminal = True
