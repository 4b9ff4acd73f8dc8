"""P4: what a search of a real SDK costs beside the loop that a person would write for it.

The loop cuts the same stream at random, has the SDK read it over its own mock transport in
one process, and compares the text. The search draws a plan, bends, sends it to the worker as
a frame, and judges. They take turns; CPU of every process that takes part.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

from hypothesis import given, seed, settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.frames import CHUNK, cpu
from benchmarks.search import QUIET
from benchmarks.table import Row, main
from replayfuzz import declared, environments, strategies
from replayfuzz.cassette import Exchange
from replayfuzz.errors import MissingError
from replayfuzz.plan import Plan
from replayfuzz.search.case import Case
from replayfuzz.search.draws import Draws
from replayfuzz.search.process import InWorker

ROUNDS = 7
EXAMPLES = 100
CUTS = 50  # the stream that the figures of BENCHMARKS.md are told for: 20 events, 50 chunks
BODY = b"".join(CHUNK % b"word %d " % n for n in range(20)) + b"data: [DONE]\n\n"
HEAD = (("Content-Type", "text/event-stream"),)
STREAM = Exchange("twenty", "openai.chat", fields=HEAD, body=BODY)

LOOP = """
import json, random, sys, time
import openai
from openai import _base_client as base
httpx = getattr(base, "httpx2", None) or base.httpx

class Pieces(httpx.SyncByteStream):
    def __iter__(self):
        yield from PIECES

body, cuts = json.loads(sys.stdin.readline())
body = body.encode()
wanted = "".join("word %d " % number for number in range(20))
head = {"Content-Type": "text/event-stream"}
mock = httpx.MockTransport(lambda request: httpx.Response(200, headers=head, stream=Pieces()))
client = openai.OpenAI(api_key="x", max_retries=0, http_client=httpx.Client(transport=mock))
messages = [{"role": "user", "content": "Hello"}]
print("ready", flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        edges = {random.randrange(len(body)) for _ in range(CUTS_OF(cuts))}
        spots = sorted({0, *edges, len(body)})
        PIECES = [body[start:end] for start, end in zip(spots, spots[1:])]
        texts = []
        for chunk in client.chat.completions.create(model="m", messages=messages, stream=True):
            for choice in chunk.choices:
                texts.append(choice.delta.content or "")
                choice.delta.role, choice.finish_reason
        assert "".join(texts) == wanted
    print("done", flush=True)
""".replace("CUTS_OF(cuts)", "random.randrange(cuts + 1)")


def rows() -> list[Row]:
    target = declared.find("openai-python")
    what = "openai: {} against the SDK's own mock-transport loop"
    try:
        environment = environments.installed(target)
    except MissingError as missing:
        return [Row("P4", what.format("sweep"), None, "x", 0.9, note=str(missing))]
    attempt = InWorker(target, environment)
    command = [sys.executable, "-c", LOOP]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as loop:
        attempt.start()
        spent = _measure(attempt, loop)
        attempt.close()
        loop.stdin.close()
    cost = {name: statistics.median(each) for name, each in spent.items()}
    found = []
    for name, bar in (("sweep", 0.9), ("hypothesis", 0.75)):
        pairs = zip(spent["loop"], spent[name], strict=True)
        ratio = statistics.median(loop / ours for loop, ours in pairs)
        note = f"{cost[name]:.0f} µs an example against {cost['loop']:.0f}"
        found.append(Row("P4", what.format(name), ratio, "x", bar, note=note))
    return found


def _measure(attempt: InWorker, loop: subprocess.Popen[str]) -> dict[str, list[float]]:
    """CPU µs of one example, each way, round by round; the first is thrown away."""
    plans = strategies.plans(STREAM, max_moves=0, max_cuts=CUTS)
    draws = Draws(Random(1))

    def tried(plan: Plan) -> None:
        outcome = attempt.attempt(Case(STREAM, plan, "sync"), "memory")
        assert not outcome.verdict.violations, outcome

    def bare() -> None:
        loop.stdin.write(f"{EXAMPLES}\n")
        loop.stdin.flush()
        loop.stdout.readline()

    def sweep() -> None:
        for _ in range(EXAMPLES):
            tried(draws.draw_from(plans))

    def hypothesis() -> None:
        seed(1)(settings(QUIET, max_examples=EXAMPLES)(given(plans)(tried)))()

    loop.stdin.write(json.dumps([BODY.decode(), CUTS]) + "\n")
    loop.stdin.flush()
    loop.stdout.readline()
    worker = attempt._worker._process.pid
    ways: dict[str, tuple[int, Callable[[], None]]] = {
        "loop": (loop.pid, bare),
        "sweep": (worker, sweep),
        "hypothesis": (worker, hypothesis),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, (pid, way) in ways.items():
            began = cpu(pid)
            way()
            if number:
                spent[name].append((cpu(pid) - began) / EXAMPLES * 1e6)
    return spent


if __name__ == "__main__":
    main(rows)
