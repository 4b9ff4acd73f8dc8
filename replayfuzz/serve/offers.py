"""What is on offer: scripts by token, and the tickets that tell how they were played."""

from __future__ import annotations

import contextlib
import itertools
import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Literal
from urllib.parse import quote

import trio

from replayfuzz.deliver import PATIENCE, Play
from replayfuzz.errors import ReplayfuzzError
from replayfuzz.transcript import Delivery, Speaks
from replayfuzz.wire import Script
from replayfuzz.wire.request import Incoming

_TARGET = re.compile(r"(?:https?://[^/]*)?/t/([^/?]+)")
_MARK = "replayfuzz-"
_DIGITS = 8  # of the number in a token: marks have one length, so any text may follow them
_CUT_OFF = 5.0  # seconds for the server's thread to cut a play off; it needs microseconds


class Ticket:
    """One offered script.

    Attributes:
        url: Base URL: the client appends the provider's path.
        mark: Text that names the script too, anywhere in a request whose target does not.
        requests: How often it was asked for so far; each time it is played again.
        delivery: How the last play went.
    """

    def __init__(self, offers: Offers, token: str, script: Script, *, verify: bool) -> None:
        self.url = f"{offers.base}/t/{token}"
        self.token = token
        self.mark = _MARK + token
        self.script = script
        self.verify = verify
        self.requests = 0
        self.delivery = Delivery(offers.over, finished=False)
        self._offers = offers
        self._live: list[Play] = []
        self._quiet = threading.Event()  # not being played now
        self._quiet.set()

    @contextlib.contextmanager
    def playing(self, play: Play, request: Incoming) -> Iterator[None]:
        """See ``shows.Show``."""
        self._offers.loop = trio.lowlevel.current_trio_token()
        self.requests += 1
        self._live.append(play)
        self._quiet.clear()
        try:
            yield
        finally:
            self._live.remove(play)
            self.delivery = play.delivery(request.raw)
            if not self._live:
                self._quiet.set()

    def finish(self, seconds: float = PATIENCE) -> Delivery:
        """Withdraw the offer and tell how its last play went. Any thread but the server's.

        To be called when the client has what it wants: a play that waits, or that holds
        its connection open, is released; one that is still sending gets *seconds*, and
        is then cut off. ``finished`` is False too when nobody asked for the script.

        Raises:
            ReplayfuzzError: The server has died.
        """
        self._offers.withdraw(self)
        if not self._quiet.is_set():
            self._offers.post(self._hurry)
            if not self._quiet.wait(seconds):
                self._offers.post(self._drop)
                self._quiet.wait(_CUT_OFF)
        self._offers.check()
        return self.delivery

    def left(self, seconds: float) -> bool:
        """Wait until the play that runs now has ended; whether it did because its peer left.

        Any thread but the server's. False too when it is still running after *seconds*.
        """
        return self._quiet.wait(seconds) and self.delivery.left is not None

    def _hurry(self) -> None:
        for play in self._live:
            play.hurry()

    def _drop(self) -> None:
        for play in self._live:
            play.release()


class Offers:
    """The scripts on offer, by token; any thread may use it, as it does single dict operations.

    Attributes:
        base: URL of the server, without a slash at its end.
        over: How its clients reach it.
        loop: The event loop that plays; None while none does.
        died: What ended the server, when it was not told to end.
    """

    def __init__(self, listener: socket.socket) -> None:
        address = listener.getsockname()
        self.over: Literal["tcp", "unix"] = "tcp"
        if listener.family == socket.AF_UNIX:
            self.over, self.base = "unix", f"http+unix://{quote(address, safe='')}"
        else:
            host = f"[{address[0]}]" if listener.family == socket.AF_INET6 else address[0]
            self.base = f"http://{host}:{address[1]}"
        self.loop: trio.lowlevel.TrioToken | None = None
        self.died: BaseException | None = None
        self._tickets: dict[str, Ticket] = {}
        self._number = itertools.count(1)
        self._prefix = secrets.token_hex(3)  # no token of another run at this address fits
        self._marks = re.compile(
            b"%s(%s[0-9a-f]{%d})" % (_MARK.encode(), self._prefix.encode(), _DIGITS)
        )

    def add(self, script: Script, *, verify: bool = True) -> Ticket:
        """Offer *script*; see ``ReplayServer.offer``."""
        self.check()
        token = f"{self._prefix}{next(self._number):0{_DIGITS}x}"
        ticket = self._tickets[token] = Ticket(self, token, script, verify=verify)
        return ticket

    def find(self, request: Incoming, protocol: Speaks = "http/1.1") -> Ticket | None:  # noqa: ARG002 - of all Shows
        """The ticket that a request names by its target, else by a mark in it; where it names
        none of this run and exactly one is on offer, that one.
        """
        if match := _TARGET.match(request.target):
            return self._tickets.get(match[1])
        if mark := self._marks.search(request.raw):
            return self._tickets.get(mark[1].decode())
        tickets = list(self._tickets.values())
        return tickets[0] if len(tickets) == 1 else None

    def withdraw(self, ticket: Ticket) -> None:
        """Answer no more requests with *ticket*."""
        self._tickets.pop(ticket.token, None)

    def post(self, job: Callable[[], None]) -> None:
        """Run *job* in the server's thread, soon; without a server, never."""
        if self.loop is not None:
            with contextlib.suppress(trio.RunFinishedError):
                self.loop.run_sync_soon(job)

    def check(self) -> None:
        """Raise what ended the server.

        Raises:
            ReplayfuzzError: It has died; that is a fault of ours.
        """
        if self.died is not None:
            raise ReplayfuzzError(
                f"the replay server died of {self.died!r}; this is a bug of replayfuzz, "
                "please report it with the traceback above"
            ) from self.died
