"""Rules that one transcript cannot show: time, incremental delivery, requests."""

import json

import pytest

from replayfuzz.invariants import Sample, find, incremental, request_fidelity, time_rule

KIB, MIB = 262_144, 1_048_576
OURS = (Sample(KIB, 0.00012, 4096), Sample(MIB, 0.0011, 4096))


def samples(small: float, large: float, piece: int = 128) -> tuple[Sample, Sample]:
    """Milliseconds of CPU for 256 KiB and 1 MiB."""
    return Sample(KIB, small / 1000, piece), Sample(MIB, large / 1000, piece)


@pytest.mark.parametrize(
    ("measured", "case"),
    [
        pytest.param(samples(25.7, 105.5) + samples(31.9, 121.0, 4096), "cost", id="httpx-sse-0.4.2"),
        pytest.param(samples(2.57, 10.2) + samples(0.44, 2.1, 4096), None, id="httpx-sse-0.4.3"),
        pytest.param(samples(4.81, 71.2) + samples(1.25, 5.7, 4096), "growth", id="openai-3.3.1"),
        pytest.param(samples(4.62, 72.3) + samples(1.04, 6.8, 4096), "growth", id="openai-3.3.1-helper"),
        pytest.param(samples(3.66, 13.9) + samples(1.57, 5.3, 4096), None, id="openai-3.4.0"),
        pytest.param(samples(3.62, 13.6) + samples(1.47, 6.0, 4096), None, id="openai-3.4.0-helper"),
        pytest.param(samples(2.37, 9.6) + samples(0.5, 1.8, 4096), None, id="ollama"),
        pytest.param(samples(0.9, 4.5) + OURS, None, id="our-own"),
        pytest.param(samples(0.1, 1.6), None, id="too-short-to-tell"),
        pytest.param((), None, id="nothing-measured"),
    ],
)  # fmt: skip
def test_time_of_releases_as_measured(measured, case):
    """Both releases that knownbugs.json calls slow break it; the mended ones do not."""
    found = time_rule(measured, OURS)

    assert (found.case if found else None) == case
    assert case is None or case in find("linear-time").cases


def test_cost_is_not_judged_without_our_own_measurement():
    assert time_rule(samples(31.9, 121.0, 4096)) is None


def test_growth_is_held_against_the_ratio_of_the_sizes():
    """2 times the bytes may take 3 times the CPU."""
    for times, broken in [(2.9, False), (3.2, True)]:
        measured = (Sample(KIB, 0.1, 64), Sample(2 * KIB, 0.1 * times, 64))

        assert (time_rule(measured) is not None) == broken


@pytest.mark.parametrize(
    ("shown", "case"),
    [
        pytest.param([0.01, 1.01, 2.01], None, id="at-once"),
        pytest.param([1.2, 2.2, 2.3], "next", id="one-behind"),
        pytest.param([2.2, 2.2, 2.2], "end", id="all-at-the-end"),
        pytest.param([None, None, None], None, id="not-measured"),
        pytest.param([0.9, 1.9, 2.5], None, id="slow-but-before-the-next"),
    ],
)
def test_each_event_is_visible_before_the_next_is_sent(shown, case):
    found = incremental(shown, [0.0, 1.0, 2.0])

    assert (found.case if found else None) == case


def test_events_sent_together_prove_nothing():
    assert incremental([0.5, 0.5, 0.5], [0.0, 0.0, 0.0]) is None


TOLD = {"model": "m", "messages": [{"role": "user", "content": "\u00e9"}], "stream": True}


def sent(body: bytes | None = None, line: bytes = b"POST /t/1/v1/chat/completions?x=1 HTTP/1.1"):
    body = json.dumps({**TOLD, "temperature": 1}).encode() if body is None else body
    return line + b"\r\nHost: x\r\n\r\n" + body


CHUNKED = b"POST /chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "shape"),
    [
        pytest.param(sent(), None, id="as-told"),
        pytest.param(b"", None, id="memory-delivery"),
        pytest.param(
            CHUNKED + b"3\r\n" + json.dumps(TOLD).encode()[:3] + b"\r\nff;x\r\n"
            + json.dumps(TOLD).encode()[3:].ljust(255) + b"\r\n0\r\n\r\n", None, id="chunked",
        ),
        pytest.param(sent(line=b"GET /chat/completions HTTP/1.1"), "request method changed", id="method"),
        pytest.param(sent(line=b"POST /completions HTTP/1.1"), "request path changed", id="path"),
        pytest.param(sent(b"{}"), "request model changed", id="model"),
        pytest.param(sent(json.dumps({**TOLD, "stream": 1}).encode()), "request stream changed", id="stream"),
        pytest.param(sent(b"nonsense"), "request body changed", id="not-json"),
    ],
)  # fmt: skip
def test_the_provider_receives_what_the_caller_asked(request_bytes, shape):
    found = request_fidelity(TOLD, "/chat/completions", request_bytes)

    assert (found.shape if found else None) == shape


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        pytest.param([{"type": "text", "text": "\u00e9"}], None, id="as-a-block"),
        pytest.param(
            [{"type": "text", "text": "e"}], "request messages changed", id="another-text"
        ),
        pytest.param(
            [{"type": "text", "text": "\u00e9"}] * 2, "request messages changed", id="twice"
        ),
    ],
)
def test_a_text_stands_for_one_block_where_the_api_says_so(content, shape):
    received = sent(
        json.dumps({**TOLD, "messages": [{"role": "user", "content": content}]}).encode()
    )
    found = request_fidelity(TOLD, "/chat/completions", received, shorthand=True)

    assert (found.shape if found else None) == shape
    assert request_fidelity(TOLD, "/chat/completions", received) is not None
