/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a new configuration means for each export: computed before anything is
 * touched, so that it can be read, logged and tested by itself.
 */
#ifndef TARGET_SERVE_RELOAD_PLAN_H
#define TARGET_SERVE_RELOAD_PLAN_H

#include "target/config/config.h"

enum plan_action {
    PLAN_OPEN,        /* a disk at an address that none has */
    PLAN_KEEP,        /* continues as it is */
    PLAN_RECONFIGURE, /* reopened, keeping what clients had set */
    PLAN_CLOSE,
};

enum plan_reason {
    PLAN_ADDED,           /* of PLAN_OPEN */
    PLAN_UNCHANGED,       /* of PLAN_KEEP */
    PLAN_CONFIG_CHANGED,  /* of PLAN_RECONFIGURE, and the next two */
    PLAN_STORAGE_CHANGED, /* the same path leads to another file or size */
    PLAN_STILL_CLOSING,   /* its old disk was removed, and has not ended yet */
    PLAN_REMOVED,         /* of PLAN_CLOSE, and the next one */
    PLAN_REPLACED,        /* a new disk will have the address */
};

/* An export as it is now. */
struct plan_export {
    const struct export_config *config;
    bool closing;         /* removed earlier, and still finishing */
    bool storage_changed; /* matters only if its configuration is the same */
};

struct plan_step {
    enum plan_action action;
    enum plan_reason reason;
    unsigned wanted;  /* of the new configuration; not of PLAN_CLOSE */
    unsigned current; /* of what is there now; not of PLAN_OPEN */
};

struct reload_plan {
    struct plan_step *steps; /* owned */
    unsigned count;
};

/* First a step for each export of `wanted`, in its order; then PLAN_CLOSE for
 * each of `current` that is neither kept nor closing, in that order.  0 or
 * -ENOMEM. */
int reload_plan(struct reload_plan *out, const struct plan_export *current,
                unsigned count, const struct config *wanted);
void reload_plan_free(struct reload_plan *p);

/* How many steps have that action and, for PLAN_CLOSE, remove an address. */
unsigned reload_plan_count(const struct reload_plan *p,
                           enum plan_action action);

/* Words for the log: "keep", "unchanged". */
const char *plan_action_text(enum plan_action action);
const char *plan_reason_text(enum plan_reason reason);

#endif
