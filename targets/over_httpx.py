"""How adapters put a stream before libraries built on httpx or httpx2: one client for all calls.

With a server the real transport is used. In memory the response's stream yields the
pieces one by one, as ``Response.iter_raw`` would from a socket whose reads end there.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

from replayfuzz.worker import Call

# What httpcore's RemoteProtocolError says (it is h11's text), which httpx wraps.
BROKEN = "peer closed connection without sending complete message body (incomplete chunked read)"


class Seat:
    """Holds the call that is being made, for transports that outlive it."""

    def __init__(self) -> None:
        self.call = Call("", "", 0.0, {})


def module_of(library: ModuleType) -> Any:
    """The HTTP library that *library* (the module that makes its clients) was built on."""
    return getattr(library, "httpx2", None) or library.httpx


def sync_client(httpx: Any, seat: Seat) -> Any:
    """An ``httpx.Client`` that reads whatever the call in *seat* brings."""
    transport = sync_transport(httpx, seat)
    return httpx.Client(transport=transport, trust_env=False, follow_redirects=False)


def async_client(httpx: Any, seat: Seat) -> Any:
    """The same, asynchronous."""
    transport = async_transport(httpx, seat)
    return httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False)


def sync_transport(httpx: Any, seat: Seat) -> Any:
    """A transport that brings the call in *seat*, from a server or from memory."""

    class Pieces(httpx.SyncByteStream):  # type: ignore[misc]  # the class is known at run time only
        def __init__(self, call: Call) -> None:
            self.call = call

        def __iter__(self) -> Iterator[bytes]:
            yield from self.call.pieces or ()
            if not self.call.complete:
                raise httpx.RemoteProtocolError(BROKEN)

    class Transport(httpx.BaseTransport):  # type: ignore[misc]  # as above
        def __init__(self) -> None:
            self.wire = httpx.HTTPTransport(**_options(httpx))

        def handle_request(self, request: Any) -> Any:
            call = seat.call
            if call.pieces is None:
                return self.wire.handle_request(_below(request, call))
            return httpx.Response(call.status, headers=list(call.fields), stream=Pieces(call))

    return Transport()


def async_transport(httpx: Any, seat: Seat) -> Any:
    """The same, asynchronous."""

    class Pieces(httpx.AsyncByteStream):  # type: ignore[misc]  # as above
        def __init__(self, call: Call) -> None:
            self.call = call

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for piece in self.call.pieces or ():
                yield piece
            if not self.call.complete:
                raise httpx.RemoteProtocolError(BROKEN)

    class Transport(httpx.AsyncBaseTransport):  # type: ignore[misc]  # as above
        def __init__(self) -> None:
            self.wire = httpx.AsyncHTTPTransport(**_options(httpx))

        async def handle_async_request(self, request: Any) -> Any:
            call = seat.call
            if call.pieces is None:
                return await self.wire.handle_async_request(_below(request, call))
            return httpx.Response(call.status, headers=list(call.fields), stream=Pieces(call))

    return Transport()


def _below(request: Any, call: Call) -> Any:
    """*request* below the path of the call's URL, which some old releases drop (ollama 0.1)."""
    base = urllib.parse.urlsplit(call.url).path.rstrip("/")
    if base and not request.url.path.startswith(base):
        request.url = request.url.copy_with(path=base + request.url.path)
    return request


def _options(httpx: Any) -> dict[str, Any]:
    # A connection for each call: what one stream left on its connection, or a close that
    # races with the next request, would otherwise be found in another example. No TLS
    # context is made, because loading certificates takes longer than a thousand calls.
    limits = httpx.Limits(max_keepalive_connections=0)
    return {"verify": False, "trust_env": False, "limits": limits}
