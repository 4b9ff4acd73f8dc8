"""Recordings from inside a Python process: httpx, httpx2, requests and aiohttp, by VCR.py.

VCR.py stands between a client library and its user. It reads a whole answer before the user gets
any of it, so boundaries, times and how a stream ended are not known; the cassette says so.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import vcr
from vcr.persisters.filesystem import CassetteNotFoundError
from vcr.record_mode import RecordMode
from vcr.request import Request
from vcr.serialize import serialize

from replayfuzz import __version__, redact, store
from replayfuzz.cassette import Cassette, Exchange, dump
from replayfuzz.errors import CassetteError, StoreError, UsageError
from replayfuzz.imports import imported

LIMITS = (
    "taken in the process by VCR.py, which reads a whole answer before the client gets any of "
    "it: boundaries, times and how it ended are not known; replayfuzz record, a proxy, keeps them"
)

_NAME = re.compile(r"[^/\\\x00]+")
_TOOL = f"replayfuzz {__version__} recording(), VCR.py {vcr.__version__}"
_OURS = re.compile(r"replayfuzz \S+ recording\(\), VCR\.py ")


class recording:  # noqa: N801 - read as a verb: ``with replayfuzz.recording("name"):``
    """Record what httpx, httpx2, requests and aiohttp do in a ``with`` block, as a cassette.

    Other libraries over ``http.client`` or urllib3 are seen too. The block may be in a coroutine
    or around an event loop. Requests always go out. The cassette is written when the block ends,
    by an exception too, without secrets. One that this has written before is replaced.

    Boundaries, times and endings are not kept; see ``LIMITS``.

    Args:
        name: Of the cassette, and of its file without ``.yaml``.
        folder: Where it goes; made when missing.
        keep: What is not redacted: names of fields, members and parameters, and kinds such as
            ``e-mail``.

    Attributes:
        path: Of the cassette.
        cassette: What was recorded, when the block has ended; None where nothing was.
        limits: What cannot be known in here, and why.

    Raises:
        UsageError: *name* is no file name; or the block ended, and no request was seen.
        StoreError: The file is there and something else wrote it, or it cannot be written.
        CassetteError: A body cannot be kept (what can is), or there is too much.
    """

    limits = LIMITS

    def __init__(
        self, name: str, *, folder: str | Path = "cassettes", keep: Collection[str] = ()
    ) -> None:
        if not _NAME.fullmatch(name) or name in {".", ".."}:
            raise UsageError(f"a recording cannot be named {name!r}; give a file name: 'hello'")
        self.name = name
        self.path = Path(folder) / f"{name}.yaml"
        self.cassette: Cassette | None = None
        self._keep = keep
        self._taken = _Taken()
        self._vcr: AbstractContextManager[Any] | None = None
        self._level = logging.NOTSET

    def __enter__(self) -> Self:
        if self._vcr:
            raise UsageError(f"recording {self.name!r} was begun before; make another one")
        _free(self.path)
        self._vcr = vcr.VCR(record_mode=RecordMode.ALL).use_cassette(
            str(self.path), persister=self._taken
        )
        # It logs requests and answers with their secrets.
        log = logging.getLogger("vcr")
        self._level = log.level
        log.setLevel(logging.WARNING)
        self._vcr.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        assert self._vcr
        try:
            self._vcr.__exit__(kind, error, at)
        finally:
            logging.getLogger("vcr").setLevel(self._level)
        faults = self._write()
        if error is not None:
            return  # which says more than anything that is missing here
        if faults:
            raise CassetteError("; ".join(faults), file=str(self.path))
        if self.cassette is None:
            raise UsageError(
                f"recording {self.name!r} saw no request: it sees httpx, httpx2, requests and "
                "aiohttp in this process; for other clients use 'replayfuzz record', a proxy"
            )

    def _write(self) -> tuple[str, ...]:
        """Write the cassette, if there is something in it; what could not be taken over."""
        text = self._taken.text
        if not text:
            return ()
        found = imported(text.encode(), file=self.path.name, every=True)
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        kept = tuple(
            redact.exchange(_told(each, at, self._taken.notes), self._keep)
            for each in found.cassette.exchanges
        )
        if kept:
            cassette = Cassette(self.name, kept)
            store.write(self.path, dump(cassette))
            self.cassette = cassette
        return tuple(redact.text(fault, self._keep) for fault in found.faults)


class _Taken:
    """Where VCR.py leaves its cassette: here, and in no file; see its ``register_persister``.

    Attributes:
        text: YAML with all secrets; "" until there is something.
        notes: What is not as it was sent.
    """

    text = ""

    def __init__(self) -> None:
        self.notes: set[str] = set()

    def load_cassette(self, *_: object, **__: object) -> Any:
        raise CassetteNotFoundError

    def save_cassette(self, _: str, cassette_dict: dict[str, Any], serializer: Any) -> None:
        answers = cassette_dict["responses"]
        for answer in answers:
            answer["body"].setdefault("string", b"")  # what aiohttp got without a body has none
        asked = [
            Request(each.method, each.uri, self._sent(each.body), each.headers)
            for each in cassette_dict["requests"]
        ]
        self.text = serialize({"requests": asked, "responses": answers}, serializer)

    def _sent(self, body: Any) -> bytes:
        """A request's body: of aiohttp VCR.py has the value that was given, not the bytes."""
        match body:
            case None:
                return b""
            case str():
                return body.encode()
            case bytes() | bytearray():
                return bytes(body)
            case dict() | list():
                self.notes.add("JSON of aiohttp's requests is spelt anew")
                return json.dumps(body).encode()
        try:
            return body.read() if hasattr(body, "read") else b"".join(body)
        except TypeError:
            self.notes.add("the body of a request is not kept")
            return b""


def _told(exchange: Exchange, at: str, notes: Collection[str]) -> Exchange:
    """*exchange* with an origin that tells how it was taken."""
    note = "; ".join((LIMITS, *sorted(notes)))
    origin = dict(exchange.origin) | {"tool": _TOOL, "at": at, "note": note}
    return replace(exchange, origin=tuple(origin.items()))


def _free(path: Path) -> None:
    """Nothing is at *path* but what this has written.

    Raises:
        StoreError: It is; before anything is asked for in vain.
    """
    if not path.exists():
        return
    try:
        tools = [dict(each.origin).get("tool", "") for each in store.load([path])]
    except (CassetteError, StoreError):
        tools = [""]
    if not all(_OURS.match(tool) for tool in tools):
        raise StoreError(
            f"{path} is there and was not written by recording(); delete it, or give another name "
            "or folder"
        )
