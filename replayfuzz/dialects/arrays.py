"""From pieces of a body that is one JSON array to what a dialect folds: its elements."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import NamedTuple

from replayfuzz.dialects.dialect import Ended
from replayfuzz.dialects.rulings import Rulings, outcomes
from replayfuzz.dialects.story import Story, by_status
from replayfuzz.dialects.streams import Expect
from replayfuzz.formats.json_array import ArrayReader, Element
from replayfuzz.transcript import Expected


class ArrayStream(NamedTuple):
    """A whole body.

    Attributes:
        elements: Those that are complete.
        ended: The closing bracket is there; *sound*: and nothing that no array has.
        body: All of it.
    """

    elements: tuple[Element, ...]
    ended: bool
    sound: bool
    body: bytes


def array_stream(pieces: tuple[bytes, ...]) -> ArrayStream:
    """Read the pieces of a body."""
    reader = ArrayReader()
    elements = [element for piece in pieces for element in reader.receive(piece)]
    return ArrayStream(tuple(elements), reader.ended, reader.sound, b"".join(pieces))


def array_oracle(fold: Callable[[ArrayStream, Story], Expected]) -> Expect:
    """Make an oracle of a function that tells one story of an array."""

    @lru_cache(maxsize=32)
    def told(stream: ArrayStream, ended: Ended) -> tuple[Expected, ...]:
        strict = _is_plain(stream.body)

        def read(rulings: Rulings) -> Expected:
            story = Story(rulings, ended, strict=strict)
            return by_status(story, stream.body) or fold(stream, story)

        return outcomes(read)

    @wraps(fold)
    def expect(pieces: tuple[bytes, ...], ended: Ended) -> tuple[Expected, ...]:
        return told(array_stream(pieces), ended)

    return expect


def _is_plain(body: bytes) -> bool:
    """Whether it is UTF-8 without a byte order mark (RFC 8259 section 8.1)."""
    try:
        return not body.decode().startswith("\ufeff")
    except UnicodeDecodeError:
        return False
