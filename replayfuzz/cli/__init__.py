"""Commands. Each one parses its words, calls one function and prints one value.

Exit status: 0 every rule held, 1 a target broke a rule, 2 wrong usage, or it could not be told.
"""

from replayfuzz.cli.app import run

__all__ = ["run"]
