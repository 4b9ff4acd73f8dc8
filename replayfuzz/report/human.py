"""A run and its findings for people at a terminal: plain text, no control codes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from replayfuzz.finding import Finding
from replayfuzz.report.causes import why
from replayfuzz.report.handover import handed
from replayfuzz.report.marks import MARK, marked, plain, some
from replayfuzz.run import Deviation, Run, TargetRun, key
from replayfuzz.verdict import CLASSES
from replayfuzz.wire import framing_of

_WIDTH = 100
_LABEL = 11
_MOST_LINES = 24
_BENDS = 3  # edits that are named where a deviation is told
_BEND = 60  # characters of a bend where findings are listed


def human(run: Run) -> str:
    """The whole report of a run: findings, then what was run, then what was not."""
    parts = [block(finding, run.folder(finding)) for finding in ordered(run)]
    return "\n".join([*parts, summary(run)])


def ordered(run: Run) -> list[Finding]:
    """Findings of a run, by target, those that fail first."""
    return sorted(run.findings, key=lambda finding: (finding.target, *_grave(finding)))


def _grave(finding: Finding) -> tuple[bool, int, str]:
    return not finding.fails, -CLASSES.index(finding.outcome), finding.id


def block(finding: Finding, folder: str = "") -> str:
    """One finding: who, which rule, expected and observed, the bend, the bytes, how to replay."""
    rows = "".join(_row(label, text) for label, text in _rows(finding, folder) if text)
    return f"{plain(title(finding))}\n{rows}"


def title(finding: Finding) -> str:
    """Target, version, variants, class and rule in one line."""
    who = " ".join(part for part in (finding.target, finding.version) if part)
    paths = f" [{', '.join(finding.variants)}]" if finding.variants else ""
    flaky = " (flaky)" if finding.flaky else ""
    accepted = " (accepted)" if finding.accepted else ""
    return f"{who}{paths}: {finding.outcome.upper()} {finding.invariant}{flaky}{accepted}"


def _rows(finding: Finding, folder: str) -> Iterator[tuple[str, str | list[str]]]:
    """Labels with prose, which is wrapped, or with lines, which are kept as they are."""
    yield "rule", finding.requirement
    yield "source", finding.source
    yield "expected", finding.expected
    yield "observed", finding.observed
    yield "bend", "; ".join(finding.words) or "none: the stream as it is shows it"
    yield "hand-off", handed(finding)
    yield "because", "; ".join(finding.clauses)
    yield "cause", "; ".join(map(why, finding.causes))
    yield "bytes", some(marked(finding.bent), _MOST_LINES) or ["(no body)"]
    yield "", about(finding)
    yield "delivery", delivered(finding)
    yield "accepted", finding.accepted
    yield "note", finding.note
    yield "replay", f"replayfuzz replay {folder}" if folder else ""


def about(finding: Finding) -> str:
    """Dialect, sizes and framing of the minimal stream, with what the mark means."""
    status = finding.plan.head.status or finding.exchange.status
    sizes = f"{_many(finding.events, 'event')}, {_many(finding.body_bytes, 'byte')}"
    framing = framing_of(finding.exchange, finding.plan)
    marks = f"; {MARK} is a boundary" if finding.bent.cuts else ""
    return f"({finding.dialect}, HTTP {status}, {framing}, {sizes}{marks})"


def delivered(finding: Finding) -> str:
    """How the stream was delivered when the finding was last confirmed."""
    delivery = finding.delivery
    if delivery is None:
        return ""
    if delivery.over == "memory":
        return "in memory, without a socket"
    if delivery.verified is None:
        return f"over {delivery.over}, boundaries not verified"
    return f"over {delivery.over}, {delivery.verified} of {delivery.segments} boundaries verified"


def _row(label: str, text: str | list[str]) -> str:
    lines = (
        textwrap.wrap(
            plain(text), _WIDTH - _LABEL - 2, break_on_hyphens=False, break_long_words=False
        )
        if isinstance(text, str)
        else text
    )
    labels = [label, *[""] * (len(lines) - 1)]
    return "".join(f"  {name:<{_LABEL}}{line}\n" for name, line in zip(labels, lines, strict=True))


def summary(run: Run) -> str:
    """What was run, what deviates on ordinary streams, what was never exercised, the count."""
    lines = [line for target in run.targets for line in _target(target, run)]
    if run.never_exercised:
        lines += ["", "Never exercised, so nothing is known about it:"]
        lines += [f"  - {plain(item)}" for item in run.never_exercised]
    if run.untold:
        lines += ["", "Could not tell:", *(f"  - {plain(error)}" for error in run.untold)]
    failing = sum(finding.fails for finding in run.findings)
    stopped = ", interrupted" if run.interrupted else ""
    found = f"{_many(len(run.findings), 'finding')}, {failing} failed"
    return "\n".join([*lines, *_next(run), "", f"{found}; seed {run.seed}{stopped}", ""])


def _next(run: Run) -> Iterator[str]:
    """What to do with findings that were saved."""
    finding = next((each for each in ordered(run) if run.folder(each)), None)
    if finding is None:
        return
    folder = run.folder(finding)
    top = folder.removesuffix(key(finding)).rstrip("/") or "/"
    page = f"replayfuzz report {top} -o findings.html"
    yield ""
    yield f"Findings are in {top}/, each with its bytes (wire.txt) and a program that serves them"
    yield "to any client (repro.py, standard library only), for a report to the library. Next:"
    yield f"  replayfuzz replay {folder}"
    yield f"  {page:<{len(folder) + 18}}  # all of them as one page"


def _target(target: TargetRun, run: Run) -> Iterator[str]:
    who = plain(" ".join(part for part in (target.name, target.version) if part))
    if target.skipped:
        yield f"{who}: skipped: {plain(target.skipped.partition(chr(10))[0])}"
        return
    paths = f" [{', '.join(target.variants)}]" if target.variants else ""
    found = [finding for finding in ordered(run) if finding.target == target.name]
    spent = f"{target.examples:,} examples in {target.seconds:.1f} s"
    yield f"{who}{paths}: {spent}, {_many(len(found), 'finding')}"
    for finding in found:
        bend = textwrap.shorten(plain("; ".join(finding.words)) or "as recorded", _BEND)
        yield f"  {finding.outcome} [{', '.join(finding.variants)}]: {finding.invariant}: {bend}"
    for deviation in target.deviations:
        yield from _deviation(deviation)


def _deviation(deviation: Deviation) -> Iterator[str]:
    paths = ", ".join(deviation.variants)
    more = len(deviation.bend) - _BENDS
    bend = "; ".join(deviation.bend[:_BENDS]) or "as recorded"
    outcome = "accepted" if deviation.accepted else deviation.outcome
    yield f"  {outcome} [{paths}]: {deviation.name} on {plain(deviation.stream)}"
    yield f"    bend     {plain(bend)}{f' (and {more} more)' if more > 0 else ''}"
    if deviation.outcome == "failed":  # what is milder than that is told in fewer lines
        yield f"    expected {plain(deviation.expected)}"
    yield f"    observed {plain(deviation.observed)}"
    if deviation.accepted:
        yield f"    accepted: {plain(deviation.accepted)}"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
