/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The replay log: what was written since the last flush, to be written again
 * when the target may have lost it (doc/safety.md).
 *
 * A change enters the log when the target has answered the last of it, before
 * its user hears of that.  What was written later to the same sectors replaces
 * what is there, so no two entries overlap and their order does not matter.  A
 * FLUSH takes out what had been answered before it left.
 *
 * Memory is bounded: a change is not sent before there is room for it, and a
 * FLUSH of our own makes room.  One that is too large for the log is flushed
 * before it is reported; if the target is lost in between, it has failed.
 */
#ifndef INITIATOR_REPLAY_H
#define INITIATOR_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "initiator/transfer.h"

struct aoe_disk;
struct replay;

/* A log of at most `bytes`, NULL without memory. */
struct replay *replay_new(struct aoe_disk *d, uint64_t bytes);
void replay_free(struct replay *r);

/* Whether `t`, a change of which nothing was sent yet, may be sent: there is
 * room for it, or it is one that is not kept. */
bool replay_reserve(struct replay *r, struct transfer *t);
/* The target has answered all of `t`, well or not. */
void replay_keep(struct replay *r, struct transfer *t);
/* d->flushed has changed. */
void replay_trim(struct replay *r);

/* Whether there is anything the target might lose. */
bool replay_holds_data(const struct replay *r);
/* A FLUSH of our own, if none is running. */
void replay_flush(struct replay *r);

/* All that is kept has to be written again. */
void replay_begin(struct replay *r);
/* Submits what of it there is room for; to be called when something may be
 * sent. */
void replay_run(struct replay *r);
/* Whether `t` has to wait for the end of that. */
bool replay_blocks(const struct replay *r, const struct transfer *t);
/* Whether `t` is a part of it. */
bool replay_owns(const struct replay *r, const struct transfer *t);

#endif
