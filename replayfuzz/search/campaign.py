"""A whole run: ``fuzz``. Starts the processes, puts together what they found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from replayfuzz import environments, handoff, strategies
from replayfuzz.cassette import Exchange
from replayfuzz.declared import SHIPPED
from replayfuzz.environments import Environment
from replayfuzz.errors import MissingError, ReplayfuzzError
from replayfuzz.finding import Finding
from replayfuzz.handoff import Built
from replayfuzz.run import Deviation, Run, TargetRun, key
from replayfuzz.search.buckets import joined
from replayfuzz.search.job import Done, Job, Work
from replayfuzz.search.journal import recover
from replayfuzz.search.news import News, Note, Tell
from replayfuzz.search.options import Options
from replayfuzz.search.parallel import parallel, sigterm_interrupts
from replayfuzz.target import Target


def _silent(news: News) -> None:
    del news


def fuzz(
    targets: Sequence[Target],
    exchanges: Sequence[Exchange],
    options: Options | None = None,
    tell: Tell = _silent,
) -> Run:
    """Search *targets* with bends of *exchanges*, and save what breaks.

    A target that cannot be started is skipped, and the run says why. Ctrl-C and SIGTERM
    end the run cleanly with what was found until then.

    Args:
        targets: What is searched; each gets the streams of its dialects.
        exchanges: Recorded streams.
        options: See ``Options``.
        tell: Called with ``Progress``, ``Found`` and ``Note``, in this thread.

    Returns:
        The run; ``Run.exit_status`` is what the command exits with.
    """
    options = options or Options()
    for text in _died(options.findings):
        tell(Note(text))
    with sigterm_interrupts():
        try:
            works, skipped = _prepare(targets, options, tell)
        except KeyboardInterrupt:
            return Run(options.seed, interrupted=True)
        until = None if options.seconds is None else time.monotonic() + options.seconds
        if options.jobs <= 1 or not works:
            parts = [Job(works, exchanges, options, until, tell).run()]
        else:
            parts = parallel(split(works, options.jobs), tuple(exchanges), options, until, tell)
    return _joined(options, parts, skipped)


def _died(folder: Path | None) -> Iterator[str]:
    for left in recover(folder) if folder is not None else ():
        cut = (f"cut in {left.ways} ways",) if left.ways else ()
        bend = "; ".join((*left.plan.words, *cut))
        yield (
            f"an earlier run died while it sent {left.exchange} to {left.target} "
            f"({left.variant}){': ' + bend if bend else ''}. To send the same cases again: "
            f"replayfuzz fuzz --target {left.target} --seed {left.seed}"
        )


def _prepare(
    targets: Sequence[Target], options: Options, tell: Tell
) -> tuple[list[Work], list[TargetRun]]:
    """Find or build each target's environment; what cannot be had is skipped.

    Of a library that nobody asked for, no word is said but its name.
    """
    works, skipped, absent = [], [], []
    for target in targets:
        wanted = options.requirements.get(target.name)
        try:
            environment = _environment(target, wanted, options, lambda text: tell(Note(text)))
        except ReplayfuzzError as error:
            shipped = Path(target.source).parent == SHIPPED  # a user's own is always asked for
            if isinstance(error, MissingError) and options.unasked and shipped:
                absent.append(target.name)
                continue
            why = str(error).removeprefix(f"{target.name}: ")
            skipped.append(TargetRun(target.name, skipped=why))
            tell(Note(f"{target.name}: skipped: {why}"))
        else:
            works.append(Work(target, environment))
    if absent:
        tell(
            Note(
                f"{len(absent)} other targets are not installed here ({absent[0]} … {absent[-1]}): "
                "`replayfuzz list targets` shows them, --all builds and fuzzes them"
            )
        )
    return works, skipped


def _environment(
    target: Target, wanted: str | None, options: Options, say: Callable[[str], None]
) -> Environment | Built:
    """Where the target's library is, built where it may be, or what a daemon was built to.

    Raises:
        ReplayfuzzError: It cannot be had here.
    """
    if target.kind == "daemon":
        return handoff.build(target, say)
    if wanted:
        return environments.build(target, wanted, say)
    try:
        return environments.installed(target, built=not options.unasked)
    except MissingError:
        if not (options.build and environments.registry_of(target)):
            raise
        return environments.newest(target, say)


def split(works: Sequence[Work], jobs: int) -> list[list[Work]]:
    """Whole targets for each job, for every start costs seconds; what is left over, in parts."""
    whole = len(works) - len(works) % jobs
    parts = [list(works[number:whole:jobs]) for number in range(jobs)]
    for work in works[whole:]:
        for number in range(jobs):
            parts[number].append(replace(work, part=(number, jobs)))
    return parts


def _joined(options: Options, parts: Sequence[Done], skipped: Sequence[TargetRun]) -> Run:
    exercised = frozenset().union(*(part.exercised for part in parts))
    findings: dict[str, Finding] = {}
    for finding in (each for part in parts for each in part.findings):
        known = findings.get(key(finding)) or _same_cause(finding, findings.values())
        variants = joined(known.variants if known else (), finding.variants)
        findings[key(known or finding)] = replace(known or finding, variants=variants)
    targets: dict[str, TargetRun] = {}
    untold = dict.fromkeys(each for part in parts for each in part.untold)
    ran = any(each.examples for part in parts for each in part.targets)
    for target in (*(each for part in parts for each in part.targets), *skipped):
        known_run = targets.get(target.name)
        targets[target.name] = _added(known_run, target) if known_run else target
    return Run(
        options.seed,
        tuple(targets.values()),
        tuple(findings.values()),
        (*strategies.never([exercised]), *untold) if ran else (),
        {name: folder for part in parts for name, folder in part.folders.items()},
        any(part.interrupted for part in parts),
        tuple(dict.fromkeys(error for part in parts for error in part.errors)),
    )


def _same_cause(finding: Finding, others: Iterable[Finding]) -> Finding | None:
    """What another process told of the same cause at the same moment."""
    same = (each for each in others if each.target == finding.target)
    return next((each for each in same if finding.causes and each.causes == finding.causes), None)


def _added(first: TargetRun, second: TargetRun) -> TargetRun:
    """Two parts of the search on one target."""
    if first.skipped or second.skipped:
        return second if first.skipped else first
    deviations: dict[str, Deviation] = {}
    for each in (*first.deviations, *second.deviations):
        known = deviations.get(each.name)
        variants = joined(known.variants if known else (), each.variants)
        deviations[each.name] = replace(known or each, variants=variants)
    return replace(
        first,
        examples=first.examples + second.examples,
        seconds=max(first.seconds, second.seconds),
        deviations=tuple(deviations[name] for name in sorted(deviations)),
    )
