"""Reports are texts: each is read back by what reads such texts."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from replayfuzz.plan import Cut, End, Head, Plan, Slice
from replayfuzz.report import FORMATS, block, human, repro, summary, wire_txt
from replayfuzz.report.html import html
from replayfuzz.report.marks import marked, some, spell
from replayfuzz.report.wire_txt import folded
from replayfuzz.run import Run
from replayfuzz.wire import bend, over, render
from tests.findings import BODY, EXCHANGE, FINDING, MILD, ODD, RUN, SPLIT


def test_a_finding_block_tells_everything_at_once():
    text = block(FINDING, "findings/x")

    assert text.splitlines()[0] == "openai-python 1.16.1 [sync, async]: FAILED content-equal"
    for part in (
        *(FINDING.requirement, FINDING.source, FINDING.expected, FINDING.observed),
        *FINDING.clauses,
        *("split inside U+00E9", r"data: caf\xc3|\xa9\n\n", r"data: [DONE]\n\n"),
        *("2 events", "27 bytes", "2 of 2 boundaries verified", "replayfuzz replay findings/x"),
    ):
        assert part in text


@pytest.mark.parametrize("form", [human, FORMATS["tap"]], ids=["human", "tap"])
@pytest.mark.parametrize("finding", [FINDING, ODD, MILD], ids=lambda finding: finding.invariant)
def test_text_for_people_has_no_control_codes(form, finding):
    text = form(replace(RUN, findings=(finding,)))

    assert all(line.isprintable() for line in text.split("\n"))


def test_the_summary_names_skips_deviations_and_silence():
    text = summary(RUN)

    assert "ollama-python: skipped: ollama is not installed; pip install ollama" in text
    assert "[default]: usage-equal on plain\n    bend     as recorded" in text
    assert "accepted: why" in text
    assert "no stream had a tool call" in text
    assert text.endswith("3 findings, 2 failed; seed 7\n")


def test_an_empty_run_is_a_report_too():
    assert "0 findings" in human(Run())
    for form in FORMATS.values():
        assert form(Run()).endswith("\n")


@pytest.mark.parametrize(
    ("edits", "lines"),
    [
        pytest.param(SPLIT.edits, [r"data: caf\xc3|\xa9\n\n", r"data: [DONE]\n\n"], id="inside"),
        pytest.param((Cut(13),), [r"data: caf\xc3\xa9\n\n", r"|data: [DONE]\n\n"], id="between"),
        pytest.param(
            ODD.plan.edits,
            [r"\xef\xbb\xbf\x7c\\\x1bdata: <0.25 s>|caf\xc3\xa9\n\n",
             "<after 19 bytes: the connection is reset (RST)>"],
            id="pause-and-reset",
        ),
    ],
)  # fmt: skip
def test_bytes_are_one_line_an_event_with_marks(edits, lines):
    assert list(marked(bend(EXCHANGE, Plan(edits, keep_chunks=False)))) == lines


def test_spelled_bytes_can_be_read_back():
    every = bytes(range(256))

    assert spell(every).encode().decode("unicode_escape").encode("latin-1") == every


def test_long_streams_and_lines_are_cut():
    assert some(map(str, range(99)), 6) == ["0", "1", "2", "… 94 more lines …", "97", "98"]
    long = replace(EXCHANGE, body=b"data: " + b"x" * 9000 + b"\n\n")
    (line,) = marked(bend(long, Plan((Slice(0, 5000),), keep_chunks=False)))
    assert len(line) < 500
    assert re.search(r"x\|x.*…", line)


def test_wire_txt_shows_frames_with_their_boundaries():
    edits = (Cut(0, "head"), Cut(10, "tcp"), Cut(13), End(20, "fin", in_chunk=True))
    plan = Plan(edits, Head(pad=3), keep_chunks=False)
    text = wire_txt(replace(FINDING, exchange=over(EXCHANGE, "h2"), plan=plan))
    shown = text[text.index("-> HEADERS") :].split("\n")

    assert shown == [
        *("-> HEADERS", "   :status: 200", "   content-type: text/event-stream", ""),
        *("+> DATA, 13 bytes, PADDED with 3", "-- a new segment after 4 bytes of the frame"),
        "00000000  64 61 74 61 3a 20 63 61  66 c3                    data: caf.",
        "-- a new segment",
        "0000000a  a9 0a 0a                                          ...",
        *("", "-> DATA, 7 bytes, PADDED with 3"),
        "0000000d  64 61 74 61 3a 20 5b                              data: [",
        *("", "+> DATA, 7 bytes, PADDED with 3"),
        *("   of this frame only the first 10 bytes are sent", ""),
        *("xx close the connection (FIN)", ""),
    ]


@pytest.mark.parametrize(
    ("how", "lines"),
    [
        ("goaway", ["-> GOAWAY, error code 2", "", "xx close the connection (FIN)"]),
        ("rst-stream", ["-> RST_STREAM, error code 2", ""]),
        ("short", ["-> DATA, 0 bytes, END_STREAM", ""]),
    ],
)
def test_wire_txt_names_the_frame_that_ends_a_stream(how, lines):
    finding = replace(FINDING, exchange=over(EXCHANGE, "h2"), plan=Plan((End(9, how),)))

    assert "\n".join(lines) in wire_txt(finding)


def test_json_has_the_keys_of_version_1():
    value = json.loads(FORMATS["json"](RUN))

    assert {"version", "seed", "targets", "findings", "never_exercised"} <= value.keys()
    assert {"name", "version", "variants", "examples", "seconds", "deviations"} <= value["targets"][
        0
    ].keys()
    first = next(item for item in value["findings"] if item["id"] == FINDING.id)
    assert {
        *("id", "target", "version", "variant", "invariant", "class", "kinds", "edits"),
        *("events", "body_bytes", "flaky", "folder"),
    } <= first.keys()
    assert first["folder"].startswith("findings/")


def test_tap_counts_its_points_and_marks_what_does_not_count():
    lines = FORMATS["tap"](RUN).splitlines()
    points = [line for line in lines if re.match(r"(not )?ok ", line)]

    assert lines[0] == "TAP version 14"
    assert lines[1] == f"1..{len(points)}"
    assert [int(point.removeprefix("not ").split()[1]) for point in points] == list(
        range(1, len(points) + 1)
    )
    assert sum(point.startswith("not ok") and "# TODO" not in point for point in points) == 2
    assert "known \\# upstream" in next(point for point in points if "# TODO" in point)
    assert any("# SKIP" in point for point in points)
    assert lines.count("  ---") == lines.count("  ...") == 3


def test_junit_parses_and_counts():
    root = ET.fromstring(FORMATS["junit"](RUN))

    assert [suite.get("name") for suite in root] == [
        *("openai-python 1.16.1", "own <reader>", "reference 0.1", "ollama-python")
    ]
    assert {name: root.get(name) for name in ("tests", "failures", "skipped")} == {
        "tests": "5", "failures": "2", "skipped": "2",
    }  # fmt: skip
    failures = root.findall(".//failure")
    assert FINDING.observed in failures[0].get("message", "")
    assert r"caf\xc3|\xa9" in (failures[0].text or "")


def test_junit_holds_errors_of_ours():
    root = ET.fromstring(FORMATS["junit"](Run(errors=("no \x00 disk",))))

    assert root.get("errors") == "1"
    assert [error.get("message") for error in root.iter("error")] == ["no \ufffd disk"]


def test_wire_txt_holds_every_byte_that_is_sent():
    text = wire_txt(FINDING)
    dumped = "".join(line[10:58] for line in text.splitlines() if re.match(r"[0-9a-f]{8}  ", line))

    assert bytes.fromhex(dumped) == b"".join(render(EXCHANGE, SPLIT).sends)
    assert "reset the connection" in wire_txt(ODD)
    assert ".. wait 0.25 s" in wire_txt(ODD)
    assert BODY[:4] == b"data"


@pytest.mark.parametrize("size", [0, 1, 16, 17, 32, 33, 48, 49, 64, 1000, 4096])
@pytest.mark.parametrize("unit", [b"x", b"0123456789abcdef", b"abc"])
def test_a_dump_leaves_out_only_lines_that_are_the_same_again(unit, size):
    data = (unit * size)[:size]
    rows = list(folded(data, 0x100))
    shown = {int(row[:8], 16) - 0x100: bytes.fromhex(row[10:58]) for row in rows if row != "*"}

    again = b""
    for start in range(0, size, 16):
        again = shown.get(start, again)
        assert data[start : start + 16] == again
    assert (size - 1) // 16 * 16 in shown or not size
    assert len(rows) <= (4 if unit != b"abc" else len(rows))


def test_html_is_one_page_with_everything_escaped():
    page = html(RUN)

    assert "own &lt;reader&gt;" in page
    assert "<reader>" not in page
    assert "{{ seed }}" in page  # data is not a template
    assert not re.search(r"(src|href)=", page)
    assert "no stream had a tool call" in page
    assert "None." in html(Run())


@pytest.mark.parametrize("form", [*FORMATS.values(), html, lambda run: repro(run.findings[0])])
def test_every_report_says_why_the_bend_is_to_be_coped_with(form):
    assert FINDING.clauses[0] in form(RUN)


@pytest.mark.parametrize("form", [*FORMATS.values(), html])
def test_every_report_names_the_causes_that_are_known(form):
    text = form(RUN)

    assert re.search(r"an\s+id\s+with\s+U\+0000\s+is\s+taken|nul-id", text)
    assert re.search(r"of (<|&lt;|\\u003c)another(>|&gt;|\\u003e)\s+version", text)


def test_a_bend_in_many_places_is_told_once():
    many = tuple(Cut(at, kind="rewrite", label="CRLF line ends") for at in range(4))
    finding = replace(FINDING, plan=Plan((*many, Slice(0, 1, label="byte by byte"))))

    assert finding.words == ("CRLF line ends (4 places)", "byte by byte")
    assert "CRLF line ends (4 places); byte by byte" in block(finding)
