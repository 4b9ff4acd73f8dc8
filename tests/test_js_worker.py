"""The worker for JavaScript adapters speaks worker protocol v1 (a real Node, no packages)."""

import base64
import gzip
import http.server
import json
import shutil
import subprocess
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from replayfuzz import declared
from replayfuzz.drive import Asked, Worker
from replayfuzz.errors import StartError
from replayfuzz.target import Target

NODE = shutil.which("node")
pytestmark = [
    pytest.mark.slow,  # Node takes a tenth of a second to start
    pytest.mark.skipif(NODE is None, reason="there is no Node here"),
]

JS = Path(__file__).parent.parent / "targets" / "js" / "worker.mjs"
LINES = Path(__file__).parent / "data" / "lines.mjs"
TARGET = Target("lines", "parser", ("sse",), ("read",), ("node",), source="lines.toml")
BODY = "data: Hé 😀\n\n".encode() * 3
FIELDS = [["Content-Type", "text/event-stream"], ["X-Kind", "é".encode().decode("latin-1")]]


def lines(adapter=LINES, **options):
    return Worker(TARGET, (NODE or "node", str(JS), str(adapter)), **options)


@pytest.fixture(scope="module")
def worker():
    with lines() as started:
        started.start()
        yield started


def cut(body, size):
    return [body[at : at + size] for at in range(0, len(body), size)]


def asked(variant, **also):
    return {"dialect": "sse", "variant": variant, "timeout": 5.0, "request": {"é": 1}, **also}


def remembered(variant, pieces=(), *, whole=True, fields=FIELDS, status=200):
    given = {"pieces": [base64.b64encode(piece).decode() for piece in pieces]}
    ending = "complete" if whole else "incomplete"
    return asked(variant, **given, fields=fields, status=status, ending=ending)


def texts(transcript):
    return [event.get("text") for event in transcript.of("text")]


class Handler(http.server.BaseHTTPRequestHandler):
    """Sends BODY in chunks of 5 bytes; without the last chunk where the path says so."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert (asked, self.headers["Connection"]) == ({"é": 1}, "close")
        self.send_response(200)
        for name, value in (*FIELDS, ("Transfer-Encoding", "chunked")):
            self.send_header(name, value)
        self.end_headers()
        for piece in cut(BODY, 5):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if "whole" in self.path:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def log_message(self, *_):
        """Nothing: tests are quiet."""


@pytest.fixture(scope="module")
def url():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_the_ready_line_tells_what_the_adapter_says(worker):
    ready = worker.start()

    assert (ready.name, ready.version, ready.memory) == ("lines", "1.2", True)
    assert ready.dialects == ("sse",)
    assert ready.variants[:2] == ("read", "fed")


@pytest.mark.parametrize("whole", [True, False])
def test_memory_and_socket_say_the_same(worker, url, whole):
    """The head, the text, characters cut in two, and the error of an incomplete message."""
    place = f"{url}/{'whole' if whole else 'half'}"
    served = worker.call(asked("read", url=place), 10.0)
    given = worker.call(remembered("read", cut(BODY, 5), whole=whole), 10.0)

    assert "".join(texts(given)) == BODY.decode()
    assert "".join(texts(served)) == BODY.decode()
    assert given.of("model") == served.of("model")
    assert given.of("model")[0].get("model") == "200 é".encode().decode("latin-1")
    assert given.end == served.end == ("complete" if whole else "error")
    assert given.error == served.error
    if not whole:
        assert given.error.type == "TypeError"
        assert given.error.message == "terminated <- other side closed"


def test_each_piece_is_a_read_of_its_own(worker):
    pieces = [b"a", b"", b"bc", b"d"]

    assert texts(worker.call(remembered("read", pieces), 10.0)) == ["", "a", "bc", "d"][1:]
    assert texts(worker.call(remembered("fed", pieces), 10.0)) == ["a", "", "bc", "d"]


def test_a_body_may_come_whole_with_the_places_where_reads_end(worker):
    def given(body, cuts):
        coded = base64.b64encode(body).decode()
        return asked("fed", body=coded, cuts=cuts, fields=FIELDS, status=200, ending="complete")

    assert texts(worker.call(given(b"abcd", [1, 3]), 10.0)) == ["a", "bc", "d"]
    assert texts(worker.call(given(b"", []), 10.0)) == []


def swept(worker, variant, cuts, body=b"abcd", **also):
    coded = base64.b64encode(body).decode()
    also = {"body": coded, "sweep": cuts, "fields": FIELDS, "status": 200, **also}
    return worker.sweep(Asked(json.dumps(asked(variant, **also)), 10.0))


@pytest.mark.parametrize("variant", ["fed", "read"])
@pytest.mark.parametrize("ending", ["complete", "incomplete"])
def test_a_body_that_is_cut_in_many_ways_is_answered_where_it_differs(worker, variant, ending):
    cuts = [[], [1], [1, 3], [1], [], [2]]

    found = swept(worker, variant, cuts, ending=ending)

    assert [first for first, _ in found] == [0, 1, 2, 5]
    for first, seen in found:
        pieces = [b"abcd"[a:b] for a, b in pairwise([0, *cuts[first], 4])]
        alone = worker.call(remembered(variant, pieces, whole=ending == "complete"), 10.0)
        assert (seen, seen.cpu) == (alone, None)


def test_a_gzip_coded_body_may_be_cut_in_many_ways(worker):
    fields = [["Content-Encoding", "gzip"]]
    [(_, whole), *_] = swept(worker, "fed", [[], [12]], gzip.compress(BODY), fields=fields)

    assert "".join(texts(whole)) == BODY.decode()


@pytest.mark.parametrize(
    ("variant", "end"), [("fails", "error"), ("said", "truncated"), ("nothing", "error")]
)
def test_calls_of_a_sweep_that_fail_alike_are_told_once(worker, variant, end):
    [(first, seen)] = swept(worker, variant, [[], [1], [2]])

    assert (first, seen) == (0, worker.call(remembered(variant, [b"abcd"]), 10.0))
    assert seen.end == end


@pytest.mark.parametrize("variant", ["rejects", "leaves"])
def test_a_sweep_in_which_the_process_ends_tells_nothing(variant):
    with lines() as worker:
        worker.start()

        assert swept(worker, variant, [[], [1]]) == []
        assert len(swept(worker, "fed", [[], [1]])) == 2


def test_events_before_an_error_are_kept(worker):
    transcript = worker.call(remembered("fed", [b"a", b"b"], whole=False), 10.0)

    assert texts(transcript) == ["a", "b"]
    assert (transcript.end, transcript.error.type) == ("error", "TypeError")
    assert transcript.cpu is not None


@pytest.mark.parametrize("variant", ["read", "fed"])
def test_gzip_is_decoded_as_fetch_does(worker, variant):
    pieces = cut(gzip.compress(BODY), 7)
    fields = [*FIELDS, ["content-encoding", "GZip"]]

    assert "".join(texts(worker.call(remembered("read", pieces, fields=fields), 10.0))) == (
        BODY.decode()
    )
    broken = worker.call(remembered(variant, [b"no gzip"], fields=fields), 10.0)
    assert (broken.end, broken.error.message) == ("error", "terminated <- incorrect header check")


def test_a_status_reaches_the_adapter(worker):
    transcript = worker.call(remembered("read", [b"{}"], status=429), 10.0)

    assert transcript.of("model")[0].get("model").startswith("429 ")


def test_what_a_library_prints_is_not_in_the_protocol(worker):
    transcript = worker.call(remembered("noisy"), 10.0)

    assert (transcript.end, texts(transcript)) == ("complete", ["Hel"])
    assert "a chatty library\nand a rude one\n" in transcript.stderr


def test_lone_surrogates_cross(worker):
    assert texts(worker.call(remembered("surrogate"), 10.0)) == ["\ud83d", "é\u2028"]


def test_an_adapter_may_promise_its_events(worker):
    assert texts(worker.call(remembered("promise"), 10.0)) == ["Hel"]


@pytest.mark.parametrize(
    ("variant", "end", "kind", "message"),
    [
        ("said", "truncated", "Truncated", "half of it"),
        ("fails", "error", "RangeError", "no such line <- the file is short"),
        ("throws", "error", "string", "a string"),
        ("nothing", "error", "TypeError", None),
        ("bigint", "error", "TypeError", "Do not know how to serialize a BigInt"),
    ],
)
def test_what_is_thrown_ends_the_call(worker, variant, end, kind, message):
    transcript = worker.call(remembered(variant), 10.0)

    assert (transcript.end, transcript.error.type) == (end, kind)
    if message is not None:
        assert transcript.error.message == message
    assert worker.restarts == 0


@pytest.mark.parametrize(
    ("variant", "end", "told"),
    [
        ("rejects", "crash", "nobody handles this"),
        ("later", "crash", "nobody catches this"),
        ("leaves", "crash", ""),
        ("busy", "hang", ""),
    ],
)
def test_what_would_end_a_users_process_ends_the_worker(variant, end, told):
    with lines() as worker:
        worker.start()
        transcript = worker.call(remembered(variant), 0.5 if end == "hang" else 10.0)

        assert transcript.end == end
        assert told in transcript.stderr
        assert worker.call(remembered("fed", [b"again"]), 10.0).end == "complete"


def test_requests_that_come_together_are_answered_in_order():
    asked = [{"id": n, **remembered(v, [b"x"])} for n, v in enumerate(["fed", "read"] * 20)]
    text = "".join(json.dumps(each) + "\n" for each in asked)
    done = subprocess.run(
        [NODE or "node", str(JS), str(LINES)],
        input=text.encode(), capture_output=True, check=True, timeout=30,
    )  # fmt: skip
    _, *answers = map(json.loads, done.stdout.splitlines())

    assert [answer["id"] for answer in answers] == list(range(40))
    assert {answer["end"] for answer in answers} == {"complete"}


def test_an_error_names_the_frame_of_the_package(tmp_path):
    """The innermost one of the package, not the adapter's, nor that of what the package calls."""
    package = tmp_path / "node_modules" / "@some" / "reader"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "@some/reader", "version": "3.0.1"}')
    code = (
        "exports.read = function outer(text) { return (function parse() { JSON.parse(text) })() }"
    )
    (package / "index.js").write_text(code)
    (tmp_path / "load.mjs").write_text(
        "import {createRequire} from 'node:module'\n"
        "export const require = createRequire(import.meta.url)\n"
        "export const load = (name) => import(name)\n"
    )
    adapter = tmp_path / "own.mjs"
    adapter.write_text(
        "export default {package: '@some/reader', dialects: ['sse'], variants: ['read'],\n"
        "  async open({load}) { const {read} = (await load('@some/reader')).default\n"
        "    return (call) => read(call.variant) }}\n"
    )
    variables = {"REPLAYFUZZ_MODULES": str(tmp_path)}
    with lines(adapter, variables=variables) as worker:
        ready = worker.start()
        transcript = worker.call(asked("read", url="http://127.0.0.1:9"), 10.0)

    assert (ready.name, ready.version, ready.memory) == ("@some/reader", "3.0.1", False)
    assert transcript.error.type == "SyntaxError"
    assert transcript.error.frame == "@some/reader/index:parse"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("export default {package: 'absent', call() {}}", "absent is not installed"),
        ("export default {name: 'x', version: '1'}", "an adapter has 'call'"),
        ("export const call = 1", "an adapter is the default export"),
        ("throw new Error('broken on arrival')", "broken on arrival"),
    ],
)
def test_an_adapter_that_cannot_start_says_why(tmp_path, code, told):
    (tmp_path / "odd.mjs").write_text(code)

    with pytest.raises(StartError, match=told):
        lines(tmp_path / "odd.mjs").start()


NPM = [target for target in declared.all_targets(declared.SHIPPED) if "npm" in target.package]


@pytest.mark.parametrize("target", NPM, ids=lambda target: target.name)
def test_a_shipped_declaration_names_a_shipped_adapter(target):
    """Of its package; the module itself needs no library to be read."""
    node, worker, name = target.command
    file = JS.parent / "adapters" / f"{name}.mjs"
    code = f"import adapter from {json.dumps(file.as_uri())}; console.log(adapter.package)"
    command = (NODE or node, "--input-type=module", "-e", code)
    done = subprocess.run(command, capture_output=True, check=True, timeout=30, text=True)

    assert worker == "{js}/worker.mjs"
    assert done.stdout.strip() == target.package["npm"]


def test_an_adapter_that_is_not_there_is_named():
    with pytest.raises(StartError, match="there is no file nowhere"):
        lines("nowhere").start()
