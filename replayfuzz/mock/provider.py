"""Which answer a request gets, and what the mock provider remembers of it.

A request in, a value out: no socket, no clock. Requests choose by their header fields, the
control API below ``/_replayfuzz/`` for the requests that come next, and options for all others.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from replayfuzz import dialects, wire
from replayfuzz.cassette import Exchange
from replayfuzz.errors import PlanError, UsageError
from replayfuzz.mock import patterns
from replayfuzz.mock.asked import Asked
from replayfuzz.mock.captured import Captured
from replayfuzz.mock.choice import Choice, of_json, of_request
from replayfuzz.mock.joined import joined
from replayfuzz.mock.library import UNBENT, Library, bends, known
from replayfuzz.mock.reply import Reply, Stream, fault, reply
from replayfuzz.transcript import Speaks

CONTROL = "/_replayfuzz"
"""Paths below it are the control API; requests to it are not captured."""

_CHAT = dialects.find("openai.chat").path
_CHAT_END = _CHAT.removeprefix("/v1")  # which some base URLs have, and others do not
_MODEL = {"id": "mock-model", "object": "model", "created": 0, "owned_by": "replayfuzz"}
_SCRIPTS = 32  # that are kept rendered
_WORDS = 60  # characters of a plan's text in a line of the log


@dataclass(frozen=True, slots=True)
class Options:
    """What is answered where a request does not choose.

    Attributes:
        chunk_count, delay_ms: See ``patterns.exchange``.
        choice: A cassette or a pattern, and a plan.
        joined: What no wait parts may be sent in one piece, unless the stream is bent.
    """

    chunk_count: int = patterns.CHUNKS
    delay_ms: int = patterns.DELAY_MS
    choice: Choice = field(default_factory=Choice)
    joined: bool = False


class Provider:
    """The mock provider: what it can play, and what it remembers.

    Attributes:
        total: Streams asked for since the start or the last reset.
    """

    def __init__(self, library: Library, options: Options = Options()) -> None:
        self.total = 0
        self._library = library
        self._options = options
        self._captured = Captured()
        self._next: deque[tuple[Choice, int]] = deque()
        self._script = lru_cache(maxsize=_SCRIPTS)(self._rendered)
        self._routes: dict[str, dict[str, Callable[[Asked], Reply]]] = {
            "/v1/models": {"GET": _models},
            "/models": {"GET": _models},
            "/health": {"GET": lambda _: reply({"status": "ok"})},
            "/stats": {"GET": lambda _: reply({"total_requests": self.total})},
            "/stats/reset": {"POST": self._reset},
            CONTROL: {"GET": self._index},
            f"{CONTROL}/requests": {
                "GET": lambda _: reply(self._captured.told()),
                "DELETE": self._clear,
            },
            f"{CONTROL}/next": {
                "GET": lambda _: self._queue(),
                "PUT": self._put,
                "DELETE": self._unput,
            },
            f"{CONTROL}/plans": {"GET": self._plans},
        }

    def answer(self, asked: Asked, when: float) -> Reply | Stream:
        """Answer a request that arrived at *when* (Unix time), and remember it."""
        path = asked.path.rstrip("/") or "/"
        try:
            found = self._answer(asked, path)
        except (UsageError, PlanError) as error:
            found = fault(400, str(error))
        if path != CONTROL and not path.startswith(f"{CONTROL}/"):
            told = found.name if isinstance(found, Stream) else str(found.status)
            self._captured.add(asked, when, told)
        return found

    def check(self, choice: Choice) -> None:
        """Tell whether what is chosen can be played.

        Raises:
            UsageError: There is no such cassette or plan.
            PlanError: The plan does not fit the stream.
        """
        self._script(choice.over(self._options.choice), "", "http/1.1")

    def _answer(self, asked: Asked, path: str) -> Reply | Stream:
        methods = self._routes.get(path)
        if methods is None:
            return self._stream(asked, path)
        # RFC 9110 section 9.1: whoever answers GET answers HEAD; the server drops the body.
        method = "GET" if asked.method == "HEAD" else asked.method
        if method in methods:
            return methods[method](asked)
        return _not_allowed(asked, tuple(methods))

    def _stream(self, asked: Asked, path: str) -> Reply | Stream:
        chat = path.endswith(_CHAT_END)
        here = None if chat else self._library.of_path(path, asked.query)
        chosen = of_request(asked)
        named = chosen.cassette or self._options.choice.cassette
        if not (chat or here or named or self._awaited()):
            return fault(
                404, f"there is nothing at {path[:200]}; GET {CONTROL}/ tells what there is"
            )
        if asked.method != "POST":
            return _not_allowed(asked, ("POST",))
        if self._next:
            chosen = chosen.over(self._taken())
        chosen = chosen.over(self._options.choice)
        usual = here.name if here else ""
        found = self._script(chosen, usual, asked.protocol)
        self.total += 1
        return found

    def _rendered(self, choice: Choice, usual: str, protocol: Speaks) -> Stream:
        """The stream of *choice*; *usual* is the cassette where it leaves that open."""
        exchange = wire.over(self._exchange(choice, usual), protocol)
        name = choice.plan or UNBENT
        script = wire.render(exchange, self._library.plan(name, exchange))
        if self._options.joined and name == UNBENT:
            script = joined(script)
        waits = any(isinstance(step, wire.Wait) for step in script.steps)
        words = "" if name == UNBENT else f", {name[:_WORDS]}"
        return Stream(script, exchange.name + words, waits)

    def _exchange(self, choice: Choice, usual: str) -> Exchange:
        if choice.cassette or (usual and choice.pattern is None):
            return self._library.exchange(choice.cassette or usual)
        options = self._options
        return patterns.exchange(choice.pattern or "", options.chunk_count, options.delay_ms)

    def _awaited(self) -> bool:
        return bool(self._next and self._next[0][0].cassette)

    def _taken(self) -> Choice:
        choice, times = self._next.popleft()
        if times > 1:
            self._next.appendleft((choice, times - 1))
        return choice

    def _put(self, asked: Asked) -> Reply:
        entries = of_json(asked.body)
        for choice, _ in entries:
            self.check(choice)
        self._next = deque(entries)
        return self._queue()

    def _unput(self, _: Asked) -> Reply:
        self._next.clear()
        return self._queue()

    def _queue(self) -> Reply:
        return reply({"next": [{**choice.told(), "times": times} for choice, times in self._next]})

    def _reset(self, _: Asked) -> Reply:
        self.total = 0
        return reply({"reset": True, "total_requests": 0})

    def _clear(self, _: Asked) -> Reply:
        self._captured.clear()
        return reply(self._captured.told())

    def _plans(self, asked: Asked) -> Reply:
        """The plans of one family or kind on one stream, in words."""
        query = dict(_pairs(asked.query))
        kind = query.get("name", "")
        choice = Choice(query.get("pattern"), query.get("cassette")).over(self._options.choice)
        exchange = self._exchange(choice, "")
        found = bends(exchange, kind)
        if not found:
            self._library.plan(kind, exchange)  # tells what is wrong
        plans = [
            {"name": f"{kind}#{number}", "words": list(plan.words)}
            for number, plan in enumerate(found, 1)
        ]
        return reply({"stream": exchange.name, "plans": plans})

    def _index(self, _: Asked) -> Reply:
        return reply(
            {
                "paths": sorted(self._routes),
                "streams": [_CHAT, "and, with a cassette, any POST"],
                "headers": ["X-Test-Pattern", "X-Replayfuzz-Cassette", "X-Replayfuzz-Plan"],
                "patterns": list(patterns.PATTERNS),
                "cassettes": list(self._library.exchanges),
                "plans": [UNBENT, *self._library.plans, *known()],
            }
        )


def _models(_: Asked) -> Reply:
    return reply({"object": "list", "data": [_MODEL]})


def _not_allowed(asked: Asked, methods: tuple[str, ...]) -> Reply:
    # RFC 9110 section 15.5.6: the answer must tell which methods there are.
    allowed = ", ".join(methods)
    message = f"{asked.method} is not for {asked.path[:200]}; it takes {allowed}"
    return fault(405, message, (("allow", allowed),))


def _pairs(query: str) -> list[tuple[str, str]]:
    pairs = (item.partition("=") for item in query.split("&"))
    return [(_unquoted(name), _unquoted(value)) for name, _, value in pairs]


def _unquoted(text: str) -> str:
    data = text.replace("+", " ").encode()
    plain = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found[1].decode()), data)
    return plain.decode("utf-8", "replace")
