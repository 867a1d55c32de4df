/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A network in one process: a switch with any number of ports, each a struct
 * link, that loses, duplicates, reorders, delays and cuts frames.  No
 * privileges, no descriptors, no clock: the caller sets the time, and the same
 * seed and the same calls give the same events.
 */
#ifndef TESTS_LIB_LINK_PAIR_H
#define TESTS_LIB_LINK_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/link.h"

struct wire;

#define WIRE_NEVER UINT64_MAX

/* What may happen to a frame in one direction of a port.  All zero: nothing. */
struct wire_faults {
    /* Chances in a million. */
    uint32_t loss;
    uint32_t corrupt; /* damaged: dropped by whoever verifies its checksum */
    uint32_t duplicate;
    uint32_t reorder;  /* held back, so that later frames overtake it */
    uint32_t truncate; /* cut somewhere after the Ethernet header */
    /* Every frame takes delay_ns and up to jitter_ns more, in order; one that
     * is reordered, and the second of a duplicate, up to hold_ns more. */
    uint64_t delay_ns, jitter_ns, hold_ns;
    /* Transmission time per byte; the next frame waits for it. */
    uint64_t byte_ns;
    uint32_t frame_max; /* longer frames vanish silently; 0: no limit */
};

/* From the port's owner to the switch, or from the switch to the owner. */
enum wire_way { WIRE_TX, WIRE_RX };

enum wire_event {
    WIRE_SENT,       /* the owner handed it to link_send */
    WIRE_LOST,       /* by chance */
    WIRE_CORRUPTED,  /* by chance, and therefore dropped */
    WIRE_DUPLICATED, /* by chance */
    WIRE_REORDERED,  /* by chance */
    WIRE_TRUNCATED,  /* by chance */
    WIRE_TOO_LONG,   /* for frame_max or for the receiver's MTU */
    WIRE_UNWANTED,   /* the receiver's filter rejected it */
    WIRE_OVERFLOW,   /* the receiver's queue was full */
    WIRE_UNPLUGGED,  /* the port is down, or there is none with this MAC */
    WIRE_DELIVERED,  /* is in the receiver's queue */
    WIRE_EVENTS
};

const char *wire_event_text(enum wire_event e);

/* NULL: no memory. */
struct wire *wire_new(uint64_t seed);
/* Its ports must have been closed. */
void wire_free(struct wire *w);

/* Plugs in a port.  The link behaves as one from link_open: it applies
 * o->filter, and `name` is its interface.  Its fd is -1: see wire_revents.
 * link_close unplugs it.  0 or -ENOMEM. */
int wire_open(struct link **out, struct wire *w, const char *name,
              const struct aoe_mac *mac, unsigned mtu,
              const struct link_options *o);

/* Moves the clock to `now`, which never goes back, and delivers what is due.
 * Returns the number of frames that reached a queue. */
unsigned wire_advance(struct wire *w, uint64_t now);
/* When the next frame moves, WIRE_NEVER: none is in transit. */
uint64_t wire_next(const struct wire *w);
/* What poll(2) would report for the link's descriptor: POLLIN, POLLOUT, and
 * POLLERR when it went down and link_recv has not said so yet. */
short wire_revents(const struct link *l);

/* ---- things that happen to a port; the link learns of the last three as
 * from a real interface, by link_recv's -ENETDOWN and by link_refresh ---- */
void wire_port_faults(struct link *l, enum wire_way way,
                      const struct wire_faults *f);
/* Capacity of the kernel's queues in frames: received ones (beyond it frames
 * are lost), and sent ones that have not reached the switch (beyond it
 * link_send accepts no more).  0: no limit. */
void wire_port_queues(struct link *l, unsigned rx, unsigned tx);
/* Sets only frame_max of a direction's faults. */
void wire_port_frame_max(struct link *l, enum wire_way way, uint32_t max);
void wire_port_up(struct link *l, bool up);
void wire_port_mtu(struct link *l, unsigned mtu);
void wire_port_mac(struct link *l, const struct aoe_mac *mac);

/* ---- watching ---- */
uint64_t wire_count(const struct wire *w, enum wire_event e);
/* `seen` is called at each event; `port` is the sender's until the frame has
 * passed the switch, then the receiver's; NULL once that was closed. */
void wire_watch(struct wire *w,
                void (*seen)(void *arg, uint64_t now, enum wire_event e,
                             const struct link *port, const uint8_t *frame,
                             size_t len),
                void *arg);

#endif
