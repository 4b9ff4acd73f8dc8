// The provider's side of a relay: connects, sends the request, reads the response.
#include "relay_state.h"
#include "settings.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void connect_on(struct relay *relay, int error); // to its address; *error*: of the one before

void upstream_close(struct relay *relay) {
    if (relay->upstream < 0)
        return;
    shutdown(relay->upstream, SHUT_RDWR); // felt at once, even while the kernel holds the socket
    ring_cancel(&relay->connect);
    ring_cancel(&relay->upload);
    ring_cancel(&relay->receive);
    if (relay->connect.busy || relay->upload.busy || relay->receive.busy)
        return; // whichever ends last closes it
    close(relay->upstream);
    relay->upstream = -1;
}

static void request(struct relay *relay) {
    struct buffer head = {0};
    put_format(&head, "POST %.*s", (int)strcspn(settings.path, "?#"), settings.path);
    while (head.data[head.size - 1] == '/')
        head.size--;
    put_format(&head, "/chat/completions HTTP/1.1\r\nHost: %s\r\n", settings.authority);
    if (*settings.key) {
        put_string(&head, "Authorization: Bearer ");
        put_string(&head, settings.key);
        put_string(&head, "\r\n");
    }
    put_string(&head, "Content-Type: application/json\r\n"
                      "Accept: text/event-stream\r\n"
                      "Accept-Encoding: identity\r\n");
    put(&head, text_from(&relay->job.fields));
    // A connection that may be stale is never used again.
    put_format(&head, "Content-Length: %zu\r\nConnection: close\r\n\r\n", relay->job.body.size);
    put(&head, text_from(&relay->job.body));
    if (relay->tls)
        tls_write(relay->tls, text_from(&head), &relay->wire);
    else
        put(&relay->wire, text_from(&head));
    buffer_free(&head);
    relay->requested = true;
}

static void upload(struct relay *relay) {
    if (relay->uploaded == relay->flight.size) {
        struct buffer sent = relay->flight;
        relay->flight = relay->wire;
        relay->wire = (struct buffer){0};
        relay->uploaded = 0;
        buffer_free(&sent);
    }
    if (relay->uploaded == relay->flight.size)
        return;
    struct io_uring_sqe *entry = ring_entry();
    struct text rest = {relay->flight.data + relay->uploaded, relay->flight.size - relay->uploaded};
    io_uring_prep_send(entry, relay->upstream, rest.at, rest.size, MSG_NOSIGNAL);
    ring_begin(&relay->upload, entry, settings.upstream_seconds);
}

static void upload_done(struct op *op, int result) {
    struct relay *relay = RELAY(op, upload);
    if (relay->finished || relay->ending) {
        upstream_close(relay);
        relay_free_when_idle(relay);
        return;
    }
    // An answer may have come before the connection broke: reading tells.
    relay->uploaded += result > 0 ? (size_t)result : relay->flight.size - relay->uploaded;
    relay_pump(relay);
}

static void take_tls(struct relay *relay, struct text input) {
    relay->plain.size = 0;
    enum tls_result result = tls_take(relay->tls, input, &relay->plain, &relay->wire);
    if (tls_ready(relay->tls) && !relay->requested)
        request(relay);
    relay_take(relay, text_from(&relay->plain));
    if (result != TLS_GOES_ON)
        relay_take_close(relay, result == TLS_BAD ? tls_wrong(relay->tls) : NULL);
}

static void receive_done(struct op *op, int result) {
    struct relay *relay = RELAY(op, receive);
    if (relay->finished || relay->ending) {
        upstream_close(relay);
        relay_free_when_idle(relay);
        return;
    }
    if (result > 0 && relay->tls)
        take_tls(relay, (struct text){relay->piece, (size_t)result});
    else if (result > 0)
        relay_take(relay, (struct text){relay->piece, (size_t)result});
    else if (result == 0)
        relay_take_close(relay, NULL);
    else
        relay_take_close(relay, result == -ECANCELED ? "upstream was silent for too long" : strerror(-result));
    relay_pump(relay);
}

static void connect_done(struct op *op, int result) {
    struct relay *relay = RELAY(op, connect);
    if (relay->finished || relay->ending) {
        upstream_close(relay);
        relay_free_when_idle(relay);
    } else if (result < 0) {
        upstream_close(relay);
        relay->address = relay->address->ai_next;
        connect_on(relay, -result);
    } else {
        if (settings.tls) {
            relay->tls = tls_open();
            take_tls(relay, TEXT("")); // the first step of the handshake
        } else {
            request(relay);
        }
        relay_pump(relay);
    }
}

static void connect_on(struct relay *relay, int error) {
    if (!relay->address) {
        struct buffer message = {0};
        put_format(&message, "upstream cannot be reached: %s", error == ECANCELED ? "timed out" : strerror(error));
        relay_refuse(relay, 502, text_from(&message));
        buffer_free(&message);
        relay_pump(relay);
        return;
    }
    relay->upstream = socket(relay->address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (relay->upstream < 0) {
        error = errno;
        relay->address = NULL; // out of descriptors, most likely
        connect_on(relay, error);
        return;
    }
    setsockopt(relay->upstream, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_connect(entry, relay->upstream, relay->address->ai_addr, relay->address->ai_addrlen);
    ring_begin(&relay->connect, entry, settings.upstream_seconds);
}

// Begin whatever is to be done next. Nothing is read while something waits for the client.
void upstream_pump(struct relay *relay) {
    if (relay->upstream < 0 || relay->finished || relay->connect.busy)
        return;
    if (!relay->upload.busy)
        upload(relay);
    if (!relay->out.size && !relay->receive.busy) {
        double seconds = settings.upstream_seconds, left = relay->error_until - seconds_now();
        if (relay->error_until > 0 && left < seconds)
            seconds = left > 0.001 ? left : 0.001;
        struct io_uring_sqe *entry = ring_entry();
        io_uring_prep_recv(entry, relay->upstream, relay->piece, sizeof relay->piece, 0);
        ring_begin(&relay->receive, entry, seconds);
    }
}

void upstream_start(struct relay *relay) {
    relay->address = settings.addresses;
    relay->connect.done = connect_done;
    relay->upload.done = upload_done;
    relay->receive.done = receive_done;
    connect_on(relay, 0);
}
