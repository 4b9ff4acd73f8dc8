"""The folder of recordings: journals while exchanges go on, cassettes when they have ended."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import time
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

from replayfuzz import __version__, store
from replayfuzz.cassette import Cassette, Exchange, dump
from replayfuzz.cassette_yaml import MAX_TEXT
from replayfuzz.errors import ReplayfuzzError, StoreError
from replayfuzz.record import guess, journal
from replayfuzz.record.journal import Tape, unwritten

_JOURNALS = ".recording"
_SUFFIX = ".jsonl"


class Keeper:
    """Writes recordings to a folder that no other recorder writes to meanwhile.

    Args:
        folder: Made when it is missing.
        most: Bytes of a body that are recorded.
        keep: What is not redacted; see ``redact.exchange``.

    Raises:
        StoreError: It cannot be written, or another recorder has it.
    """

    def __init__(
        self, folder: Path, most: int = journal.MOST_BYTES, keep: Collection[str] = ()
    ) -> None:
        self.folder = folder
        self._most = most
        self._keep = keep
        self._journals = folder / _JOURNALS
        self._number = itertools.count(1)
        self._numbers: dict[str, itertools.count[int]] = {}
        self._started = f"{time.time_ns() // 1_000_000:x}"
        try:
            self._journals.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._journals / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        except OSError as error:
            raise unwritten(folder, error) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise StoreError(
                f"{folder}: another 'replayfuzz record' writes there; stop it, or name another "
                "folder with -o"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            if not any(self._journals.glob(f"*{_SUFFIX}")):
                (self._journals / "lock").unlink()
                self._journals.rmdir()
        os.close(self._lock)

    def recover(self) -> Iterator[str]:
        """Make cassettes of what an earlier run left behind, which was killed; tells of each.

        Raises:
            StoreError: A cassette cannot be written; the journals that are left stay.
        """
        for path in sorted(self._journals.glob(f"*{_SUFFIX}")):
            found = journal.read(path)
            if found is None:
                path.unlink(missing_ok=True)
                yield f"an earlier run was killed before it had an answer; removed {path.name}"
                continue
            cassette = self._save(found)
            path.unlink(missing_ok=True)
            yield f"an earlier run was killed; kept what it had seen in {cassette}"

    def begin(self, heads: Exchange) -> Tape:
        """Start to record an exchange of which the heads have come.

        Raises:
            StoreError: It cannot be written.
        """
        path = self._journals / f"{self._started}-{next(self._number):06}{_SUFFIX}"
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        origin = (
            ("kind", "recorded"),
            ("tool", f"replayfuzz {__version__}"),
            ("at", at),
            *heads.origin,
        )
        return Tape(path, replace(heads, origin=origin), self._most, self._keep)

    def finish(self, tape: Tape) -> Path:
        """Make a cassette of an exchange that has ended.

        Raises:
            StoreError: It cannot be written; the journal stays, for the next start.
        """
        found = tape.exchange()
        if found is None:
            raise StoreError(f"{tape.path}: the journal was changed by somebody; nothing is kept")
        cassette = self._save(found)
        tape.path.unlink(missing_ok=True)
        return cassette

    def _save(self, exchange: Exchange) -> Path:
        dialect = guess.dialect(exchange)
        numbers = self._numbers.setdefault(dialect, itertools.count(1))
        places = (self.folder / f"{dialect}-{number}.yaml" for number in numbers)
        path = next(place for place in places if not place.exists())
        whole = replace(exchange, name=path.stem, dialect=dialect)
        try:
            store.write(path, _text(whole, path.stem))
        except StoreError:
            raise
        except ReplayfuzzError as error:
            raise StoreError(f"{path}: cannot be written: {error}") from error
        return path


def _text(exchange: Exchange, name: str) -> str:
    """The cassette; of a body that takes too much room as text, the first half or less."""
    text = dump(Cassette(name, (exchange,)))
    while len(text) > MAX_TEXT:
        exchange = journal.shortened(exchange, len(exchange.body) // 2)
        text = dump(Cassette(name, (exchange,)))
    return text
