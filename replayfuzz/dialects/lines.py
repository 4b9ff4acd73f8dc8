"""Streams in which every line is one JSON object and the last one says that it is the last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from replayfuzz.dialects.rulings import BEYOND_TERMINAL, UNENDED_LINE
from replayfuzz.dialects.story import ProviderError, Story
from replayfuzz.dialects.streams import Expect, LineStream, line_oracle
from replayfuzz.formats.ndjson import RawLine
from replayfuzz.transcript import Expected

Tell = Callable[[dict[str, Any], Story], None]


def oracle(tell: Tell) -> Expect:
    """Make an oracle of a function that reports what one line's object says.

    It sets ``story.terminal`` at the last one, and raises ProviderError for an error.
    """

    def fold(stream: LineStream, story: Story) -> Expected:
        try:
            for line in stream.lines:
                if story.terminal and (told := _beyond(story)):
                    return told
                if line.ended or _whole_line(line, story):
                    record = story.json(line.data.decode("utf-8", "replace"))
                    if record is not None:
                        tell(record, story)
        except ProviderError as error:
            return story.failed(error.message)
        return _end(story)

    return line_oracle(fold)


def _end(story: Story) -> Expected:
    # Whether a finish reason came does not matter: the last line alone is the finish.
    # No documentation says that a reader stops at it: it may wait for the end of the message.
    return replace(story.whole(finished=True), must_end=story.ended.message_end != "open")


def _beyond(story: Story) -> Expected | None:
    story.strict = False
    match story.rulings.pick(BEYOND_TERMINAL):
        case "error":
            return story.failed("")
        case "read":
            return None
        case _:
            return _end(story)


def _whole_line(line: RawLine, story: Story) -> bool:
    """Whether a last line without LF counts: it does where it can be known to be all there."""
    readable, _ = story.value(line.data.decode("utf-8", "replace"))
    return (
        readable
        and story.ended.message_end != "open"
        and story.rulings.pick(UNENDED_LINE) == "read"
    )
