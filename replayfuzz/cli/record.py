"""``replayfuzz record``: makes cassettes of what a provider really sends."""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import socket as sockets

    from replayfuzz.record import Call, Recording

from replayfuzz.cli.output import GoneError, say, show
from replayfuzz.errors import ReplayfuzzError, StoreError, UsageError

UpstreamUrl = Annotated[
    str,
    typer.Option(
        help="Where requests go on to: https://HOST[/BASE], http://HOST or, for HTTP/2 without "
        "TLS, h2c://HOST."
    ),
]
Address = Annotated[str, typer.Option("-l", "--listen", help="Where clients come in; port 0: any.")]
Folder = Annotated[Path, typer.Option("-o", "--output", help="Folder that cassettes go to.")]
Authority = Annotated[
    Path | None, typer.Option("--ca", help="PEM file: whom to believe, in place of the system's.")
]
Insecure = Annotated[bool, typer.Option("--insecure", help="Believe any upstream.")]
Http1 = Annotated[bool, typer.Option("--http1", help="Do not offer HTTP/2 to the upstream.")]
Timeout = Annotated[
    float,
    typer.Option(
        min=0.01, max=86_400, help="Seconds of silence until the upstream counts as gone."
    ),
]
Tls = Annotated[
    bool, typer.Option("--tls", help="Serve clients TLS too, with a certificate made for it.")
]
ProviderName = Annotated[
    str,
    typer.Option("--provider", help="Make the call, such as openai.chat; key from environment."),
]
Prompt = Annotated[str, typer.Option(help="What the user says, with --provider.")]
Model = Annotated[str, typer.Option(help="Model to ask, with --provider.")]
BaseUrl = Annotated[str, typer.Option(help="Of a server that speaks as the provider does.")]
Tools = Annotated[
    Path | None, typer.Option("--tool", help="JSON file: the tools of the request, as they are.")
]
Most = Annotated[
    int, typer.Option("--max-mib", min=1, max=12, help="MiB of a body that are recorded at most.")
]
Keep = Annotated[
    list[str] | None,
    typer.Option(help="Do not redact this: a field, member or parameter, or a kind as e-mail."),
]


def record(
    upstream: UpstreamUrl = "",
    listen: Address = "127.0.0.1:0",
    output: Folder = Path("recorded"),
    ca: Authority = None,
    insecure: Insecure = False,
    http1: Http1 = False,
    timeout: Timeout = 300.0,
    tls: Tls = False,
    max_mib: Most = 12,
    keep: Keep = None,
    provider: ProviderName = "",
    prompt: Prompt = "",
    model: Model = "",
    base_url: BaseUrl = "",
    tool: Tools = None,
) -> None:
    """Record what a provider sends: a reverse proxy for any client in any language.

    Set its URL as the base URL of the client; each exchange becomes a cassette, with every
    boundary, time and how it ended, and without secrets. Ctrl-C or SIGTERM ends it. With
    --provider and --prompt it makes one call itself.
    """
    _check(upstream, provider, prompt, (model, base_url, tool))
    from replayfuzz import record as recording  # noqa: PLC0415 - an event loop, only here

    call = None
    if provider:
        tools = _tools(tool) if tool else None
        wish = recording.Wish(prompt, model, base_url, tools)
        call = recording.call(provider, wish, os.environ)
    host, port = _address(listen)
    to = recording.Upstream.parse(
        call.base if call else upstream,
        authority=ca,
        verify=not insecure,
        http1=http1,
        timeout=timeout,
    )
    certificate = recording.certificate() if tls else None
    with recording.Keeper(output, max_mib << 20, tuple(keep or ())) as keeper:
        for line in keeper.recover():
            say(f"replayfuzz: {line}")
        told = recording.Recording(to, keeper, _tell, host, port, certificate)
        if call:
            _call(told, call)
        else:
            recording.run_recorder(told, lambda listener: _ready(listener, to.url, output, tls=tls))


def _check(upstream: str, provider: str, prompt: str, others: tuple[object, ...]) -> None:
    if bool(upstream) == bool(provider):
        raise UsageError(
            "say where requests go on to: --upstream https://api.example; or make a call with "
            "--provider openai.chat --prompt TEXT"
        )
    if provider and not prompt:
        raise UsageError("--provider needs --prompt TEXT: what to say")
    if upstream and (prompt or any(others)):
        raise UsageError("--prompt, --model, --base-url and --tool go with --provider only")


def _tools(file: Path) -> object:
    try:
        found = json.loads(file.read_bytes())
    except OSError as error:
        raise UsageError(f"--tool {file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--tool {file}: is not JSON: {error}") from error
    return found if isinstance(found, list) else [found]


def _call(told: Recording, call: Call) -> None:
    from replayfuzz import record as recording  # noqa: PLC0415
    from replayfuzz import redact  # noqa: PLC0415

    answers: list[tuple[int, str]] = []

    async def work(listener: sockets.socket) -> None:
        answers.append(await recording.ask(call, listener))

    recording.run_recorder(told, lambda _: None, work)
    for status, body in answers:
        if not 200 <= status < 400:
            said = redact.text(body.removeprefix("replayfuzz: ").strip())[:500]
            raise ReplayfuzzError(
                f"the provider was called, and gave {status or 'nothing'}: {said}"
            )


def _address(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"\[([^\]]+)\]:([0-9]{1,5})|([^:]+):([0-9]{1,5})", text)
    if not found:
        raise UsageError(f"--listen {text!r} is no HOST:PORT, such as 127.0.0.1:0 or [::1]:8080")
    return found[1] or found[3], int(found[2] or found[4])


def _ready(listener: sockets.socket, upstream: str, folder: Path, *, tls: bool) -> None:
    host, port = listener.getsockname()[:2]
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    also = f" and https://{place}" if tls else ""
    _tell(f"recording {upstream} at http://{place}{also} to {folder}")
    _tell(f"set the base URL of your client, such as OPENAI_BASE_URL=http://{place}/v1")


def _tell(line: str) -> None:
    with contextlib.suppress(GoneError, StoreError):  # recording goes on without being told of
        show(line)
