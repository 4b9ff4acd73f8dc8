"""``replayfuzz serve``: the mock provider on its own."""

from __future__ import annotations

import contextlib
import json
import re
import select
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import socket as sockets

    from replayfuzz.serve import Certificate
    from replayfuzz.serve.mocking import Serving

from replayfuzz import mock, store
from replayfuzz.cli.output import GoneError, say, show
from replayfuzz.errors import PlanError, StoreError, UsageError
from replayfuzz.plan import Plan, from_json

_WITHOUT_EFFECT = {
    "workers": "one process serves, and holds 10,000 streams with --no-verify",
    "h2_send_buffer_kb": "what is sent waits for the client's window, not in a buffer",
    "h2_keepalive_secs": "no PING is sent by itself",
}
_USUAL = {"workers": (0, 1), "h2_send_buffer_kb": (1024,), "h2_keepalive_secs": (20,)}

Address = Annotated[str, typer.Option("-l", "--listen", help="Where to listen, over TCP.")]
Port = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, envvar="MOCK_API_PORT", help="Port, in place of that of --listen; 0: any."
    ),
]
SocketFile = Annotated[
    Path | None, typer.Option("-s", "--socket", help="Listen at this Unix socket too.")
]
ChunkCount = Annotated[
    int,
    typer.Option("-c", "--chunk-count", min=1, max=100_000, help="Chunks of the default text."),
]
Delay = Annotated[
    int,
    typer.Option("-d", "--chunk-delay-ms", min=0, max=86_400_000, help="Before each next chunk."),
]
Workers = Annotated[
    int, typer.Option("-w", "--workers", min=0, help="Accepted; one process serves in any case.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No line for each request.")]
Cassettes = Annotated[
    list[str] | None,
    typer.Option(help="Cassette file, folder or glob to serve from, besides those that ship."),
]
CassetteName = Annotated[
    str, typer.Option("--cassette", help="Cassette that is served where a request names none.")
]
PlanName = Annotated[
    str | None,
    typer.Option(
        "--plan", metavar="NAME|FILE", help="Bend for each stream whose request names none."
    ),
]
Verify = Annotated[
    bool,
    typer.Option(help="Send each piece only when the client has read the one before (lock-step)."),
]
Tls = Annotated[bool, typer.Option("--tls", help="Serve TLS too, with a certificate made for it.")]
CertificateFile = Annotated[
    Path | None, typer.Option("--tls-cert", help="PEM file of the certificate; implies --tls.")
]
KeyFile = Annotated[Path | None, typer.Option("--tls-key", help="PEM file of its key.")]
MaxStreams = Annotated[
    int, typer.Option("--h2-max-streams", min=0, help="Streams at once on a connection.")
]
StreamWindow = Annotated[
    int, typer.Option("--h2-stream-window-kb", min=1, max=2_097_151, help="For request bodies.")
]
ConnectionWindow = Annotated[
    int,
    typer.Option("--h2-connection-window-kb", min=64, max=2_097_151, help="For request bodies."),
]
SendBuffer = Annotated[int, typer.Option("--h2-send-buffer-kb", min=0, help="Accepted; no effect.")]
KeepAlive = Annotated[int, typer.Option("--h2-keepalive-secs", min=0, help="Accepted; no effect.")]


def serve(
    listen: Address = "127.0.0.1:8080",
    port: Port = None,
    socket: SocketFile = None,
    chunk_count: ChunkCount = 18,
    chunk_delay_ms: Delay = 50,
    workers: Workers = 0,
    quiet: Quiet = False,
    cassettes: Cassettes = None,
    cassette: CassetteName = "",
    plan: PlanName = None,
    verify: Verify = True,
    tls: Tls = False,
    tls_cert: CertificateFile = None,
    tls_key: KeyFile = None,
    h2_max_streams: MaxStreams = 100,
    h2_stream_window_kb: StreamWindow = 1024,
    h2_connection_window_kb: ConnectionWindow = 16384,
    h2_send_buffer_kb: SendBuffer = 1024,
    h2_keepalive_secs: KeepAlive = 20,
) -> None:
    """Serve the mock provider: test patterns, recorded streams, and bent ones.

    Requests choose by the headers X-Test-Pattern, X-Replayfuzz-Cassette and X-Replayfuzz-Plan;
    GET /_replayfuzz/ tells what there is. Ctrl-C or SIGTERM ends it.
    """
    _note(workers=workers, h2_send_buffer_kb=h2_send_buffer_kb, h2_keepalive_secs=h2_keepalive_secs)
    plans, chosen = _plan(plan)
    exchanges = (*store.shipped(), *(store.load(cassettes) if cassettes else ()))
    choice = mock.Choice(cassette=cassette or None, plan=chosen)
    options = mock.Options(chunk_count, chunk_delay_ms, choice, joined=not verify)
    provider = mock.Provider(mock.Library(exchanges, plans), options)
    provider.check(choice)
    from replayfuzz.serve import Http2, mocking  # noqa: PLC0415 - an event loop, only here

    host, usual = _address(listen)
    serving = mocking.Serving(
        host=host,
        port=usual if port is None else port,
        path=str(socket) if socket else None,
        certificate=_certificate(tls, tls_cert, tls_key),
        http2=Http2(h2_max_streams, h2_stream_window_kb << 10, h2_connection_window_kb << 10),
    )
    shows = mocking.MockShows(provider, None if quiet else _log, verify=verify)
    mocking.run_mock(shows, serving, lambda listeners: _ready(listeners, serving))


def _note(**given: int) -> None:
    for name, value in given.items():
        if value not in _USUAL[name]:
            say(f"replayfuzz: --{name.replace('_', '-')} has no effect: {_WITHOUT_EFFECT[name]}")


def _address(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"\[([^\]]+)\]:([0-9]{1,5})|([^:]+):([0-9]{1,5})", text)
    if not found:
        raise UsageError(f"--listen {text!r} is no HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
    return found[1] or found[3], int(found[2] or found[4])


def _plan(given: str | None) -> tuple[dict[str, Plan], str | None]:
    """The plan files by name (their stem), and the name of the plan that is applied."""
    if given is None or not Path(given).is_file():
        return {}, given
    file = Path(given)
    try:
        found = from_json(json.loads(file.read_bytes()))
    except OSError as error:
        raise StoreError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError, PlanError) as error:
        raise PlanError(f"{file}: {error}") from error
    return {file.stem: found}, file.stem


def _certificate(tls: bool, cert: Path | None, key: Path | None) -> Certificate | None:
    if (cert is None) != (key is None):
        raise UsageError("--tls-cert and --tls-key go together; give both, or only --tls")
    from replayfuzz.serve import Certificate  # noqa: PLC0415

    if cert and key:
        return Certificate.from_files(cert, key)
    return Certificate.made() if tls else None


def _ready(listeners: list[sockets.socket], serving: Serving) -> None:
    host, port = listeners[0].getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    spoken = ["HTTP/1.1", "h2c"]
    line = f"listening on http://{shown}:{port} ({', '.join(spoken)})"
    if serving.certificate:
        line += f" and https://{shown}:{port} (HTTP/1.1, h2)"
    if serving.path:
        line += f" and unix:{serving.path}"
    with contextlib.suppress(GoneError):
        show(line)


def _log(line: str) -> None:
    # Where standard error is a pipe that nobody empties, writing would stop all streams.
    poll = select.poll()
    with contextlib.suppress(OSError, ValueError):
        poll.register(sys.stderr, select.POLLOUT)
        if any(event & select.POLLOUT for _, event in poll.poll(0)):
            say(line)
