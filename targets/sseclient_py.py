"""Drives the sseclient-py package: ``SSEClient(requests.get(…, stream=True)).events()``."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Self

from replayfuzz.worker import Call, Shown, serve

_BROKEN = "Response ended prematurely"  # what requests says of an incomplete message


class SseClientPy:
    """A session, built once; the library reads any iterable of bytes."""

    def __init__(self, sseclient: Any, requests: Any) -> None:
        self._library = sseclient
        self._requests = requests
        self._session = requests.Session()
        self._session.trust_env = False  # no proxies, no .netrc

    def __call__(self, call: Call) -> Iterator[Shown]:
        source = self._wire(call) if call.pieces is None else _Pieces(call, self._requests)
        with source as stream:
            stream.raise_for_status()
            for event in self._library.SSEClient(stream).events():
                yield _shown(event)

    def _wire(self, call: Call) -> Any:
        # A connection for each call: what a stream leaves on its own meets no other example,
        # and one that was kept may be one that the server is closing.
        self._session.close()
        headers = {"Accept": "text/event-stream", "Connection": "close"}
        return self._session.post(
            f"{call.url}/events",
            json=dict(call.request),
            headers=headers,
            stream=True,
            timeout=call.timeout,
        )


class _Pieces:
    """Memory delivery: an event source that needs no socket, with the errors of requests."""

    def __init__(self, call: Call, requests: Any) -> None:
        self._call = call
        self._errors = requests.exceptions

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        fields = {name.lower(): value for name, value in self._call.fields}
        if fields.get("content-encoding") == "gzip":
            inflate = zlib.decompressobj(wbits=31)
            yield from filter(None, map(inflate.decompress, self._call.pieces or ()))
        else:
            yield from self._call.pieces or ()
        if not self._call.complete:
            raise self._errors.ChunkedEncodingError(_BROKEN)

    def raise_for_status(self) -> None:
        """As the response of requests has it."""
        if self._call.status >= 400:
            raise self._errors.HTTPError(f"{self._call.status} Error")

    def close(self) -> None:
        """There is nothing to close; event sources have this method."""


def _shown(event: Any) -> Shown:
    shown: Shown = {"type": "sse", "event": event.event, "data": event.data}
    if event.id is not None:
        shown["id"] = event.id
    if event.retry is not None:
        # The library hands on the text; the protocol has a number of milliseconds.
        digits = event.retry.isascii() and event.retry.isdigit() and len(event.retry) < 4000
        shown["retry"] = int(event.retry) if digits else event.retry
    return shown


def main() -> None:
    """Serve the installed sseclient-py package."""
    from importlib.metadata import version

    import requests
    import sseclient

    serve(
        SseClientPy(sseclient, requests),
        name="sseclient-py",
        version=version("sseclient-py"),
        dialects=("sse",),
        variants=("requests",),
        library="sseclient",
        memory=True,
    )


if __name__ == "__main__":
    main()
