/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How long a frame can have waited in the queue of a packet socket, mostly
 * without asking the kernel when it came: a time stamp with each frame costs a
 * small processor hundreds of instructions.
 *
 * What is received after the queue was empty came later than that.  Only if it
 * was empty too long ago, because nothing came, because something always does,
 * or because this process did not run, is one frame taken alone and the kernel
 * asked when it came (SIOCGSTAMP).  What was behind it came later.
 *
 * Time stamps are of the realtime clock, which people set.  If it was set, they
 * are not believed until the queue has been empty: until then a frame counts as
 * being as old as it can be.
 *
 * Linux only.
 */
#ifndef WIRE_QUEUE_AGE_H
#define WIRE_QUEUE_AGE_H

#include <stdbool.h>
#include <stdint.h>

/* The requests of ioctl(2) that tell when the frame received last came, in
 * seconds and microseconds: since Linux 5.1 as two int64_t, ever since as two
 * longs.  The first such call makes the kernel note when frames come. */
#define QUEUE_STAMP_NEW _IOR(0x89, 6, int64_t[2])
#define QUEUE_STAMP_OLD 0x8906

/* A clock that goes on while the machine is suspended, ns.  Linux has one since
 * 2.6.39; before, two others serve together. */
struct queue_clock {
    bool lacking;
    int64_t lead;     /* of the realtime clock over the monotonic one */
    uint64_t skipped; /* by the monotonic one */
};

struct queue_age {
    struct queue_clock clock;
    bool stamped;   /* the kernel can tell when a frame came */
    bool alone;     /* the frame that comes next must be asked about */
    bool later;     /* `now` may be long ago */
    uint64_t now;   /* when the clock was read last */
    uint64_t after; /* what is received from now on came later than this */
    int64_t lead;   /* of the realtime clock over ours */
};

/* The socket is new: its queue is empty.  Frames that come before this call
 * count as new for ever. */
void queue_age_begin(struct queue_age *q, int fd);

/* Before a call that receives: how many frames it may bring, of `max`. */
int queue_age_before(struct queue_age *q, int max);
/* After it, and before it may block: it brought `got` of the `wanted` frames,
 * or less than 0 for an error; `empty`: and then found the queue empty. Returns
 * how long they can have waited, ns, or 0: unknown. */
uint64_t queue_age_after(struct queue_age *q, int fd, int got, int wanted,
                         bool empty);

/* ---- the rules, without I/O; times in ns --------------------------------- */

/* The clock, from the two clocks that serve in its place. */
uint64_t queue_clock_of(struct queue_clock *c, uint64_t monotonic,
                        uint64_t real);
/* The queue was empty at `now` or since; `real`: the realtime clock then. */
void queue_age_start(struct queue_age *q, uint64_t now, uint64_t real);
/* What is received at `now` may be so old that it matters. */
bool queue_age_unsure(const struct queue_age *q, uint64_t now);
/* The frame received last has that time stamp; `now` was read before `real`.
 * False: it is not to be believed before the next queue_age_start. */
bool queue_age_stamp(struct queue_age *q, uint64_t now, uint64_t real,
                     uint64_t stamp);

#endif
