"""What workers say, protocol v1: a line of JSON becomes Ready, or a Transcript.

A search sends one stream in thousands of ways, and most answers hold the same events: those
that were read before are known by their bytes, and are not read again.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from replayfuzz.transcript import Delivery, Event, Failure, Transcript, events_from_json

_ENTRIES = 256
_LONGEST = 1 << 14  # bytes of events that are remembered
_EVENTS = b'"events":'
_BEHIND = re.compile(rb',"end":"complete"(?:,"cpu":([0-9][0-9.e-]*))?\}\Z')
"""What stands behind the events of a complete answer, as our own workers write it."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The ready line of a worker.

    Attributes:
        memory: It takes pieces in a request instead of a URL.
        unix: It takes ``http+unix://`` URLs.
        ahead: A request may be sent before the one in front of it is answered.
        cuts: It takes a body and its boundaries instead of pieces.
        sweep: It takes a body and many ways of cutting it in one request.
    """

    name: str
    version: str
    dialects: tuple[str, ...]
    variants: tuple[str, ...]
    memory: bool = False
    unix: bool = False
    ahead: bool = False
    cuts: bool = False
    sweep: bool = False


def ready_line(line: bytes) -> Ready | None:
    """Read a ready line.

    Returns:
        None: it is something else that was printed.

    Raises:
        ValueError: It is of a protocol that we do not speak.
    """
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or "ready" not in value:
        return None
    if value["ready"] != 1:
        raise ValueError(f"speaks worker protocol {value['ready']!r}, and replayfuzz speaks 1")
    return Ready(
        str(value.get("name", "")),
        str(value.get("version", "")),
        tuple(map(str, value.get("dialects") or ())),
        tuple(map(str, value.get("variants") or ())),
        memory=value.get("memory") is True,
        unix=value.get("unix") is True,
        ahead=value.get("ahead") is True,
        cuts=value.get("cuts") is True,
        sweep=value.get("sweep") is True,
    )


class Swept(NamedTuple):
    """One answer to a sweep; *first* is the number of the first way of cutting that had it."""

    first: int
    seen: Transcript


class Answers:
    """Reads the answers of one worker.

    What is remembered are the bytes between ``"events":`` and a tail that is whole, of a line
    that was read in full: between the same two parts the same bytes mean the same again.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Event, ...]] = {}

    def read(
        self, line: bytes, number: int, stderr: str = "", delivery: Delivery | None = None
    ) -> Transcript:
        """The transcript that *line* holds.

        Args:
            line: Without its end.
            number: Of the request that it must answer.
            stderr: What the worker wrote there meanwhile.
            delivery: How the stream was delivered, where that is known.

        Raises:
            ValueError: It is not an answer of worker protocol v1 to request *number*.
            RecursionError: It is nested too deeply.
        """
        head = b'{"id":%d,"events":' % number
        tail = _BEHIND.search(line, max(0, len(line) - 60)) if line.startswith(head) else None
        if tail is None:
            return _full(line, number, stderr, delivery)
        told = line[len(head) : tail.start()]
        events = self._known.get(told)
        if events is None:
            seen = _full(line, number, stderr, delivery)
            if len(told) <= _LONGEST:
                if len(self._known) >= _ENTRIES:
                    del self._known[next(iter(self._known))]
                self._known[told] = seen.events
            return seen
        cpu = None if tail[1] is None else float(tail[1])
        # By position, which is the faster way: most answers of a search end here.
        return Transcript(events, "complete", None, delivery, None, cpu, stderr)


def read_sweep(line: bytes, number: int, delivery: Delivery | None) -> list[Swept]:
    """The answers that *line*, the answer to a sweep, holds; they are told as ``Answers`` tells.

    Raises:
        ValueError, RecursionError: As for ``Answers.read``.
    """
    told = _object(line, number).get("sweep")
    if not isinstance(told, list) or not told:
        raise ValueError("the answer to a sweep has no list of answers")
    answers = [each for each in told if isinstance(each, dict) and type(each.get("first")) is int]
    if len(answers) < len(told):
        raise ValueError("an answer in a sweep does not say which way had it first")
    return [Swept(each["first"], _transcript(each, "", delivery)) for each in answers]


def _full(line: bytes, number: int, stderr: str, delivery: Delivery | None) -> Transcript:
    return _transcript(_object(line, number), stderr, delivery)


def _object(line: bytes, number: int) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise ValueError("the answer is not JSON") from error
    if not isinstance(answer, dict) or answer.get("id") != number:
        raise ValueError(f"the answer is not to request {number}")
    return answer


def _transcript(answer: dict[str, Any], stderr: str, delivery: Delivery | None) -> Transcript:
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
        delivery,
        cpu=float(cpu) if isinstance(cpu, int | float) else None,
        stderr=stderr,
    )


def _failure(error: Any) -> Failure:
    if not isinstance(error, dict):
        return Failure(message="" if error is None else str(error))
    return Failure(*(str(error.get(key) or "") for key in ("type", "message", "frame")))
