// A streaming daemon on io_uring: clients' sockets in, an LLM provider's stream out to them.
//
// A web server passes a client's socket over a Unix socket (SCM_RIGHTS). The daemon asks the
// provider for a chat completion and writes the whole HTTP response to that socket.
//
//   settings  command line, environment          listen   hand-offs: a payload, a descriptor
//   ring      the event loop                      relay    one hand-off to its last byte
//   upstream  the provider's side of it           http     HTTP/1.1 responses
//   payload   JSON -> the request to make         chat     an event -> what the client is sent
//   sse       server-sent events                  tls      OpenSSL between buffers
//   response  heads of the client's responses
//   json, text                                    JSON without a tree, bytes and UTF-8
//
// Exit status: 0 after SIGTERM or SIGINT, 1 when it cannot start.
#include "listen.h"
#include "ring.h"
#include "settings.h"
#include "tls.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

static struct op signalled;
static struct signalfd_siginfo arrived;

static void stop(struct op *op, int result) {
    (void)op, (void)result;
    listen_stop();
    exit(0);
}

static void await_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    int descriptor = signalfd(-1, &set, SFD_CLOEXEC);
    signalled.done = stop;
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_read(entry, descriptor, &arrived, sizeof arrived, 0);
    ring_begin(&signalled, entry, 0);
}

static void allow_many_descriptors(void) { // a stream takes two, and many shells allow only 1,024
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int count, char **arguments) {
    settings_read(count, arguments);
    int error = ring_start();
    if (error)
        fail("the kernel refuses io_uring (%s): it needs Linux 5.7, /proc/sys/kernel/io_uring_disabled"
             " at 0, and a container that allows it",
             strerror(-error));
    if (settings.tls)
        tls_start();
    allow_many_descriptors();
    await_signals();
    listen_start();
    ring_run();
}
