"""Findings and runs for tests of what stores and shows them."""

from dataclasses import replace

from replayfuzz.cassette import Exchange
from replayfuzz.finding import Finding
from replayfuzz.plan import Cut, End, Head, Pause, Plan, Splice
from replayfuzz.run import Deviation, Run, TargetRun
from replayfuzz.transcript import Delivery

BODY = "data: caf\u00e9\n\ndata: [DONE]\n\n".encode()
EXCHANGE = Exchange(
    "plain", "openai.chat", fields=(("Content-Type", "text/event-stream"),), body=BODY
)
SPLIT = Plan(
    (Cut(10, kind="cut.utf8", label="split inside U+00E9"),), keep_chunks=False, keep_times=False
)
FINDING = Finding(
    target="openai-python",
    invariant="content-equal",
    outcome="failed",
    expected="text: 'caf\\xe9'",
    observed="text: 'caf'",
    shape="text lost",
    exchange=EXCHANGE,
    plan=SPLIT,
    version="1.16.1",
    python="3.11.4",
    variants=("sync", "async"),
    requirement="The caller receives exactly the text that the provider sent.",
    source="WHATWG HTML 9.2.6",
    clauses=("RFC 9293 section 2.2: a stream of bytes",),
    seed=7,
    calls=140,
    delivery=Delivery("tcp", 2, 2),
    shown_over="tcp",
)
ODD = replace(
    FINDING,
    target="own <reader>",
    causes=("nul-id", "of <another> version"),
    invariant="truncation-surfaced/reset",
    variants=(),
    version="",
    requirement="Nasty: \x1b[31m & <b>\x00\ud800\uffff\r\n</b> # one",
    observed="]]> \x07 {{ seed }}",
    plan=Plan(
        (
            Pause(6, 0.25, kind="time.pause", label="wait 0.25 s"),
            Splice(0, 0, b"\xef\xbb\xbf|\\\x1b", kind="text", label="insert \x1b and BOM"),
            End(13, "reset", kind="end.reset", label="RST inside an event"),
        ),
        Head(framing="content-length"),
        keep_chunks=False,
    ),
    delivery=None,
    shown_over="memory",
    flaky=True,
)
MILD = replace(FINDING, invariant="no-hang", shape="no answer", accepted="known # upstream")
RUN = Run(
    seed=7,
    targets=(
        TargetRun("openai-python", "1.16.1", "3.11.4", ("sync", "async"), 1234, 5.5),
        TargetRun("own <reader>", examples=10, deviations=(
            Deviation("usage-equal", ("default",), "failed", "usage: 3", "usage: none", "plain", "why"),
        )),
        TargetRun("reference", "0.1", examples=99),
        TargetRun("ollama-python", skipped="ollama is not installed; pip install ollama"),
    ),
    findings=(FINDING, ODD, MILD),
    never_exercised=("no stream had a tool call",),
    folders={f"openai-python/{FINDING.id}": f"findings/openai-python/{FINDING.id}"},
)  # fmt: skip
