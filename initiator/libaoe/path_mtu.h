/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Path MTU discovery, as RFC 8899 does it for datagrams: how much a frame of a
 * path carries.  What the interface and the target allow is only a ceiling: a
 * switch between them may drop long frames without a word, in one direction or
 * in both.  So a path begins with what every Ethernet carries, and a size above
 * that is used only after a probe of that size came through: a READ of so many
 * sectors with as many sectors of data attached, which targets ignore (AoEr11
 * gives a READ's data no meaning), so that the request is as long as a WRITE's
 * and the response as long as a READ's.
 *
 * Beside each probe goes a short READ of the same place.  Only where that is
 * answered and the probe is not has the length been the reason; a path or a
 * disk that says nothing at all has other troubles.
 *
 * When long frames in use are lost one after the other, the size in use is
 * probed in the same way: if it has become a black hole, the path goes on with
 * short frames at once, and probes longer ones now and then.
 */
#ifndef INITIATOR_LIBAOE_PATH_MTU_H
#define INITIATOR_LIBAOE_PATH_MTU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "wire/aoe.h"
#include "wire/ata.h"

struct path;
struct frame;

enum {
    PATH_MTU_BASE = 2,  /* sectors that an ordinary Ethernet frame carries */
    PATH_MTU_BLOCK = 8, /* sectors of 4 KiB: longer frames carry whole ones */
    PATH_MTU_MAX_PROBES = 6, /* must vanish before their length is to blame */
    PATH_MTU_SILENT = 8,     /* rounds without any response: not now */
    PATH_MTU_SUSPECT = 2,    /* long frames lost in a row: a black hole? */
};
/* PMTU_RAISE_TIMER: after a size failed it is probed again, ever more rarely.
 */
#define PATH_MTU_RAISE_MIN (5 * NS_PER_S)
#define PATH_MTU_RAISE_MAX (60 * NS_PER_S)

/* doc/states.md draws what leads from one to another. */
enum path_mtu_state {
    PATH_MTU_COMPLETE,   /* nothing is probed; below the ceiling a timer runs */
    PATH_MTU_SEARCHING,  /* a size above that in use is probed */
    PATH_MTU_CONFIRMING, /* the size in use is probed: it may be a black hole */
    PATH_MTU_STATES
};

struct path_mtu {
    enum path_mtu_state state;
    unsigned ceiling;      /* sectors that interface and target allow */
    unsigned probed;       /* sectors of the probes under way; 0: none */
    unsigned vanished;     /* probes of this size, while short ones came back */
    unsigned silent;       /* rounds in which neither came back */
    struct frame *probe;   /* the long one, or NULL */
    struct frame *control; /* the short one, or NULL: it was answered */
    uint64_t probe_at;     /* when the next leaves; UINT64_MAX: never */
    uint64_t gap;          /* from a failed size to the next attempt */
    unsigned reported;     /* sectors of the last event; 0: as many as can be */
    unsigned place;        /* which eighth of the disk they read */
    unsigned lost[2];      /* long writes [0] and reads [1] lost in a row */
};

/* Begins to observe the path. */
void path_mtu_init(struct path *p);

/* What the interface and the target allow; more than is in use is probed. */
void path_mtu_limit(struct path *p, unsigned sectors);

/* The path leads to our disk, for the first time or again after an outage:
 * whatever was known about lengths may have changed. */
void path_mtu_search(struct path *p);

/* The target refused a frame of a request: ABRT, or a bad argument.  True: it
 * was a long one and goes again in short pieces, since the target may have
 * started again with a lower limit and its announcement been lost. */
bool path_mtu_refused(struct frame *f);

/* A response to a probe; `a` NULL: an AoE error. */
void path_mtu_probed(struct frame *f, const struct aoe_ata *a);

void path_mtu_tick(struct path *p, uint64_t now);
/* When path_mtu_tick has something to do; UINT64_MAX: never. */
uint64_t path_mtu_next(const struct path *p);

/* Takes back the probes. */
void path_mtu_withdraw(struct path *p);

/* Frames of requests that are longer than the path now carries go by another
 * path or are cut anew. */
void path_mtu_shorten(struct path *p);

#endif
