#include "ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 512, RESULTS = 16384 };

static struct io_uring ring;

int ring_start(void) {
    struct io_uring_params wanted = {.flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE, .cq_entries = RESULTS};
    int error = io_uring_queue_init_params(ENTRIES, &ring, &wanted);
    // Without it, each silent socket would hold a thread of the kernel.
    return error ? error : wanted.features & IORING_FEAT_FAST_POLL ? 0 : -ENOSYS;
}

struct io_uring_sqe *ring_entry(void) {
    // Two, so that a limit fits behind its operation.
    while (io_uring_sq_space_left(&ring) < 2)
        io_uring_submit(&ring);
    return io_uring_get_sqe(&ring);
}

void ring_begin(struct op *op, struct io_uring_sqe *entry, double seconds) {
    io_uring_sqe_set_data(entry, op);
    op->busy = true;
    if (seconds <= 0)
        return;
    static struct __kernel_timespec limit; // copied when it is submitted, which is now
    limit.tv_sec = (long long)seconds;
    limit.tv_nsec = (long long)((seconds - (double)limit.tv_sec) * 1e9);
    entry->flags |= IOSQE_IO_LINK;
    struct io_uring_sqe *timer = io_uring_get_sqe(&ring);
    io_uring_prep_link_timeout(timer, &limit, 0);
    io_uring_sqe_set_data(timer, NULL);
    io_uring_submit(&ring);
}

void ring_cancel(struct op *op) {
    if (!op->busy)
        return;
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_cancel(entry, op, 0);
    io_uring_sqe_set_data(entry, NULL);
}

void ring_run(void) {
    for (;;) {
        int result = io_uring_submit_and_wait(&ring, 1);
        if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) {
            fprintf(stderr, "uring: io_uring_enter: %s\n", strerror(-result));
            exit(1);
        }
        struct io_uring_cqe *done;
        while (io_uring_peek_cqe(&ring, &done) == 0) {
            struct op *op = io_uring_cqe_get_data(done);
            int value = done->res;
            io_uring_cqe_seen(&ring, done);
            if (op) { // timers and cancellations have none
                op->busy = false;
                op->done(op, value);
            }
        }
    }
}
