/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Frames in flight: one object for each request frame that is on the wire, or
 * about to be, or whose late copies might still be.  Tags lead from a response
 * back to its frame.
 *
 * A tag is 1 (AoEr11 leaves the choice to us; the Linux driver ignores tags
 * with bit 31 set), seven bits of this process, and a counter of 24 bits, so
 * that a tag is not used again for a minute even at 250,000 frames a second.
 */
#ifndef INITIATOR_LIBAOE_FLIGHT_H
#define INITIATOR_LIBAOE_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/list.h"
#include "wire/aoe.h"
#include "wire/ata.h"

struct aoe_disk;
struct path;
struct transfer;

enum {
    FLIGHT_BUCKETS = 1024,
    FLIGHT_SLAB = 64, /* frames allocated together */
};

#define FLIGHT_TAG_MASK UINT32_C(0xff000000)

enum frame_state {
    FRAME_FREE,
    FRAME_GAP,       /* on no wire: a range of its transfer to be cut anew */
    FRAME_QUEUED,    /* in its port's transmit list */
    FRAME_SENT,      /* in its path's list, waiting for the response */
    FRAME_LOST,      /* in its path's list, waiting to be sent again */
    FRAME_TIME_WAIT, /* answered or given up, copies may still arrive */
};

/* Why another copy leaves. */
enum frame_lost {
    LOST_NO_RESPONSE, /* the retransmission time-out passed */
    LOST_OVERTAKEN,   /* one that left later was answered, this is overdue */
    LOST_TAIL,        /* the newest, to learn of the others (RFC 8985's TLP) */
    LOST_OUTAGE,      /* its path was away */
    LOST_HANDED_OVER, /* its path is away, another takes it */
    LOST_ASKED,       /* the target was heard: it can respond now */
    LOST_PROBE,       /* another copy of a probe of the path MTU */
};

struct frame {
    struct list link;        /* in the list that `state` names */
    struct frame *hash_next; /* in the tag table, unless FREE or GAP */
    uint32_t tag;
    enum frame_state state;
    uint8_t opcode;                         /* enum ata_opcode */
    uint8_t aflags, feature, count, device; /* ATA registers of the request */
    uint8_t short_responses;                /* that carried too little data */
    bool probe;    /* of initiator/libaoe/path_mtu.h: a READ that asks about the
                      path */
    bool answered; /* by whatever copy */
    enum frame_lost why; /* LOST, or sent again since */
    unsigned copies;     /* sent so far */
    struct aoe_disk *disk;
    struct path *path;         /* the one it last went, or will go */
    struct transfer *transfer; /* NULL: in time-wait, an IDENTIFY or a probe */
    const struct transfer
        *recut_of; /* TIME_WAIT: it goes on in smaller pieces */
    uint64_t lba;  /* of the range it reads, writes or trims */
    uint32_t sectors;
    const struct iovec *iov; /* the range's bytes start in iov[0], */
    size_t skip;             /* this far in */
    uint64_t sent;           /* when the latest copy left, ns */
    uint64_t wait_until;     /* TIME_WAIT: when no copy can arrive any more */
};

struct flight {
    struct frame *buckets[FLIGHT_BUCKETS];
    struct list free;
    struct frame_slab *slabs;
    uint32_t prefix;  /* the upper eight bits of every tag */
    uint32_t counter; /* of the lower 24 */
};

/* `seed` makes the process's own bits and the first counter. */
void flight_init(struct flight *fl, uint32_t prefix, uint32_t seed);
void flight_fini(struct flight *fl);

/* A tag that no frame in the table has. */
uint32_t flight_tag(struct flight *fl);

/* A zeroed frame, or NULL without memory.  With `tagged` it has a fresh tag and
 * flight_find finds it. */
struct frame *flight_get(struct flight *fl, bool tagged);

/* Takes a frame out of whatever list it is in and out of the table. */
void flight_put(struct flight *fl, struct frame *f);

struct frame *flight_find(struct flight *fl, uint32_t tag);

static inline bool frame_reads(const struct frame *f)
{
    return f->opcode == ATA_READ_SECTORS || f->opcode == ATA_READ_SECTORS_EXT;
}

/* Frames that change the disk: a late copy of one must not land on anything
 * newer. */
static inline bool frame_changes(const struct frame *f)
{
    return f->opcode == ATA_WRITE_SECTORS ||
           f->opcode == ATA_WRITE_SECTORS_EXT ||
           f->opcode == ATA_DATA_SET_MANAGEMENT;
}

/* A read or write takes as long as the wire and the disk do.  Other commands
 * take their own time, which says nothing about either. */
static inline bool frame_timed(const struct frame *f)
{
    return !f->probe && (frame_reads(f) || f->opcode == ATA_WRITE_SECTORS ||
                         f->opcode == ATA_WRITE_SECTORS_EXT);
}

#endif
