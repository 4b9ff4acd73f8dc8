# mypy: ignore-errors
"""The asyncio daemon with one fault, by name: ``python -m tests.faulty_daemon FAULT -s PATH``.

Each fault is one that daemons of this kind have had or are likely to have; the rule that it
breaks stands beside it in FAULTS. Nothing of the daemon itself is changed for it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from replayfuzz import declared
from replayfuzz.targets.asyncio_daemon import __main__ as program
from replayfuzz.targets.asyncio_daemon import chat, listening, payload, serving, sse
from replayfuzz.targets.asyncio_daemon.client import Client
from replayfuzz.targets.asyncio_daemon.upstream import Upstream

ROOT = Path(__file__).resolve().parents[1]
KEPT: list[object] = []


class _PerChunk(sse.EventReader):
    """Decodes each chunk on its own."""

    def receive(self, chunk):
        yield from super().receive(chunk.decode("utf-8", "replace").encode())


def utf8_per_chunk() -> None:
    serving.EventReader = _PerChunk


class _LfOnly(sse.EventReader):
    """Knows LF alone as a line end."""

    def receive(self, chunk):
        self._line.append(chunk)
        *blocks, rest = b"".join(self._line).split(b"\n\n")
        self._line = [rest]
        for block in blocks:
            for line in block.split(b"\n"):
                if line:
                    self._field(line)
            yield from self._dispatch()


def lf_only() -> None:
    serving.EventReader = _LfOnly


class _LastLine(sse.EventReader):
    """Of several data lines, takes the last."""

    def _dispatch(self):
        self._data = self._data[-1:]
        yield from super()._dispatch()


def last_data_line() -> None:
    serving.EventReader = _LastLine


class _NoComments(sse.EventReader):
    """Takes a comment for data."""

    def _field(self, line):
        super()._field(b"data" + line if line.startswith(b":") else line)


def comment_is_data() -> None:
    serving.EventReader = _NoComments


def done_always() -> None:
    """What every one of the seven daemons does when its upstream breaks off."""
    original = chat.error

    def error(message):
        return chat.DONE if message.startswith("upstream ended") else original(message)

    chat.error = error


def status_hidden() -> None:
    async def refuse(head, upstream):
        del head
        while isinstance(await upstream.part(), bytes):
            pass

    serving._refuse = refuse
    done_always()


def error_dropped() -> None:
    original = chat.content

    def content(event):
        try:
            return original(event)
        except chat.ProviderError:
            return b""

    chat.content = content


def message_lost() -> None:
    chat.message_of = lambda _: "something went wrong"


def held_back() -> None:
    original = serving._events

    class Held:
        def __init__(self, client):
            self.client, self.parts = client, []

        async def send(self, data):
            self.parts.append(data)

    async def events(client, upstream):
        held = Held(client)
        last = await original(held, upstream)
        return b"".join([*held.parts, last])

    serving._events = events


def no_content_type() -> None:
    serving._STREAM = serving._STREAM[1:]


def clients_mixed() -> None:
    """One reader for all clients, as a global buffer would be."""
    shared = sse.EventReader()
    serving.EventReader = lambda: shared


def second_descriptor_kept() -> None:
    def descriptors(control, found=listening._descriptors):
        all_of_them = found(control)
        KEPT.extend(all_of_them[1:])
        return all_of_them[:1]

    listening._descriptors = descriptors


def client_kept() -> None:
    original = Client.adopt.__func__

    async def adopt(cls, sock, seconds):
        KEPT.append(os.dup(sock.fileno()))
        return await original(cls, sock, seconds)

    Client.adopt = classmethod(adopt)


def dies_without_descriptor() -> None:
    original = listening._descriptors

    def descriptors(control):
        found = original(control)
        if not found:
            os._exit(3)
        return found

    listening._descriptors = descriptors


def dies_of_bad_json() -> None:
    def refused(self, *_):
        os._exit(4)

    payload.PayloadError.__init__ = refused


def one_at_a_time() -> None:
    """Waits for the message of a peer before it accepts the next one."""

    async def run(self, serve, seconds):
        loop = asyncio.get_running_loop()
        while True:
            peer, _ = await loop.sock_accept(self._sock)
            await self._hand_off(peer, serve, seconds)

    listening.Listener.run = run


def upstream_kept() -> None:
    """Reads on for a client that has left."""
    original = serving._answer

    async def serve(handed, settings):
        client = await Client.adopt(handed.sock, settings.write_seconds)
        await original(client, handed, settings)
        client.drop()

    serving.serve = serve


def header_injection() -> None:
    payload._PRINTABLE = payload.re.compile(r"(?s).*")


def prompt_cut() -> None:
    original = payload._messages

    def messages(given):
        return [{**each, "content": each["content"][:50_000]} for each in original(given)]

    payload._messages = messages


def waits_for_the_close() -> None:
    """Goes on reading after the end marker, as if only a close could end a stream."""
    original = serving._events

    async def events(client, upstream):
        last = await original(client, upstream)
        while isinstance(await upstream.part(), bytes):
            pass
        return last

    serving._events = events


def done_wrapped() -> None:
    chat.DONE = b'data: {"content":"[DONE]"}\n\n' + chat.DONE


def first_event_lost() -> None:
    original = serving._events

    class Late:
        def __init__(self, client):
            self.client, self.first = client, True

        async def send(self, data):
            if not self.first:
                await self.client.send(data)
            self.first = False

    async def events(client, upstream):
        return await original(Late(client), upstream)

    serving._events = events


def unicode_lines() -> None:
    """Splits at what ``str.splitlines`` takes for line ends."""

    class Split(sse.EventReader):
        def _field(self, line):
            for each in line.decode("utf-8", "replace").splitlines():
                super()._field(each.encode())

    serving.EventReader = Split


def memory_kept() -> None:
    original = Upstream.part

    async def part(self):
        found = await original(self)
        KEPT.append(bytearray(40_000))
        return found

    Upstream.part = part


FAULTS: dict[str, tuple[Callable[[], None], str]] = {
    "utf8-per-chunk": (utf8_per_chunk, "valid-utf8"),
    "lf-only": (lf_only, "no-error-on-valid-stream"),
    "last-data-line": (last_data_line, "no-error-on-valid-stream"),
    "comment-is-data": (comment_is_data, "no-error-on-valid-stream"),
    "unicode-lines": (unicode_lines, "no-error-on-valid-stream"),
    "done-always": (done_always, "truncation-surfaced"),
    "status-hidden": (status_hidden, "error-surfaced"),
    "error-dropped": (error_dropped, "error-surfaced"),
    "message-lost": (message_lost, "error-surfaced"),
    "held-back": (held_back, "incremental-delivery"),
    "no-content-type": (no_content_type, "response-head"),
    "clients-mixed": (clients_mixed, "clients-apart"),
    "second-descriptor-kept": (second_descriptor_kept, "resources-back"),
    "client-kept": (client_kept, "resources-back"),
    "memory-kept": (memory_kept, "resources-back"),
    "dies-without-descriptor": (dies_without_descriptor, "no-crash"),
    "dies-of-bad-json": (dies_of_bad_json, "no-crash"),
    "one-at-a-time": (one_at_a_time, "no-hang"),
    "upstream-kept": (upstream_kept, "upstream-cancelled"),
    "header-injection": (header_injection, "payload-forwarded"),
    "prompt-cut": (prompt_cut, "payload-forwarded"),
    "waits-for-the-close": (waits_for_the_close, "no-hang"),
    "done-wrapped": (done_wrapped, "output-form"),
    "first-event-lost": (first_event_lost, "content-equal"),
}
"""Each fault, and the rule that it breaks."""


def declared_in(folder: Path, fault: str) -> Path:
    """Write a declaration of the daemon with that fault ("": without one) into *folder*."""
    text = (declared.SHIPPED / "python.toml").read_text()
    name = f"faulty-{fault}" if fault else "faultless"
    program = f'"-m", "tests.faulty_daemon", "{fault}"'
    environment = "[target.daemon.environment]\n"
    for old, new in (
        ('name = "python"', f'name = "{name}"'),
        ('"-P", "-m", "replayfuzz.targets.asyncio_daemon"', program),
        (environment, f'{environment}PYTHONPATH = "{ROOT}"\n'),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file = folder / f"{name}.toml"
    file.write_text(text)
    return file


if __name__ == "__main__":
    if fault := sys.argv.pop(1):
        FAULTS[fault][0]()
    sys.exit(program.main())
