#include "listen.h"

#include "relay.h"
#include "ring.h"
#include "settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// SCM_MAX_FD is 253: with room for all of them, none can come to us unclosed.
enum { MESSAGE = 1 << 20, DESCRIPTORS = 253 };

struct peer { // a connection on which one message is to come
    struct op receive;
    int socket;
    struct msghdr header;
    struct iovec part;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
    char message[MESSAGE]; // untouched pages cost nothing
};

static int listener;
static struct stat made; // the socket's file
static void accept_next(struct op *op, int result);
static struct op accepting, pause_over;

// Whether somebody listens there: 0, or why connecting failed. Where a daemon was killed, the
// kernel takes some milliseconds to take its ring, and with it its socket, apart.
static int probe(const struct sockaddr_un *address) {
    int error = 0;
    for (int n = 0; n < 50 && error != ECONNREFUSED && error != EACCES; n++) {
        if (n)
            usleep(10000);
        int descriptor = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        error = connect(descriptor, (const struct sockaddr *)address, sizeof *address) ? errno : 0;
        close(descriptor);
    }
    return error;
}

static void make_room(const struct sockaddr_un *address) {
    struct stat found;
    if (lstat(settings.socket, &found))
        return;
    if (!S_ISSOCK(found.st_mode))
        fail("%s is there and is not a socket", settings.socket);
    int error = probe(address);
    if (error == EACCES)
        fail("%s is there and belongs to somebody else", settings.socket);
    if (error != ECONNREFUSED)
        fail("another process listens on %s", settings.socket);
    unlink(settings.socket);
}

static void begin_accept(void) {
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_accept(entry, listener, NULL, NULL, SOCK_CLOEXEC);
    ring_begin(&accepting, entry, 0);
}

static void pause_done(struct op *op, int result) {
    (void)op, (void)result;
    begin_accept();
}

void listen_start(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(settings.socket) >= sizeof address.sun_path)
        fail("%s is too long for the path of a socket", settings.socket);
    strcpy(address.sun_path, settings.socket);
    make_room(&address);
    listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    mode_t before = umask(0777 & ~settings.mode); // nobody else may connect at any time
    int failed = listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address);
    umask(before);
    if (failed || chmod(settings.socket, settings.mode) || stat(settings.socket, &made) || listen(listener, 1024))
        fail("cannot listen on %s: %s", settings.socket, strerror(errno));
    accepting.done = accept_next;
    pause_over.done = pause_done;
    begin_accept();
}

void listen_stop(void) {
    struct stat found;
    if (!lstat(settings.socket, &found) && found.st_dev == made.st_dev && found.st_ino == made.st_ino)
        unlink(settings.socket);
}

// The first descriptor, or -1; the others are closed.
static int take_descriptors(struct msghdr *header) {
    int first = -1;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = 0; at + sizeof(int) <= part->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(part) + at, sizeof descriptor);
            if (first < 0)
                first = descriptor;
            else
                close(descriptor);
        }
    }
    return first;
}

static bool is_client(int descriptor) { // a connected stream socket
    int type = 0, domain = 0;
    socklen_t size = sizeof(int);
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    return !getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) && type == SOCK_STREAM &&
           !getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) &&
           (domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX) &&
           !getpeername(descriptor, (struct sockaddr *)&address, &length);
}

static void message_done(struct op *op, int result) {
    struct peer *peer = (struct peer *)op; // its first member
    int client = result < 0 ? -1 : take_descriptors(&peer->header);
    close(peer->socket);
    if (result < 0) {
        say("no hand-off came: %s", result == -ECANCELED ? "timed out" : strerror(-result));
    } else if (client < 0) {
        if (result) // nothing at all is a look whether somebody listens
            say("a hand-off without a descriptor");
    } else if (!is_client(client)) {
        say("a hand-off with a descriptor that is no connected stream socket");
        close(client);
    } else {
        relay_start(client, (struct text){peer->message, (size_t)result}, !(peer->header.msg_flags & MSG_TRUNC));
    }
    free(peer);
}

static void accept_next(struct op *op, int result) {
    (void)op;
    if (result < 0) { // out of descriptors, most likely: others will close theirs
        static struct __kernel_timespec pause = {.tv_nsec = 100000000};
        say("cannot accept: %s", strerror(-result));
        struct io_uring_sqe *entry = ring_entry();
        io_uring_prep_timeout(entry, &pause, 0, 0);
        ring_begin(&pause_over, entry, 0);
        return;
    }
    struct peer *peer = must(malloc(sizeof *peer));
    peer->receive = (struct op){.done = message_done};
    peer->socket = result;
    peer->part = (struct iovec){peer->message, sizeof peer->message};
    peer->header = (struct msghdr){.msg_iov = &peer->part,
                                   .msg_iovlen = 1,
                                   .msg_control = peer->control,
                                   .msg_controllen = sizeof peer->control};
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_recvmsg(entry, peer->socket, &peer->header, MSG_CMSG_CLOEXEC);
    ring_begin(&peer->receive, entry, settings.payload_seconds);
    begin_accept();
}
