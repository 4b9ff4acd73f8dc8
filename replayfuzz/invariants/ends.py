"""How a call ended: truncation and errors are told, and nothing else is an error."""

from __future__ import annotations

import builtins
import json
import re

from replayfuzz.invariants import evidence
from replayfuzz.invariants.invariant import answered, both_complete
from replayfuzz.transcript import Expected, Failure, Transcript
from replayfuzz.verdict import Class, Evidence

_TRANSPORT = {"ConnectionError", "ConnectionResetError", "ConnectionAbortedError"} | {
    "BrokenPipeError", "OSError", "TimeoutError", "IncompleteRead", "EOFError",
}  # fmt: skip
# Packages whose exceptions are about a value in a program, not about a stream.
_FOREIGN = {"builtins", "json", "codecs", "re", "zlib", "binascii", "pydantic_core", "pydantic"}


def raised(error: Failure) -> tuple[str, str]:
    """An exception in words, and its shape: type and innermost frame, without its message."""
    at = f" in {error.frame}" if error.frame else ""
    kind = error.type or "an error"
    return f"{kind}{at}: {evidence.quote(error.message)}", f"raised {kind}{at}"


def _timed_out(seen: Transcript) -> bool:
    return seen.error is not None and "timeout" in seen.error.type.lower().replace(
        "timedout", "timeout"
    )


def _still_sending(seen: Transcript) -> bool:
    """We were too slow: the upstream had not finished when patience ran out.

    A boundary on a socket costs a round trip through two processes, which on a busy machine
    can take longer than any limit that was thought of. A peer that stopped reading is stuck.
    """
    sent = seen.delivery
    if sent is None or sent.over == "memory" or seen.response is not None:
        return False
    return bool(sent.segments) and not sent.finished and not sent.stuck


def truncation_surfaced(want: Expected, seen: Transcript) -> Evidence | None:
    """A stream that stopped early is not reported as whole."""
    if want.end != "truncated" or seen.end != "complete" or seen.of("error"):
        return None
    sent = want.transcript.last("finish", "reason")
    made_up = {
        choice: reason
        for choice, reason in seen.last("finish", "reason").items()
        if sent.get(choice) != reason
    }
    case, outcome = _stopped(want)
    observed = "reported as complete"
    if made_up:
        reason = next(iter(made_up.values()))
        observed += f", with the finish reason {evidence.quote(str(reason))} that was not sent"
        outcome = None
    elif seen.of("done") and not want.terminal:
        observed += ", with the end marker that was not sent"
        outcome = None
    told = {"clean-end": "the stream ended without its terminal marker"}.get(
        case, f"the HTTP message is incomplete ({case})"
    )
    return Evidence(
        f"an error, or no sign of success: {told}",
        observed,
        "truncated stream complete",
        case,
        outcome,
    )


def _stopped(want: Expected) -> tuple[str, Class | None]:
    """Case of a truncation, and its class where nothing claims success."""
    match want.message_end:
        case "complete":
            # A raw iterator just stops; its caller can see that no finish reason came.
            return "clean-end", "non-strict"
        case "open":
            return "stall", None
        case _:
            return want.how or "fin", None


def error_surfaced(want: Expected, seen: Transcript) -> Evidence | None:
    """An error of the provider ends the call as an error that carries its message."""
    if want.end != "error" or not answered(seen):
        return None
    told = evidence.quote(want.message) if want.message else "any message"
    expected = f"an error with {told}"
    status = f" (HTTP status {want.status})" if want.status >= 400 else ""
    if seen.end == "complete" and not seen.of("error"):
        # RFC 9110 section 15.4: what is redirected, and whether, is left to the client.
        mild: Class | None = "non-strict" if 300 <= want.status < 400 else None
        shown = "reported as complete"
        return Evidence(expected + status, shown, "error swallowed", "swallowed", mild)
    if not want.strict and seen.end == "error":
        return None  # the bytes are not valid, so there was something else to complain about
    if want.message and not _carries(seen.message, want.message):
        observed = raised(seen.error)[0] if seen.error else evidence.quote(seen.message)
        # RFC 9112 section 8: a body that did not come whole need not be looked into.
        broken = want.status >= 400 and want.message_end == "incomplete" and seen.end == "error"
        mild = "non-strict" if broken else None
        return Evidence(expected + status, observed, "error message lost", "message-lost", mild)
    return None


def _carries(message: str, wanted: str) -> bool:
    """*wanted* stands in *message*, as it is or in a JSON or Python literal, spaces aside."""
    forms = (wanted, repr(wanted)[1:-1], json.dumps(wanted)[1:-1])
    spaced = " ".join(message.split())
    more = json.dumps(wanted, ensure_ascii=False)[1:-1]
    if any(form in message or " ".join(form.split()) in spaced for form in (*forms, more)):
        return True
    return wanted in _unescaped(message)


def _unescaped(message: str) -> str:
    """*message* with the escapes of JSON (RFC 8259 section 7) read, where it quotes a body."""
    if "\\" not in message:
        return message
    read = _ESCAPE.sub(lambda found: json.loads(f'"{found[0]}"'), message)
    return read.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_ESCAPE = re.compile(r'\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])')


def no_error_on_valid_stream(want: Expected, seen: Transcript) -> Evidence | None:
    """A whole, valid stream is read without an error."""
    if want.end != "complete" or not want.strict or want.message_end == "incomplete":
        return None
    if seen.response is not None and not seen.response.raw:
        return None  # nothing came at all, which is what http-response is about
    if want.message_end == "open" and (_timed_out(seen) or not want.must_end):
        return None  # waiting too long is the business of no-hang
    expected = "no error: the stream is whole and valid"
    if seen.end == "truncated":
        shape = "whole stream reported as truncated"
        return Evidence(expected, "reported as truncated", shape, "truncated")
    if seen.end == "error":
        failure = seen.error or Failure()
        observed, shape = raised(failure)
        told: Class | None = "unknown" if _timed_out(seen) and _still_sending(seen) else None
        return Evidence(expected, f"raised {observed}", shape, _simple_name(failure), told)
    if seen.end == "complete" and seen.of("error"):
        observed = f"an error event: {evidence.quote(seen.message)}"
        return Evidence(expected, observed, "error event", "error-event")
    return None


def _simple_name(error: Failure) -> str:
    return error.type.rpartition(".")[2]


def foreign_exception(want: Expected, seen: Transcript) -> Evidence | None:
    """What is raised is an exception of the library or of its transport."""
    if seen.end != "error" or seen.error is None or (want.end == "complete" and want.strict):
        return None
    package, _, name = seen.error.type.rpartition(".")
    bare = not package and hasattr(builtins, name)
    if not (bare or package.partition(".")[0] in _FOREIGN) or name in _TRANSPORT:
        return None
    observed, shape = raised(seen.error)
    return Evidence("an exception of the library or of its transport", observed, shape, name)


def no_crash(_: Expected, seen: Transcript) -> Evidence | None:
    """The process lives on."""
    if seen.end != "crash":
        return None
    error = seen.error or Failure()
    last = seen.stderr.strip().splitlines()[-1:] or [""]
    said = f"; it last wrote {evidence.quote(last[0])}" if last[0] else ""
    observed = f"the process died: {evidence.shown(error.message or error.type)}{said}"
    shape = f"process died {error.type}{f' in {error.frame}' if error.frame else ''}".strip()
    return Evidence("an answer", observed, shape)


def no_hang(want: Expected, seen: Transcript) -> Evidence | None:
    """The call returns once nothing more can come, or nothing more is needed."""
    waited = seen.end == "hang"
    gave_up = want.end == "complete" and want.message_end == "open" and _timed_out(seen)
    if not want.must_end or not (waited or gave_up):
        return None
    case = "open" if want.message_end == "open" else ""
    outcome: Class | None = None if want.closes or not case else "non-strict"
    if waited and _still_sending(seen):
        outcome = "unknown"
    expected = "an answer: the stream has ended"
    if case:
        expected = "an answer: the terminal marker was sent, and the connection kept open"
    if not waited:
        return Evidence(expected, "waited until its timeout", "waited", case, outcome)
    after = "" if seen.seconds is None else f" after {seen.seconds:.1f} s"
    stuck = seen.delivery is not None and seen.delivery.stuck
    shape = "stopped reading" if stuck else "no answer"
    return Evidence(expected, f"{shape}{after}", shape, case, outcome)


def garbage(_: Expected, seen: Transcript) -> Evidence | None:
    """The program that drives the library speaks the worker protocol."""
    if seen.end != "garbage" or seen.response is not None:
        return None
    message = seen.error.message if seen.error else ""
    return Evidence("one line of worker protocol v1", evidence.quote(message), "garbage")


def terminal_once(want: Expected, seen: Transcript) -> Evidence | None:
    """The end marker is shown when it was sent, and once."""
    if not answered(seen) or want.end == "truncated":
        return None
    if want.end == "error" and seen.end == "complete":
        return None  # the error was swallowed, which is what error-surfaced is about
    sent, got = len(want.transcript.of("done")), len(seen.of("done"))
    if sent == got or (got == 0 and not both_complete(want, seen)):
        return None
    word = "lost" if not got else "added" if not sent else "doubled" if got > sent else "lost"
    return Evidence(f"end marker {sent} times", f"{got} times", f"end marker {word}")
