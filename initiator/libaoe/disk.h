/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A disk: its state, which the files of the disk engine share.  Requests and
 * responses go in, frames and completions come out; there is no socket and no
 * clock, the context feeds it.  Who of these files knows which is in
 * doc/architecture.md.
 */
#ifndef INITIATOR_LIBAOE_DISK_H
#define INITIATOR_LIBAOE_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "initiator/libaoe/aoe.h"
#include "initiator/libaoe/context.h"
#include "initiator/libaoe/time_wait.h"
#include "initiator/libaoe/path.h"
#include "initiator/libaoe/replay.h"
#include "initiator/libaoe/transfer.h"
#include "initiator/libaoe/writer.h"
#include "wire/aoe.h"
#include "wire/ata.h"

/* doc/states.md says what leads from one to another. */
enum disk_state {
    DISK_SEARCHING, /* nothing answered yet */
    DISK_SETTLING,  /* identified; a moment for another disk to object */
    DISK_READY,
    DISK_LOST,     /* silent for too long; fails fast */
    DISK_STALE,    /* another disk answers at the address */
    DISK_CONFLICT, /* before it was ready, two different disks answered */
    DISK_STATES
};

/* An event that waits to be told. */
struct disk_event {
    struct list link; /* in aoe->events */
    struct aoe_disk *disk;
    enum aoe_event event;
};

enum { DISK_EVENTS = AOE_DISK_SETTLED + 1 };

struct aoe_disk {
    struct list link; /* in aoe->disks */
    struct aoe *aoe;
    struct aoe_addr addr;
    char name[AOE_ADDR_TEXT];
    struct aoe_disk_options options;
    aoe_event_fn *event;
    void *event_arg;
    struct disk_event events[DISK_EVENTS];

    enum disk_state state;
    struct aoe_identity identity;
    bool lba48;           /* else 28-bit commands */
    uint8_t flush_opcode; /* 0: the target has none */
    uint16_t trim_blocks; /* most 512-byte blocks of ranges in a TRIM */
    char trouble[480];

    /* Told of each transfer that has ended, before its user is. */
    void (*ended)(struct aoe_disk *d, struct transfer *t);

    struct list paths;  /* of path.link */
    struct list active; /* of transfer.active */
    struct list queue;  /* of transfer.work */
    struct list writes; /* of transfer.range, in order of submission */
    unsigned blocked;   /* transfers with blockers */
    struct time_wait time_wait;

    uint64_t silent;       /* by aoe_awake: since when requests wait and none
                              was answered */
    uint64_t served;       /* likewise, and none of the user's was */
    uint64_t look_at;      /* by aoe_awake: when to look for a request that was
                              left out; see disk_turn */
    uint64_t heard;        /* when it last answered, by any path */
    uint64_t asked;        /* when the first frame since then left */
    uint64_t watched;      /* when restart.c last saw to it that one did */
    uint64_t changed;      /* number of the newest change that is complete */
    uint64_t flushed;      /* of the newest that a FLUSH covers, or of which
                              the user knows that it may be lost */
    uint32_t restarts;     /* how often that may have been lost */
    struct replay *replay; /* or NULL */
    struct writers writers;

    struct ata_vendor vendor; /* as IDENTIFY said it last */
    bool doubted; /* what is flushed or read counts only after a new page */
    uint64_t believe_at;  /* from when on an announcement is a restart */
    unsigned flush_tries; /* FLUSHes in a row that failed and go again, */
    uint64_t flush_at;    /* and when; 0: at once */
    bool refusing;        /* FLUSH was refused the last time */
    uint64_t settled;     /* the epoch of the latest AOE_DISK_SETTLED */

    uint64_t query_at;  /* when to ask the network again */
    uint64_t query_gap; /* and how long to wait after that */
    uint64_t settle_at; /* SETTLING: when it is ready */
    struct aoe_stats stats;
};

/* Timers: time-outs, deadlines, time-wait, queries. */
void disk_tick(struct aoe_disk *d, uint64_t now);
/* When disk_tick has something to do; UINT64_MAX: never. */
uint64_t disk_next(struct aoe_disk *d);

#endif
