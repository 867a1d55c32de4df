/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A path is one way to a disk: a local interface and a target address.  It
 * knows how long responses take (RFC 6298), how many frames may be on the way
 * (slow start, additive increase, halved on loss) and which of them are lost: a
 * frame is lost when one that left later was answered and its own response is
 * overdue (as RFC 8985 does it for TCP), or when the retransmission time-out
 * passed.  When nothing is answered for two round trips, the newest frame is
 * sent once more: its response tells what became of the others.
 *
 * A path sends nothing itself.  Its owner takes frames from `lost` and from
 * its requests while path_window_open allows, and tells the path what left and
 * what was answered.
 */
#ifndef INITIATOR_LIBAOE_PATH_H
#define INITIATOR_LIBAOE_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/list.h"
#include "initiator/libaoe/flight.h"
#include "initiator/libaoe/path_mtu.h"
#include "wire/aoe.h"

#define PATH_RTO_INITIAL (200 * NS_PER_MS)
#define PATH_RTO_MIN     (10 * NS_PER_MS)
#define PATH_RTO_MAX     (5 * NS_PER_S)
/* For commands that say nothing about the wire: FLUSH, TRIM. */
#define PATH_RTO_SLOW NS_PER_S
/* The tail probe comes no sooner: a disk may well take so long. */
#define PATH_PROBE_MIN NS_PER_MS
/* How soon a target that refused to IDENTIFY is asked again. */
#define PATH_ASK_AGAIN NS_PER_S
/* For IDENTIFY to a path that is silent: how soon its return is noticed. */
#define PATH_RTO_PROBE_MAX NS_PER_S

struct aoe_port;

enum path_state {
    PATH_NEW,     /* answered a query; its IDENTIFY is awaited */
    PATH_GOOD,    /* leads to our disk */
    PATH_SILENT,  /* stopped answering: only IDENTIFY goes there, since what
                     comes back might be another disk */
    PATH_REFUSED, /* leads to another disk */
};

enum {
    PATH_WINDOW_UNIT = 256, /* of window and threshold: 1/256 frame */
    PATH_WINDOW_START = 16, /* frames, before anything is known */
    PATH_SILENT_AFTER = 3,  /* time-outs in a row, and */
    PATH_CALM_AFTER = 16,   /* losses that were losses: less patience */
};
#define PATH_SILENT_TIME (300 * NS_PER_MS) /* so long nothing at all */

struct path;

/* What a path reports of the frames of requests that went by it. */
struct path_observer {
    void (*lost)(struct path *p, const struct frame *f);
    void (*answered)(struct path *p, const struct frame *f);
};

struct path {
    struct list link; /* in its disk's paths */
    struct aoe_disk *disk;
    struct aoe_port *port; /* local interface */
    struct aoe_mac mac;    /* of the target */
    enum path_state state;
    struct frame *identify; /* IDENTIFY on its way, or NULL */
    uint64_t ask_at;        /* while there is none and it is not good: when */
    bool member;            /* its IDENTIFY has matched our disk */
    uint32_t asked;         /* tag of its last IDENTIFY, if it went once */
    uint64_t doubted;       /* another disk has answered here: until when
                               our disk's response does not count */

    unsigned buffer_count; /* what the target says it queues */
    unsigned sector_count; /* what the target says a command may carry */
    unsigned sectors;      /* what a frame here carries: 1..255 */
    struct path_mtu mtu;
    const struct path_observer *observer; /* or NULL */

    unsigned limit;        /* max. frames in flight */
    unsigned window;       /* in units: frames that may be in flight */
    unsigned threshold;    /* in units: where slow start ends */
    unsigned in_flight;    /* frames queued or sent, and not lost */
    uint64_t recovery;     /* losses of frames sent before are one event, */
    unsigned event_window; /* the window when it began */
    unsigned event_lost;   /* and how many it took, as far as is known */

    uint64_t srtt, rttvar;    /* ns; srtt 0: not measured */
    unsigned backoff;         /* time-outs in a row */
    unsigned patience;        /* 1..16: how much reordering was seen */
    unsigned calm;            /* losses since it was seen last */
    bool probed;              /* the tail was sent again; no response since */
    uint64_t progress;        /* when a timed frame left or was answered */
    uint64_t newest_answered; /* when the newest answered frame had left */
    uint64_t heard;           /* when the last response came */

    struct list sent; /* FRAME_SENT, timed, the oldest first */
    struct list slow; /* FRAME_SENT of FLUSH, TRIM, IDENTIFY */
    struct list lost; /* FRAME_LOST, to be sent again */
};

/* `why`: for the trace. */
void path_set_state(struct path *p, enum path_state state, const char *why);

void path_init(struct path *p, struct aoe_disk *disk, struct aoe_port *port,
               const struct aoe_mac *mac);

/* The target was heard in some other way: a probe need not wait. */
void path_ask_now(struct path *p);

/* How many frames the target queues; `window` 0: no limit of ours. */
void path_set_limit(struct path *p, unsigned buffer_count, unsigned window);

/* Whether one more frame may be queued for it. */
static inline bool path_window_open(const struct path *p)
{
    return p->in_flight * PATH_WINDOW_UNIT < p->window;
}

/* The smaller, the sooner another frame would be answered. */
uint64_t path_cost(const struct path *p);

/* `f` was queued for this path: it takes a place in the window. */
void path_queued(struct path *p, struct frame *f);
/* A copy of `f` left at `now`. */
void path_sent(struct path *p, struct frame *f, uint64_t now);
/* A response to `f`, queued, sent or lost here, came at `now`; `f` is in none
 * of the path's lists afterwards. */
void path_answered(struct path *p, struct frame *f, uint64_t now);
/* One more response came than was needed: a frame was called lost and was only
 * late. */
void path_spurious(struct path *p);
/* `f` is given up: takes it out of the path's lists. */
void path_forget(struct path *p, struct frame *f);

/* Moves what is lost by `now` to p->lost. */
void path_tick(struct path *p, uint64_t now);
/* When path_tick has something to do next; UINT64_MAX: never. */
uint64_t path_next(const struct path *p);

/* The retransmission time-out now in force, and what it would be had nothing
 * timed out. */
uint64_t path_rto(const struct path *p);
uint64_t path_rto_fresh(const struct path *p);

/* The target's IDENTIFY matched, maybe after silence: what was on the way
 * during an outage is lost, and goes again at once. */
void path_revive(struct path *p, uint64_t now);

#endif
