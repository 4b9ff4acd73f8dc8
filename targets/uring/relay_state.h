// What relay.c (the client's side) and upstream.c (the provider's side) share.
#ifndef RELAY_STATE_H
#define RELAY_STATE_H

#include "http.h"
#include "payload.h"
#include "ring.h"
#include "sse.h"
#include "text.h"
#include "tls.h"

#include <netdb.h>

enum { PIECE = 65536 };

// Back-pressure is the order of things: nothing is read from the provider while something
// waits to be written to the client, so one piece, and what it became, is all that is held.
struct relay {
    struct op watch; // reads the client's socket, to see it leave
    struct op send; // to the client
    struct op connect, upload, receive; // to and from the provider
    int client, upstream; // -1: none
    struct job job;
    struct addrinfo *address; // the one being tried
    struct tls *tls; // NULL: plain
    struct buffer wire; // what the provider is to be sent next
    struct buffer flight; // what it is being sent: the kernel reads it, so it must not grow
    size_t uploaded; // of it
    struct buffer plain; // what TLS made of a piece
    struct buffer out; // what the client is still to be sent
    size_t sent; // of it
    struct http http;
    struct sse sse;
    struct buffer error_body;
    double error_until; // when to stop waiting for it; 0: there is none
    bool requested; // the request is on its way (after the TLS handshake)
    bool streaming; // the client has the head of a stream
    bool finished; // what is in out is the last
    bool ending;
    char dropped[512]; // what the client says was for the web server
    char piece[PIECE];
};

// The relay that an operation is a member of.
#define RELAY(op, member) ((struct relay *)((char *)(op) - offsetof(struct relay, member)))

double seconds_now(void);

// relay.c
void relay_take(struct relay *relay, struct text input); // bytes of the provider's response
void relay_take_close(struct relay *relay, const char *wrong); // its end; NULL, or what went wrong
void relay_refuse(struct relay *relay, int status, struct text message); // before the stream's head
void relay_pump(struct relay *relay); // begin whatever is to be done next
bool relay_free_when_idle(struct relay *relay); // true when it is ending

// upstream.c
void upstream_start(struct relay *relay);
void upstream_pump(struct relay *relay);
void upstream_close(struct relay *relay);

#endif
