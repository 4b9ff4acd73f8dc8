"""Drives the sseclient package (by btubbs): one connection of its ``SSEClient``."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

from replayfuzz.targets import over_requests
from replayfuzz.targets.event_source import EndedError, serve_events
from replayfuzz.worker import Call, Shown


class SseClient:
    """A session, built once, and a client for each call."""

    def __init__(self, library: Any, requests: Any) -> None:
        self._library = library
        self._seat = over_requests.Seat()
        self._session = over_requests.session(requests, self._seat)
        # It has no option for one stream: it waits, and asks again, for ever.
        library.time = types.SimpleNamespace(sleep=_ended)

    def __call__(self, call: Call) -> Iterator[Shown]:
        self._seat.call = call
        client = self._library.SSEClient(
            f"{call.url or 'http://127.0.0.1'}/events",
            session=self._session,
            json=dict(call.request),
            timeout=call.timeout,
            # A connection for each call: what a stream leaves on its own meets no other.
            headers={"Connection": "close"},
        )
        try:
            for event in client:
                yield _shown(event)
        except EndedError:
            return
        finally:
            client.resp.close()


def _ended(_seconds: float) -> None:
    raise EndedError  # in place of the wait before a reconnection


def _shown(event: Any) -> Shown:
    shown: Shown = {"type": "sse", "event": event.event, "data": event.data}
    told = {"id": event.id, "retry": event.retry}
    return {**shown, **{name: value for name, value in told.items() if value is not None}}


def main() -> None:
    """Serve the installed sseclient package."""
    import requests
    import sseclient

    serve_events(SseClient(sseclient, requests), "sseclient", library="sseclient", memory=True)


if __name__ == "__main__":
    main()
