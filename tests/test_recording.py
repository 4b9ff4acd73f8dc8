"""``replayfuzz.recording``: real clients in this process, and what is kept of what they did."""

import asyncio
import gzip
import importlib.util
import logging
import zlib
from pathlib import Path

import pytest
import vcr

import replayfuzz
from replayfuzz import redact, store, wire
from replayfuzz.cassette import Exchange
from replayfuzz.errors import CassetteError, StoreError, UsageError
from replayfuzz.plan import Plan
from replayfuzz.serve import ReplayServer
from tests.recorders import CHUNKS

KEY = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cE1gH3jK5mN7p"
BODY = b"".join(CHUNKS)


def told(body=BODY, *fields, chunks=()):
    return Exchange(
        "told",
        "openai.chat",
        fields=(("Content-Type", "text/event-stream"), *fields),
        body=body,
        framing="chunked",
        chunks=chunks or ((0.0, len(body)),),
        origin=(("kind", "recorded"),),  # so that a compressed body is played as it came
    )


@pytest.fixture
def upstream():
    """Offers an exchange; gives a URL to post to."""
    with ReplayServer() as server:

        def offer(exchange=None):
            ticket = server.offer(wire.render(exchange or told(), Plan()), verify=False)
            return f"{server.url}/t/{ticket.token}/v1/chat/completions?key={KEY}"

        yield offer


def needed(name):
    return pytest.importorskip(name, reason=f"{name} is not installed")


def by_httpx(url, name="httpx"):
    with needed(name).Client(headers={"Authorization": f"Bearer {KEY}"}) as client:
        return client.post(url, json={"stream": True}).content


def by_httpx_async(url, name="httpx"):
    async def main():
        async with (
            needed(name).AsyncClient(headers={"x-api-key": KEY}) as client,
            client.stream("POST", url, json={"stream": True}) as answer,
        ):
            return b"".join([piece async for piece in answer.aiter_raw()])

    return asyncio.run(main())


def by_requests(url):
    requests = needed("requests")
    with requests.post(
        url, json={"stream": True}, headers={"x-api-key": KEY}, stream=True, timeout=20
    ) as answer:
        return b"".join(answer.iter_content(7))


def by_aiohttp(url):
    aiohttp = needed("aiohttp")

    async def main():
        async with (
            aiohttp.ClientSession(headers={"x-api-key": KEY}) as client,
            client.post(url, json={"stream": True}) as answer,
        ):
            return await answer.read()

    return asyncio.run(main())


CLIENTS = {
    "httpx": by_httpx,
    "httpx-async": by_httpx_async,
    "httpx2": lambda url: by_httpx(url, "httpx2"),
    "httpx2-async": lambda url: by_httpx_async(url, "httpx2"),
    "requests": by_requests,
    "aiohttp": by_aiohttp,
}


@pytest.mark.parametrize("name", CLIENTS)
def test_what_a_client_does_becomes_a_cassette(name, upstream, tmp_path):
    if importlib.util.find_spec(name.partition("-")[0]) is None:
        pytest.skip(f"{name} is not installed")
    with replayfuzz.recording("hello", folder=tmp_path / "new") as taken:
        assert CLIENTS[name](upstream()) == BODY

    (kept,) = store.load([tmp_path / "new" / "hello.yaml"])
    assert (kept.body, kept.dialect, kept.request.method) == (BODY, "openai.chat", "POST")
    assert b"stream" in kept.request.body
    assert KEY not in taken.path.read_text()
    assert redact.leaks(kept) == []


def test_a_cassette_says_what_it_cannot_know(upstream, tmp_path):
    url = upstream(told(chunks=tuple((0.0, len(chunk)) for chunk in CHUNKS)))
    with replayfuzz.recording("hello", folder=tmp_path) as taken:
        by_requests(url)

    assert taken.cassette is not None
    (kept,) = taken.cassette.exchanges
    origin = dict(kept.origin)
    assert kept.chunks == ((0.0, len(BODY)),)
    assert [origin[key] for key in ("kind", "boundaries", "times", "ending")] == [
        "imported",
        *["unknown"] * 3,
    ]
    assert origin["note"] == taken.limits
    assert "replayfuzz record" in taken.limits
    assert f"VCR.py {vcr.__version__}" in origin["tool"]


def test_flushes_of_gzip_are_boundaries(upstream, tmp_path):
    squeeze = zlib.compressobj(wbits=31)
    body = squeeze.compress(CHUNKS[0]) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    body += squeeze.compress(CHUNKS[3]) + squeeze.flush()
    assert gzip.decompress(body) == CHUNKS[0] + CHUNKS[3]
    with replayfuzz.recording("hello", folder=tmp_path) as taken:
        by_httpx(upstream(told(body, ("Content-Encoding", "gzip"))))

    assert taken.cassette is not None
    (kept,) = taken.cassette.exchanges
    assert [size for _, size in kept.chunks] == [len(CHUNKS[0]), len(CHUNKS[3])]
    assert dict(kept.origin)["boundaries"] == "gzip"


def test_what_was_recorded_before_an_exception_is_kept(upstream, tmp_path):
    def fail():
        with replayfuzz.recording("hello", folder=tmp_path):
            by_requests(upstream())
            raise LookupError("of the user")

    with pytest.raises(LookupError, match="of the user"):
        fail()
    assert [kept.body for kept in store.load([tmp_path])] == [BODY]


def test_several_requests_are_several_exchanges(upstream, tmp_path):
    with replayfuzz.recording("hello", folder=tmp_path):
        for number in range(3):
            by_requests(upstream(told(b"data: %d\n\n" % number)))

    names = {kept.name: kept.body for kept in store.load([tmp_path])}
    assert list(names.values()) == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]
    assert len(names) == 3


def test_a_recording_in_which_nothing_was_seen_is_an_error(tmp_path):
    with (
        pytest.raises(UsageError, match=r"saw no request.*replayfuzz record"),
        replayfuzz.recording("hello", folder=tmp_path),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_recording_is_made_anew_and_nothing_else_is_replaced(upstream, tmp_path):
    for body in (b"data: 1\n\n", b"data: 2\n\n"):
        with replayfuzz.recording("hello", folder=tmp_path):
            by_requests(upstream(told(body)))
    assert [kept.body for kept in store.load([tmp_path])] == [b"data: 2\n\n"]

    path = tmp_path / "hello.yaml"
    path.write_text(path.read_text().replace("recording()", "by hand"))
    before = path.read_bytes()
    with (
        pytest.raises(StoreError, match="not written by recording"),
        replayfuzz.recording("hello", folder=tmp_path),
    ):
        pytest.fail("the block does not begin")
    assert path.read_bytes() == before


def test_a_body_that_cannot_be_kept_is_told_and_the_others_are_kept(upstream, tmp_path):
    bad = told(gzip.compress(BODY)[:-9], ("Content-Encoding", "gzip"))

    def record():
        with replayfuzz.recording("hello", folder=tmp_path):
            by_requests(upstream())
            with needed("httpx").stream("POST", upstream(bad)) as answer:
                assert b"".join(answer.iter_raw()) == bad.body

    with pytest.raises(CassetteError, match="gzip"):
        record()
    assert [kept.body for kept in store.load([tmp_path])] == [BODY]


def test_logs_of_vcr_do_not_tell_secrets(upstream, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    level = logging.getLogger("vcr").level
    with replayfuzz.recording("hello", folder=tmp_path):
        by_requests(upstream())

    assert not [record for record in caplog.records if record.name.startswith("vcr")]
    assert logging.getLogger("vcr").level == level


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0"])
def test_a_name_is_that_of_a_file(name):
    with pytest.raises(UsageError, match="cannot be named"):
        replayfuzz.recording(name)


def test_the_usual_folder_is_cassettes():
    assert replayfuzz.recording("hello").path == Path("cassettes/hello.yaml")
