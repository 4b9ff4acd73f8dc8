"""What we tell HTTP/2 clients about ourselves. A value, so that nobody needs h2 for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Http2:
    """Our SETTINGS, and the first WINDOW_UPDATE (RFC 9113 sections 6.5.2 and 6.9).

    Attributes:
        max_streams: Requests at once on a connection.
        stream_window, connection_window: Bytes of request bodies that may be under way.
    """

    max_streams: int = 100
    stream_window: int = 1 << 20
    connection_window: int = 1 << 24
