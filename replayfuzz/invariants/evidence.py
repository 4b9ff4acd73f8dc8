"""What differs between two values: words without data, and quotes cut to a readable size."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

_AROUND = 40
"""Characters quoted on each side of the first difference."""
_LONGEST = 200
"""Characters of one quotation, as printed."""


def change(want: str, seen: str) -> str:
    """How *seen* differs from *want*, in one word that holds for any data of that kind.

    Returns:
        ``replaced by U+FFFD``, ``lost``, ``doubled``, ``added`` or ``changed``.
    """
    if damaged(seen) - damaged(want):
        return "replaced by U+FFFD"
    start = common(want, seen)
    stop = common(want[start:][::-1], seen[start:][::-1])
    if start + stop == len(seen) < len(want) or _within(seen, want):
        return "lost"
    if start + stop == len(want):
        added = seen[start : len(seen) - stop]
        again = want[:start].endswith(added) or want[start:].startswith(added)
        return "doubled" if again else "added"
    return "doubled" if seen == want * 2 else "changed"


def damaged(text: str) -> set[str]:
    """The marks of broken decoding in *text*: U+FFFD, and "surrogate" for lone surrogates."""
    if text.isascii():
        return set()
    marks = {"\ufffd"} if "\ufffd" in text else set()
    if _SURROGATE.search(text):
        marks.add("surrogate")
    return marks


_SURROGATE = re.compile("[\ud800-\udfff]")


def common(first: Sequence[Any], second: Sequence[Any]) -> int:
    """Length of the common start of two sequences.

    Halving, because a comparison of slices runs 100 times faster than a loop over megabytes.
    """
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _within(few: Iterable[Any], many: Iterable[Any]) -> bool:
    """Every item of *few* stands in *many*, in that order."""
    rest = iter(many)
    return all(any(item == other for other in rest) for item in few)


def list_change(want: Sequence[Any], seen: Sequence[Any]) -> str:
    """As ``change``, for lists of events: ``lost``, ``doubled``, ``added`` or ``changed``."""
    if len(seen) < len(want) and _within(seen, want):
        return "lost"
    if len(seen) > len(want) and _within(want, seen):
        repeats = sum(one == other for one, other in pairwise(seen))
        before = sum(one == other for one, other in pairwise(want))
        return "doubled" if repeats > before else "added"
    return "changed"


def quote(text: str, at: int = 0) -> str:
    """*text* around character *at* as a Python literal; dots where it was cut, size at the end."""
    start = max(0, at - _AROUND) if at > 2 * _AROUND or len(text) > 3 * _AROUND else 0
    stop = max(at, start) + 2 * _AROUND
    shown = repr(text[start:stop])
    if len(shown) > _LONGEST:
        shown = shown[: _LONGEST - 1] + "…"
    shown = ("…" if start else "") + shown
    return f"{shown}… ({len(text)} characters)" if stop < len(text) or start else shown


def both(want: str, seen: str) -> tuple[str, str]:
    """Two texts, each quoted around their first difference."""
    at = common(want, seen)
    return quote(want, at), quote(seen, at)


def shown(text: str) -> str:
    """A text cut to a readable size; what does not print is escaped."""
    cut = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return (
        cut if cut.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in cut)
    )


def canonical(value: Any) -> str:
    """The one spelling of a JSON value; unlike ``==`` it tells true from 1, and NaN is itself."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
