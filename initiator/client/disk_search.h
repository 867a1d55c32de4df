/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Searches for the disks that the user named until all have answered or the
 * time to wait is over; then reports which did not answer, where they were
 * searched for, and what else is wrong.
 */
#ifndef INITIATOR_CLIENT_DISK_SEARCH_H
#define INITIATOR_CLIENT_DISK_SEARCH_H

#include "base/loop.h"
#include "initiator/client/client_options.h"
#include "initiator/client/disk_names.h"

/* Its user sets these, and zeroes the rest. */
struct disk_search {
    const char *trying; /* what the user asked for, "mount"; begins messages */
    const struct client_options *options;
    /* Exactly one of them is called, once: `found` when all have answered,
     * `failed` after reporting why they have not.  Each may be NULL. */
    void (*found)(void *arg);
    void (*failed)(void *arg);
    void *arg;

    /* Private. */
    struct aoe_disk *disks[DISK_NAMES_MAX]; /* libaoe's */
    unsigned count, ready;
    bool over; /* found or failed */
    struct loop *loop;
    struct loop_timer timer;
};

/* Opens a disk with options->disk and adds it to the search; `event` must pass
 * its events to disk_search_event. 0, or -errno after reporting what
 * happened. */
int disk_search_open(struct disk_search *s, struct aoe *aoe, uint16_t shelf,
                     uint8_t slot, aoe_event_fn *event, void *arg,
                     struct aoe_disk **out);

/* An event of a disk.  Does nothing once the search is over. */
void disk_search_event(struct disk_search *s, const struct aoe_disk *disk,
                       enum aoe_event event);

/* Gives up once options->wait has passed, counted from now; 0 or -ENOMEM.
 * disk_search_give_up, for programs without a loop, does so at once. */
int disk_search_start(struct disk_search *s, struct loop *loop);
void disk_search_give_up(struct disk_search *s);

/* Ends the search, found or not; its disks stay open. */
void disk_search_stop(struct disk_search *s);

#endif
