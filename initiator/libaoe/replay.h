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
 * After a loss the log is stale: no FLUSH leaves before all of it was written
 * again, and it keeps everything until one has succeeded.
 *
 * Memory is bounded: a change is not sent before the log has memory for it, and
 * a FLUSH of our own frees some.  A change that is too large for the log is
 * flushed before it is reported; if the target is lost in between, it has
 * failed.
 */
#ifndef INITIATOR_LIBAOE_REPLAY_H
#define INITIATOR_LIBAOE_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "initiator/libaoe/transfer.h"

struct aoe_disk;
struct replay;

/* A log of at most `bytes`, NULL without memory. */
struct replay *replay_new(struct aoe_disk *d, uint64_t bytes);
void replay_free(struct replay *r);

/* Whether `t`, a change of which nothing was sent yet, may be sent: the log has
 * memory for it, or it is one that is not kept. */
bool replay_reserve(struct replay *r, struct transfer *t);
/* The target has answered all of `t`, well or not. */
void replay_keep(struct replay *r, struct transfer *t);
/* A FLUSH has succeeded; d->loss.flushed says what it covered. */
void replay_flushed(struct replay *r);

/* Whether there is anything the target might lose. */
bool replay_holds_data(const struct replay *r);
/* A FLUSH of our own, if none is running and none has just failed: whether one
 * was begun. */
bool replay_flush(struct replay *r);

/* disk->loss.restarts has grown: what is kept has to be written again, at once
 * or before the next FLUSH. */
void replay_lost(struct replay *r, enum aoe_event cause, bool at_once);
/* Whether that is to happen and has not begun. */
bool replay_pending(const struct replay *r);
/* Whether a change waits for that, which the log cannot take. */
bool replay_wanted(const struct replay *r);
/* Begins to write it again; disk_again has taken everything off the wire. */
void replay_begin(struct replay *r);
/* A flush has failed for good: those that wait fail, too, and everything is
 * kept.  `say`: the user hears of it. */
void replay_give_up(struct replay *r, bool say);
/* Submits as many of its writes as may be under way at once; to be called when
 * something may be sent. */
void replay_run(struct replay *r);
/* Whether `t` has to wait for the end of that. */
bool replay_blocks(const struct replay *r, const struct transfer *t);

#endif
