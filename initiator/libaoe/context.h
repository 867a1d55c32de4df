/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The context: ports (local interfaces), the frames in flight on all of them,
 * and who is interested in what arrives.  What is declared here serves all
 * others: the time, and ways for a frame to leave.
 */
#ifndef INITIATOR_LIBAOE_CONTEXT_H
#define INITIATOR_LIBAOE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/awake.h"
#include "base/clock.h"
#include "base/list.h"
#include "initiator/libaoe/aoe.h"
#include "initiator/libaoe/flight.h"
#include "wire/aoe.h"
#include "wire/link.h"

struct transfer;

/* How often the interfaces are looked at again. */
#define CONTEXT_REFRESH NS_PER_S

struct aoe_port {
    struct link *link;
    struct aoe *aoe;
    struct list tx; /* FRAME_QUEUED, in the order they leave */
    bool stalled;   /* the interface took less than was offered */
};

/* Which calls that open, close or serve something are possible now.  Whoever
 * calls a callback sets it, so that no path leads around it. */
enum aoe_stage {
    AOE_IDLE,    /* all: no call is under way */
    AOE_BUSY,    /* none: in the middle of a list, or of a callback */
    AOE_TELLING, /* aoe_disk_close: an event callback, in no list */
    AOE_CLOSING, /* none, and no command begins: aoe_close */
};

struct aoe {
    enum aoe_stage stage;
    struct aoe_port ports[AOE_INTERFACE_MAX];
    unsigned port_count;
    struct flight flight;
    struct list disks;         /* of aoe_disk.link */
    struct list discoveries;   /* of aoe_discovery.link */
    struct list controls;      /* of control_state.link */
    struct list events;        /* of disk_event.link: to be told */
    struct list done;          /* of transfer.work: to be finished */
    uint64_t now;              /* of the latest call, ns */
    struct awake awake;        /* without the time in which nobody called */
    uint64_t woken;            /* the end of the last such time, of `now` */
    uint64_t refresh_at;       /* when the interfaces are looked at again */
    bool kicked;               /* there may be frames to cut or send */
    bool may_poll;             /* others work while one CPU does nothing else */
    int tag_socket;            /* keeps our tag prefix ours on this host */
    bool tags_shared;          /* all prefixes were taken */
    struct link_filter filter; /* of all ports, but in tests */
    uint64_t (*clock)(void *arg);
    void *clock_arg;
    struct {
        int level; /* 0 without a `line` */
        void (*line)(void *arg, const char *text);
        void *arg;
    } trace; /* trace.h */
};

/* Returns the stage before, which the caller restores. */
static inline enum aoe_stage aoe_enter(struct aoe *aoe, enum aoe_stage stage)
{
    enum aoe_stage before = aoe->stage;

    aoe->stage = stage;
    return before;
}

/* For tests and simulations: a context on links and a clock of the caller's.
 * The links are closed with it. */
int aoe_open_links(struct aoe **out, struct link **links, unsigned count,
                   uint64_t (*clock)(void *arg), void *arg, uint32_t prefix,
                   uint32_t seed);

/* Asks again what time it is. */
uint64_t aoe_now(struct aoe *aoe);
/* The same, less the time in which the process did not run: for deadlines. */
uint64_t aoe_awake(const struct aoe *aoe);

/* Sends one frame at once, without a place in any window.  What the interface
 * does not take is lost, as on any wire. */
void port_send(struct aoe_port *port, const uint8_t *frame, size_t len);

/* Broadcasts a Query Config for `addr`, wildcards allowed, on all ports. */
void aoe_query(struct aoe *aoe, struct aoe_addr addr);

/* Queues a frame for its path's port; it leaves at the end of the service. */
void port_queue(struct aoe_port *port, struct frame *f);

/* The rest of `t` happens from the service loop: t->finish. */
void aoe_finish_later(struct aoe *aoe, struct transfer *t);

#endif
