// What the command line and the environment ask for.
#ifndef SETTINGS_H
#define SETTINGS_H

#include <netdb.h>
#include <stdbool.h>
#include <sys/types.h>

struct settings {
    const char *socket;
    mode_t mode;
    bool tls;
    char host[256], authority[300]; // of the provider; as the request names it
    const char *path; // of its endpoint, without /chat/completions
    const char *key; // API key; "": none is sent
    struct addrinfo *addresses; // resolved once: getaddrinfo has no place in an event loop
    bool insecure;
    double upstream_seconds; // silence after which the provider is given up
    double write_seconds; // time without progress after which a client is given up
    double payload_seconds; // time that a peer on the Unix socket has for its message
};

extern struct settings settings;

void settings_read(int count, char **arguments); // ends with status 1 and a line where it cannot
void say(const char *format, ...) __attribute__((format(printf, 1, 2))); // a line for people
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn)); // … and exit 1

#endif
