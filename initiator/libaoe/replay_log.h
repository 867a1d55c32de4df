/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The memory of the replay log: which sectors were written since the last
 * flush, and with what.  It knows of ranges, numbers of changes and bytes, and
 * of nobody who sends or flushes anything: replay.h does both.
 *
 * Blocks of 4 KiB, found by a hash of their number, in the order of their
 * latest change.  Each sector knows the number of the change that wrote it;
 * what is not newer than what a flush covers is no longer kept.
 */
#ifndef INITIATOR_LIBAOE_REPLAY_LOG_H
#define INITIATOR_LIBAOE_REPLAY_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "initiator/libaoe/transfer.h"

struct replay_log {
    uint64_t capacity;        /* blocks, at most */
    uint64_t count, reserved; /* blocks */
    struct list blocks;       /* the one whose latest change is oldest first */
    struct replay_block **buckets;
    uint64_t mask;
    struct list *at; /* the block to read on with, */
    unsigned sector; /* from this sector on */
};

/* Neighbours of one block, as they are to be written again. */
struct replay_run {
    uint64_t lba;
    unsigned sectors;
    uint8_t *data; /* the log's, until the block is taken out */
};

/* A log of at most `bytes`.  False without memory. */
bool replay_log_init(struct replay_log *l, uint64_t bytes);
void replay_log_fini(struct replay_log *l);

/* Whether a change is so large that it would crowd out all others. */
bool replay_log_too_large(const struct replay_log *l, const struct transfer *t);
/* Sets memory aside for `t`; false: there is none before a flush. */
bool replay_log_reserve(struct replay_log *l, struct transfer *t);
/* Gives that back, used or not; whether there was any. */
bool replay_log_release(struct replay_log *l, struct transfer *t);

/* Keeps what `t` has written as change number `change`.  False without
 * memory. */
bool replay_log_store(struct replay_log *l, const struct transfer *t,
                      uint64_t change);
/* Keeps nothing of its range. */
void replay_log_forget(struct replay_log *l, const struct transfer *t);
/* Changes up to `flushed` are durable. */
void replay_log_trim(struct replay_log *l, uint64_t flushed);
/* It is time for a flush: others would soon have to wait for one. */
bool replay_log_half_full(const struct replay_log *l);

/* Reading all of it that is newer than `flushed`, from the beginning. */
void replay_log_rewind(struct replay_log *l);
bool replay_log_next(struct replay_log *l, uint64_t flushed,
                     struct replay_run *run);
bool replay_log_at_end(const struct replay_log *l);

#endif
