"""Several processes that search at once; none of them can hang the run."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from replayfuzz.cassette import Exchange
from replayfuzz.finding import Finding
from replayfuzz.run import key
from replayfuzz.search.buckets import Told, told
from replayfuzz.search.job import GRACE, Done, Job, Work
from replayfuzz.search.news import Found, News, Note, Progress, Tell
from replayfuzz.search.options import Options

_ENDS = {signal.SIGINT, signal.SIGTERM}
PASSED_ON = 60
"""Findings of which a process is told at most: in short they fit into the buffer of its pipe,
so that telling them never waits for one that is busy."""
STUCK = 10.0  # seconds after its end in which a process of ours must be done, or it is killed


@contextlib.contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """SIGTERM means what Ctrl-C means, while the run lasts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def parallel(
    parts: Sequence[list[Work]],
    exchanges: tuple[Exchange, ...],
    options: Options,
    until: float | None,
    tell: Tell,
) -> list[Done]:
    """One process for each part; one that does not end in time is killed, and not waited for."""
    gathered = _Gathered(tell)
    # Blocked, so that each process is one of ``running``; the children inherit it.
    resource_tracker.ensure_running()  # would unblock them
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    running = _start(parts, exchanges, options, until)
    processes = tuple(running.values())
    try:
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
            _gather(running, gathered, None if until is None else until + GRACE + STUCK)
        except KeyboardInterrupt:
            gathered.interrupted = True
            for process in processes:
                process.terminate()  # means Ctrl-C there: it saves, and tells us
            _gather(running, gathered, time.monotonic() + GRACE + STUCK)
    finally:
        for process in processes:
            _end(process)
    return gathered.parts()


def _start(
    parts: Sequence[list[Work]],
    exchanges: tuple[Exchange, ...],
    options: Options,
    until: float | None,
) -> dict[Connection[Any, Any], BaseProcess]:
    # Forked children would share locks that threads of ours hold: they are spawned.
    context = multiprocessing.get_context("spawn")
    running: dict[Connection[Any, Any], BaseProcess] = {}
    for works in parts:
        ours, theirs = context.Pipe()
        process: BaseProcess = context.Process(
            target=_child, args=(theirs, works, exchanges, options, until), daemon=False
        )
        process.start()
        theirs.close()
        running[ours] = process
    return running


class _Gathered:
    """What the processes tell, put together for the caller."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._progress: dict[object, Progress] = {}
        self._found: dict[str, tuple[Finding, str]] = {}
        self._done: list[Done] = []
        self._lost = self._passed = 0
        self.interrupted = False

    def take(self, source: object, news: News | Done) -> None:
        match news:
            case Done():
                self._done.append(news)
            case Found(finding=finding, folder=folder):
                again = key(finding) in self._found
                self._found[key(finding)] = (finding, folder)
                if not again:
                    self._tell(news)
            case Progress():
                self._progress[source] = news
                rows = self._progress.values()
                self._tell(
                    replace(
                        news,
                        examples=sum(row.examples for row in rows),
                        findings=len(self._found),
                    )
                )
            case Note():
                self._tell(news)

    def pass_on(self, finding: Finding, others: Sequence[Connection[Any, Any]]) -> None:
        """Tell other processes of a finding, so that they need not look into it too.

        Not where examples decide when it ends: what is heard when is decided by no seed.
        """
        if finding.flaky or self._passed >= PASSED_ON:
            return
        self._passed += 1
        for other in others:
            with contextlib.suppress(OSError):  # it has ended
                other.send((finding.target, told(finding)))

    def lost(self) -> None:
        """A process ended without saying what it did."""
        self._lost += 1

    def parts(self) -> list[Done]:
        if not self._lost and not self.interrupted:
            return self._done
        # What a killed process had found is saved, and was told: it counts.
        found = tuple(finding for finding, _ in self._found.values())
        folders = {name: folder for name, (_, folder) in self._found.items() if folder}
        why = f"{self._lost} of our processes did not end and were killed"
        errors = (why,) if self._lost else ()
        return [*self._done, Done((), found, folders, frozenset(), errors, self.interrupted)]


def _gather(
    running: dict[Connection[Any, Any], BaseProcess], gathered: _Gathered, until: float | None
) -> None:
    while running:
        left = None if until is None else until - time.monotonic()
        if left is not None and left <= 0:
            break
        ready = wait(list(running), timeout=1.0 if left is None else min(left, 1.0))
        for source in ready:
            assert isinstance(source, Connection)
            try:
                news = source.recv()
            except (EOFError, OSError):
                gathered.lost()
                del running[source]
                continue
            gathered.take(source, news)
            if isinstance(news, Found) and until is not None:
                gathered.pass_on(news.finding, [other for other in running if other is not source])
            if isinstance(news, Done):
                del running[source]
    for _ in running:
        gathered.lost()


def _end(process: BaseProcess) -> None:
    process.join(timeout=2.0)
    if process.is_alive():
        process.terminate()
        process.join(timeout=2.0)
    if process.is_alive():
        process.kill()
        process.join()


def _child(
    pipe: Connection[Any, Any],
    works: Sequence[Work],
    exchanges: Sequence[Exchange],
    options: Options,
    until: float | None,
) -> None:
    """One process of ours. Ctrl-C reaches the whole group; here only the parent's word counts.

    The monotonic clock is the machine's, not a process's (clock_gettime(2)), so *until* holds.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    mouth = _Mouth(pipe)
    signal.signal(signal.SIGTERM, mouth.interrupt)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
        job = Job(works, exchanges, options, until, mouth.say)
        job.heard = mouth.heard
        done = job.run()
    except KeyboardInterrupt:  # before it began
        done = Done(interrupted=True)
    except Exception as error:  # noqa: BLE001 - a bug of ours is told, not a silent end
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        done = Done(
            errors=(f"a process of ours failed, a bug of replayfuzz: {error!r} at {where}",)
        )
    mouth.say(done)
    pipe.close()


def _die_with_parent() -> None:
    """End at once when the parent is gone (SIGKILL, out of memory), as it did itself.

    Nobody would hear of what is found now. The guard ends the workers, and the journal
    that is left tells the next run what was being sent.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(2)


class _Mouth:
    """Speaks to the parent, and hears it. SIGTERM interrupts what goes on, never a word of ours."""

    def __init__(self, pipe: Connection[Any, Any]) -> None:
        self._pipe = pipe
        self._speaking = False
        self._wanted = False
        self._ended = False

    def interrupt(self, *_: object) -> None:
        self._wanted = self._ended = True
        if not self._speaking:
            raise KeyboardInterrupt

    def heard(self) -> list[tuple[str, Told]]:
        """What the parent said since it was asked last.

        Raises:
            KeyboardInterrupt: It said that this is the end, at a moment when Python lets no
                exception out: in a callback of the garbage collector.
        """
        if self._ended:
            raise KeyboardInterrupt
        heard = []
        with contextlib.suppress(OSError, EOFError):
            while self._pipe.poll():
                heard.append(self._pipe.recv())
        return heard

    def say(self, news: News | Done) -> None:
        self._speaking, self._wanted = True, False
        with contextlib.suppress(OSError):  # the parent is gone: it wants to hear nothing
            self._pipe.send(news)
        self._speaking = False
        if self._wanted and not isinstance(news, Done):
            raise KeyboardInterrupt
