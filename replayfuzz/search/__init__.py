"""Explore, bucket, confirm, shrink: from streams and targets to minimal findings."""

from replayfuzz.search.callable import InProcess, Reader
from replayfuzz.search.campaign import fuzz
from replayfuzz.search.local import fuzz_reader
from replayfuzz.search.news import Found, News, Note, Progress, Tell
from replayfuzz.search.options import Options
from replayfuzz.search.replay import Replayed, replay

__all__ = [
    "Found",
    "InProcess",
    "News",
    "Note",
    "Options",
    "Progress",
    "Reader",
    "Replayed",
    "Tell",
    "fuzz",
    "fuzz_reader",
    "replay",
]
