"""Explore, bucket, confirm, shrink: from streams and targets to minimal findings."""

from replayfuzz.search.bisect import Bisected, Span, Tried, bisect
from replayfuzz.search.callable import InProcess, Reader
from replayfuzz.search.campaign import fuzz
from replayfuzz.search.local import fuzz_reader
from replayfuzz.search.news import Found, News, Note, Progress, Tell
from replayfuzz.search.options import Options
from replayfuzz.search.replay import Replayed, replay

__all__ = [
    "Bisected",
    "Found",
    "InProcess",
    "News",
    "Note",
    "Options",
    "Progress",
    "Reader",
    "Replayed",
    "Span",
    "Tell",
    "Tried",
    "bisect",
    "fuzz",
    "fuzz_reader",
    "replay",
]
