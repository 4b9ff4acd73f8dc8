"""docs/rules.md: every rule, its clause and class, and what is accepted besides."""

from __future__ import annotations

from collections.abc import Iterator

from replayfuzz.dialects import rulings
from replayfuzz.formats.sse_deviations import DEVIATIONS
from replayfuzz.invariants import INVARIANTS

ACCEPTED: dict[str, str] = {
    "content-equal": "non-strict: an event without the last event ID of an earlier one, an "
    "event's reconnection time; non-strict all: streams that are not valid",
    "content-prefix": "the tail may be lost where an error was due at an unknown place; "
    "non-strict after a reset (RFC 9293 section 3.10.7.4: queues are flushed), unknown where "
    "boundaries were not verified",
    "valid-utf8": "U+FFFD for bytes that are not UTF-8",
    "role-equal": "repeated roles; non-strict: a role where none was sent; no role "
    "after a stream that stopped early",
    "tool-calls-equal": "ok: another plain spelling of the arguments' JSON value, {} for no "
    "arguments; non-strict: any other spelling",
    "finish-reason-equal": "the last reason counts; none after a stream that stopped early",
    "usage-equal": "the last number counts; null says nothing; not held where a stream stopped",
    "model-equal": "any name that the stream had",
    "truncation-surfaced": "non-strict at a clean end, unless a finish reason or end marker was "
    "made up; [DONE] may be missing behind the last finish reason, and that reason before [DONE]",
    "error-surfaced": "any error where the bytes are not valid; any text where the message is not "
    "in a documented place (a string, data that is not JSON, a bare error object)",
    "no-error-on-valid-stream": "any error where the stream is not documented: events out of "
    "order, required members missing or null, values of another type, bytes that are not UTF-8",
    "foreign-exception": "exceptions of sockets and time-outs",
    "no-hang": "non-strict behind message_stop of Anthropic, which is the last event but not said "
    "to end the stream; not held behind Ollama's last line",
    "linear-time": "less than 10 ms, and less than 20 ns a byte",
    "incremental-delivery": "0.05 s",
    "chunking-independent": "another spelling of the same answer: all events are joined first",
}
"""By rule, in words: what a target may do besides. A target's ``expect`` may add to it."""


def rules() -> str:
    """The page, as Markdown."""
    return "\n".join([*_lines(), ""])


def _lines() -> Iterator[str]:
    yield "# Rules\n"
    yield "Made by `python -m replayfuzz.report.rules`; a test keeps it in step with the code.\n"
    yield "A finding fails where the class says *failed*, the stream is valid and documented, and"
    yield "no outcome that a standard allows is met. On streams that are not, rules about content"
    yield "are *non-strict*, and any error is right. `expect` of a target names `<rule>`,"
    yield "`<rule>/<case>` or either with `@<variant>` or `@<dialect>`.\n"
    yield "| Rule | Requirement | Clause | Class | Cases | Accepted besides |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for rule in INVARIANTS:
        cases = ", ".join(f"`{case}`" for case in rule.cases)
        accepted = ACCEPTED.get(rule.id, "")
        yield _row(f"`{rule.id}`", rule.requirement, rule.source, rule.severity, cases, accepted)
    yield "\n## Choices that standards and documentation leave\n"
    yield "Each outcome is right; the one in the second column is what our own reader does.\n"
    yield "| Question | Usual | Also right, because |"
    yield "| --- | --- | --- |"
    for choice in vars(rulings).values():
        if isinstance(choice, rulings.Choice):
            others = "; ".join(f"{answer}: {clause}" for answer, clause in choice.others)
            yield _row(choice.name, choice.usual, others)
    yield "\n## Causes\n"
    yield "What a raw reader of server-sent events (dialect `sse`) gets wrong is told by its cause"
    yield "where one of these deviations, or two, give exactly what it reported, and it shows them"
    yield "on streams of their own. The clauses are of WHATWG HTML.\n"
    yield "| Cause | The reader is right but for this | Clause |"
    yield "| --- | --- | --- |"
    for name, deviation in DEVIATIONS.items():
        yield _row(f"`{name}`", deviation.words, deviation.clause)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    print(rules(), end="")  # noqa: T201 - a program of one line
