#include "relay.h"

#include "chat.h"
#include "json.h"
#include "relay_state.h"
#include "response.h"
#include "settings.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ERROR_BODY = 65536, QUOTED = 500 };
static const double ERROR_SECONDS = 5;

double seconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// -- the end -----------------------------------------------------------------------------

bool relay_free_when_idle(struct relay *relay) {
    if (!relay->ending)
        return false;
    if (relay->watch.busy || relay->send.busy || relay->connect.busy || relay->upload.busy || relay->receive.busy)
        return true;
    upstream_close(relay);
    close(relay->client);
    job_free(&relay->job);
    http_free(&relay->http);
    sse_free(&relay->sse);
    tls_close(relay->tls);
    buffer_free(&relay->wire);
    buffer_free(&relay->flight);
    buffer_free(&relay->plain);
    buffer_free(&relay->out);
    buffer_free(&relay->error_body);
    free(relay);
    return true;
}

static void end(struct relay *relay) {
    relay->ending = true;
    shutdown(relay->client, SHUT_RDWR); // a FIN even where somebody else holds the socket too
    ring_cancel(&relay->watch);
    ring_cancel(&relay->send);
    upstream_close(relay);
    relay_free_when_idle(relay);
}

static void finish(struct relay *relay) {
    relay->finished = true;
    upstream_close(relay);
}

void relay_refuse(struct relay *relay, int status, struct text message) {
    put_error_response(&relay->out, status, message);
    finish(relay);
}

// The provider's side is over, whole or not; *why*: "" or what went wrong.
static void ended(struct relay *relay, const char *why) {
    struct buffer message = {0};
    if (relay->error_until > 0) {
        struct text body = text_from(&relay->error_body), status = text_from(&relay->http.status_line);
        struct buffer utf8 = {0};
        put_utf8(&utf8, body);
        if (!json_valid(text_from(&utf8)) || !chat_message(&message, text_from(&utf8))) {
            put_string(&message, "upstream answered ");
            put_utf8(&message, text_trim(status));
            if (utf8.size)
                put_string(&message, ": ");
            put_utf8(&message, (struct text){body.at, body.size < QUOTED ? body.size : QUOTED});
        }
        buffer_free(&utf8);
        int code = relay->http.status;
        relay_refuse(relay, code >= 400 && code < 600 ? code : 502, text_from(&message));
    } else {
        put_string(&message, relay->streaming ? "upstream ended before [DONE]" : "upstream failed");
        if (*why)
            put_format(&message, ": %s", why);
        if (!relay->streaming) {
            relay_refuse(relay, 502, text_from(&message));
        } else {
            chat_error(&relay->out, text_from(&message));
            finish(relay);
        }
    }
    buffer_free(&message);
}

// -- what the provider says ----------------------------------------------------------------

static void take_head(struct relay *relay) {
    if (relay->http.status != 200) {
        relay->error_until = seconds_now() + ERROR_SECONDS;
    } else if (relay->http.coded) {
        relay_refuse(relay, 502, TEXT("upstream sent a content coding that was not asked for"));
    } else {
        put_stream_head(&relay->out, text_from(&relay->job.response_fields));
        relay->streaming = true;
    }
}

static void take_events(struct relay *relay, struct text body) {
    struct text type, data;
    while (!relay->finished) {
        enum sse_result result = sse_next(&relay->sse, &body, &type, &data);
        if (result == SSE_MORE)
            return;
        if (result == SSE_TOO_LARGE) {
            chat_error(&relay->out, TEXT("an event is larger than 8 MiB"));
            finish(relay);
        } else if (chat_event(&relay->out, type, data) != CHAT_GOES_ON) {
            finish(relay);
        }
    }
}

static void take_body(struct relay *relay, struct text body) {
    if (relay->streaming) {
        take_events(relay, body);
        return;
    }
    size_t room = MAX_ERROR_BODY - relay->error_body.size;
    put(&relay->error_body, (struct text){body.at, body.size < room ? body.size : room});
    if (body.size >= room)
        ended(relay, "");
}

void relay_take(struct relay *relay, struct text input) {
    struct text body;
    while (!relay->finished) {
        switch (http_next(&relay->http, &input, &body)) {
        case HTTP_MORE:
            return;
        case HTTP_HEAD:
            take_head(relay);
            break;
        case HTTP_BODY:
            take_body(relay, body);
            break;
        case HTTP_END:
            ended(relay, "");
            break;
        case HTTP_BAD:
            ended(relay, relay->http.wrong);
        }
    }
}

void relay_take_close(struct relay *relay, const char *wrong) {
    if (!relay->finished && !wrong && http_close(&relay->http) == HTTP_BAD)
        wrong = relay->http.wrong;
    if (!relay->finished)
        ended(relay, wrong ? wrong : "");
}

// -- the client's connection -----------------------------------------------------------------

static void watch(struct relay *relay) {
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_recv(entry, relay->client, relay->dropped, sizeof relay->dropped, 0);
    ring_begin(&relay->watch, entry, 0);
}

static void watch_done(struct op *op, int result) {
    struct relay *relay = RELAY(op, watch);
    if (relay_free_when_idle(relay))
        return;
    if (result > 0)
        watch(relay);
    else
        end(relay); // it left
}

static void send_done(struct op *op, int result) {
    struct relay *relay = RELAY(op, send);
    if (relay_free_when_idle(relay))
        return;
    if (result <= 0) {
        end(relay); // it left, or did not read for too long
        return;
    }
    relay->sent += (size_t)result;
    if (relay->sent == relay->out.size) {
        relay->out.size = relay->sent = 0;
        if (relay->out.room > 4 * PIECE)
            buffer_free(&relay->out);
    }
    relay_pump(relay);
}

// Begin whatever is to be done next.
void relay_pump(struct relay *relay) {
    if (relay->ending)
        return;
    if (relay->out.size && !relay->send.busy) {
        struct io_uring_sqe *entry = ring_entry();
        struct text rest = {relay->out.data + relay->sent, relay->out.size - relay->sent};
        io_uring_prep_send(entry, relay->client, rest.at, rest.size, MSG_NOSIGNAL);
        ring_begin(&relay->send, entry, settings.write_seconds);
    } else if (relay->finished && !relay->send.busy) {
        end(relay);
        return;
    }
    upstream_pump(relay);
}

void relay_start(int client, struct text payload, bool whole) {
    struct relay *relay = must(calloc(1, sizeof *relay));
    relay->client = client;
    relay->upstream = -1;
    relay->watch.done = watch_done;
    relay->send.done = send_done;
    // The ring waits for sockets by itself, and takes O_NONBLOCK for a wish not to wait.
    fcntl(client, F_SETFL, fcntl(client, F_GETFL) & ~O_NONBLOCK);
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); // no matter where it fails
    watch(relay);
    const char *wrong = whole ? payload_read(&relay->job, payload) : "the payload is too large";
    if (wrong) {
        relay_refuse(relay, whole ? 400 : 413, text_of(wrong));
        relay_pump(relay);
    } else {
        upstream_start(relay);
    }
}
