"""Drives the requests-sse package: one connection of its ``EventSource``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from replayfuzz.targets import over_requests
from replayfuzz.worker import Call, Shown, serve


class _EndedError(Exception):
    """Raised by the user's own ``on_error``, who wants one stream and no reconnection."""


class RequestsSse:
    """A session, built once, and an event source for each call."""

    def __init__(self, library: Any, requests: Any) -> None:
        self._library = library
        self._seat = over_requests.Seat()
        self._session = over_requests.session(requests, self._seat)

    def __call__(self, call: Call) -> Iterator[Shown]:
        self._seat.call = call
        source = self._source(call)
        try:
            source.connect()
            for event in source:
                yield _shown(event)
        except _EndedError:
            return
        finally:
            source.close()

    def _source(self, call: Call) -> Any:
        opened = False

        def began() -> None:
            nonlocal opened
            opened = True

        def ended() -> None:
            if opened:  # before that it is told by an exception
                raise _EndedError

        return self._library.EventSource(
            f"{call.url or 'http://127.0.0.1'}/events",
            method="POST",
            max_connect_retry=0,
            timeout=call.timeout,
            session=self._session,
            on_open=began,
            on_error=ended,
            json=dict(call.request),
            # A connection for each call: what a stream leaves on its own meets no other.
            headers={"Connection": "close"},
        )


def _shown(event: Any) -> Shown:
    shown = {"event": event.type, "data": event.data, "id": event.last_event_id}
    return {"type": "sse", **shown}


def main() -> None:
    """Serve the installed requests-sse package."""
    from importlib.metadata import version

    import requests
    import requests_sse

    serve(
        RequestsSse(requests_sse, requests),
        name="requests-sse",
        version=version("requests-sse"),
        dialects=("sse",),
        library="requests_sse",
        memory=True,
    )


if __name__ == "__main__":
    main()
