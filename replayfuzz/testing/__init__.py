"""For tests: a parser of your own, held against bent streams (``replayfuzz.streams``)."""

from replayfuzz.testing.decorator import streams
from replayfuzz.testing.stream import Stream

__all__ = ["Stream", "streams"]
