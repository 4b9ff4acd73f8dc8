"""P13: worker frames against a bare pipe; and what a call of each memory target costs (for P4).

The bare pipe is the same exchange of JSON lines between two processes, with the same adapter,
blocking, without deadlines, checks, values, or standard error. The two pairs of processes take
turns on one core; CPU is that of both sides of a pair, so that waiting counts for nobody.
"""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.table import Row, main
from replayfuzz import declared, environments
from replayfuzz.drive import Worker
from replayfuzz.errors import MissingError
from replayfuzz.target import Target

ROUNDS = 15
FRAMES = 1000
EVENT = '{"type": "text", "choice": 0, "text": "Hello"}'
TARGET = Target("frames", "parser", ("sse",), ("v",), ("x",))
REQUEST = {"dialect": "sse", "variant": "v", "timeout": 1.0, "request": {}, "pieces": ["SGVsbG8="]}

CHUNK = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    b'[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}\n\n'
)

SERVED = f"""
from replayfuzz.worker import serve
def adapter(call):
    for _ in range(5):
        yield {EVENT}
serve(adapter, name="n", version="1", dialects=("sse",), variants=("v",))
"""
BARE = f"""
import base64, json, os, sys, time
def adapter():
    for _ in range(5):
        yield {EVENT}
for line in sys.stdin.buffer:
    request = json.loads(line)
    pieces = [base64.b64decode(piece) for piece in request["pieces"]]
    events, began = [], time.perf_counter()
    for event in adapter():
        event["t"] = round(time.perf_counter() - began, 6)
        events.append(event)
    answer = {{"id": request["id"], "events": events, "end": "complete", "cpu": 0.000045}}
    os.write(1, json.dumps(answer).encode() + b"\\n")
"""
SDK = """
import base64, json, sys, time
import openai
from openai import _base_client as base
httpx = getattr(base, "httpx2", None) or base.httpx

class Pieces(httpx.SyncByteStream):
    def __iter__(self):
        yield from PIECES

PIECES = [base64.b64decode(piece) for piece in json.loads(sys.stdin.readline())]
head = {"Content-Type": "text/event-stream"}
mock = httpx.MockTransport(lambda request: httpx.Response(200, headers=head, stream=Pieces()))
client = openai.OpenAI(api_key="x", max_retries=0, http_client=httpx.Client(transport=mock))
messages = [{"role": "user", "content": "Hello"}]
print("ready", flush=True)
for line in sys.stdin:
    began = time.process_time()
    for _ in range(int(line)):
        for chunk in client.chat.completions.create(model="m", messages=messages, stream=True):
            for choice in chunk.choices:
                choice.delta.content, choice.delta.role, choice.finish_reason
    print((time.process_time() - began) / int(line) * 1e6, flush=True)
"""


def cpu(pid: int) -> float:
    """CPU seconds of this process and of *pid*, to the nanosecond (proc_pid_schedstat)."""
    return (
        sum(
            int(Path(f"/proc/{one}/schedstat").read_text().split()[0]) for one in (pid, os.getpid())
        )
        / 1e9
    )


def framed(worker: Worker) -> tuple[float, float]:
    """CPU and wall microseconds of one call."""
    pid = worker._process.pid
    began, clock = cpu(pid), time.perf_counter()
    for _ in range(FRAMES):
        worker.call(REQUEST, 5.0)
    return (cpu(pid) - began) / FRAMES * 1e6, (time.perf_counter() - clock) / FRAMES * 1e6


def bare(child: subprocess.Popen[bytes]) -> tuple[float, float]:
    """The same for the bare pipe."""
    sender, receiver = child.stdin.fileno(), child.stdout
    began, clock = cpu(child.pid), time.perf_counter()
    for number in range(FRAMES):
        os.write(sender, json.dumps({**REQUEST, "id": number}).encode() + b"\n")
        json.loads(receiver.readline())
    return (cpu(child.pid) - began) / FRAMES * 1e6, (time.perf_counter() - clock) / FRAMES * 1e6


def frames_rows() -> list[Row]:
    """P13 by CPU, and the wall figure beside it."""
    # On one core for both: where the scheduler puts a pair decides more than what it does.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    python = [sys.executable, "-c"]
    frames, pipes = [], []
    with (
        Worker(TARGET, [*python, SERVED]) as worker,
        subprocess.Popen([*python, BARE], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child,
    ):
        worker.start()
        framed(worker), bare(child)  # warm
        for _ in range(ROUNDS):
            pipes.append(bare(child))
            frames.append(framed(worker))
        restarts = worker.restarts
        child.stdin.close()
    ratios = [
        statistics.median(p[i] / f[i] for p, f in zip(pipes, frames, strict=True)) for i in (0, 1)
    ]
    cost = statistics.median(f[0] for f in frames)
    note = f"{cost:.0f} µs CPU a call with 5 events, both sides"
    return [
        Row(
            "P13",
            "worker frames against a bare pipe with the same JSON (CPU)",
            ratios[0],
            "x",
            0.7,
            note=note,
        ),
        Row("P13", "the same, wall", ratios[1], "x"),
        Row("P13", "restarts between examples", restarts, "", 0, at_least=False),
    ]


def sdk_rows() -> list[Row]:
    """The part of P4 that is ours to lose here: a call through a worker, without any search."""
    target = declared.find("openai-python")
    try:
        environment = environments.installed(target)
    except MissingError as missing:
        return [Row("P4", "openai in a worker against its own loop", None, "x", note=str(missing))]
    # 20 events in 50 pieces: the stream that the figures of BENCHMARKS.md are told for.
    body = (
        b"".join(map(CHUNK.__mod__, (b"word %d " % number for number in range(20))))
        + b"data: [DONE]\n\n"
    )
    size = len(body) // 50 + 1
    pieces = [base64.b64encode(body[at : at + size]).decode() for at in range(0, len(body), size)]
    given = {"pieces": pieces, "status": 200, "fields": [["Content-Type", "text/event-stream"]]}
    asked = {**REQUEST, "dialect": "openai.chat", "variant": "sync", **given, "ending": "complete"}
    worker = Worker(target, environment.command(target), variables=environment.variables)
    command = [sys.executable, "-c", SDK]
    loop = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with worker, loop:
        worker.start()
        loop.stdin.write(json.dumps(pieces) + "\n100\n")
        loop.stdin.flush()
        loop.stdout.readline(), loop.stdout.readline()
        spent = []
        for number in range(ROUNDS):
            loop.stdin.write("100\n")
            loop.stdin.flush()
            alone = float(loop.stdout.readline())
            began = cpu(worker._process.pid)
            for _ in range(100):
                worker.call(asked, 30.0)
            if number:
                spent.append((alone, (cpu(worker._process.pid) - began) * 1e4))
        loop.stdin.close()
    ratio = statistics.median(alone / driven for alone, driven in spent)
    cost = statistics.median(driven for _, driven in spent)
    note = f"{cost:.0f} µs CPU a call, both sides, {len(pieces)} pieces"
    return [
        Row(
            "P4",
            "openai in a worker against its own mock-transport loop (no search)",
            ratio,
            "x",
            note=note,
        )
    ]


def rows() -> list[Row]:
    """P13, and what P4 starts from."""
    return [*frames_rows(), *sdk_rows()]


if __name__ == "__main__":
    main(rows)
