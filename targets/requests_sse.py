"""Drives the requests-sse package: one connection of its ``EventSource``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from replayfuzz.targets import over_requests
from replayfuzz.targets.event_source import EndedError, callbacks, message, serve_events
from replayfuzz.worker import Call, Shown


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
                yield message(event)
        except EndedError:
            return
        finally:
            source.close()

    def _source(self, call: Call) -> Any:
        return self._library.EventSource(
            f"{call.url or 'http://127.0.0.1'}/events",
            method="POST",
            max_connect_retry=0,
            timeout=call.timeout,
            session=self._session,
            **callbacks(),
            json=dict(call.request),
            # A connection for each call: what a stream leaves on its own meets no other.
            headers={"Connection": "close"},
        )


def main() -> None:
    """Serve the installed requests-sse package."""
    import requests
    import requests_sse

    serve_events(
        RequestsSse(requests_sse, requests), "requests-sse", library="requests_sse", memory=True
    )


if __name__ == "__main__":
    main()
