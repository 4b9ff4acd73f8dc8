"""How adapters put a stream before libraries built on urllib3 or requests, without a socket.

What such a library reads is urllib3's own response over http.client's, which reads HTTP from a
file of ours: the pieces are the chunks of a chunked message, each of them one read.
"""

from __future__ import annotations

import http.client
import io
from collections.abc import Iterator
from typing import Any, cast

from replayfuzz.worker import Call

_OURS = {"transfer-encoding", "content-length", "connection"}  # fields that frame the message
_READ = 1 << 16


class Seat:
    """Holds the call that is being made, for sessions that outlive it."""

    def __init__(self) -> None:
        self.call = Call("", "", 0.0, {})


class _Frames(io.RawIOBase):
    """A response as bytes; a read ends where a frame does."""

    def __init__(self, call: Call) -> None:
        self._frames = _frames(call)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = next(self._frames, b"")
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


class _Socket:
    """As much of a socket as http.client asks for."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Frames(self._call), _READ)


def _frames(call: Call) -> Iterator[bytes]:
    fields = [(name, value) for name, value in call.fields if name.lower() not in _OURS]
    fields += [("Transfer-Encoding", "chunked"), ("Connection", "close")]
    lines = (f"HTTP/1.1 {call.status} Status", *(f"{name}: {value}" for name, value in fields))
    yield ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    for piece in call.pieces or ():
        if piece:
            yield b"%x\r\n%b\r\n" % (len(piece), piece)
    if call.complete:
        yield b"0\r\n\r\n"


def remembered(urllib3: Any, call: Call) -> Any:
    """The ``urllib3.HTTPResponse`` of a call in memory, nothing read of its body yet."""
    plain = http.client.HTTPResponse(cast("Any", _Socket(call)), method="POST")
    plain.begin()
    return urllib3.HTTPResponse(
        body=plain,
        headers=plain.msg.items(),
        status=plain.status,
        reason=plain.reason,
        version=plain.version,
        original_response=plain,
        preload_content=False,
        decode_content=False,
    )


def session(requests: Any, seat: Seat) -> Any:
    """A ``requests.Session`` that reads whatever the call in *seat* brings."""
    import urllib3

    class Adapter(requests.adapters.HTTPAdapter):  # type: ignore[misc]  # known at run time only
        def send(self, request: Any, **options: Any) -> Any:
            if seat.call.pieces is None:
                self.close()  # the server may be closing what was kept of the call before
                return super().send(request, **options)
            return self.build_response(request, remembered(urllib3, seat.call))

    made = requests.Session()
    made.trust_env = False  # no proxies, no .netrc
    made.mount("http://", Adapter())
    return made
