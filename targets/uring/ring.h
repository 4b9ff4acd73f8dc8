// The event loop: operations that the kernel works on, each with what is called when it is done.
#ifndef RING_H
#define RING_H

#include <liburing.h>
#include <stdbool.h>

struct op {
    void (*done)(struct op *op, int result); // result as of the system call; negative: -errno
    bool busy; // the kernel has it: it must stay where it is
};

int ring_start(void); // 0 or -errno
// The next free entry, to be filled in by io_uring_prep_*; then ring_begin (at once, as both
// entries of an operation with a limit must go to the kernel together).
struct io_uring_sqe *ring_entry(void);
// Begin *op*; after *seconds* (0: never) it ends with -ECANCELED.
void ring_begin(struct op *op, struct io_uring_sqe *entry, double seconds);
void ring_cancel(struct op *op);
void ring_run(void); // until an operation ends the process

#endif
