"""One hand-off, from its payload to the last byte of its response."""

from __future__ import annotations

import asyncio
import contextlib
from http import HTTPStatus
from typing import NoReturn

from replayfuzz.targets.asyncio_daemon import chat, payload, strict_json
from replayfuzz.targets.asyncio_daemon.client import Client, ClientGoneError
from replayfuzz.targets.asyncio_daemon.listening import HandOff
from replayfuzz.targets.asyncio_daemon.payload import Job, PayloadError
from replayfuzz.targets.asyncio_daemon.settings import Settings
from replayfuzz.targets.asyncio_daemon.sse import EventReader, EventTooLargeError
from replayfuzz.targets.asyncio_daemon.upstream import End, Head, Upstream, UpstreamError

_ERROR_BODY, _ERROR_SECONDS, _QUOTED = 65536, 5.0, 500

_STREAM = (
    ("Content-Type", "text/event-stream"),
    ("Cache-Control", "no-cache"),
    ("Connection", "close"),
    ("X-Accel-Buffering", "no"),
)


class _RefusedError(Exception):
    """The client is to be told so with *status*."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def serve(handed: HandOff, settings: Settings) -> None:
    """Answer one client; end as soon as it leaves, whatever is under way."""
    client = await Client.adopt(handed.sock, settings.write_seconds)
    work = asyncio.create_task(_answer(client, handed, settings))
    try:
        await asyncio.wait({work, client.left}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError, ClientGoneError):
            await work
        client.drop()


async def _answer(client: Client, handed: HandOff, settings: Settings) -> None:
    try:
        await _relay(client, _job(handed), settings)
    except _RefusedError as refused:
        await client.send(_error(refused.status, str(refused)))
    client.finish()


def _job(handed: HandOff) -> Job:
    if handed.truncated:
        raise _RefusedError(413, "the payload is too large")
    try:
        return payload.parse(handed.payload)
    except PayloadError as error:
        raise _RefusedError(400, str(error)) from None


async def _relay(client: Client, job: Job, settings: Settings) -> None:
    """Relay the stream.

    Raises:
        _RefusedError: There is none, and the client was not sent anything yet.
    """
    try:
        async with Upstream(settings, job) as upstream:
            head = await upstream.part()
            assert isinstance(head, Head)
            if head.status != 200:
                await _refuse(head, upstream)
            if head.fields.get("content-encoding", "identity").lower() != "identity":
                raise _RefusedError(502, "upstream sent a content coding that was not asked for")
            await client.send(_head(200, (*_STREAM, *job.response_fields)))
            await client.send(await _events(client, upstream))
    except UpstreamError as error:
        raise _RefusedError(502, str(error)) from None


async def _events(client: Client, upstream: Upstream) -> bytes:
    """Relay the events as they come; return the last one: [DONE] or an error."""
    reader = EventReader()
    try:
        while not isinstance(part := await upstream.part(), End):
            assert isinstance(part, bytes)
            for event in reader.receive(part):
                if chat.is_done(event):
                    return chat.DONE
                if text := chat.content(event):
                    await client.send(text)
    except (chat.ProviderError, EventTooLargeError) as error:
        return chat.error(str(error))
    except UpstreamError as error:
        return chat.error(f"upstream ended before [DONE]: {error}")
    return chat.error("upstream ended before [DONE]")


async def _refuse(head: Head, upstream: Upstream) -> NoReturn:
    body = bytearray()
    with contextlib.suppress(UpstreamError, TimeoutError):
        async with asyncio.timeout(_ERROR_SECONDS):
            while len(body) < _ERROR_BODY and isinstance(part := await upstream.part(), bytes):
                body += part
    status = head.status if 400 <= head.status < 600 else 502
    raise _RefusedError(status, _told(head, bytes(body[:_ERROR_BODY])))


def _told(head: Head, body: bytes) -> str:
    """The provider's message; else all that is known."""
    text = body.decode("utf-8", "replace")
    try:
        message = chat.message_of(strict_json.loads(text))
    except ValueError:
        message = ""
    status = f"upstream answered {head.status} {head.reason}".strip()
    return message or (f"{status}: {text[:_QUOTED]}" if text.strip() else status)


def _error(status: int, message: str) -> bytes:
    body = chat.error_object(message)
    fields = (
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    )
    return _head(status, fields) + body


def _head(status: int, fields: tuple[tuple[str, str], ...]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Upstream Error"
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status} {phrase}\r\n{lines}\r\n".encode()
