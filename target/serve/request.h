/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A request in progress: its frame, the port it arrived on, the disk it is for,
 * and its entry in that disk's order.
 */
#ifndef TARGET_SERVE_REQUEST_H
#define TARGET_SERVE_REQUEST_H

#include "target/protocol/order.h"
#include "target/protocol/reply_cache.h"
#include "target/protocol/responder.h"
#include "target/serve/state_store.h"
#include "wire/link.h"

struct disk;
struct target_port;

/* Where a request is, once a disk has accepted it. */
enum request_state {
    REQUEST_NEW,      /* not accepted yet */
    REQUEST_WAITS,    /* for earlier ones that overlap it */
    REQUEST_READY,    /* for the next batch */
    REQUEST_AT_STORE, /* its operation runs, or the group commit has it */
    REQUEST_ENDED,
};

struct request {
    enum request_state state;
    struct order_entry order;
    struct disk *disk;
    struct target_port *port; /* owns the request and the frame */
    struct link_frame *frame; /* x.frame is its data */
    uint64_t started_ns;      /* when its disk accepted it */
    uint64_t asked;           /* a flush or durable: of epochs_ask */
    uint64_t losses;          /* a write: of the epochs, when it began */
    uint64_t covers;          /* a flush: epoch of the newest write before it */
    bool cached;              /* a write that need not be durable */
    struct state_save keep;   /* its reply waits until a change is saved */
    struct list link; /* the port's: unused requests, or replies to send */
    struct reply_cache_key key; /* unless it reads; set by the disk */
    struct exchange x;
};

/* A new request in memory that was zeroed once, and that older ones have used,
 * which are in no list any more.  Only what may be read before it is set is
 * cleared, because clearing all of it would be a tenth of what a small
 * processor spends on a read: whoever adds a member decides. */
static inline void request_begin(struct request *r, struct link_frame *f)
{
    r->state = REQUEST_NEW;
    r->frame = f;
    r->cached = false;
    exchange_begin(&r->x, f->data, f->len, f->capacity);
}

#endif
