"""The cause of a finding in words."""

from __future__ import annotations

from replayfuzz.formats.sse_deviations import DEVIATIONS


def why(cause: str) -> str:
    """A deviation of a reader in words, with its clause."""
    known = DEVIATIONS.get(cause)
    if known is None:  # of a finding that another version saved
        return cause
    return f"like a reader that is right but for this: {known.words}. WHATWG HTML {known.clause}"
