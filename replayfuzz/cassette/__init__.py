"""Recorded exchanges, and the VCR YAML text that holds them. No files are opened here.

The text is what VCR.py calls a cassette of version 1: VCR.py itself loads it, and a file
that VCR.py recorded loads here. Each interaction has one more key, ``stream``, that VCR.py
ignores: how the body travelled.
"""

from replayfuzz.cassette.read import GUESSES, guess, parse
from replayfuzz.cassette.values import (
    ORIGINS,
    PROTOCOLS,
    UNKNOWN,
    Cassette,
    Exchange,
    Fields,
    Protocol,
    Request,
)
from replayfuzz.cassette.write import dump

__all__ = [
    "GUESSES",
    "ORIGINS",
    "PROTOCOLS",
    "UNKNOWN",
    "Cassette",
    "Exchange",
    "Fields",
    "Protocol",
    "Request",
    "dump",
    "guess",
    "parse",
]
