/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For the subcommands that send AoE's own commands: the addresses that answer
 * for a disk, and one command to each of them.
 */
#ifndef INITIATOR_AOE_TARGETS_H
#define INITIATOR_AOE_TARGETS_H

#include "initiator/aoe/disk.h"

enum { COMMAND_TARGETS_MAX = 64 };

struct command_targets {
    struct command_target {
        char interface[64]; /* the first that saw it */
        uint8_t mac[6];
    } list[COMMAND_TARGETS_MAX];
    unsigned count;
};

/* Opens the interfaces and finds the addresses that answer for c->name. 0, or
 * the exit status after reporting why. */
int command_targets_find(struct command_disk *c, struct command_targets *t);

/* Sends `control`, whose op and arguments are set, to each target in turn and
 * shows what came back with `show`; `name` is the target where there are
 * several, else NULL.  Says what failed.  The exit status. */
int command_targets_run(
    struct command_disk *c, const struct command_targets *t,
    struct aoe_control *control,
    void (*show)(const char *name,
                 const struct aoe_control_response *response));

/* For `show`: the addresses in the response, one a line. */
void command_targets_macs(const char *name,
                          const struct aoe_control_response *response);

#endif
