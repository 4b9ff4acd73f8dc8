"""The replay server, asked over real sockets by a client that is not ours: http.client."""

import contextlib
import functools
import http.client
import socket
import threading
import time
from urllib.parse import unquote, urlsplit

import pytest
import trio

from replayfuzz import serve
from replayfuzz.errors import ListenError, ReplayfuzzError
from replayfuzz.serve import Offers, ReplayServer, Ticket, listen
from replayfuzz.wire import Close, Script, Send, Wait

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
TWO = Script((Send(HEAD + b"ab"), Send(b"cd"), Close("keep")))
OPEN = Script((Send(HEAD + b"ab"), Close("open")))


def connect(url):
    parts = urlsplit(url)
    if parts.scheme == "http+unix":
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(unquote(parts.netloc))
        return sock
    return socket.create_connection((parts.hostname, parts.port))


def post(sock, url, body=b"{}", more=""):
    """Send a request; return it."""
    path = urlsplit(url).path
    head = f"POST {path}/v1 HTTP/1.1\r\nHost: x\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    raw = head.encode() + body
    sock.sendall(raw)
    return raw


def receive(sock, count):
    """What each recv() gives, until *count* bytes are there or the connection ends."""
    parts: list[bytes] = []
    while sum(len(part) for part in parts) < count and (data := sock.recv(65536)):
        parts.append(data)
    return parts


@pytest.fixture
def server():
    with ReplayServer() as running:
        yield running


@pytest.fixture(params=["tcp", "unix"])
def either(request, tmp_path):
    path = str(tmp_path / "s") if request.param == "unix" else None
    with ReplayServer(path=path) as running:
        yield running


def test_a_ticket_tells_how_its_script_was_played(either):
    ticket = either.offer(TWO)
    with connect(ticket.url) as sock:
        raw = post(sock, ticket.url, b'{"stream": true}')
        parts = receive(sock, len(HEAD) + 4)
        delivery = ticket.finish(5)

    assert parts == [HEAD + b"ab", b"cd"]
    assert delivery.over == ("unix" if "unix" in ticket.url else "tcp")
    assert (delivery.segments, delivery.verified) == (2, 2)
    assert (delivery.finished, delivery.stuck, delivery.request) == (True, False, raw)
    assert ticket.requests == 1


def test_a_connection_serves_one_request_after_another(server):
    parts = urlsplit(server.url)
    client = http.client.HTTPConnection(parts.hostname, parts.port)
    with contextlib.closing(client):
        for _ in range(3):
            ticket = server.offer(TWO)
            client.request("POST", urlsplit(ticket.url).path + "/v1?x=1", b"{}")
            sock = client.sock

            assert client.getresponse().read() == b"abcd"
            assert ticket.finish(5).finished
            assert client.sock is sock


def test_pipelined_requests_are_answered_in_order(server):
    tickets = [server.offer(TWO) for _ in range(3)]
    with connect(server.url) as sock:
        for ticket in tickets:
            post(sock, ticket.url)
        parts = receive(sock, 3 * (len(HEAD) + 4))

    assert parts == [HEAD + b"ab", b"cd"] * 3


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        pytest.param("POST /t/nobody HTTP/1.1", b"404 Not Found", id="unknown-token"),
        pytest.param("HEAD /t/{token} HTTP/1.1", b"200 OK", id="head-is-a-probe"),
        pytest.param("nonsense", b"400 Bad Request", id="no-request"),
    ],
)
def test_requests_that_play_nothing_are_answered(server, request_line, status):
    ticket = server.offer(TWO)
    with connect(server.url) as sock:
        sock.sendall(f"{request_line}\r\nHost: x\r\n\r\n".replace("{token}", ticket.token).encode())

        assert sock.recv(9999).startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert ticket.requests == 0


def ask(server, target="/v1/x", body=b"{}"):
    """The answer's first bytes to a request whose target names no script, unless told."""
    with connect(server.url) as sock:
        head = f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        return sock.recv(9999)


def test_a_mark_in_the_request_names_the_script_whatever_follows_it(server):
    first, second = server.offer(TWO), server.offer(TWO)
    body = b'{"prompt": "%sabc123 replayfuzz-user"}' % second.mark.encode()

    assert ask(server, body=body).startswith(b"HTTP/1.1 200 ")
    assert (first.requests, second.requests) == (0, 1)


def test_the_only_script_answers_requests_that_name_none(server):
    ticket = server.offer(TWO)
    seen = [ask(server), ask(server, body=b"replayfuzz-agent/1.0 of somebody else")]

    assert [answer[:13] for answer in seen] == [b"HTTP/1.1 200 "] * 2
    assert ticket.requests == 2
    server.offer(TWO)
    assert ask(server).startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("by", ["target", "mark"])
def test_a_late_request_for_a_withdrawn_script_does_not_take_the_only_one_left(server, by):
    gone, there = server.offer(TWO), server.offer(TWO)
    gone.finish(5)
    late = {"target": f"/t/{gone.token}"} if by == "target" else {"body": gone.mark.encode()}

    assert ask(server, **late).startswith(b"HTTP/1.1 404 ")
    assert there.requests == 0


def test_a_peer_that_leaves_during_a_wait_is_told_with_its_time(either):
    ticket = either.offer(Script((Send(HEAD + b"ab"), Wait(600), Close("keep"))))
    with connect(ticket.url) as sock:
        post(sock, ticket.url)
        receive(sock, len(HEAD) + 2)
        early = ticket.left(0)

    assert (early, ticket.left(10)) == (False, True)
    delivery = ticket.finish(5)
    assert delivery.left is not None
    assert (0 < delivery.left < 10, delivery.finished) == (True, False)


def test_absolute_targets_are_understood(server):
    """RFC 9112 section 3.2.2: a server MUST accept the absolute form."""
    ticket = server.offer(TWO)
    with connect(server.url) as sock:
        sock.sendall(f"GET {ticket.url}/v1 HTTP/1.1\r\nHost: x\r\n\r\n".encode())

        assert b"".join(receive(sock, len(HEAD) + 4)) == HEAD + b"abcd"


def test_a_client_that_expects_continue_gets_it(server):
    ticket = server.offer(TWO)
    with connect(server.url) as sock:
        whole = post(sock, ticket.url, b"", "Expect: 100-continue\r\n").replace(
            b"Length: 0", b"Length: 3"
        )
        assert receive(sock, 1) == [HEAD + b"ab"]  # no body, so nothing to wait for
        receive(sock, 2)
        ticket = server.offer(TWO)
        sock.sendall(whole.replace(b"/v1", b"").replace(b"/t/", b"/t/x"))

        assert receive(sock, 1) == [b"HTTP/1.1 100 Continue\r\n\r\n"]


def test_a_client_that_wants_to_close_is_obeyed(server):
    ticket = server.offer(TWO)
    with connect(server.url) as sock:
        post(sock, ticket.url, more="Connection: close\r\n")

        assert b"".join(receive(sock, 999)) == HEAD + b"abcd"


def test_nobody_asked(server):
    delivery = server.offer(TWO).finish(5)

    assert (delivery.segments, delivery.finished, delivery.request) == (0, False, b"")


def test_a_finished_ticket_is_not_served_any_more(server):
    ticket = server.offer(TWO)
    ticket.finish(5)
    with connect(server.url) as sock:
        post(sock, ticket.url)

        assert receive(sock, 1)[0].startswith(b"HTTP/1.1 404 ")


def test_a_retry_is_played_again_and_counted(server):
    ticket = server.offer(Script((Send(HEAD + b"ab"), Close("fin"))))
    for number in (1, 2):
        with connect(server.url) as sock:
            raw = post(sock, ticket.url, b"%d" % number)
            receive(sock, 999)
    delivery = ticket.finish(5)

    assert (ticket.requests, delivery.request, delivery.finished) == (2, raw, True)


@pytest.mark.parametrize(
    ("script", "finished"),
    [
        pytest.param(OPEN, True, id="open"),
        pytest.param(Script((Send(HEAD + b"ab"), Wait(600), Close("keep"))), False, id="waiting"),
    ],
)
def test_finishing_releases_what_waits(either, script, finished):
    ticket = either.offer(script)
    start = time.monotonic()
    with connect(ticket.url) as sock:
        post(sock, ticket.url)
        receive(sock, len(HEAD) + 2)
        delivery = ticket.finish(30)

        assert sock.recv(9) == b""
    assert (delivery.segments, delivery.verified) == (1, 1)
    assert (delivery.finished, delivery.stuck) == (finished, False)
    assert time.monotonic() - start < 10


def test_finishing_cuts_off_what_nobody_reads(either):
    ticket = either.offer(TWO)
    with connect(ticket.url) as sock:
        post(sock, ticket.url)
        while not ticket.requests:
            time.sleep(0)  # until the request has arrived; nothing else would tell
        delivery = ticket.finish(0.02)

    assert (delivery.segments, delivery.verified, delivery.finished) == (1, 0, False)


def test_a_play_that_reaches_its_open_end_after_finish_is_released_too(server):
    ticket = server.offer(Script((Send(HEAD), Send(b"ab"), Close("open"))))
    with connect(server.url) as sock:
        post(sock, ticket.url)
        while not ticket.requests:
            time.sleep(0)
        found = []
        thread = threading.Thread(target=lambda: found.append(ticket.finish(30)))
        thread.start()
        parts = receive(sock, 999)
        thread.join()

    assert parts == [HEAD, b"ab"]
    assert found[0].finished


def test_many_clients_at_once(server):
    tickets = [server.offer(TWO) for _ in range(16)]
    socks = [connect(server.url) for _ in tickets]
    for sock, ticket in zip(socks, tickets, strict=True):
        post(sock, ticket.url)
    parts = [receive(sock, len(HEAD) + 4) for sock in socks]
    deliveries = [ticket.finish(5) for ticket in tickets]
    for sock in socks:
        sock.close()

    assert parts == [[HEAD + b"ab", b"cd"]] * 16
    assert {delivery.verified for delivery in deliveries} == {2}


def test_leaving_closes_every_connection_at_once():
    with ReplayServer() as server, contextlib.ExitStack() as stack:
        idle = stack.enter_context(connect(server.url))
        ticket = server.offer(Script((Send(HEAD), Wait(600), Close("keep"))))
        waiting = connect(server.url)
        post(waiting, ticket.url)
        receive(waiting, len(HEAD))
        server.__exit__(None, None, None)

        assert (idle.recv(9), waiting.recv(9)) == (b"", b"")
        waiting.close()
        assert not ticket.finish(5).finished
    assert "replay server" not in [thread.name for thread in threading.enumerate()]


def test_what_kills_the_server_is_raised_where_it_is_used(monkeypatch):
    def broken(self, play, request):
        raise RuntimeError("boom")

    monkeypatch.setattr(Ticket, "playing", broken)
    server = ReplayServer().__enter__()
    ticket = server.offer(TWO)
    with connect(server.url) as sock:
        post(sock, ticket.url)
        assert sock.recv(9) == b""
    server._thread.join()

    leave = functools.partial(server.__exit__, None, None, None)
    for use in (lambda: ticket.finish(5), lambda: server.offer(TWO), leave):
        with pytest.raises(ReplayfuzzError, match="boom"):
            use()


def test_a_port_in_use_is_told_with_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=rf"127\.0\.0\.1:{port}.*give port 0"):
            listen(port=port)


@pytest.mark.parametrize(
    ("host", "port"), [("no.such.host.invalid", 0), ("203.0.113.1", 0), ("127.0.0.1", 70000)]
)
def test_an_address_that_is_not_ours_is_told(host, port):
    with pytest.raises(ListenError, match="cannot listen on"):
        listen(host, port)


def test_the_socket_file_is_removed_at_the_end(tmp_path):
    path = tmp_path / "s"
    with ReplayServer(path=str(path)):
        assert path.is_socket()
    assert not path.exists()


def test_a_socket_file_left_by_a_dead_server_is_replaced(tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    with ReplayServer(path=path) as server, connect(server.url):
        pass


def test_a_path_that_cannot_be_listened_on_is_told(tmp_path):
    (tmp_path / "file").write_text("precious")
    with socket.socket(socket.AF_UNIX) as used:
        used.bind(str(tmp_path / "used"))
        used.listen()
        for name, words in [
            ("file", "is no socket"),
            ("used", "in use"),
            ("x" * 120, "107 bytes"),
            ("none/s", "folder that exists"),
        ]:
            with pytest.raises(ListenError, match=words):
                listen(path=str(tmp_path / name))
    assert (tmp_path / "file").read_text() == "precious"


def test_ipv6_urls_have_brackets():
    with ReplayServer("::1") as server, connect(server.url):
        assert server.url.startswith("http://[::1]:")


def test_it_runs_inside_a_trio_program():
    def ask(ticket):
        with connect(ticket.url) as sock:
            post(sock, ticket.url)
            return b"".join(receive(sock, len(HEAD) + 4)), ticket.finish(5)

    async def main():
        listener = listen()
        offers = Offers(listener)
        async with trio.open_nursery() as nursery:
            await nursery.start(serve.serve, listener, offers)
            found = await trio.to_thread.run_sync(ask, offers.add(TWO))
            nursery.cancel_scope.cancel()
        return found

    answer, delivery = trio.run(main)

    assert answer == HEAD + b"abcd"
    assert delivery.finished
