"""Command line, signals, the event loop. Exit status: 0 after a signal, 1 when it cannot start."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from replayfuzz.targets.asyncio_daemon import serving, settings
from replayfuzz.targets.asyncio_daemon.listening import Listener, ListenError, log
from replayfuzz.targets.asyncio_daemon.settings import Settings, SettingsError

_SECONDS_TO_END = 0.5
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """Serve until a signal says otherwise."""
    arguments = _arguments()
    # Until the loop can answer them: a socket file would be left behind.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        chosen = settings.read(os.environ)
        listener = Listener(Path(arguments.socket), arguments.mode)
    except (SettingsError, ListenError) as error:
        log(str(error))
        return 1
    _allow_many_descriptors()
    with contextlib.closing(listener):
        _runner()(_serve(listener, chosen))
    return 0


async def _serve(listener: Listener, chosen: Settings) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, ended.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    serve = partial(serving.serve, settings=chosen)
    running = asyncio.create_task(listener.run(serve, chosen.payload_seconds))
    await ended.wait()
    running.cancel()
    await asyncio.wait({running}, timeout=_SECONDS_TO_END)


def _runner() -> Callable[[Coroutine[Any, Any, None]], None]:
    """The loop of asyncio, or uvloop's where it is installed and DAEMON_UVLOOP is not 0."""
    if os.environ.get("DAEMON_UVLOOP") != "0":
        with contextlib.suppress(ImportError):
            uvloop = import_module("uvloop")
            return asyncio.Runner(loop_factory=uvloop.new_event_loop).run
    return asyncio.run


def _allow_many_descriptors() -> None:
    """A stream takes two, and many shells allow only 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="asyncio_daemon", allow_abbrev=False)
    parser.add_argument("-s", "--socket", required=True, help="path of the Unix socket")
    parser.add_argument(
        *("-m", "--mode", "--socket-mode"),
        dest="mode",
        type=_mode,
        default=os.environ.get("DAEMON_SOCKET_MODE") or "0660",
        help="its permissions, in octal; also DAEMON_SOCKET_MODE",
    )
    parser.add_argument("--backend", choices=["openai"], default="openai")
    return parser.parse_args()


def _mode(text: str) -> int:
    mode = int(text, 8)
    if not 0 <= mode <= 0o777:
        raise ValueError(text)
    return mode


if __name__ == "__main__":
    sys.exit(main())
