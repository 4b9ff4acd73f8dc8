"""How long reading takes and when events are shown: rules about several measurements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from replayfuzz.verdict import Evidence

SIZES = (262_144, 1_048_576)
"""Bytes of the one long line that is read to measure time."""
PIECES = (128, 4096)
"""Bytes of each piece that it arrives in: the first for growth, the second for cost."""
MAX_GROWTH = 9.0
"""Times the CPU for 4 times the bytes: a linear reader needs 4, a quadratic one 16."""
MAX_COST = 20.0
"""Times the CPU of our own reader for the same bytes in the same pieces."""
_LEAST_SECONDS = 0.01
_LEAST_PER_BYTE = 1e-9


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured reading: the least CPU time of several is what to give.

    Attributes:
        bytes: Size of the body.
        seconds: CPU time of the call (process time of the worker, not wall time).
        piece: Bytes of each piece in which the body arrived.
    """

    bytes: int
    seconds: float
    piece: int


def time_rule(samples: Sequence[Sample], reference: Sequence[Sample] = ()) -> Evidence | None:
    """Hold measured times against linear growth, and against a bounded cost of a byte.

    Feed one event with one line of each of SIZES, in pieces of each of PIECES, without a
    socket, three times each, and give the least times.

    *Growth*: with pieces of one size, 4 times the bytes take at most 9 times the CPU.
    Samples below 10 ms do not count: there, caches and page faults look like growth (our
    own reader goes from 0.12 to 1.1 ms, 9.0x, where 4 KiB pieces grow from 256 KiB to 1 MiB).

    *Cost*: the largest sample of the largest pieces costs at most 20 times what our own
    reader spends, and never less than 20 ns a byte are allowed. A reader written in
    an interpreted language meets it when it looks for line ends with what the language
    offers for that; one that walks over the characters one by one does not. Measured
    beside it: a bare ``for byte in body: pass`` takes 4 ns a byte.

    Measured (CPython 3.11, in memory; 128-byte pieces, then marginal ns a byte at 4 KiB):

    =====================  ==================  ===========  ========
    reader                 256 KiB to 1 MiB    growth       ns/byte
    =====================  ==================  ===========  ========
    our own                0.9 to 4.5 ms       5.0x         1.3
    httpx-sse 0.4.2        26 to 105 ms        4.1x         **113**
    httpx-sse 0.4.3        2.6 to 10 ms        4.0x         2.1
    openai 3.3.1           4.8 to 71 ms        **14.8x**    5.7
    openai 3.3.1, helper   4.6 to 72 ms        **15.6x**    7.3
    openai 3.4.0           3.7 to 14 ms        3.8x         4.7
    openai 3.4.0, helper   3.6 to 14 ms        3.8x         5.7
    ollama 0.6             2.4 to 9.6 ms       4.0x         1.7
    =====================  ==================  ===========  ========

    Args:
        samples: Of the target, in any order.
        reference: Of our own reader, same bytes and pieces; empty: cost is not judged.

    Returns:
        Evidence with case ``growth`` or ``cost``, or None.
    """
    return _growth(samples) or _cost(samples, reference)


def _growth(samples: Sequence[Sample]) -> Evidence | None:
    for piece in sorted({sample.piece for sample in samples}):
        ordered = sorted(
            (sample for sample in samples if sample.piece == piece),
            key=lambda sample: sample.bytes,
        )
        for small, large in pairwise(ordered):
            ratio = large.bytes / small.bytes
            limit = MAX_GROWTH ** math.log(ratio, 4)
            if large.seconds < _LEAST_SECONDS or large.seconds <= limit * small.seconds:
                continue
            times = large.seconds / max(small.seconds, 1e-9)
            return Evidence(
                f"at most {limit:.1f} times the CPU for {ratio:.1f} times the bytes",
                f"{times:.1f} times: {_told(small)}, {_told(large)}, in pieces of {piece} bytes",
                "time grows faster than bytes",
                "growth",
            )
    return None


def _told(sample: Sample) -> str:
    return f"{sample.bytes} bytes in {sample.seconds * 1000:.1f} ms"


def _cost(samples: Sequence[Sample], reference: Sequence[Sample]) -> Evidence | None:
    own, ours = _per_byte(samples), _per_byte(reference)
    if own is None or ours is None:
        return None
    limit = MAX_COST * max(ours, _LEAST_PER_BYTE)
    if own <= limit:
        return None
    return Evidence(
        f"at most {limit * 1e9:.0f} ns of CPU a byte ({MAX_COST:.0f} times our own reader)",
        f"{own * 1e9:.0f} ns of CPU a byte",
        "a byte costs too much",
        "cost",
    )


def _per_byte(samples: Sequence[Sample]) -> float | None:
    """Marginal cost of a byte with the largest pieces, so that a call's own cost is left out."""
    if not samples:
        return None
    piece = max(sample.piece for sample in samples)
    ordered = sorted((sample.bytes, sample.seconds) for sample in samples if sample.piece == piece)
    (few, less), (many, more) = (ordered[0] if len(ordered) > 1 else (0, 0.0)), ordered[-1]
    return (more - less) / (many - few) if many > few else None


def incremental(
    shown: Sequence[float | None], sent: Sequence[float], *, slack: float = 0.05
) -> Evidence | None:
    """Event i is visible before event i+1 is sent.

    Args:
        shown: When the caller saw each event, in seconds; None where nobody measured.
        sent: When the last byte of each of the same events was sent, on the same clock.
        slack: Seconds that a busy machine may take. Gaps below twice of it prove nothing.

    Returns:
        Evidence with case ``end`` when all were held back until the last was sent.
    """
    late = [
        number
        for number, (seen, (this, following)) in enumerate(zip(shown, pairwise(sent), strict=False))
        if seen is not None and following - this > 2 * slack and seen >= following + slack
    ]
    if not late:
        return None
    first = late[0]
    to_end = all(seen is None or seen >= sent[-1] for seen in shown)
    shape = "held back until the end" if to_end else "held back until the next event"
    waited = (shown[first] or 0.0) - sent[first]
    return Evidence(
        "each event visible before the next one is sent",
        f"event {first + 1} of {len(shown)} visible {waited:.2f} s after it was sent ({shape})",
        f"event {shape}",
        "end" if to_end else "next",
    )
