"""P4: what a search of a real SDK costs beside the SDK's own loop in memory.

The loop cuts the same stream at random and has the SDK read it over its own mock transport, with
nothing around it, in one process of the same environment. They take turns; CPU of every process
that takes part. Beside it are measured:

* sweep: one stream cut in many ways, 32 in a request (``search.sweeps``);
* plans: the same boundaries drawn as a plan each, bent, sent and judged for themselves, as the
  search does with streams that differ in more than their boundaries; it has no bar of its own;
* hypothesis: the same under ``@given``, one call at a time.

Every SDK in Python and JavaScript that takes memory delivery and is here (or was built before) is
measured, on a stream of its first dialect; ``--newest`` builds those that are not here.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from hypothesis import given, seed, settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.frames import CHUNK, cpu
from benchmarks.search import QUIET
from benchmarks.table import Row, main
from replayfuzz import declared, environments, store, strategies
from replayfuzz.cassette import Exchange
from replayfuzz.environments import Environment
from replayfuzz.errors import MissingError, ReplayfuzzError
from replayfuzz.plan import Plan
from replayfuzz.search.ahead import MOST, Ahead, Drawn
from replayfuzz.search.case import UNBENT, Case, Outcome
from replayfuzz.search.draws import Draws
from replayfuzz.search.process import InWorker
from replayfuzz.search.sweeps import WAYS
from replayfuzz.target import Target

ROUNDS = 9
WARM, WARM_SECONDS = 1024, 6.0  # examples before the first round: V8 compiles what it sees often
EXAMPLES = 128  # a multiple of what is tried together, so that no round pays for another
CUTS = 50  # the stream that the figures of BENCHMARKS.md are told for: 20 events, 50 chunks
BODY = b"".join(CHUNK % b"word %d " % n for n in range(20)) + b"data: [DONE]\n\n"
HEAD = (("Content-Type", "text/event-stream"),)
TWENTY = Exchange("twenty", "openai.chat", fields=HEAD, body=BODY)

LOOP_IN_JAVASCRIPT = Path(__file__).with_name("sdk_loop.mjs")
LOOP = """
import importlib, json, random, sys
import replayfuzz.worker as worker

adapters = []
worker.serve = lambda adapter, **about: adapters.append(adapter)
importlib.import_module(sys.argv[1]).main()
run = worker.Run(adapters[0])
body, hot, cuts, dialect, variant, fields, request = json.loads(sys.stdin.readline())
body = body.encode()
print("ready", flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        edges = {
            random.choice(hot) if random.random() < 0.5 else random.randrange(len(body))
            for _ in range(random.randrange(cuts + 1))
        }
        spots = sorted({0, *edges, len(body)})
        pieces = tuple(body[start:end] for start, end in zip(spots, spots[1:]))
        call = worker.Call(dialect, variant, 5.0, request, "", pieces, 200, fields, True, False)
        assert run(call)["end"] == "complete"
    print("done", flush=True)
"""


def rows() -> list[Row]:
    found = []
    for target, environment in _measurable("--newest" in sys.argv):
        what = f"{target.name}: {{}} against the SDK's own loop in memory"
        attempt = InWorker(target, environment)
        try:
            found += _compared(attempt, environment, what)
        except (ReplayfuzzError, AssertionError, BrokenPipeError) as fault:
            found.append(
                Row("P4", what.format("sweep"), None, "x", 0.9, note=ascii(str(fault))[:80])
            )
        finally:
            attempt.close()
    return found


def _measurable(build: bool) -> Iterator[tuple[Target, Environment]]:
    """SDKs: what reads a provider's stream, in Python or JavaScript."""
    for target in declared.all_targets():
        registry = {"pypi", "npm"} & set(target.package)
        if target.kind != "parser" or not registry or target.dialects[0] in {"sse", "ndjson"}:
            continue
        try:
            yield target, environments.installed(target)
        except MissingError:
            if build:
                yield target, environments.newest(target)


def _compared(attempt: InWorker, environment: Environment, what: str) -> Iterator[Row]:
    attempt.start()
    target = attempt.target
    ready = attempt._worker.ready
    if ready is None or not ready.memory:
        return
    stream = _stream(target)
    told = environment.command(target)
    if "npm" in target.package:
        command = [told[0], str(LOOP_IN_JAVASCRIPT), *told[1:]]
    else:
        command = [environment.python, "-P", "-c", LOOP, told[-1]]
    quiet = subprocess.DEVNULL  # what SDKs warn of, once a call
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": quiet, "text": True}
    variables = {**os.environ, **environment.variables}
    with subprocess.Popen(command, **pipes, env=variables) as loop:
        try:
            spent = _measure(attempt, loop, stream)
        finally:
            loop.stdin.close()
            loop.kill()
    cost = {name: statistics.median(each) for name, each in spent.items()}
    for name, bar in (("sweep", 0.9), ("plans", None), ("hypothesis", 0.75)):
        pairs = zip(spent["loop"], spent[name], strict=True)
        ratio = statistics.median(loop / ours for loop, ours in pairs)
        note = f"{cost[name]:.0f} µs an example against {cost['loop']:.0f}"
        yield Row("P4", what.format(name), ratio, "x", bar, note=note)


def _stream(target: Target) -> Exchange:
    dialect = target.dialects[0]
    if dialect == TWENTY.dialect:
        return TWENTY
    plain = (one for one in store.shipped() if one.name == f"{dialect}/plain")
    return next(plain)


def _measure(
    attempt: InWorker, loop: subprocess.Popen[str], stream: Exchange
) -> dict[str, list[float]]:
    """CPU µs of one example, each way, round by round."""
    variant = attempt.variants[0]
    plans = strategies.plans(stream, max_moves=0, max_cuts=CUTS)
    random = Random(1)
    draws, whole = Draws(random), Case(stream, UNBENT, variant)

    def drawn() -> Drawn:
        return Drawn(Case(stream, draws.draw_from(plans), variant), (), waits=False)

    ahead = Ahead(attempt, drawn, lambda _: None)

    def tried(plan: Plan) -> None:
        held(attempt.attempt(Case(stream, plan, variant), "memory"))

    def held(outcome: Outcome) -> None:
        # What an SDK makes of the stream is no matter here, but it must be the same work.
        assert outcome.seen.end == "complete", outcome.seen

    def bare() -> None:
        loop.stdin.write(f"{EXAMPLES}\n")
        loop.stdin.flush()
        loop.stdout.readline()

    def sweep() -> None:
        for _ in range(EXAMPLES // WAYS):
            seen = attempt.sweep(whole, strategies.ways(stream.body, random.random, WAYS, CUTS))
            assert seen, "the sweep was lost"
            for _, outcome in seen:
                held(outcome)

    def one_by_one() -> None:
        for _ in range(EXAMPLES):
            case, *_, outcome = ahead.next(MOST)
            held(outcome or attempt.attempt(case, "memory"))

    def hypothesis() -> None:
        seed(1)(settings(QUIET, max_examples=EXAMPLES)(given(plans)(tried)))()

    request = json.loads(stream.request.body or b"{}")
    # Boundaries as the search draws them: each second one at a place where readers break.
    hot = strategies.view(stream).hot
    told = [stream.body.decode(), hot, CUTS, stream.dialect, variant, stream.fields, request]
    loop.stdin.write(json.dumps(told) + "\n")
    loop.stdin.flush()
    loop.stdout.readline()
    worker = attempt._worker._process.pid
    ways: dict[str, tuple[int, Callable[[], None]]] = {
        "loop": (loop.pid, bare),
        "sweep": (worker, sweep),
        "plans": (worker, one_by_one),
        "hypothesis": (worker, hypothesis),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    until = time.monotonic() + WARM_SECONDS
    for _ in range(WARM // EXAMPLES):
        for _, way in [*ways.values()][:3]:
            way()
        if time.monotonic() >= until:
            break
    for _ in range(ROUNDS):
        for name, (pid, way) in ways.items():
            began = cpu(pid)
            way()
            spent[name].append((cpu(pid) - began) / EXAMPLES * 1e6)
    return spent


if __name__ == "__main__":
    main(rows)
