"""replayfuzz: record LLM streams, bend them, and hold their readers against the standard.

Importing it costs nothing: workers in environments that hold only the library under test
import it too. ``streams`` and ``Stream``, for tests, are fetched when they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replayfuzz.testing import Stream, streams

__version__ = "0.1.0"
__all__ = ["Stream", "__version__", "streams"]


def __getattr__(name: str) -> Any:
    if name in {"Stream", "streams"}:
        from replayfuzz import testing  # noqa: PLC0415 - Hypothesis and all, only for tests

        return getattr(testing, name)
    raise AttributeError(f"module 'replayfuzz' has no attribute {name!r}")
