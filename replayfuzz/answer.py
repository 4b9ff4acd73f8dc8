"""Answers of workers, protocol v1: a line of JSON becomes a Transcript.

A search sends one stream in thousands of ways, and most answers hold the same events: those
that were read before are known by their bytes, and are not read again.
"""

from __future__ import annotations

import json
import re
from typing import Any

from replayfuzz.transcript import Event, Failure, Transcript, events_from_json

_ENTRIES = 256
_LONGEST = 1 << 14  # bytes of events that are remembered
_EVENTS = b'"events":'
_BEHIND = re.compile(rb',"end":"complete"(?:,"cpu":([0-9][0-9.e-]*))?\}\Z')
"""What stands behind the events of a complete answer, as our own workers write it."""


class Answers:
    """Reads the answers of one worker.

    What is remembered are the bytes between ``"events":`` and a tail that is whole, of a line
    that was read in full: between the same two parts the same bytes mean the same again.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Event, ...]] = {}

    def read(self, line: bytes, number: int, stderr: str) -> Transcript:
        """The transcript that *line* holds.

        Args:
            line: Without its end.
            number: Of the request that it must answer.
            stderr: What the worker wrote there meanwhile.

        Raises:
            ValueError: It is not an answer of worker protocol v1 to request *number*.
            RecursionError: It is nested too deeply.
        """
        head = b'{"id":%d,"events":' % number
        tail = _BEHIND.search(line, max(0, len(line) - 60)) if line.startswith(head) else None
        if tail is None:
            return _full(line, number, stderr)
        told = line[len(head) : tail.start()]
        events = self._known.get(told)
        if events is None:
            seen = _full(line, number, stderr)
            if len(told) <= _LONGEST:
                if len(self._known) >= _ENTRIES:
                    del self._known[next(iter(self._known))]
                self._known[told] = seen.events
            return seen
        cpu = None if tail[1] is None else float(tail[1])
        return Transcript(events, "complete", cpu=cpu, stderr=stderr)


def _full(line: bytes, number: int, stderr: str) -> Transcript:
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise ValueError("the answer is not JSON") from error
    if not isinstance(answer, dict) or answer.get("id") != number:
        raise ValueError(f"the answer is not to request {number}")
    end = answer.get("end")
    if end not in {"complete", "error", "truncated"}:
        raise ValueError(f"the answer's end is {end!r}")
    try:
        events = events_from_json(answer.get("events", ()))
    except (TypeError, AttributeError) as fault:
        raise ValueError("the answer's events are not a list of objects") from fault
    cpu = answer.get("cpu")
    return Transcript(
        events,
        end,
        None if end == "complete" else _failure(answer.get("error")),
        cpu=float(cpu) if isinstance(cpu, int | float) else None,
        stderr=stderr,
    )


def _failure(error: Any) -> Failure:
    if not isinstance(error, dict):
        return Failure(message="" if error is None else str(error))
    return Failure(*(str(error.get(key) or "") for key in ("type", "message", "frame")))
