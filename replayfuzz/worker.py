"""The target's side of worker protocol v1: ``serve`` makes an adapter ten lines.

An adapter is a function that makes one call with the library under test and yields what
a caller of that library sees. Everything else is here: the protocol on standard input
and output, the clock, the exceptions, the event loop. Standard library only: this file
also runs in environments that hold the library under test and nothing else.
"""

from __future__ import annotations

import asyncio
import binascii
import json
import os
import time
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from types import TracebackType
from typing import IO, Any, NamedTuple, Protocol

# ASCII only: lone surrogates, which a library may well hand out, have no UTF-8 form.
_ENCODE = json.JSONEncoder(separators=(",", ":"), default=repr).encode
_CAUSES = 5  # links of a chain of exceptions that a message quotes

Shown = dict[str, Any]
"""One event: ``{"type": "text", "choice": 0, "text": "Hel"}``; see ``transcript.EVENT_FIELDS``."""

Result = Iterable[Shown] | AsyncIterable[Shown]


class Truncated(Exception):  # noqa: N818 - it is a thing that a reader reports, not a fault
    """Raised by an adapter whose library *says* that the stream stopped early."""


class Call(NamedTuple):
    """One request to the adapter.

    Attributes:
        dialect, variant: Which stream comes, and which path through the library to take.
        timeout: Seconds; pass it to the library as its own timeout.
        request: JSON body that the caller would send.
        url: Base URL of the server, ending before the provider's path; "" in memory delivery.
        pieces: Memory delivery: the response body, piece by piece; None with a server.
        status, fields: Memory delivery: status code and header fields of the response.
        complete: Memory delivery: False: the connection ended before the message did.
        times: Whether it is of interest when each event was shown.
    """  # a tuple is made three times as fast as a frozen dataclass

    dialect: str
    variant: str
    timeout: float
    request: Mapping[str, Any]
    url: str = ""
    pieces: tuple[bytes, ...] | None = None
    status: int = 200
    fields: tuple[tuple[str, str], ...] = ()
    complete: bool = True
    times: bool = True


class Adapter(Protocol):
    """Makes one call; yields events as the caller of the library would see them."""

    def __call__(self, call: Call, /) -> Result: ...


@dataclass(frozen=True, slots=True)
class About:
    """What the ready line says.

    Attributes:
        library: Import name of what is under test; frames of errors are looked for in it.
        memory: The adapter reads ``Call.pieces`` where there are some, instead of ``Call.url``.
        unix: It takes URLs of AF_UNIX sockets.
    """

    name: str
    version: str
    dialects: tuple[str, ...]
    variants: tuple[str, ...] = ("default",)
    library: str = ""
    memory: bool = False
    unix: bool = False


def serve(adapter: Adapter, **about: Any) -> None:
    """Answer requests on standard input until it ends; never returns.

    From here on file descriptor 1 is standard error and 0 is empty, so that a library
    that prints or reads cannot touch the protocol.

    Args:
        adapter: Makes one call.
        **about: The fields of About: ``name``, ``version``, ``dialects``, ``variants``, …
    """
    requests, answers = _claim(0, os.O_RDONLY), _claim(1, os.O_WRONLY)
    ready = asdict(About(**about))
    run = Run(adapter, ready.pop("library"))
    ready |= {"ahead": True, "cuts": True, "sweep": True}
    _send(answers, _ENCODE({"ready": 1, **ready}))
    with os.fdopen(requests, "rb", buffering=1 << 16) as lines:
        _answer_all(lines, answers, run)
    os._exit(0)  # nothing of ours is left to save, and a library's own exit may take long


def _answer_all(lines: IO[bytes], answers: int, run: Run) -> None:
    for line in lines:
        request = json.loads(line)
        if "sweep" in request:
            text = _swept(request, run)
        else:
            text = _encoded(run(call_from_json(request)))
        _send(answers, f'{{"id":{request["id"]},{text[1:]}')


def _swept(request: Mapping[str, Any], run: Run) -> str:
    """A call for each way of cutting the body, one behind the other; each answer is told once."""
    call = call_from_json({**request, "cuts": ()})
    body = b"".join(call.pieces or ())
    firsts: dict[str, int] = {}  # answer -> number of the first way that had it
    for number, cuts in enumerate(request["sweep"]):
        answer = run(call._replace(pieces=_cut(body, cuts), times=False))
        del answer["cpu"]
        firsts.setdefault(_encoded(answer), number)
    told = ",".join([f'{{"first":{first},{text[1:]}' for text, first in firsts.items()])
    return f'{{"sweep":[{told}]}}'


def _encoded(answer: Shown) -> str:
    try:
        return _ENCODE(answer)
    except (ValueError, RecursionError) as fault:  # the library handed out what is no JSON
        return _ENCODE({"events": [], "end": "error", "error": failure(fault)})


def _claim(fd: int, flags: int) -> int:
    """Take a standard descriptor away; what stays in its place is harmless."""
    mine = os.dup(fd)
    if flags == os.O_WRONLY:
        os.dup2(2, fd)
    else:
        empty = os.open(os.devnull, flags)
        os.dup2(empty, fd)
        os.close(empty)
    return mine


def _send(fd: int, line: str) -> None:
    data = line.encode("ascii") + b"\n"
    while data:
        data = data[os.write(fd, data) :]


def call_from_json(request: Mapping[str, Any]) -> Call:
    """Read a request of worker protocol v1."""
    return Call(
        request["dialect"],
        request["variant"],
        request["timeout"],
        request.get("request") or {},
        request.get("url", ""),
        _pieces(request),
        request.get("status", 200),
        tuple(map(tuple, request.get("fields", ()))),
        request.get("ending", "complete") == "complete",
        request.get("times", True),
    )


def _pieces(request: Mapping[str, Any]) -> tuple[bytes, ...] | None:
    if "cuts" in request:
        return _cut(binascii.a2b_base64(request["body"]), request["cuts"])
    pieces = request.get("pieces")
    return None if pieces is None else tuple(map(binascii.a2b_base64, pieces))


def _cut(body: bytes, cuts: Iterable[int]) -> tuple[bytes, ...]:
    edges = [0, *cuts, len(body)]
    return tuple([body[start:end] for start, end in pairwise(edges)]) if body else ()


class Run:
    """Makes calls, and turns what happens into answers without their ``id``."""

    def __init__(self, adapter: Adapter, library: str = "") -> None:
        self._adapter = adapter
        self._library = library
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self, call: Call) -> Shown:
        """Make *call*; whatever it raises ends it, and the events until then are kept."""
        events: list[Shown] = []
        end, error = "complete", None
        clock = time.perf_counter
        cpu, began = time.process_time(), clock()
        try:
            result = self._adapter(call)
            if isinstance(result, AsyncIterable):
                self._running().run_until_complete(
                    _gather(result, events, began if call.times else None)
                )
            else:
                for event in result:
                    if call.times:
                        event["t"] = round(clock() - began, 6)
                    events.append(event)
        except Truncated as stop:
            end, error = "truncated", {"type": "Truncated", "message": str(stop), "frame": ""}
        except BaseException as fault:  # noqa: BLE001 - a library's SystemExit is its failure too
            end, error = "error", failure(fault, self._library)
        answer: Shown = {"events": events, "end": end}
        if error is not None:
            answer["error"] = error
        answer["cpu"] = round(time.process_time() - cpu, 6)
        return answer

    def _running(self) -> asyncio.AbstractEventLoop:
        """One loop for all calls: clients keep their connections in it."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop


async def _gather(result: AsyncIterable[Shown], events: list[Shown], began: float | None) -> None:
    async for event in result:
        if began is not None:
            event["t"] = round(time.perf_counter() - began, 6)
        events.append(event)


def failure(fault: BaseException, library: str = "") -> Shown:
    """Describe an exception as worker protocol v1 does.

    A wrapper that says only that something went wrong ("Connection error.") is followed by
    what it wraps, since that is what a caller's log shows.

    Args:
        fault: What the call raised.
        library: Import name of the library under test, for ``frame``.
    """
    texts: list[str] = []
    link: BaseException | None = fault
    for _ in range(_CAUSES):  # a chain of causes may be a ring
        text = "" if link is None else str(link)
        if text and text not in texts:
            texts.append(text)
        link = None if link is None else link.__cause__
    kind = type(fault)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return {
        "type": f"{module}{kind.__qualname__}",
        "message": " <- ".join(texts) or kind.__qualname__,
        "frame": _frame(fault.__traceback__, library),
    }


def _frame(trace: TracebackType | None, library: str) -> str:
    """``module:function`` of the innermost frame of the library, else of any code but ours."""
    inside = outside = ""
    for module, function in _frames(trace):
        if library and (module == library or module.startswith(f"{library}.")):
            inside = f"{module}:{function}"
        elif module != "__main__" and module.split(".")[0] != "replayfuzz":
            outside = f"{module}:{function}"
    return inside or outside


def _frames(trace: TracebackType | None) -> Iterator[tuple[str, str]]:
    while trace is not None:
        code = trace.tb_frame
        yield str(code.f_globals.get("__name__", "")), code.f_code.co_name
        trace = trace.tb_next
