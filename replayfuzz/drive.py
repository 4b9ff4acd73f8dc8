"""Starts target workers, speaks worker protocol v1 with them, keeps deadlines.

Whatever a target does is a Transcript: a crash, silence and garbage are ends of a call.
Nothing here blocks without a bound: the pipes are non-blocking, standard error is
drained whenever the worker is waited for, and a worker that has to go is killed with its
whole process group. ``processes`` owns that part.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Self

from replayfuzz.answer import Answers, Ready, Swept, read_sweep, ready_line
from replayfuzz.errors import StartError
from replayfuzz.processes import Died, Flood, Process, Silent
from replayfuzz.target import Target
from replayfuzz.transcript import Delivery, Failure, Transcript

_SHOWN = 200  # bytes of garbage that a message quotes
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode  # json.dumps makes one for each call
_REST = 0.8  # part of what the calls took last time: with all of it, less would never be found
_LONGEST_REST = 0.05  # seconds
_NOISE = 1000  # lines that a library may print before its worker takes standard output away


class Asked(NamedTuple):
    """A request.

    Attributes:
        text: Of worker protocol v1, without its ``id``.
        seconds: Deadline for the answer.
        delivery: What the transcript says of it, where that is known before.
    """

    text: str
    seconds: float
    delivery: Delivery | None = None


class Worker:
    """One long-lived worker process of a target; started again after it failed.

    Args:
        target: What is driven; its name stands in messages.
        command: Program and arguments (``environments.Environment.command``).
        variables: Environment variables of the process besides ours.
        start_seconds: How long it may take until its ready line.

    Attributes:
        ready: What the worker said when it last started; None before.
        restarts: How many times it had to be started again.
    """

    def __init__(
        self,
        target: Target,
        command: Sequence[str],
        *,
        variables: Mapping[str, str] | None = None,
        start_seconds: float = 60.0,
    ) -> None:
        self.ready: Ready | None = None
        self.restarts = 0
        self._target = target
        self._command = tuple(command)
        self._variables = dict(variables or {})
        self._start_seconds = start_seconds
        self._process: Process | None = None
        self._id = 0
        self._answers = Answers()
        self._began = self._usual = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def running(self) -> bool:
        """A process is there; it may have died since it was last heard of."""
        return self._process is not None

    @property
    def group(self) -> int | None:
        """Number of the process, and of the group of all that it started; None: there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> Ready:
        """Start the process, unless it runs, and wait for its ready line.

        Raises:
            StartError: It cannot be started, died, stayed silent, or is no worker; the
                message holds the last lines that it wrote to standard error.
        """
        if self._process is not None and self.ready is not None:
            return self.ready
        try:
            process = Process(self._command, self._variables)
        except OSError as error:
            raise StartError(
                f"{self._target.name}: cannot start {self._command[0]}: {error.strerror}; "
                f"see 'command' in {self._target.source or 'its declaration'}"
            ) from error
        try:
            self.ready = self._greeting(process)
        except BaseException:
            process.kill()
            raise
        self._process = process
        return self.ready

    def call(self, request: Mapping[str, Any], seconds: float) -> Transcript:
        """Have the worker make one call, and report what came of it.

        Args:
            request: A request of worker protocol v1 without its ``id``.
            seconds: Deadline for the answer.

        Returns:
            The transcript; ``crash``, ``hang`` and ``garbage`` are ends of it. After those
            the process is gone, and the next call starts a new one.

        Raises:
            StartError: The worker does not start any more.
        """
        return self.calls([Asked(_ENCODE(request), seconds)])[0]

    def calls(self, requests: Sequence[Asked]) -> list[Transcript]:
        """Have the worker make several calls: all are sent before the first answer is read.

        One write, and one wait for all of them: for a fast library, waking each other costs
        as much as the call. Only for a worker that reads ahead.

        Args:
            requests: At least one.

        Returns:
            Their transcripts, in order. The list ends with the first call that ended in
            ``crash``, ``hang`` or ``garbage``: those behind it were not made, or are lost.

        Raises:
            StartError: The worker does not start any more.
        """
        process = self._begun()
        first = self._id + 1
        self._id += len(requests)
        numbered = enumerate(requests, first)
        lines = "".join([f'{each.text[:-1]},"id":{number}}}\n' for number, each in numbered])
        seen: list[Transcript] = []
        try:
            stuck = self._send(process, lines.encode(), requests[0].seconds)
            for number, asked in enumerate(requests, first):
                if not stuck:
                    self._rest(process, first + len(requests) - number)
                seen.append(self._answer(process, number, asked, stuck=stuck))
                if self._process is None:
                    break
        except BaseException:  # Ctrl-C: an answer to these calls must not meet the next ones
            self._drop()
            raise
        self._usual = (time.perf_counter() - self._began) / len(requests)
        return [replace(seen[0], seconds=self._usual)] if len(requests) == 1 else seen

    def sweep(self, request: Asked) -> list[Swept]:
        """Have the worker make many calls with one stream that is cut in many ways.

        Args:
            request: With ``sweep`` instead of ``cuts``; for a worker that is ready for it.

        Returns:
            Each answer that differs from those before it. [] where the worker was lost on the
            way, or its answer is none: which call is to blame shows when each is made alone.

        Raises:
            StartError: The worker does not start any more.
        """
        process = self._begun()
        self._id += 1
        line = f'{request.text[:-1]},"id":{self._id}}}\n'
        try:
            stuck = self._send(process, line.encode(), request.seconds)
            answer = process.line(0.0 if stuck else request.seconds)
            return read_sweep(answer, self._id, request.delivery)
        except (Died, Silent, Flood, ValueError, RecursionError):
            self._drop()
            return []
        except BaseException:
            self._drop()
            raise

    def close(self) -> None:
        """End the process: by the end of its input, by SIGTERM, then by SIGKILL."""
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def _begun(self) -> Process:
        if self._process is None:
            self.restarts += self.ready is not None
            self.start()
        if self._process is None:
            raise AssertionError("start leaves a process or raises")
        return self._process

    def _send(self, process: Process, lines: bytes, seconds: float) -> bool:
        """Write the requests; True: the worker did not take them all in time, or is dead."""
        process.forget_stderr()
        self._began = time.perf_counter()
        try:
            process.send(lines, time.monotonic() + seconds)
        except (Died, Silent):
            return True
        return False

    def _rest(self, process: Process, missing: int) -> None:
        """Let answers gather: each that comes would wake us, and none of them is of use alone."""
        if missing > 1 and not process.heard:
            time.sleep(min(_REST * self._usual * missing, _LONGEST_REST))

    def _answer(self, process: Process, number: int, asked: Asked, *, stuck: bool) -> Transcript:
        delivery = asked.delivery
        try:
            answer = process.line(0.0 if stuck else asked.seconds)
        except Died as death:
            return self._failed("crash", str(death), delivery)
        except Silent:
            return self._failed("hang", f"no answer within {asked.seconds:g} s", delivery)
        except Flood as flood:
            return self._failed("garbage", str(flood), delivery)
        try:
            return self._answers.read(answer, number, process.stderr, delivery)
        except (ValueError, RecursionError) as error:
            quoted = ascii(answer[:_SHOWN].decode("utf-8", "backslashreplace"))
            return self._failed("garbage", f"{error}: {quoted}", delivery)

    def _failed(self, end: Any, message: str, delivery: Delivery | None) -> Transcript:
        took = time.perf_counter() - self._began
        stderr = self._drop()
        return Transcript((), end, Failure(end, message), delivery, took, stderr=stderr)

    def _drop(self) -> str:
        process, self._process = self._process, None
        if process is None:
            return ""
        process.kill()
        return process.stderr

    def _greeting(self, process: Process) -> Ready:
        """The ready line; what a library printed before it is passed over."""
        deadline = time.monotonic() + self._start_seconds
        name, noise = self._target.name, b""
        try:
            for _ in range(_NOISE):
                noise = process.line(max(0.0, deadline - time.monotonic()))
                ready = ready_line(noise)
                if ready is not None:
                    return ready
            told = "printed much, and no ready line"
        except Died as death:
            told = f"died before it was ready: {death}"
        except Silent:
            told = f"was not ready within {self._start_seconds:g} s"
        except (Flood, ValueError) as error:
            told = str(error)
        process.kill()
        last = "\n".join(process.stderr.strip().splitlines()[-8:]) or ascii(noise[:_SHOWN])
        raise StartError(
            f"{name}: its worker {told}.\n"
            f"The command was: {' '.join(self._command)}\nIts last output was:\n{last}"
        )
