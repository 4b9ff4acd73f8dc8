"""replayfuzz: record LLM streams, bend them, and hold their readers against the standard.

Importing it costs nothing: workers in environments that hold only the library under test
import it too. ``streams`` and ``Stream``, for tests, and ``recording`` are fetched when they are
asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replayfuzz.record.inprocess import recording
    from replayfuzz.testing import Stream, streams

__version__ = "0.1.0"
__all__ = ["Stream", "__version__", "recording", "streams"]


def __getattr__(name: str) -> Any:
    if name in {"Stream", "streams"}:
        from replayfuzz import testing  # noqa: PLC0415 - Hypothesis and all, only for tests

        return getattr(testing, name)
    if name == "recording":
        from replayfuzz.record.inprocess import recording  # noqa: PLC0415 - VCR.py and all

        return recording
    raise AttributeError(f"module 'replayfuzz' has no attribute {name!r}")
