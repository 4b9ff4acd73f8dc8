"""Choices that a standard leaves to a reader, and every outcome that they lead to.

A dialect reads a stream once for each combination of the choices that this stream puts
to it. The first option of a choice is the ordinary one; each of the others carries the
clause that allows it, which ends up in ``Expected.why``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from replayfuzz.transcript import Expected

LIMIT = 32
"""Combinations tried for one stream. Most streams put no choice, hardly any more than two."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A question that the standard leaves open.

    Attributes:
        name: What is asked.
        usual: The ordinary answer.
        others: The other answers, each with the clause that allows it.
    """

    name: str
    usual: str
    others: tuple[tuple[str, str], ...]


class Rulings:
    """The answers of one reading: those given beforehand, and the usual one for the rest."""

    def __init__(self, given: dict[str, str]) -> None:
        self._given = given
        self.asked: dict[str, Choice] = {}

    def pick(self, choice: Choice) -> str:
        """Answer *choice*, always the same within one reading."""
        self.asked.setdefault(choice.name, choice)
        return self._given.get(choice.name, choice.usual)

    @property
    def why(self) -> str:
        """The clauses of all answers that are not the usual ones."""
        clauses = [
            clause
            for choice in self.asked.values()
            for option, clause in choice.others
            if self._given.get(choice.name) == option
        ]
        return "; ".join(clauses)

    def onward(self) -> list[dict[str, str]]:
        """Answers that this reading leads to: each new question, answered otherwise."""
        given = dict(self._given)
        paths: list[dict[str, str]] = []
        for name, choice in self.asked.items():
            if name in given:
                continue
            paths.extend({**given, name: option} for option, _ in choice.others)
            given[name] = choice.usual
        return paths


def outcomes(read: Callable[[Rulings], Expected]) -> tuple[Expected, ...]:
    """Read with every combination of answers; the ordinary outcome is first, none comes twice."""
    found: list[Expected] = []
    paths: list[dict[str, str]] = [{}]
    for given in paths:
        rulings = Rulings(given)
        outcome = read(rulings)
        if all(replace(one, why=outcome.why) != outcome for one in found):
            found.append(replace(outcome, why=rulings.why))
        paths.extend(rulings.onward()[: LIMIT - len(paths)])
    return tuple(found)


BAD_JSON = Choice(
    "an event that is not JSON",
    "error",
    (
        (
            "skipped",
            "no standard says whether an event that is not valid JSON is an error or skipped",
        ),
    ),
)
NOT_OBJECT = Choice(
    "an event that is JSON, but no object",
    "error",
    (("skipped", "no standard says whether another JSON value is an error or skipped"),),
)
JSON_NULL = Choice(
    "an event that is null",
    "error",
    (("skipped", "no standard says whether null is an error, or says nothing"),),
)
NO_DATA = Choice(
    "an event whose data is empty",
    "error",
    (("skipped", "no standard says whether an event without any JSON is an error or skipped"),),
)
DUPLICATE_NAMES = Choice(
    "a name twice in an object",
    "last",
    (("first", "RFC 8259 section 4: with names that are not unique, behaviour is unpredictable"),),
)
LONE_SURROGATES = Choice(
    "a lone surrogate escape",
    "kept",
    (("replaced", "RFC 8259 section 8.2: lone surrogates are unpredictable, so U+FFFD will do"),),
)
BIG_NUMBERS = Choice(
    "a number that a double cannot hold",
    "exact",
    (("rounded", "RFC 8259 section 6: only numbers that a double holds are interoperable"),),
)
CUT_AFTER_TERMINAL = Choice(
    "the message breaks off after the terminal marker",
    "complete",
    (("truncated", "RFC 9112 section 8: an incomplete message may be reported as an error"),),
)
NO_TERMINAL = Choice(
    "no terminal marker after the last finish reason",
    "complete",
    (("truncated", "the documented terminal marker is missing"),),
)
NO_FINISH = Choice(
    "the terminal marker comes without a finish reason",
    "complete",
    (("truncated", "the documented finish reason is missing"),),
)
UNFINISHED_TERMINAL = Choice(
    "the terminal marker without the blank line after it",
    "discarded",
    (("read", "only the blank line that would dispatch the terminal marker is missing"),),
)
UNENDED_EVENT = Choice(
    "the bytes end inside a line or an event",
    "discarded",
    (("truncated", "WHATWG HTML 9.2.5: a stream is whole events, each with its end-of-line"),),
)
OTHER_EVENT = Choice(
    "an event name that the dialect does not have",
    "read",
    (("ignored", "WHATWG HTML 9.2.6: such an event reaches only who listens to its name"),),
)
MESSAGE_TEXT = Choice(
    "an error whose data is not JSON",
    "text",
    (("none", "the provider's message cannot be read from data that is not JSON"),),
)
ERROR_FIELDS = Choice(
    "a chunk with an error and content",
    "dropped",
    (("kept", "no documentation says whether the rest of a chunk with an error counts"),),
)
AFTER_ERROR = Choice(
    "events after an event that says that the response failed",
    "ignored",
    (("read", "no documentation says that a reader stops at an error that is an event"),),
)
EMPTY_ERROR = Choice(
    "an error member that says nothing",
    "ignored",
    (("error", "an error member is there, though empty"),),
)
FLAT_ERROR = Choice(
    "an error object that is not in an error member",
    "error",
    (("read", "vLLM sends its error bare as the body of an HTTP error, in streams as a member"),),
)
FAILED_FINISH = Choice(
    "a finish reason that says that the generation failed",
    "told",
    (("error", "the finish reason is documented as a failure of the generation"),),
)
NO_EVENT_TYPE = Choice(
    "a record without the member that tells what it is",
    "skipped",
    (("error", "Cohere's chat-stream reference has an event_type in every record"),),
)
SPECIAL_TOKENS = Choice(
    "the text of a special token",
    "left out",
    (("read", "TGI flags special tokens, and leaves it to the reader to show their text"),),
)
BEYOND_TERMINAL = Choice(
    "records after the terminal one",
    "ignored",
    (
        ("error", "what follows the terminal record is not part of the documented stream"),
        ("read", "no documentation says that a reader of lines stops at the terminal record"),
    ),
)
UNKNOWN_NOT_JSON = Choice(
    "an event of an undocumented name whose data is not JSON",
    "ignored",
    (("error", "the documentation promises new event names, not data that is other than JSON"),),
)
UNENDED_LINE = Choice(
    "the last line has no line end",
    "read",
    (("dropped", "NDJSON 1.0 section 3.1: each line MUST be ended by LF"),),
)
NO_CONTENT = Choice(
    "204 No Content",
    "complete",
    (("truncated", "RFC 9110 section 15.3.5: no content, so no stream: an error will do"),),
)
RAW_STATUS = Choice(
    "an error status before a raw stream",
    "error",
    (("read", "a raw reader leaves the status to the HTTP client in front of it"),),
)
AFTER_FAULT = Choice(
    "a line that is not JSON",
    "stop",
    (("skip", "JSON Lines and NDJSON leave it open to stop or go on; the error is to be told"),),
)
