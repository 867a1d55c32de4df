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
#include "initiator/libaoe/path.h"
#include "initiator/libaoe/replay.h"
#include "initiator/libaoe/time_wait.h"
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

/* The fields of these structures belong to the file that the comment above them
 * names; other files only read them. */

/* transfers.c */
struct disk_transfers {
    struct list active;  /* of transfer.active */
    struct list queue;   /* of transfer.work */
    struct list changes; /* of transfer.range, in order of submission */
    unsigned blocked;    /* transfers with blockers */
    /* Told of each that has ended, before its user is. */
    void (*ended)(struct aoe_disk *d, struct transfer *t);
};

/* silence.c; by aoe_awake */
struct disk_silence {
    uint64_t since;   /* requests wait and none was answered */
    uint64_t served;  /* the same, of the user's own requests */
    uint64_t look_at; /* when to look for a request that was left out; see
                         disk_turn */
};

/* restart.c */
struct disk_restart {
    uint64_t heard;           /* when its last response came, by any path */
    uint64_t asked;           /* when the first frame since then left */
    uint64_t watched;         /* when disk_watch asked it last */
    struct ata_vendor vendor; /* as IDENTIFY said it last */
    uint64_t believe_at;      /* from when on an announcement is a restart */
};

/* loss.c */
struct disk_loss {
    uint64_t changed;  /* number of the newest change that is complete */
    uint64_t flushed;  /* number of the newest change that a FLUSH covers,
                          or that the user knows may be lost */
    uint32_t restarts; /* how often unflushed changes may have been lost */
    bool doubted;      /* until a new page no FLUSH leaves; with a log, nothing
                          counts */
    unsigned flush_tries; /* FLUSHes in a row that failed and go again, */
    uint64_t flush_at;    /* and when; 0: at once */
    bool refusing;        /* FLUSH was refused the last time */
    uint64_t settled;     /* the epoch of the latest AOE_DISK_SETTLED */
};

/* search.c, but for those who want it asked now: disk_query_now */
struct disk_discovery {
    uint64_t query_at;  /* when to ask the network again */
    uint64_t query_gap; /* and how long to wait after that */
};

/* identity.c, but for what vendor words say: restart.c */
struct disk_identity {
    struct aoe_identity shown; /* to the user */
    bool lba48;                /* else 28-bit commands */
    uint8_t flush_opcode;      /* 0: the target has none */
    uint64_t settle_at;        /* SETTLING: when it is ready */
    char trouble[480];         /* two disks, in words */
};

struct aoe_disk {
    struct list link; /* in aoe->disks */
    struct aoe *aoe;
    struct aoe_addr addr;
    char name[AOE_ADDR_TEXT];
    struct aoe_disk_options options;
    aoe_event_fn *event;
    void *event_arg;
    struct disk_event events[DISK_EVENTS];

    enum disk_state state; /* disk_state.c's */
    struct list paths;     /* of path.link */
    struct time_wait time_wait;
    struct replay *replay; /* or NULL */
    struct writers writers;
    struct aoe_stats stats;

    struct disk_transfers transfers;
    struct disk_silence silence;
    struct disk_restart restart;
    struct disk_loss loss;
    struct disk_discovery search;
    struct disk_identity identity;
};

/* Its limits may have changed, or its paths: the network is asked next time. */
static inline void disk_query_now(struct aoe_disk *d)
{
    d->search.query_at = d->aoe->now;
}

/* aoe_disk_close in two steps, for aoe_close.  First all requests end, and new
 * ones are refused; */
void disk_cancel(struct aoe_disk *d);
/* then nobody may use it. */
void disk_free(struct aoe_disk *d);

/* Timers: time-outs, deadlines, time-wait, queries. */
void disk_tick(struct aoe_disk *d, uint64_t now);
/* When disk_tick has something to do; UINT64_MAX: never. */
uint64_t disk_next(struct aoe_disk *d);

#endif
