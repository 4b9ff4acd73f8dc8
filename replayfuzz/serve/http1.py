"""Requests over HTTP/1.1: read and answered one after the other."""

from __future__ import annotations

import contextlib

from replayfuzz.deliver import PATIENCE, Line, PeerLeft, Play
from replayfuzz.serve.shows import After, Direct, Plain, Shows, answer
from replayfuzz.wire.request import Incoming, RequestError, RequestReader

_FAREWELL = 1.0  # seconds that a client who broke the protocol gets to be told so


async def serve_http1(line: Line, data: bytes, shows: Shows) -> After:
    """Answer the requests of one connection, until it closes or a script closes it.

    Args:
        line: The connection; it is left open where it is.
        data: What has been read from it.
        shows: Knows the answers.

    Raises:
        PeerLeft: The connection is gone.
    """
    reader = RequestReader()
    after: After = "keep"
    reader.receive(data)
    try:
        while after == "keep" and (request := await _request(line, reader)):
            after = await _answer(line, request, reader, shows)
    except RequestError as error:
        refusal = Plain.text(400, str(error), (("Connection", "close"),))
        with contextlib.suppress(PeerLeft):
            await line.send(refusal.http1(), _FAREWELL)
    return after


async def _request(line: Line, reader: RequestReader) -> Incoming | None:
    """The next request; None: the client has closed, or sends nothing that makes sense."""
    while (request := reader.next()) is None:
        if reader.take_continue():
            await line.send(b"HTTP/1.1 100 Continue\r\n\r\n", PATIENCE)
        if not (data := await line.receive()):
            return None
        reader.receive(data)
    return request


async def _answer(line: Line, request: Incoming, reader: RequestReader, shows: Shows) -> After:
    """Answer one request."""
    show = answer(shows, request, "http/1.1")
    if isinstance(show, Plain):
        kept = await line.send(show.http1(request.method), PATIENCE)
    elif isinstance(show, Direct):
        return await show.answer(line, request, reader)
    else:
        play = Play(show.script, line, verify=show.verify)
        with show.playing(play, request):
            await play.run()
        kept = play.kept
    return "keep" if kept and request.keep else "close"
